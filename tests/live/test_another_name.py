"""An application that knows only its own name, used in a browser under the public one: neither learns of the other."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from tests.conftest import Start
from tests.live.citizen import PASSWORD, USER
from tests.live.conftest import Helpdesk, Proxy, run_helpdesk

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page, Request, Response

pytestmark = [pytest.mark.live, pytest.mark.slow]

CHROMIUM = Path("/usr/bin/chromium")
OWN, PUBLIC = "helpdesk.internal", "www.anytown.test"
PHOTO = bytes(range(256)) * 1200  # 300 KiB of every byte: larger than any buffer on the way


def routes(helpdesk: Helpdesk) -> str:
    return f"""\
version: 1
listen: 127.0.0.1:8080
hosts: [{PUBLIC}]
backends:
  legacy:
    url: "{helpdesk.address}"
    host: {OWN}
    links: rewrite
default: legacy
"""


@pytest.fixture
def named(start: Start, tmp_path: Path) -> Helpdesk:
    return run_helpdesk(start, tmp_path / "helpdesk", name=OWN)


@pytest.fixture
def context() -> Iterator[BrowserContext]:
    """A browser that finds the public name here, and no other name anywhere."""
    if not CHROMIUM.exists():
        pytest.skip("Chromium is not installed: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    names = f"--host-resolver-rules=MAP {PUBLIC} 127.0.0.1, MAP * ~NOTFOUND"
    arguments = ["--no-sandbox", "--disable-dev-shm-usage", names]
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=str(CHROMIUM), args=arguments)
        yield browser.new_context()
        browser.close()


class Watch:
    """Everything that passes between the browser and the proxy; where the application's own name, or its port, was."""

    def __init__(self, context: BrowserContext, own: tuple[str, ...]) -> None:
        self.own = [name.encode() for name in own]
        self.seen: list[str] = []
        self.unread: list[str] = []
        self.failed: list[str] = []
        self.answers = self.looking = 0
        context.on("requestfinished", self.finished)
        context.on("requestfailed", lambda request: self.failed.append(f"{request.url} {request.failure}"))

    def finished(self, request: Request) -> None:
        self.looking += 1
        self.look(f"asked for {request.url}", request.url, request.all_headers(), request.post_data_buffer)
        response = request.response()
        if response is not None:
            self.answers += 1
            self.look(f"answer of {request.url}", response.headers_array(), self.body_of(response))
        self.looking -= 1

    def settle(self, page: Page) -> None:
        """Waits until all that came was looked at: a page that is left takes its answers along."""
        while self.looking:
            page.wait_for_timeout(10)

    def body_of(self, response: Response) -> bytes:
        from playwright.sync_api import Error

        try:
            return response.body()
        except Error:  # a browser keeps no body of a redirect, a font or a download
            if not 300 <= response.status < 400 and not re.search(r"/media/|\.woff2$", response.url):
                self.unread.append(response.url)
            return b""

    def look(self, where: str, *parts: object) -> None:
        for part in parts:
            text = part if isinstance(part, bytes) else json.dumps(part, default=str).encode()
            self.seen += [f"{name.decode()} in {where}" for name in self.own if name in text.lower()]


def report(page: Page, address: str, file: Path) -> str:
    """A ticket with a file, through the form; the ticket's address."""
    page.goto(f"{address}/tickets/submit/", wait_until="networkidle")
    page.select_option("select[name=queue]", "1")
    page.fill("[name=title]", "Damp in the hall, £5 & more")
    page.fill("[name=body]", f"It is as on {address}/kb/ said.")
    page.fill("[name=submitter_email]", "citizen@example.test")
    page.set_input_files("[name=attachment]", file)
    page.click("form[method=post] button[type=submit]:not(form[action='/logout/'] button)")
    page.wait_for_url(re.compile(r"/tickets/\d+/$"), wait_until="networkidle")
    return page.url


def test_neither_side_ever_sees_the_others_name(
    named: Helpdesk, context: BrowserContext, serve: Callable[[str], Proxy], tmp_path: Path
) -> None:
    address = serve(routes(named)).address.replace("127.0.0.1", PUBLIC)
    watch = Watch(context, (OWN, named.address.removeprefix("http://")))
    page = context.new_page()

    # Signs in; the page that was wanted is remembered in the query and in the form.
    page.goto(f"{address}/login/?next={address}/tickets/", wait_until="networkidle")
    page.fill("[name=username]", USER)
    page.fill("[name=password]", PASSWORD)
    page.click("form:has([name=password]) [type=submit]")
    page.wait_for_url(f"{address}/tickets/", wait_until="networkidle")
    assert {cookie["domain"].lstrip(".") for cookie in context.cookies()} == {PUBLIC}

    # Posts a form with a file, and gets the file back by a link that the application wrote with its own name.
    file = tmp_path / "damp.pdf"
    file.write_bytes(PHOTO)
    ticket = report(page, address, file)
    link = page.locator("a[href*='/media/']").first
    assert str(link.get_attribute("href")).startswith(f"{address}/media/")
    link.evaluate("link => { link.target = ''; link.download = 'damp.pdf' }")  # else it would be shown
    with page.expect_download() as download:
        link.click()
    assert Path(download.value.path()).read_bytes() == PHOTO

    # What the citizen wrote is what is kept, and a link that the application's people wrote is public.
    with closing(sqlite3.connect(named.database)) as database, database:
        assert database.execute("SELECT description FROM helpdesk_ticket").fetchall() == [
            (f"It is as on {address}/kb/ said.",)
        ]
        database.execute("UPDATE helpdesk_ticket SET description = '[Answers](http://helpdesk.internal/kb/)'")
    page.goto(ticket, wait_until="networkidle")
    page.click(f"a[href='{address}/kb/']")
    page.wait_for_url(f"{address}/kb/", wait_until="networkidle")

    # XML and JSON, through gzip, name the public address; what has not changed is not sent again.
    for path in ("/rss/queue/demo/", "/api/tickets/?page_size=1&format=json"):
        with page.expect_event("requestfinished", lambda request, path=path: request.url.endswith(path)):
            text = page.evaluate("path => fetch(path).then(answer => answer.text())", path)
        watch.settle(page)
        assert f"{PUBLIC}" in text, text
    cookies = {cookie["name"]: cookie["value"] for cookie in context.cookies()}
    local = address.replace(PUBLIC, "127.0.0.1")
    asked = {"Host": address.removeprefix("http://"), "Accept-Encoding": "gzip"}
    answer = requests.get(f"{local}/rss/queue/demo/", headers=asked, cookies=cookies, timeout=30)
    assert answer.headers["Content-Encoding"] == "gzip"
    asked["If-None-Match"] = answer.headers["ETag"]
    again = requests.get(f"{local}/rss/queue/demo/", headers=asked, cookies=cookies, timeout=30)
    assert again.status_code == 304

    # Signs out: a form whose forgery check compares the page's origin with the application's own name.
    page.goto(ticket, wait_until="networkidle")
    page.evaluate("() => document.querySelector(\"form[action='/logout/']\").submit()")
    page.wait_for_url(re.compile("logout|login"), wait_until="networkidle")

    assert watch.seen == []
    assert (watch.failed, watch.unread) == ([], [])
    assert watch.answers > 20
    kept = [json.loads(line) for line in (named.database.parent / "requests.jsonl").read_text().splitlines()]
    assert len(kept) > 20
    assert {each["HTTP_HOST"] for each in kept} == {OWN}
    assert {each["HTTP_ORIGIN"] for each in kept if each["method"] == "POST"} == {f"http://{OWN}"}
    assert [each for each in kept if PUBLIC in json.dumps(each)] == []
