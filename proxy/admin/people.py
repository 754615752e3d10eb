"""Who is asking: by the token of an API request, or by the cookie of somebody who signed in."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, time

from aiohttp import web

from notation.problems import ConfigError
from proxy.admin import sessions, tokens
from proxy.admin.attempts import Attempts
from proxy.admin.tokens import Admins

# Sessions that were signed out of and are not over yet: more than a day brings. A keeper that is replaced forgets them.
SIGNED_OUT_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody with a token. `session`: of a browser; `form`: what its forms carry."""

    name: str
    session: str = ""
    form: str = ""


WHO: web.RequestKey[Who] = web.RequestKey("who", Who)


@dataclass(frozen=True, slots=True)
class Wrong:
    """Nobody's token. `wait`: seconds after which another is looked at."""

    wait: float = 0.0


class People:
    """The names of `data/admin.json`, read when somebody must be known."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._attempts = Attempts()
        self._signed_out: OrderedDict[str, None] = OrderedDict()

    async def admins(self) -> Admins:
        """Everybody; nobody where the file is broken, which `problem` says."""
        try:
            return await asyncio.to_thread(tokens.read, self._home)
        except ConfigError:
            return {}

    async def problem(self) -> str | None:
        """What is wrong with the file."""
        try:
            await asyncio.to_thread(tokens.read, self._home)
        except ConfigError as error:
            return str(error)
        return None

    async def by_token(self, token: str, address: str) -> Who | Wrong:
        """Whose token it is."""
        if wait := self._attempts.wait(address, monotonic()):
            return Wrong(wait)
        name = tokens.holder(await self.admins(), token)
        if name is None:
            self._attempts.failed(address, monotonic())
            return Wrong()
        return Who(name)

    async def by_bearer(self, request: web.Request) -> Who | Wrong | None:
        """Whose `Authorization: Bearer` it is; None where there is none."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        return await self.by_token(token.strip(), peer(request))

    async def by_cookie(self, request: web.Request) -> Who | None:
        """Who is signed in."""
        session = request.cookies.get(sessions.COOKIE)
        if not session or session in self._signed_out:
            return None
        admins = await self.admins()
        name = sessions.read(session, admins, time())
        return Who(name, session, sessions.form_token(session, admins[name])) if name else None

    async def sign_in(self, token: str, address: str) -> Who | Wrong:
        """A session for whoever has a token."""
        who = await self.by_token(token, address)
        if isinstance(who, Wrong):
            return who
        admins = await self.admins()
        if who.name not in admins:
            return Wrong()
        return Who(who.name, sessions.begin(who.name, admins[who.name], time()))

    def sign_out(self, who: Who) -> None:
        """Its cookie counts no more, whoever has a copy."""
        self._signed_out[who.session] = None
        if len(self._signed_out) > SIGNED_OUT_LIMIT:
            self._signed_out.popitem(last=False)


def peer(request: web.Request) -> str:
    """The address at the other end of the connection."""
    return request.remote or ""
