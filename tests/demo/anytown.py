"""The sample council for tests: its monolith as a running program, and a resident with a browser's habits."""

from __future__ import annotations

import re
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from types import TracebackType

import requests

from tests.processes import Started

GOOD_REPORT = {
    "name": "Mrs O'Hara <b>",
    "telephone": "01632 960001",
    "address": "1 High Street",
    "postcode": "AN1 2BC",
    "ward": "Bridge End",
    "trade": "Gas and heating",
    "description": 'The boiler says "E9" & then stops <i>at once</i>',
}


@dataclass(frozen=True, slots=True)
class Monolith:
    """A running monolith: its address, its folder, the process."""

    address: str
    folder: Path
    process: Started

    def rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        """What its database answers."""
        with closing(sqlite3.connect(self.folder / "anytown.sqlite")) as connection:
            connection.row_factory = sqlite3.Row
            return connection.execute(sql, values).fetchall()


@contextmanager
def running_monolith(folder: Path) -> Iterator[Monolith]:
    """The monolith with a small council in `folder`, on a free port."""
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "demo.monolith",
        "--port",
        "0",
        "--size",
        "small",
        "--data",
        folder,
    ]
    with Started(command, name="monolith") as process:
        yield Monolith(process.wait_for(r"answers at (http://\S+)")[1], folder, process)


class Resident:
    """A browser at one site: keeps cookies, follows no redirect unasked, fills in the page's own forms."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.session = requests.Session()

    def __enter__(self) -> Resident:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.session.close()

    def get(self, path: str, **more: str) -> requests.Response:
        """GET; `more` are header fields, written with _ for -."""
        fields = {name.replace("_", "-"): value for name, value in more.items()}
        return self.session.get(self.address + path, headers=fields, allow_redirects=False, timeout=20)

    def post(
        self, path: str, form: Mapping[str, str], files: dict[str, tuple[str, bytes]] | None = None
    ) -> requests.Response:
        """POST of exactly these fields."""
        return self.session.post(self.address + path, data=dict(form), files=files, allow_redirects=False, timeout=20)

    def token(self, path: str) -> str:
        """The form token of a page."""
        found = re.search(r'name="_csrf" value="([^"]+)"', self.get(path).text)
        assert found, f"{path} has no form token"
        return found[1]

    def sign_in(self, username: str, password: str = "anytown", back: str = "") -> requests.Response:
        """Fills in the sign-in page."""
        form = {"_csrf": self.token("/login"), "username": username, "password": password, "next": back}
        return self.post("/login", form)


def facts(page: str) -> dict[str, str]:
    """What a page says of one thing, from a table with row headings or a description list: heading -> text."""
    pairs = re.findall(r'<th scope="row">(.*?)</th><td>(.*?)</td>|<dt>(.*?)</dt><dd>(.*?)</dd>', page, re.DOTALL)
    return {plain(a or c): plain(b or d) for a, b, c, d in pairs}


def plain(html: str) -> str:
    """Text without tags and with its characters restored."""
    return unescape(re.sub(r"<[^>]+>", "", html)).strip()
