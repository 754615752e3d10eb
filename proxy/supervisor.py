"""The supervisor: owns the sockets, routes.yaml and the holds; starts the others and replaces them.

Never in a citizen's way.
"""

import asyncio
import contextlib
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import monotonic

from notation.problems import ConfigError, Problem
from proxy import control, holds
from proxy.addresses import Address
from proxy.alone import alone
from proxy.answers import answer
from proxy.certificates import certificate_problems, files_of
from proxy.channel import Whole, whole
from proxy.compiler import Held, SeriesBook, make_generation
from proxy.config import Loaded, load, serving_problems
from proxy.control import Message
from proxy.counters import Counters
from proxy.crew import Crew, NotTaken
from proxy.ends import Files, fronts_of
from proxy.fronts import fronts_now, need_a_start
from proxy.generation import Front
from proxy.holds import Holds
from proxy.keeping import Keeping
from proxy.model import RoutesSpec
from proxy.sockets import listen
from proxy.watching import changes, look


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says above the file."""

    workers: int | None = None
    listen: tuple[Address, ...] = ()
    admin: Address | None = None
    loop: str = "uvloop"
    fast: bool = True


class CannotStart(Exception):
    """The proxy cannot serve at all, and has said why."""


class Supervisor:
    """One a folder; `run` serves until a signal."""

    def __init__(self, config: Path, options: Options, environ: Mapping[str, str]) -> None:
        self.config = config
        self.home = config.parent
        self.options = options
        self.environ = environ
        self.loaded, self.files = self._read()
        self.holds = holds.read(self.home / "data" / "holds.json")
        self.problems: tuple[str, ...] = ()
        self.book = SeriesBook()
        self.began = monotonic()
        self.keeper: Keeping | None = None
        self._held_fronts: tuple[Front, ...] = ()
        self._seen = self._good = look(config, self.loaded.spec)
        self._hang_up = asyncio.Event()
        self._changing = asyncio.Lock()
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Serve. Raises AlreadyRunning, CannotListen."""
        spec = self.loaded.spec
        workers = self.options.workers or spec.workers or os.cpu_count() or 1
        self._allow_descriptors(spec.limits.connections)
        with contextlib.ExitStack() as stack:
            stack.enter_context(alone(self.home))
            self.listeners = [listen(each, workers) for each in self.options.listen or self._addresses(spec)]
            for listener in self.listeners:
                stack.callback(listener.close)
            admin = self.options.admin or spec.admin
            self.admin = listen(admin, 1) if admin else None
            if self.admin:
                stack.callback(self.admin.close)
            self.counters = Counters.create(workers)
            sockets = [each.sockets for each in self.listeners]
            self.crew = Crew(self.counters, sockets, self._whole(1), self._worker_flags(), self.say)
            await self._serve(spec)

    def _worker_flags(self) -> tuple[str, ...]:
        return ("--loop", self.options.loop, *(() if self.options.fast else ("--no-fast-path",)))

    def _allow_descriptors(self, connections: int) -> None:
        """Each connection takes a descriptor; those towards backends are far fewer, and the workers share them."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = connections + 1000
        if hard != resource.RLIM_INFINITY and hard < wanted:
            self.say(
                f"limits.connections: {connections} need {wanted} descriptors, and a process may have {hard}\n"
                f"    raise the limit (ulimit -Hn {wanted}, or LimitNOFILE= in systemd), or lower limits.connections"
            )
        if soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard) if hard > 0 else wanted, hard))

    async def _serve(self, spec: RoutesSpec) -> None:
        loop = asyncio.get_running_loop()
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._hang_up.set)
        self.crew.start()
        await self._first_workers()
        if self._stop.is_set():
            await self.crew.stop(0.0)
            return
        server = await control.listen(self.home, partial(answer, self))
        tasks = [asyncio.create_task(self._watch()), asyncio.create_task(self._reread())]
        if self.admin:
            self.keeper = Keeping(self.home, self.admin, self.say)
            tasks.append(asyncio.create_task(self.keeper.keep()))
        self._greet()
        await self._stop.wait()
        self.say(f"stopping; requests under way have {self.loaded.spec.grace:g} s to finish")
        server.close()
        (self.home / "data" / "control.sock").unlink(missing_ok=True)
        draining = asyncio.create_task(self.crew.stop(self.loaded.spec.grace))
        await asyncio.sleep(0)
        for listener in self.listeners:
            listener.close()
        await draining
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.say("stopped")

    async def _first_workers(self) -> None:
        """Wait until every worker serves, or somebody stops us. Raises CannotStart when they die instead."""
        serving = asyncio.create_task(self.crew.all_at(1))
        stopped = asyncio.create_task(self._stop.wait())
        while not serving.done() and not stopped.done():
            await asyncio.wait((serving, stopped), timeout=0.1, return_when=asyncio.FIRST_COMPLETED)
            if self.crew.deaths > 2 * self.counters.workers:
                await self.crew.stop(0.0)
                raise CannotStart("the workers die as soon as they start\n    what they said last stands above")
        if serving.done() and serving.exception() is not None:
            await self.crew.stop(0.0)
            raise CannotStart(str(serving.exception()))
        for task in (serving, stopped):
            task.cancel()

    def _greet(self) -> None:
        spec = self.loaded.spec
        fronts = self.crew.current.generation.fronts
        where = ", ".join(
            f"{'https' if front.certificates else 'http'}://{listener.address}"
            for listener, front in zip(self.listeners, fronts, strict=True)
        )
        admin = f"; admin http://{self.admin.address}" if self.admin else ""
        self.say(f"serving {where} with {self.counters.workers} workers{admin}")
        for name, slice_spec in spec.slices.items():
            stage = self.held().stage(name, slice_spec)
            self.say(
                f"slice {name}: {stage}"
                + (f" (held; the file says {slice_spec.stage})" if stage != slice_spec.stage else "")
            )

    # The file.

    def _read(self) -> tuple[Loaded, Files]:
        loaded = load(self.config, self.environ)
        files = files_of(loaded.spec, self.home)
        unusable = certificate_problems(loaded.spec, loaded.document, files)
        if problems := (*serving_problems(loaded), *unusable):
            raise ConfigError(problems)
        return loaded, files

    def _whole(self, number: int) -> Whole:
        spec, where = self.loaded.spec, self.loaded.document.where
        generation, claims = make_generation(number, spec, where, self.held(), self.book, self.files)
        generation = replace(generation, fronts=self._fronts(generation.fronts))
        return whole(generation, claims)

    def _fronts(self, asked: tuple[Front, ...]) -> tuple[Front, ...]:
        """How the sockets that are held speak: as the file says now, where it still means the same protocol."""
        if self.options.listen:
            return (Front(),) * len(self.options.listen)
        self._held_fronts = fronts_now(self._held_fronts or asked, asked)
        return self._held_fronts

    def held(self) -> Held:
        """What run-time says above the file."""
        return Held(self.holds.bypass is not None, {name: hold.stage for name, hold in self.holds.by_slice.items()})

    @staticmethod
    def _addresses(spec: RoutesSpec) -> tuple[Address, ...]:
        return tuple(each.address for each in spec.listen)

    async def _publish(self) -> None:
        number = self.crew.current.generation.number + 1
        await self.crew.publish(await asyncio.to_thread(self._whole, number))

    async def reload(self, *, forced: bool = False) -> bool:
        """Take in the file if it is good; if not, what ran before keeps running, and says so."""
        async with self._changing:
            seen = look(self.config, self.loaded.spec)
            if seen == self._seen and not forced:
                return not self.problems
            self._seen = seen
            if seen == self._good and not forced:
                self.problems = ()
                self.say(f"{self.config.name} is again what is served by")
                return True
            try:
                loaded, files = await asyncio.to_thread(self._read)
            except ConfigError as error:
                return self._refused(error.problems)
            except Exception as error:  # whatever it is, it is a file that cannot be taken in
                return self._refused((Problem(None, f"{self.config.name} cannot be read: {error}"),))
            self._mind_the_sockets(loaded.spec, files)
            self.loaded, self.files, self.problems, self._good = loaded, files, (), seen
            try:
                await self._publish()
            except NotTaken as error:
                self.problems = (str(error),)
                self.say(str(error))
                return False
            self.say(f"serving by {self.config.name} as generation {self.crew.current.generation.number}")
            return True

    def _refused(self, problems: tuple[Problem, ...]) -> bool:
        self.problems = tuple(str(problem) for problem in problems)
        self.say(f"{self.config.name} was changed, and is not taken in; what was served before is served on:")
        for problem in self.problems:
            self.say(problem)
        return False

    def _mind_the_sockets(self, spec: RoutesSpec, files: Files) -> None:
        if self.options.listen:
            return
        addresses = [listener.address for listener in self.listeners]
        if need_a_start(self._held_fronts, fronts_of(spec, files), addresses, self._addresses(spec)):
            self.say("listen: has changed; addresses, TLS and hsts change when the proxy is started again")

    async def _watch(self) -> None:
        async for _ in changes(self.config, lambda: self.loaded.spec, self._stop):
            await self.reload()

    async def _reread(self) -> None:
        """SIGHUP: the file is read again, changed or not; several at once are one."""
        while True:
            await self._hang_up.wait()
            self._hang_up.clear()
            await self.reload(forced=True)

    # For the control socket.

    def done(self) -> Message:
        """It is done, and this is the generation that every worker serves by."""
        return {"ok": True, "generation": self.crew.current.generation.number}

    async def change_holds(self, change: Callable[[Holds], Holds]) -> Message:
        """Two at once are made one after the other, each on what the other left."""
        async with self._changing:
            changed = change(self.holds)
            await asyncio.to_thread(holds.write, self.home / "data" / "holds.json", changed)
            self.holds = changed
            try:
                await self._publish()
            except NotTaken as error:
                return {"ok": False, "problems": [str(error)]}
            return self.done()

    @staticmethod
    def say(text: str) -> None:
        """A line for whoever watches."""
        print(text, file=sys.stderr, flush=True)  # noqa: T201  # the log
