"""Law 2 at the backend: of very many requests, with sessions and without, which legacy is asked a second time."""

from __future__ import annotations

import random
import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from proxy.pacing import GAP
from tests.conftest import Start
from tests.proxy.backends import page, raw
from tests.proxy.test_shadowed_bytes import COPIED, a_site

TARGETS = ("/repairs/7", "/repairs/search?q=tap", "/jobs/9/notes")
ACTS = ("/repairs/7/delete", "/repairs/logout", "/jobs/9?_method=PUT", "/repairs/confirm?id=1")
SESSIONS = (b"Cookie: JSESSIONID=1A2B", b"Cookie: _ga=1; basket=2", b"Authorization: Bearer abc")
# What legacy may be asked again is of kind `free`; how many of a hundred are of each kind.
KINDS = {"free": 30, "session": 40, "act": 10, "override": 5, "unsafe": 10, "in target": 5}


def a_request(number: int, dice: random.Random) -> bytes:
    """One of a citizen's, which says of what kind it is."""
    kind = dice.choices(list(KINDS), list(KINDS.values()))[0]
    method, target, fields, body = "GET", dice.choice(TARGETS), [], b""
    if kind == "session":
        fields.append(dice.choice(SESSIONS))
    elif kind == "act":
        target = dice.choice(ACTS)
    elif kind == "override":
        fields.append(b"X-HTTP-Method-Override: DELETE")
    elif kind == "in target":
        target = f"/repairs/7?jsessionid={number}"
    elif kind == "unsafe":
        method, target, body = "POST", "/repairs/report", b"a=1"
        fields += [b"Content-Type: text/plain", b"Content-Length: 3"]
    if kind == "free" and (draw := dice.random()) < 0.6:
        ours = b"fig_visitor=%032x%s" % (number, b"; fig_wrote_repairs=1" if draw < 0.1 else b"")
        fields.append(b"Cookie: " + (ours if draw < 0.3 else b"_ga=GA1.2; _pk_id.1.1fff=2"))
    head = f"{method} {target} HTTP/1.1\r\nHost: www.anytown.gov.uk\r\nX-Number: {number}\r\nX-Kind: {kind}\r\n"
    return head.encode() + b"".join(field + b"\r\n" for field in fields) + b"\r\n" + body


def ask_all(port: int, requests: list[bytes]) -> None:
    """Over one connection, one after the other."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        for request in requests:
            connection.sendall(request)
            answer = b""
            while not answer.endswith(b"<p>ok</p>"):
                data = connection.recv(65536)
                assert data, answer
                answer += data
            assert answer.startswith(b"HTTP/1.1 200")


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["shadow", "canary 50%", "live"])
def test_legacy_gets_no_second_request_that_law_2_forbids(stage: str, tmp_path: Path, start: Start, fig: Path) -> None:
    dice, lock = random.Random(7), threading.Lock()
    under_way, most = 0, 0

    def of_legacy(head: bytes, connection: socket.socket) -> bytes:
        nonlocal under_way, most
        if b"\r\nFig-Shadow: 1" in head:
            with lock:
                under_way += 1
                most = max(most, under_way)
            threading.Event().wait(0.05)  # as long as a page takes: another would come meanwhile
            with lock:
                under_way -= 1
        return page()

    with raw(of_legacy, None) as (legacy, candidate):
        with a_site(
            tmp_path, start, fig, legacy, candidate, stage=stage, shadow=COPIED, backend="sandbox: true"
        ) as site:
            requests = [a_request(number, dice) for number in range(20_000)]
            began = time.monotonic()
            with ThreadPoolExecutor(8) as citizens:
                list(citizens.map(lambda at: ask_all(site.port, requests[at::8]), range(8)))
            elapsed = time.monotonic() - began
        seen: dict[bytes, int] = {}
        second = []
        answered = set()
        for each in legacy.requests:
            number = re.search(rb"\r\nX-Number: (\d+)", each)
            assert number is not None
            seen[number[1]] = seen.get(number[1], 0) + 1
            marked = b"\r\nFig-Shadow: 1\r\n" in each
            assert marked or seen[number[1]] == 1
            if marked:
                second.append((number[1], each))
            else:
                answered.add(number[1])
        kinds = {match[1] for _, each in second for match in [re.search(rb"\r\nX-Kind: ([^\r]*)", each)] if match}
        assert kinds <= {b"free"}
        assert len(second) <= elapsed / GAP + 2
        assert most <= 1
        assert max(seen.values()) <= 2
        assert not [each for _, each in second if b"fig_" in each]
        if stage != "shadow":
            assert second
        if stage == "canary 50%":  # the slice answered some, and legacy others, which the slice was asked too
            assert {b"\r\nFig-Shadow: 1\r\n" in each for each in candidate.requests} == {True, False}
            assert {number for number, _ in second} - answered
            assert not [each for each in (*legacy.requests, *candidate.requests) if b"fig_" in each]
