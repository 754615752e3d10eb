"""From two servers that differ to the page that says so: worker, keeper, jury, ledger and page, nothing left out."""

from __future__ import annotations

import pytest
import requests

from tests.proxy.admin.conftest import Make
from tests.proxy.conftest import Named, Server

pytestmark = pytest.mark.slow

ROUTES = """\
version: 1
listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: 1
backends:
  legacy: {{url: http://127.0.0.1:{legacy}}}
  repairs: {{url: http://127.0.0.1:{repairs}}}
default: legacy
slices:
  repairs:
    backend: repairs
    stage: shadow
    routes: [/repairs/*]
    shadow: {{sample: 100%}}
"""


class Typed(Named):
    """Says that it is a text; what does not say what it is is compared by its hash."""

    def end_headers(self) -> None:
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        super().end_headers()


def test_a_service_that_answers_otherwise_is_on_its_slices_page(backends: dict[str, Server], make: Make) -> None:
    for server in backends.values():
        server.RequestHandlerClass = Typed
    admin = make(ROUTES.format(**{name: server.server_port for name, server in backends.items()}))
    citizens = admin.process.wait_for(r"serving (http://\S+)")[1]
    found: list[dict[str, object]] = []
    pairs: list[dict[str, object]] = []
    number = 0
    with requests.Session() as session:
        while not (found and pairs):  # legacy is read a second time once a second, five times before a mismatch counts
            number += 1
            assert session.get(f"{citizens}/repairs/{number}", timeout=30).text == f"legacy /repairs/{number}"
            found = admin.get("/api/v1/slices/repairs/differences").json().get("differences", [])
            pairs = admin.get("/api/v1/slices/repairs/answers").json().get("pairs", [])
            assert number < 20_000
    assert {(each["pattern"], each["kind"]) for each in found} == {("/repairs/*", "value")}
    page = admin.get("/slices/repairs").text
    assert str(found[0]["ignore"]).replace('"', "&#34;") in page
    both = admin.get(f"/slices/repairs/answers/{pairs[0]['number']}").text
    assert "<del>legacy</del>" in both
    assert "<ins>repairs</ins>" in both
    verdicts = admin.get("/api/v1/slices/repairs").json()["verdicts"]
    assert verdicts["mismatched"] > 0
    assert "mismatched" in admin.get("/").text
