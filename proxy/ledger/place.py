"""Where the ledger is: a SQLite file in data/, or a PostgreSQL database by its URL.

place_of(home) -> data/ledger.sqlite; place_of(home, "postgresql://fig:secret@db/fig") -> that database
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from notation.marked_yaml import Document
from notation.problems import Problem
from proxy.model import RoutesSpec

FILE = "ledger.sqlite"
BROKEN = ".broken-"  # between the name of a ledger that was set aside and when


@dataclass(frozen=True, slots=True)
class Place:
    """`file` of a SQLite ledger, else None. `secret`: what of the address no text may hold."""

    address: str
    file: Path | None
    secret: str = ""  # not repeated, in either spelling

    @property
    def name(self) -> str:
        """How it is called where people read: without a password."""
        if self.file is not None:
            return f"data/{self.file.name}"
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"

    def without_secret(self, text: str) -> str:
        """The text, with nothing in it that may not be said."""
        for spelt in filter(None, (self.secret, quote(self.secret, safe=""))):
            text = text.replace(spelt, "***")
        return text

    def __repr__(self) -> str:
        return f"Place({self.name})"


def place_of(home: Path, url: str | None = None) -> Place:
    """The ledger of the proxy that serves from `home`; `url`: what `ledger:` of routes.yaml says."""
    if url is None:
        file = home / "data" / FILE
        return Place(f"sqlite:///{file}", file)
    return Place(url, None, unquote(urlsplit(url).password or ""))


def ledger_problems(spec: RoutesSpec, document: Document) -> Iterator[Problem]:
    """What keeps the ledger from being written where the file wants it."""
    if spec.ledger is not None and find_spec("psycopg") is None:
        hint = "pip install 'stranglerfig[postgres]'"
        yield Problem(document.where(("ledger",)), "the driver of PostgreSQL, for the ledger, is not installed", hint)


def set_aside(home: Path) -> list[str]:
    """The names of broken ledgers that were set aside, and that nobody has looked after yet."""
    found = (path.name for path in (home / "data").glob(f"{FILE}{BROKEN}*"))
    return sorted(name for name in found if not name.endswith(("-wal", "-shm")))
