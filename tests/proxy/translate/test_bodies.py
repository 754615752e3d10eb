"""Bodies are looked through whatever their coding and however they are cut; what cannot be is never passed on."""

from __future__ import annotations

import gzip
import random
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.headers import Field
from proxy.translate.bodies import BODY_LIMIT, SMALL, Body, Untranslatable, is_text, linked_fields
from proxy.translate.links import Turn
from proxy.translate.place import Place, ports_of
from proxy.translate.tags import if_match, if_none_match, weakened

TURN = Turn(((b"legacy.internal", ports_of(80)),), Place(b"https", b"www.anytown.gov.uk"))
PAGE = b'<p>Hello</p><a href="http://legacy.internal/a">' * 40
TURNED = PAGE.replace(b"http://legacy.internal", b"https://www.anytown.gov.uk")
HTML = [(b"Content-Type", b"text/html; charset=utf-8")]
ZIPPED: list[Field] = [*HTML, (b"Content-Encoding", b"gzip")]


def body(fields: list[Field], status: int = 200, length: int | None = None) -> Body:
    return Body(TURN, fields, status, length)


@pytest.mark.parametrize(
    ("kind", "looked_through"),
    [
        ("text/html", True), ("TEXT/HTML;charset=iso-8859-1", True), ("text/css", True), ("application/json", True),
        ("application/problem+json", True), ("application/xhtml+xml; charset=utf-8", True), ("image/svg+xml", True),
        ("application/xml", True), ("text/xml", True), ("application/rss+xml", True), ("text/javascript", True),
        ("application/javascript", True), ("application/x-javascript ; charset=utf-8", True),
        ("text/html; charset=UTF-16LE", False), ('application/xml; charset="utf-32"', False), ("text/plain", False),
        ("image/png", False), ("application/pdf", False), ("text/event-stream", False), ("text/htmlx", False),
        ("application/octet-stream", False), ("multipart/form-data", False),
    ],
)  # fmt: skip
def test_which_bodies_are_looked_through(kind: str, looked_through: bool) -> None:
    assert is_text([(b"content-type", kind.encode())]) is looked_through
    assert not is_text([])


CUTS = st.lists(st.integers(0, 2000), max_size=6)


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(each for each in cuts if each < len(data)), len(data)]
    return [data[begin:end] for begin, end in pairwise(places)]


@given(CUTS)
def test_as_it_is(cuts: list[int]) -> None:
    one = body(HTML)
    assert b"".join(one.feed(piece) for piece in cut(PAGE, cuts)) + one.end() == TURNED


@given(CUTS)
def test_through_gzip(cuts: list[int]) -> None:
    one = body(ZIPPED)
    # In two members, as a file that was appended to (RFC 1952, 2.2).
    sent = gzip.compress(PAGE[:777]) + gzip.compress(PAGE[777:])
    assert gzip.decompress(b"".join(one.feed(piece) for piece in cut(sent, cuts)) + one.end()) == TURNED


def test_cut_at_every_byte_of_gzip() -> None:
    sent = gzip.compress(PAGE)
    for at in range(len(sent)):
        one = body(ZIPPED)
        assert gzip.decompress(one.feed(sent[:at]) + one.feed(sent[at:]) + one.end()) == TURNED


def test_an_empty_body_is_empty() -> None:
    for fields in (HTML, ZIPPED):
        assert body(fields).end() == b""


def test_what_came_can_be_read_at_once_but_for_what_may_still_become_an_address() -> None:
    packer = zlib.compressobj(wbits=31)
    one = body(ZIPPED)
    got = one.feed(packer.compress(PAGE) + packer.flush(zlib.Z_SYNC_FLUSH))
    assert len(zlib.decompressobj(31).decompress(got)) >= len(TURNED) - TURN.reach


def all_of(one: Body, data: bytes, size: int = 2**30) -> bytes:
    return b"".join(one.feed(data[at : at + size]) for at in range(0, len(data), size)) + one.end()


WRONG = [  # law, fields, body
    ("cut short", ZIPPED, gzip.compress(PAGE)[:-1]),
    ("damaged", ZIPPED, gzip.compress(PAGE)[:-6] + b"xxxxxx"),
    ("no gzip at all", ZIPPED, PAGE),
    ("something behind it", ZIPPED, gzip.compress(PAGE) + b"more"),
    ("a bomb", ZIPPED, gzip.compress(b" " * 2**20)),
    ("a small bomb", ZIPPED, gzip.compress(b"\0" * (SMALL + 1))),
]


@pytest.mark.parametrize(("law", "fields", "data"), WRONG, ids=[case[0] for case in WRONG])
def test_what_cannot_be_read_is_not_passed_on(law: str, fields: list[Field], data: bytes) -> None:
    with pytest.raises(Untranslatable):
        all_of(body(fields), data)


def test_a_small_page_of_blanks_is_no_bomb() -> None:
    assert gzip.decompress(all_of(body(ZIPPED), gzip.compress(b" " * SMALL))) == b" " * SMALL


MENU = random.Random(0).randbytes(1000).hex().encode()  # a menu and a footer: 1 KiB of gzip


def test_a_body_may_become_a_hundred_times_as_large_and_no_larger() -> None:
    within, over = MENU + b" " * 100_000, MENU + b" " * 150_000
    assert gzip.decompress(all_of(body(ZIPPED), gzip.compress(within))) == within
    with pytest.raises(Untranslatable, match="a gzip body that grows more than 100 times"):
        all_of(body(ZIPPED), gzip.compress(over))


@pytest.mark.parametrize("size", [1, 7, 700])
def test_a_bomb_is_known_early_however_it_is_cut(size: int) -> None:
    sent = gzip.compress(b" " * 2**20)[:700]  # which make more than 64 KiB
    with pytest.raises(Untranslatable, match="grows more than 100 times"):
        all_of(body(ZIPPED), sent, size)


def test_pages_of_rows_that_tell_something_pass_at_any_size() -> None:
    rows = b"".join(b"<tr><td>%d</td><td>%d</td><td>&nbsp;</td></tr>" % (n, n * 7919 % 10007) for n in range(20_000))
    assert gzip.decompress(all_of(body(ZIPPED), gzip.compress(rows))) == rows


def test_more_than_the_limit_is_not_passed_on() -> None:
    piece = b"x" * 2**20
    one = body(HTML)
    for _ in range(BODY_LIMIT // len(piece)):
        one.feed(piece)
    with pytest.raises(Untranslatable, match="a body of more than 67108864 bytes to look through"):
        one.feed(b"x")
    with pytest.raises(Untranslatable, match="a body of 67108865 bytes to look through, and 67108864 are the most"):
        body(HTML, length=BODY_LIMIT + 1)


@pytest.mark.parametrize(
    ("fields", "status", "why"),
    [
        ([*HTML, (b"Content-Encoding", b"br")], 200, "a body in br, which was not asked for"),
        ([*ZIPPED, (b"Content-Encoding", b"gzip")], 200, "a body in gzip,gzip, which was not asked for"),
        (HTML, 206, "a part of a body, which was not asked for"),
    ],
)
def test_what_was_not_asked_for_is_not_passed_on(fields: list[Field], status: int, why: str) -> None:
    with pytest.raises(Untranslatable, match=why):
        body(fields, status)


def test_the_head_says_what_is_true_of_the_body_then() -> None:
    fields = [
        (b"ETag", b'"v1"'), (b"Accept-Ranges", b"bytes"), (b"Content-MD5", b"x"), (b"Digest", b"x"),
        (b"Repr-Digest", b"x"), (b"Content-Digest", b"x"), (b"X-A", b"1"),
    ]  # fmt: skip
    assert linked_fields(fields, text=True) == [(b"ETag", b'W/"v1"'), (b"X-A", b"1"), (b"Accept-Ranges", b"none")]
    assert linked_fields(fields, text=False) == [
        (b"ETag", b'W/"v1"'), *fields[2:], (b"Accept-Ranges", b"none"),
    ]  # fmt: skip


TAGS = st.from_regex(rb'(W/)?"[!#-~]{0,12}"', fullmatch=True).filter(lambda tag: not tag.endswith(b'~weak"'))


@given(st.lists(TAGS, min_size=1, max_size=4))
def test_every_tag_comes_back_as_the_backend_gave_it(tags: list[bytes]) -> None:
    seen = [weakened(tag) for tag in tags]
    assert all(tag.startswith(b'W/"') for tag in seen)
    assert if_none_match(b", ".join(seen)) == b", ".join(tags)
    assert if_match(b", ".join(seen)) == b", ".join(tags)


def test_what_is_no_tag_stays() -> None:
    assert weakened(b"v1") == b"v1"
    assert (if_match(b"*"), if_none_match(b"*"), if_none_match(b"nonsense")) == (b"*", b"*", None)
