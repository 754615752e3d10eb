"""The compiled part cuts a head exactly as the patterns do, and takes no other."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.headers import SPECIAL_IN_REPLIES, SPECIAL_NAMES
from proxy.wire import compiled, patterns
from tests.wire.heads import REPLIES, REQUESTS
from tests.wire.test_fast import LINE, RULE, mutated

try:
    cut = compiled.load()
except ImportError as missing:
    pytest.skip(
        f"{missing}; this builds it, where gcc, libc6-dev and python3-dev are installed: {compiled.BUILD}",
        allow_module_level=True,
    )

REQUEST_HEADS = [head for head, _ in REQUESTS.values()]
REPLY_HEADS = [head for head, _ in REPLIES.values()]
ALL = 64 * 1024
MOST = st.one_of(st.just(ALL), st.integers(0, 900))
BEGINNINGS = (b"GET / HTTP/1.1\r\nHost: a\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n", b"HTTP/1.1 404 x\r\n")


def agree(data: bytes, most: int = ALL) -> bool:
    """Whether the head is taken; fails unless both ways say the same of it."""
    request, reply = cut.cut_request(data, most), cut.cut_reply(data, most)
    assert request == patterns.cut_request(data, most)
    assert reply == patterns.cut_reply(data, most)
    return request is not None or reply is not None


@pytest.mark.parametrize("head", [*REQUEST_HEADS, *REPLY_HEADS])
def test_a_real_head_is_cut_alike_wherever_it_ends(head: bytes) -> None:
    for size in range(len(head) + 1):
        agree(head[:size])
        agree(head, size)
    agree(head + b"more")


@RULE
@given(mutated(REQUEST_HEADS), MOST)
def test_no_mutation_of_a_request_is_cut_otherwise(data: bytes, most: int) -> None:
    agree(data, most)


@RULE
@given(mutated(REPLY_HEADS), MOST)
def test_no_mutation_of_a_reply_is_cut_otherwise(data: bytes, most: int) -> None:
    agree(data, most)


@RULE
@given(st.sampled_from(BEGINNINGS), st.lists(LINE, max_size=6), MOST)
def test_no_lines_are_cut_otherwise(beginning: bytes, lines: list[bytes], most: int) -> None:
    agree(beginning + b"".join(lines) + b"\r\n", most)


@pytest.mark.parametrize("head", [*REQUEST_HEADS, *REPLY_HEADS])
def test_every_byte_is_judged_alike_at_every_place(head: bytes) -> None:
    draw = random.Random(head)
    for at in range(len(head)):
        for byte in (*b"\0\t\r\n !#:/.-_09AZaz~\x7f\x80\xff", draw.randrange(256)):
            agree(b"%b%c%b" % (head[:at], byte, head[at + 1 :]))


@pytest.mark.parametrize("name", sorted({*SPECIAL_NAMES, *SPECIAL_IN_REPLIES, b"x-forwarded-", b"fig-"}))
def test_a_special_name_is_known_alike_in_every_spelling(name: bytes) -> None:
    for spelt in (name, name.title(), name.upper(), name.swapcase(), name + b"x", name[:-1], b"x" + name):
        for value in (b"1", b"keep-alive", b"Keep-alive", b"timeout=5 ", b"1234567890123456789", b"123456789012345678"):
            for beginning in BEGINNINGS:
                agree(b"%b%b: %b\r\n\r\n" % (beginning, spelt, value))


STAYS, LENGTH, KEPT = b"Connection: keep-alive\r\n", b"Content-Length: 7\r\n", b"Keep-Alive: timeout=5, max=9\r\n"
GET, OK = b"GET / HTTP/1.1\r\nHost: a\r\n", b"HTTP/1.1 200 OK\r\n"
EDGES = [  # a head without its last line, whether it is taken
    (b"GET / HTTP/1.1\r\nHost: a:65535\r\n", True),
    (b"GET / HTTP/1.1\r\nHost: a:123456\r\n", False),
    (b"GET / HTTP/1.1\r\nHost: a:\r\n", False),
    (b"GET / HTTP/1.1\r\nHost: a.b-c.9\r\n", True),
    (b"GET / HTTP/1.1\r\nHost: a..b\r\n", False),
    (b"GET / HTTP/1.1\r\nHost: a.\r\n", False),
    (b"GET / HTTP/1.1\r\nHost: A\r\n", False),
    (b"GETS / HTTP/1.1\r\nHost: a\r\n", False),
    (b"OPTIONS / HTTP/1.1\r\nHost: a\r\n", True),
    (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n", False),
    (b"TRACE / HTTP/1.1\r\nHost: a\r\n", False),
    (GET + STAYS, True),
    (GET + STAYS + STAYS, False),
    (GET + STAYS + LENGTH + STAYS, True),
    (GET + STAYS + LENGTH + STAYS + STAYS, False),
    (GET + LENGTH + b"A: 1\r\n" + LENGTH, False),
    (GET + b"Content-Length: 123456789012345678\r\n", True),
    (GET + b"Content-Length: 1234567890123456789\r\n", False),
    (GET + b"Content-Length: +1\r\n", False),
    (GET + KEPT, False),
    (GET + b"Date: x\r\nX-Y: a b c\r\n9: z\r\n", True),
    (GET + b"-a: 1\r\n", False),
    (GET + b"a: 1 \r\n", False),
    (GET + b"a: 1\t2\r\n", False),
    (GET + b"a: \r\n", False),
    (OK, False),
    (OK + LENGTH + STAYS + KEPT, True),
    (OK + KEPT + KEPT + b"A: 1\r\n" + LENGTH, True),
    (OK + KEPT + KEPT + KEPT + LENGTH, False),
    (OK + LENGTH + KEPT + KEPT + KEPT + KEPT, False),
    (OK + LENGTH + LENGTH, False),
    (OK + LENGTH + b"Keep-Alive: \r\n", False),
    (OK + LENGTH + b"Keep-Alive: a\tb\r\n", False),
    (OK + LENGTH + b"Date: x\r\n", True),
    (OK + LENGTH + b"date: x\r\n", False),
    (b"HTTP/1.1 599 x \r\n" + LENGTH, True),
    (b"HTTP/1.1 600 x\r\n" + LENGTH, False),
    (b"HTTP/1.1 199 x\r\n" + LENGTH, False),
    (b"HTTP/1.1 20a x\r\n" + LENGTH, False),
    (b"HTTP/1.1 200  x\r\n" + LENGTH, False),
    (b"HTTP/1.0 200 OK\r\n" + LENGTH, False),
]


@pytest.mark.parametrize(("head", "is_taken"), EDGES)
def test_what_is_canonical_ends_at_the_same_place(head: bytes, is_taken: bool) -> None:
    assert agree(head + b"\r\n") is is_taken


def test_there_are_heads_that_are_taken() -> None:
    assert sum(map(agree, REQUEST_HEADS)) > 5
    assert sum(map(agree, REPLY_HEADS)) > 5


@pytest.mark.parametrize(
    "wrong", [(), (b"",), (b"", 1, 2), ("GET", 1), (bytearray(b"GET"), 1), (b"", "1"), (b"", 1 << 70)]
)
def test_what_is_no_head_is_refused(wrong: tuple[object, ...]) -> None:
    for call in (cut.cut_request, cut.cut_reply):
        with pytest.raises((TypeError, OverflowError)):
            call(*wrong)  # type: ignore[arg-type]
    assert not agree(REQUEST_HEADS[0], 0)


@pytest.mark.parametrize("name", [b"", b"Upper", b"9", b"a" * 41])
def test_a_name_it_could_not_look_up_is_refused_and_the_others_stay(name: bytes) -> None:
    with pytest.raises(ValueError, match="special name"):
        cut.set_names((b"a", name), (), ())
    with pytest.raises(ValueError, match="few"):
        cut.set_names((), tuple([b"a"] * 64), ())
    assert agree(REQUEST_HEADS[0])


def test_what_was_built_of_another_source_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "_cut.c").write_bytes(compiled.SOURCE.read_bytes() + b"\n")
    monkeypatch.setattr(compiled, "SOURCE", tmp_path / "_cut.c")
    with pytest.raises(ImportError, match=r"^proxy\.wire\._cut was built of another _cut\.c$"):
        compiled.load()


@pytest.mark.parametrize(
    ("said", "expected"),
    [("", "heads are read by compiled code"), ("1", "heads are read by Python alone: FIG_NO_COMPILED is set")],
)
def test_it_is_used_unless_it_is_told_not_to_be(said: str, expected: str) -> None:
    asks = "from proxy.wire.compiled import SAID; print(SAID)"
    answer = subprocess.run(
        [sys.executable, "-c", asks], env={"FIG_NO_COMPILED": said}, capture_output=True, check=True
    )
    assert answer.stdout.decode().strip() == expected
