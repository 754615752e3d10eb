"""Tables by rows and columns, texts by lines, XML as a tree, everything else by its bytes; compression never counts."""

from __future__ import annotations

import gzip
import zlib

import brotli
import pytest
from backports import zstd

from proxy.compare.decoding import LARGEST
from tests.proxy.compare.replies import LATER, ignoring, reply, told

CSV = "ref,what,cost\nJ1,Boiler,12.50\nJ2,Door,80.00\nJ3,Roof,99.99\n"

CSV_CASES = [
    ("line ends and quotes do not count", CSV.replace("\n", "\r\n").replace("Boiler", '"Boiler"'), []),
    ("a cell", CSV.replace("80.00", "80"), ["csv:cost value 99.99 99"]),
    ("a missing row", CSV.replace("J2,Door,80.00\n", ""), ["csv:* missing 1 row nothing"]),
    ("a swapped order", "ref,what,cost\nJ2,Door,80.00\nJ1,Boiler,12.50\nJ3,Roof,99.99\n",
     ["csv:* order 1 row 1 row, in another order"]),
    ("a missing column", "ref,what\nJ1,Boiler\nJ2,Door\nJ3,Roof\n", ["csv:cost missing a column nothing"]),
    ("a renamed column", CSV.replace("cost", "price"),
     ["csv:cost missing a column nothing", "csv:price added nothing a column"]),
    ("columns in another order", "what,ref,cost\nBoiler,J1,12.50\nDoor,J2,80.00\nRoof,J3,99.99\n",
     ["csv:* order 3 columns 3 columns, in another order"]),
    ("a row that is too short", CSV.replace("J3,Roof,99.99", "J3,Roof"), ["csv:cost length 99.99 no cell"]),
    ("another delimiter", CSV.replace(",", ";"),
     ["csv:ref missing a column nothing", "csv:what missing a column nothing", "csv:cost missing a column nothing",
      "csv:ref;what;cost added nothing a column"]),
    ("no CSV", CSV + '"', ["body unreadable csv not csv"]),
    ("every cell rounded, and a row missing", "ref,what,cost\nJ1,Boiler,12.5\nJ2,Door,80\n",
     ["csv:cost value 99.99 99.9", "csv:* missing 1 row nothing"]),
]  # fmt: skip


@pytest.mark.parametrize(("law", "candidate", "expected"), CSV_CASES, ids=[case[0] for case in CSV_CASES])
def test_tables(law: str, candidate: str, expected: list[str]) -> None:
    assert told(reply(CSV, "text/csv; charset=utf-8"), reply(candidate, "text/csv; charset=utf-8")) == expected


def test_columns_without_names_are_numbered_and_may_be_ignored() -> None:
    control, candidate = reply("1,2\n3,4\n", "text/csv"), reply("1,2\n3,5\n", "text/csv")
    assert told(control, candidate) == ["csv:2 value 9 9"]
    assert told(control, candidate, ignoring("csv:2")) == []
    named = reply(CSV, "text/csv"), reply(CSV.replace("80.00", "80"), "text/csv")
    assert told(*named, ignoring("csv:cost")) == []


TEXT_CASES = [
    ("line ends do not count", "one\r\ntwo \r\nthree", []),
    ("a changed line", "one\nzwei\nthree\n", ["body value text of 3 text of 4"]),
    ("an inserted line", "one\nand\ntwo\nthree\n", ["body added nothing 1 line"]),
    ("a lost line", "one\nthree\n", ["body missing 1 line nothing"]),
    ("a swapped order", "two\none\nthree\n", ["body order 1 line 1 line, in another order"]),
]


@pytest.mark.parametrize(("law", "candidate", "expected"), TEXT_CASES, ids=[case[0] for case in TEXT_CASES])
def test_texts(law: str, candidate: str, expected: list[str]) -> None:
    assert told(reply("one\ntwo\nthree\n", "text/plain"), reply(candidate, "text/plain")) == expected


def test_what_a_regular_expression_cuts_out_does_not_count() -> None:
    control, candidate = reply("build 12\nbody", "text/plain"), reply("build 13\nbody", "text/plain")
    assert told(control, candidate) == ["body value text of 8 text of 8"]
    assert told(control, candidate, ignoring(r"text:build \d+")) == []


def test_a_date_of_now_does_not_count_in_a_text() -> None:
    control = reply("made Wed, 25 Nov 2026 12:26:09 GMT", "text/plain")
    assert told(control, reply("made Wed, 25 Nov 2026 12:26:11 GMT", "text/plain", date=LATER)) == []
    assert told(control, reply("made Wed, 25 Nov 2026 13:26:11 GMT", "text/plain", date=LATER)) != []


FEED = (
    '<?xml version="1.0"?><feed xmlns="urn:f"><updated>1</updated><entry id="a"><title>One</title></entry>'
    '<entry id="b"><title>Two</title></entry></feed>'
)
PREFIXED = (
    '<f:feed xmlns:f="urn:f"><f:updated> 1 </f:updated>\n<f:entry id="a"><f:title>One</f:title></f:entry>'
    '<f:entry id="b"><f:title>Two</f:title></f:entry></f:feed>'
)
XML_CASES = [
    ("prefixes, and white space between elements", PREFIXED, []),
    ("a text", FEED.replace("Two", "Three"), ["xml:/feed/entry/title value text of 3 text of 5"]),
    ("an attribute", FEED.replace('id="b"', 'id="c"'), ["xml:/feed/entry/@id value text of 1 text of 1"]),
    ("a lost element", FEED.replace('<entry id="a"><title>One</title></entry>', ""),
     ["xml:/feed/entry missing entry of 1 text nothing"]),
    ("another namespace", FEED.replace("urn:f", "urn:g"),
     ["xml:/feed missing feed of 3 texts nothing", "xml:/feed added nothing feed of 3 texts"]),
    ("not XML", FEED[:-3], ["body unreadable xml not xml"]),
]  # fmt: skip


@pytest.mark.parametrize(("law", "candidate", "expected"), XML_CASES, ids=[case[0] for case in XML_CASES])
def test_documents(law: str, candidate: str, expected: list[str]) -> None:
    assert told(reply(FEED, "application/atom+xml"), reply(candidate, "application/atom+xml")) == expected


def test_an_ignored_element_of_xml() -> None:
    control, candidate = reply(FEED, "text/xml"), reply(FEED.replace(">1<", ">2<"), "text/xml")
    assert told(control, candidate) == ["xml:/feed/updated value 9 9"]
    for entry in ("xml:/feed/updated", "xml://updated"):
        assert told(control, candidate, ignoring(entry)) == []


def test_a_document_that_declares_entities_is_compared_by_its_bytes() -> None:
    bomb = '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]><a>&c;&c;</a>'
    assert told(reply(bomb, "text/xml"), reply(bomb, "text/xml")) == []
    assert told(reply(bomb, "text/xml"), reply(bomb + " ", "text/xml")) == ["body bytes 69 bytes 70 bytes"]


def test_everything_else_is_compared_by_its_bytes() -> None:
    assert told(reply(b"\x00\x01", "image/png"), reply(b"\x00\x02", "image/png")) == ["body bytes 2 bytes 2 bytes"]
    assert told(reply(b"\x00\x01"), reply(b"\x00\x01")) == []


COMPRESSED = [
    ("gzip", gzip.compress(b"hello")),
    ("x-gzip", gzip.compress(b"hel") + gzip.compress(b"lo")),
    ("deflate", zlib.compress(b"hello")),
    ("deflate", zlib.compress(b"hello")[2:-4]),
    ("br", brotli.compress(b"hello")),
    ("zstd", zstd.compress(b"hello")),
    ("GZIP, identity", gzip.compress(b"hello")),
    ("gzip, br", brotli.compress(gzip.compress(b"hello"))),
]


@pytest.mark.parametrize(("coding", "body"), COMPRESSED, ids=range(len(COMPRESSED)))
def test_compression_does_not_count(coding: str, body: bytes) -> None:
    plain, other = reply("hello", "text/plain"), reply(body, "text/plain", ("content-encoding", coding))
    assert told(plain, other) == []
    assert told(other, plain) == []


BROKEN = [
    ("gzip", b"hello", "not gzip"),
    ("gzip", gzip.compress(b"hello")[:-3], "not gzip"),
    ("br", b"hello hello", "not br"),
    ("zstd", b"hello", "not zstd"),
    ("deflate", b"hello", "not deflate"),
    ("rot13", b"uryyb", "in an unknown compression"),
    ("gzip, gzip, gzip", b"x", "compressed more than 2 times"),
    ("gzip", gzip.compress(b"0" * (LARGEST + 1)), "larger than 8 MiB without its compression"),
    ("br", brotli.compress(b"0" * (LARGEST + 1)), "larger than 8 MiB without its compression"),
    ("zstd", zstd.compress(b"0" * (LARGEST + 1)), "larger than 8 MiB without its compression"),
    ("gzip", gzip.compress(b"") * 50_000, "not gzip"),
]


@pytest.mark.parametrize(("coding", "body", "why"), BROKEN, ids=range(len(BROKEN)))
def test_what_is_not_what_it_says_is_unreadable(coding: str, body: bytes, why: str) -> None:
    broken = reply(body, "text/plain", ("content-encoding", coding))
    assert told(reply("hello", "text/plain"), broken) == [f"body unreadable text {why}"]
    assert told(broken, reply("hello", "text/plain")) == [f"body unreadable {why} text"]
    assert told(broken, broken) == []


def test_a_charset_nobody_knows_is_unreadable() -> None:
    odd = reply("hello", "text/plain; charset=zip")
    assert told(reply("hello", "text/plain"), odd) == ["body unreadable text in an unknown charset"]


def test_another_kind_of_body() -> None:
    control, candidate = reply("<p>1</p>", "text/html"), reply("{}", "application/json")
    assert told(control, candidate) == ["header:content-type value text of 9 text of 16", "body type html json"]
