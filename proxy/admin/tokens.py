"""Who may change something over HTTP: names and the hashes of their tokens, in `data/admin.json`, mode 0600.

    add(home, "ann") -> "fig_q3x…", which is shown once; holder(read(home), "fig_q3x…") -> "ann"

A token is 256 random bits, so nobody guesses it and there is no dictionary to try: SHA-256 keeps it as well as a slow
hash would, and a request is checked in a microsecond. A slow hash is for what people choose.
"""

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path

from notation.files import write_whole
from notation.problems import ConfigError, Problem, Where, one_of

FILE = "admin.json"
# Names: enough for a council's whole web team; each request with a token looks at all of them.
NAMES_LIMIT = 200
TOKEN_BYTES = 32
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}\Z")
_PREFIX = "fig_"  # by which scanners for secrets, and people, know what it is


@dataclass(frozen=True, slots=True)
class Admin:
    """One name. `sha256`: of its token, as hexadecimal digits; `since`: UTC, ISO 8601."""

    sha256: str
    since: str


Admins = Mapping[str, Admin]


def path_of(home: Path) -> Path:
    """Where they are kept."""
    return home / "data" / FILE


def read(home: Path) -> Admins:
    """Everybody; nobody where there is no file. Raises ConfigError for a broken one."""
    path = path_of(home)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): Admin(str(each["sha256"]), str(each["since"])) for name, each in content["admins"].items()}
    except FileNotFoundError:
        return {}
    except OSError as exc:
        raise _broken(str(exc.strerror)) from exc
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise _broken("it is not of the form fig writes") from exc


def add(home: Path, name: str, now: str) -> str:
    """A new token for that name, which only who is told it knows. Raises ConfigError, OSError."""
    if not NAME.match(name):
        hint = "write letters, digits and . _ @ -, at most 64 of them: ann, or ann@anytown.gov.uk"
        raise ConfigError([Problem(None, f"'{name}' is not a name", hint)])
    admins = read(home)
    if name in admins:
        hint = f"for a new token: fig admin remove {name}, then add it again"
        raise ConfigError([Problem(None, f"'{name}' has a token since {admins[name].since}", hint)])
    if len(admins) >= NAMES_LIMIT:
        raise ConfigError([Problem(None, f"there are {NAMES_LIMIT} names already", "remove those who have left")])
    token = _PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    _write(home, {**admins, name: Admin(hashed(token), now)})
    return token


def remove(home: Path, name: str) -> None:
    """Its token, and whoever is signed in by it, is worth nothing from now on. Raises ConfigError, OSError."""
    admins = read(home)
    if name not in admins:
        raise ConfigError([Problem(None, f"there is no '{name}' in data/{FILE}", one_of("names", name, admins))])
    _write(home, {other: each for other, each in admins.items() if other != name})


def holder(admins: Admins, token: str) -> str | None:
    """Whose token it is."""
    given = hashed(token)
    found = [name for name, each in admins.items() if compare_digest(each.sha256, given)]
    return found[0] if found else None


def hashed(token: str) -> str:
    """What is kept of a token."""
    return sha256(token.encode()).hexdigest()


def _write(home: Path, admins: Admins) -> None:
    path = path_of(home)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"admins": {name: asdict(each) for name, each in sorted(admins.items())}}
    write_whole(path, json.dumps(content, indent=1) + "\n", 0o600)


def _broken(why: str) -> ConfigError:
    hint = "put it right; or delete it, and give everybody a new token with fig admin add NAME"
    return ConfigError([Problem(Where(f"data/{FILE}", 1), f"the admins cannot be read: {why}", hint)])
