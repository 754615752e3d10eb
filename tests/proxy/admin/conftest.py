"""A running proxy's admin address, and a person or a program at it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from proxy.admin import tokens
from proxy.control import ask
from tests.conftest import Start
from tests.processes import Started

NOW = "2026-11-25T12:00:00+00:00"
LIVE = {"repairs": "live", "planning": "shadow"}
ROUTES = """\
version: 1
listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: 1
grace: 2s
backends:
  legacy: {url: http://127.0.0.1:9}
  repairs: {url: http://127.0.0.1:19}
default: legacy
slices:
  repairs:
    owner: "<script>alert(1)</script>@anytown.gov.uk"
    backend: repairs
    stage: live
    routes: [/repairs/*]
  planning:
    backend: repairs
    stage: shadow
    routes: [/planning/*, {path: '/"><img/onerror=alert(2)>/*'}]
"""


class Admin:
    """The admin address of a running `fig serve`, asked as a program asks, and with a browser's manners."""

    def __init__(self, home: Path, process: Started) -> None:
        self.home = home
        self.process = process
        self.address = process.wait_for(r"admin http://(\S+)", seconds=20)[1]
        self.url = f"http://{self.address}"
        self.token = tokens.add(home, "ann", NOW)

    def get(self, path: str, *, token: str = "", **headers: str) -> requests.Response:
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        return requests.get(self.url + path, headers={**bearer, **headers}, allow_redirects=False, timeout=30)

    def post(self, path: str, body: object, *, token: str = "", **headers: str) -> requests.Response:
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        return requests.post(self.url + path, json=body, headers={**bearer, **headers}, timeout=30)

    def stages(self) -> dict[str, str]:
        """As the API has them."""
        return {row["name"]: row["stage"] for row in self.get("/api/v1/slices").json()["slices"]}


class Browser:
    """Keeps the cookie, though it is for TLS, as browsers do on loopback; sends what they send beside a form."""

    def __init__(self, admin: Admin) -> None:
        self.admin = admin
        self.cookie = ""

    def get(self, path: str) -> requests.Response:
        return self.admin.get(path, Cookie=self.cookie)

    def post(self, path: str, fields: dict[str, str], **headers: str) -> requests.Response:
        sent = {"Sec-Fetch-Site": "same-origin", "Cookie": self.cookie, **headers}
        answer = requests.post(self.admin.url + path, data=fields, headers=sent, allow_redirects=False, timeout=30)
        if said := answer.headers.get("Set-Cookie"):
            self.cookie = said.partition(";")[0]
        return answer

    def sign_in(self) -> requests.Response:
        return self.post("/sign-in", {"token": self.admin.token, "next": "/slices/repairs"})

    def form_of(self, path: str) -> dict[str, str]:
        """The hidden fields of the form of a page."""
        page = self.get(path)
        assert page.status_code == 200, page.text
        form = page.text.partition("<main")[2]
        return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))


def serve(start: Start, fig: Path, home: Path, routes: str = ROUTES) -> Admin:
    (home / "routes.yaml").write_text(routes)
    return Admin(home, start([fig, "serve"], folder=home, name="fig serve"))


@pytest.fixture(scope="module")
def shared(fig: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Admin]:
    """One proxy for the tests of a file: each takes seconds to come up."""
    home = tmp_path_factory.mktemp("home")
    (home / "routes.yaml").write_text(ROUTES)
    with Started([fig, "serve"], folder=home, name="fig serve") as process:
        yield Admin(home, process)


@pytest.fixture
def admin(shared: Admin) -> Iterator[Admin]:
    """As it was when it came up: nothing is held, ann has her token, nobody has moved anything."""
    file = tokens.path_of(shared.home)
    kept = file.read_text()
    while shared.stages() != LIVE:  # what the supervisor said serves for a second
        pass
    yield shared
    file.write_text(kept)
    (shared.home / "data" / "changes.jsonl").unlink(missing_ok=True)
    for message in ({"do": "bypass", "on": False}, {"do": "resume", "slice": "repairs"}):
        assert ask(shared.home, dict(message))["ok"]


@pytest.fixture
def browser(admin: Admin) -> Browser:
    return Browser(admin)


Make = Callable[[str], Admin]


@pytest.fixture
def make(start: Start, fig: Path, tmp_path: Path) -> Make:
    return lambda routes: serve(start, fig, tmp_path, routes)
