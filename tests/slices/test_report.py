"""Reporting a repair through the slice: legacy has it, once; whatever goes wrong, what was typed is still there."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path

import pytest
import requests

from slices.cli import build
from slices.library.repairs.report import DECLINED, NOT_SENT, UNKNOWN
from tests.demo.anytown import GOOD_REPORT, Monolith, Resident, facts
from tests.slices.conftest import served

FORM = '<form method="post" action="/repairs/report"><input name="_csrf" value="t">' + "".join(
    f'<input name="{name}">' for name in GOOD_REPORT
)


def page(body: str, status: str = "200 OK", fields: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{fields}Connection: close\r\n\r\n{body}".encode()


@contextmanager
def stub(*answers: bytes | None) -> Iterator[tuple[str, list[bytes]]]:
    """A legacy that gives these answers in turn, one a connection; None never answers. -> address, what it got"""
    sent: list[bytes] = []
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            held = []
            for answer in answers:
                try:
                    connection, _ = server.accept()
                except OSError:
                    break
                sent.append(connection.recv(65536))
                if answer is None:
                    held.append(connection)
                    continue
                with connection:
                    connection.sendall(answer)
            done.wait(20)
            for connection in held:
                connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}", sent
        finally:
            done.set()
            server.shutdown(socket.SHUT_RDWR)
            thread.join(20)


def kept(text: str) -> dict[str, str]:
    """What a page's form holds, as a browser would show it."""
    found = {name: unescape(value) for name, value in re.findall(r'<input id="(\w+)"[^>]* value="([^"]*)"', text)}
    for name, options in re.findall(r'<select id="(\w+)".*?>(.*?)</select>', text, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = unescape(chosen[1]) if chosen else ""
    for name, value in re.findall(r'<textarea id="(\w+)"[^>]*>\n(.*?)</textarea>', text, re.DOTALL):
        found[name] = unescape(value)
    return found


@pytest.fixture
def beside(home: Path) -> Callable[[str], object]:
    """A slice beside another legacy, which it does not wait long for."""

    @contextmanager
    def beside(legacy: str) -> Iterator[Resident]:
        kit = build("repairs", home, legacy)
        kit.fetch = kit.send = 0.5
        kit.load()
        with served(kit) as address, Resident(address) as browser:
            yield browser

    return beside


def test_a_report_is_in_legacys_database_and_confirmed_with_its_number(
    new: Resident, old: Resident, monolith: Monolith
) -> None:
    answer = new.post("/repairs/report", GOOD_REPORT)
    row = monolith.rows("SELECT * FROM REPAIR_JOBS ORDER BY JOB_NO DESC LIMIT 1")[0]
    assert answer.status_code == 303
    assert re.fullmatch(rf"/repairs/{row['JOB_NO']}\?reported=1&seal=\d+-[0-9a-f]{{64}}", answer.headers["Location"])
    assert (row["DESCR"], row["CALLER_NAME"], row["WARD_CD"]) == (
        GOOD_REPORT["description"],
        GOOD_REPORT["name"],
        "BRI",
    )
    confirmed = new.get(answer.headers["Location"])
    assert confirmed.status_code == 200
    assert f"<h1>Repair reported</h1><p>Your job number <b>{row['JOB_NO']}</b></p>" in confirmed.text
    assert facts(old.get(answer.headers["Location"]).text)["Problem"] == GOOD_REPORT["description"]


def test_nobody_else_can_make_an_address_that_confirms_a_report(new: Resident) -> None:
    sealed = new.post("/repairs/report", GOOD_REPORT).headers["Location"].partition("?")[2]
    for path, status in (
        ("/repairs/900000000000?reported=1", 404),
        (f"/repairs/900000000000?{sealed}", 404),
        (f"/repairs/100042?{sealed}", 200),
        ("/repairs/100042?reported=1", 200),
    ):
        answer = new.get(path)
        assert answer.status_code == status, path
        assert "Repair reported" not in answer.text, path


BROKEN = [
    ("no boundary", "multipart/form-data", b"--x\r\n\r\n--x--\r\n"),
    ("no such boundary", "multipart/form-data; boundary=x", b"name=A"),
    ("no name", "multipart/form-data; boundary=x", b"--x\r\n\r\nA\r\n--x--\r\n"),
    ("no end", "multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\nA'),
    ("no header", "multipart/form-data; boundary=x", b"--x\r\nnothing\r\n\r\nA\r\n--x--\r\n"),
    ("a part in a part", "multipart/form-data; boundary=x",
     b"--x\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n--y--\r\n--x--\r\n"),
    ("an unknown encoding", "multipart/form-data; boundary=x",
     b'--x\r\nContent-Disposition: form-data; name="name"\r\nContent-Transfer-Encoding: rot13\r\n\r\nA\r\n--x--\r\n'),
    ("an unknown charset", "application/x-www-form-urlencoded; charset=klingon", b"name=A"),
    ("bytes of another charset", "application/x-www-form-urlencoded", b"name=\xff"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "body"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_a_body_that_cannot_be_read_is_refused(
    new: Resident, monolith: Monolith, caplog: pytest.LogCaptureFixture, kind: str, body: bytes
) -> None:
    before = monolith.rows("SELECT count(*) FROM REPAIR_JOBS")[0][0]
    answer = requests.post(new.address + "/repairs/report", data=body, headers={"Content-Type": kind}, timeout=20)
    assert answer.status_code == 400
    assert "<h1>We could not read what you sent</h1>" in answer.text
    assert "Traceback" not in caplog.text
    assert monolith.rows("SELECT count(*) FROM REPAIR_JOBS")[0][0] == before


def test_a_file_in_place_of_a_text_counts_as_nothing(new: Resident) -> None:
    rest = {name: value for name, value in GOOD_REPORT.items() if name != "description"}
    answer = new.post("/repairs/report", rest, files={"description": ("a.txt", b"A leak")})
    assert (answer.status_code, kept(answer.text)["description"]) == (422, "")


def test_lines_and_characters_arrive_as_they_were_typed(new: Resident, monolith: Monolith) -> None:
    new.post("/repairs/report", {**GOOD_REPORT, "description": "Línea one\r\n“two” & <three>;=+%41"})
    row = monolith.rows("SELECT DESCR FROM REPAIR_JOBS ORDER BY JOB_NO DESC LIMIT 1")[0]
    assert row["DESCR"] == "Línea one\n“two” & <three>;=+%41"


def test_a_form_that_legacy_showed_is_taken_too(new: Resident, old: Resident) -> None:
    """Somebody opened legacy's page before the slice went live: its fields are the same, its token does no harm."""
    assert new.post("/repairs/report", {**GOOD_REPORT, "_csrf": old.token("/repairs/report")}).status_code == 303


def test_a_refused_report_is_shown_again_with_legacys_words(new: Resident, monolith: Monolith) -> None:
    before = monolith.rows("SELECT count(*) FROM REPAIR_JOBS")[0][0]
    typed = {**GOOD_REPORT, "postcode": "AN1", "description": "Leak <b>\nnow", "ward": "Atlantis"}
    answer = new.post("/repairs/report", typed)
    assert answer.status_code == 422
    assert kept(answer.text) == typed
    assert "<title>Error: Report a repair" in answer.text
    summary = re.findall(r'<li><a href="#(\w+)">([^<]+)</a></li>', answer.text)
    assert summary == [("postcode", "Enter a full UK postcode, like AN1 2BC"), ("ward", "Select a ward")]
    assert 'aria-describedby="postcode-error" aria-invalid="true"' in answer.text
    assert monolith.rows("SELECT count(*) FROM REPAIR_JOBS")[0][0] == before


def test_a_report_sent_by_another_site_is_refused(new: Resident) -> None:
    answer = requests.post(
        new.address + "/repairs/report", data=GOOD_REPORT, headers={"Sec-Fetch-Site": "cross-site"}, timeout=20
    )
    assert answer.status_code == 403
    assert "You cannot do that from another site" in answer.text


def test_a_report_that_is_far_too_long_is_refused(new: Resident) -> None:
    answer = new.post("/repairs/report", {**GOOD_REPORT, "description": "x" * 300_000})
    assert answer.status_code == 413
    assert "What you sent is too long" in answer.text


TROUBLE: list[tuple[str, tuple[bytes | None, ...], int, str, int]] = [
    # what, legacy's answers, status, what is said, connections legacy saw
    ("no form in time", (None,), 503, NOT_SENT, 1),
    ("an error in place of the form", (page("down", "500 Oops"),), 503, NOT_SENT, 1),
    ("another form", (page("<form><input name=q>"),), 503, NOT_SENT, 1),
    ("a form that goes elsewhere", (page(FORM.replace("/repairs", "https://elsewhere.example/")),), 503, NOT_SENT, 1),
    ("no answer in time", (page(FORM), None), 502, UNKNOWN, 2),
    ("an answer cut short", (page(FORM), b"HTTP/1.1 303 See"), 502, UNKNOWN, 2),
    ("an error after sending", (page(FORM), page("", "500 Oops")), 502, UNKNOWN, 2),
    ("a redirect to no job", (page(FORM), page("", "302 Found", "Location: /login\r\n")), 502, UNKNOWN, 2),
    ("a page that says nothing we know", (page(FORM), page("<p>No")), 422, DECLINED, 2),
    ("an endless page", (page(FORM), page("x" * (1 << 21))), 502, UNKNOWN, 2),
]


@pytest.mark.parametrize(
    ("answers", "status", "said", "seen"), [case[1:] for case in TROUBLE], ids=[case[0] for case in TROUBLE]
)
def test_whatever_legacy_does_what_was_typed_is_kept_and_sent_once(
    beside: Callable[[str], Iterator[Resident]], answers: tuple[bytes | None, ...], status: int, said: str, seen: int
) -> None:
    with stub(*answers) as (legacy, sent), beside(legacy) as browser:  # type: ignore[attr-defined]  # a context manager
        answer = browser.post("/repairs/report", GOOD_REPORT)
    assert answer.status_code == status
    assert said in unescape(answer.text)
    assert kept(answer.text) == GOOD_REPORT
    assert len(sent) == seen


def test_a_legacy_that_is_not_there_costs_nothing_that_was_typed(
    beside: Callable[[str], Iterator[Resident]], port: Callable[[], int]
) -> None:
    with beside(f"http://127.0.0.1:{port()}") as browser:  # type: ignore[attr-defined]  # a context manager
        answer = browser.post("/repairs/report", GOOD_REPORT)
        assert (answer.status_code, kept(answer.text)) == (503, GOOD_REPORT)
        assert browser.get("/repairs").status_code == 200


def test_what_was_typed_is_in_no_log(
    beside: Callable[[str], Iterator[Resident]], caplog: pytest.LogCaptureFixture, port: Callable[[], int]
) -> None:
    with beside(f"http://127.0.0.1:{port()}") as browser:  # type: ignore[attr-defined]  # a context manager
        browser.post("/repairs/report", GOOD_REPORT)
    assert "a report was not confirmed: NotSent" in caplog.text
    assert GOOD_REPORT["telephone"] not in caplog.text
