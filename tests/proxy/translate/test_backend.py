"""What a citizen sends names the public address; the backend reads its own there, and foreign ones as they are."""

from __future__ import annotations

import pytest

from proxy.headers import Field
from proxy.translate.backend import (
    origin_for_backend,
    query_for_backend,
    takes_gzip,
    target_for_backend,
    whole_and_plain,
)
from proxy.translate.links import Turn
from proxy.translate.place import Place, ports_of, public_place

PUBLIC = Place(b"https", b"www.anytown.gov.uk")
TO_BACKEND = Turn(((PUBLIC.host, ports_of(443)),), Place(b"http", b"legacy.internal"), only=b"https")
TO_CITIZEN = Turn(((b"legacy.internal", ports_of(80)),), PUBLIC)

ORIGINS = [  # law, field, value, what the backend gets
    ("the public origin", b"Origin", b"https://www.anytown.gov.uk", b"http://legacy.internal"),
    ("with its default port", b"Origin", b"https://www.anytown.gov.uk:443", b"http://legacy.internal"),
    ("a page's address", b"Referer", b"https://www.anytown.gov.uk/a?b", b"http://legacy.internal/a?b"),
    ("no origin", b"Origin", b"null", b"null"),
    ("a foreign one", b"Origin", b"https://evil.example", b"https://evil.example"),
    ("one that looks alike", b"Origin", b"https://www.anytown.gov.uk.evil.example",
     b"https://www.anytown.gov.uk.evil.example"),
    ("another scheme is foreign: anybody on the way can make it", b"Origin", b"http://www.anytown.gov.uk",
     b"http://www.anytown.gov.uk"),
    ("another port is foreign", b"Origin", b"https://www.anytown.gov.uk:8443", b"https://www.anytown.gov.uk:8443"),
    ("a foreign page that names ours", b"Referer", b"https://evil.example/?https://www.anytown.gov.uk/",
     b"https://evil.example/?https://www.anytown.gov.uk/"),
    ("a foreign page that names the backend", b"Referer", b"https://evil.example/?http://legacy.internal/",
     b"https://evil.example/?http://legacy.internal/"),
    ("the backend's own is not ours to give", b"Origin", b"http://legacy.internal", b"null"),
    ("nor as a page", b"Referer", b"http://legacy.internal/a", None),
]  # fmt: skip


@pytest.mark.parametrize(("law", "name", "value", "becomes"), ORIGINS, ids=[case[0] for case in ORIGINS])
def test_where_a_request_comes_from(law: str, name: bytes, value: bytes, becomes: bytes | None) -> None:
    for spelling in (name, name.lower()):
        passed = origin_for_backend([(spelling, value), (b"X-A", b"1")], TO_BACKEND, TO_CITIZEN)
        assert passed == ([(spelling, becomes)] if becomes is not None else []) + [(b"X-A", b"1")]


QUERIES = [  # law, query or form, what the backend gets
    ("an encoded address", b"next=https%3A%2F%2Fwww.anytown.gov.uk%2Fa&x=1",
     b"next=http%3A%2F%2Flegacy.internal%2Fa&x=1"),
    ("a plain one", b"next=https://www.anytown.gov.uk/a", b"next=http://legacy.internal/a"),
    ("without a scheme", b"next=%2F%2Fwww.anytown.gov.uk%2Fa", b"next=%2F%2Flegacy.internal%2Fa"),
    ("an address in an address", b"next=%2Flogin%3Fto%3Dhttps%253A%252F%252Fwww.anytown.gov.uk",
     b"next=%2Flogin%3Fto%3Dhttp%253A%252F%252Flegacy.internal"),
    ("several", b"a=https://www.anytown.gov.uk&b=https://www.anytown.gov.uk/c",
     b"a=http://legacy.internal&b=http://legacy.internal/c"),
    ("a foreign one", b"next=https%3A%2F%2Fevil.example", b"next=https%3A%2F%2Fevil.example"),
    ("another scheme", b"next=http%3A%2F%2Fwww.anytown.gov.uk", b"next=http%3A%2F%2Fwww.anytown.gov.uk"),
    ("a name is no value", b"https://www.anytown.gov.uk=1", b"https://www.anytown.gov.uk=1"),
    ("text that begins with one", b"t=https%3A%2F%2Fwww.anytown.gov.uk%2Fa+is+broken",
     b"t=https%3A%2F%2Fwww.anytown.gov.uk%2Fa+is+broken"),
    ("text with one in it", b"t=see:https://www.anytown.gov.uk", b"t=see:https://www.anytown.gov.uk"),
    ("a line's end makes it text", b"t=https://www.anytown.gov.uk%0D%0A", b"t=https://www.anytown.gov.uk%0D%0A"),
    ("nothing", b"", b""),
    ("empty parts", b"&&a&=b&c=", b"&&a&=b&c="),
]  # fmt: skip


@pytest.mark.parametrize(("law", "text", "becomes"), QUERIES, ids=[case[0] for case in QUERIES])
def test_values_of_queries_and_forms(law: str, text: bytes, becomes: bytes) -> None:
    assert query_for_backend(text, TO_BACKEND) == becomes
    assert target_for_backend(b"/a?" + text, TO_BACKEND) == b"/a?" + becomes


def test_a_path_stays_as_it_is() -> None:
    for target in (b"/to/https://www.anytown.gov.uk/", b"*", b"/"):
        assert target_for_backend(target, TO_BACKEND) == target


def passed_on(*fields: Field) -> list[Field]:
    return whole_and_plain(fields)


def test_no_ranges_no_coding_but_gzip_and_its_own_tags() -> None:
    assert passed_on(
        (b"Accept-Encoding", b"gzip, deflate, br, zstd"), (b"Range", b"bytes=0-9"), (b"If-Range", b'"v1"'),
        (b"If-None-Match", b'W/"v1", W/"v2~weak", "v3"'), (b"If-Match", b'W/"v1", "v3"'), (b"X-A", b"1"),
    ) == [
        (b"If-None-Match", b'"v1", W/"v2"'), (b"If-Match", b'"v1", "v3"'), (b"X-A", b"1"),
        (b"Accept-Encoding", b"gzip"),
    ]  # fmt: skip


def test_what_was_kept_from_before_the_links_were_rewritten_is_not_used_on() -> None:
    assert passed_on((b"If-None-Match", b'"v1"')) == [(b"Accept-Encoding", b"identity")]
    assert passed_on((b"If-None-Match", b"*")) == [(b"If-None-Match", b"*"), (b"Accept-Encoding", b"identity")]


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [
        (b"gzip", True), (b"br, GZIP;q=0.5", True), (b"x-gzip", True), (b"*", True), (b"deflate, *;q=0.1", True),
        (b"gzip ; q=1.0 , br", True), (b"", False), (b"br", False), (b"gzip;q=0", False), (b"gzip;q=0.000", False),
        (b"*;q=0", False), (b"gzip;q=0, *", False), (b"*;q=0, gzip", True), (b"identity", False), (b"notgzip", False),
    ],
)  # fmt: skip
def test_who_can_read_gzip(accepted: bytes, takes: bool) -> None:
    assert takes_gzip(accepted) is takes


@pytest.mark.parametrize(
    ("proto", "host_field", "origin"),
    [
        (b"https", b"www.anytown.gov.uk", b"https://www.anytown.gov.uk"),
        (b"https", b"WWW.anytown.gov.uk.:443", b"https://www.anytown.gov.uk"),
        (b"http", b"www.anytown.gov.uk:8080", b"http://www.anytown.gov.uk:8080"),
        (b"http", b"www.anytown.gov.uk:443", b"http://www.anytown.gov.uk:443"),
        (b"http", b"www.anytown.gov.uk:0080", b"http://www.anytown.gov.uk"),
        (b"http", b"www.anytown.gov.uk:", b"http://www.anytown.gov.uk"),
        (b"http", b"www.anytown.gov.uk:99999", b"http://www.anytown.gov.uk"),
    ],
)
def test_where_the_citizen_is(proto: bytes, host_field: bytes, origin: bytes) -> None:
    assert public_place(proto, b"www.anytown.gov.uk", host_field).origin == origin


def test_an_address_of_six_is_no_port() -> None:
    assert public_place(b"http", b"[::1]", b"[::1]").origin == b"http://[::1]"
    assert public_place(b"http", b"[::1]", b"[::1]:8080").origin == b"http://[::1]:8080"
