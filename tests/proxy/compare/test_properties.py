"""Laws of comparing, held over answers nobody thought of."""

from __future__ import annotations

import json as standard
import re
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.compare.align import ROUNDS, aligned
from proxy.compare.compare import compare
from proxy.compare.ignoring import refusals
from proxy.compare.redact import redact, redact_reply
from proxy.compare.shapes import of_number, of_text
from proxy.compare.values import Kind, Reply
from tests.proxy.compare.replies import ignoring, json, page, told

KINDS = [
    b"text/html; charset=utf-8", b"application/json", b"text/csv", b"text/plain", b"application/xml", b"image/png",
    b"application/x-ndjson", b"text/html; charset=utf-16", b"text/html; charset=zip", b"text/tab-separated-values", b"",
]  # fmt: skip
PIECES = """<div> </div> <p> </p> <table> <tr> <td> </td> </table> <ul> <li> <a href=/x> </a> <form id=f> <input name=a>
<select name=b> <option> <b> one two &amp; 3 <!-- c --> <script> </script> <textarea name=c> <svg> <style> <button>
<img alt=x> <template> hidden 25/11/2026 12:26 , ; " ' { } [ ] : null"""
MARKUP = st.lists(st.sampled_from(PIECES.split()), max_size=40).map(" ".join)
BODIES = st.one_of(st.binary(max_size=200), MARKUP.map(str.encode), st.text(max_size=100).map(str.encode))
FIELDS = st.lists(
    st.tuples(
        st.sampled_from([b"content-encoding", b"location", b"set-cookie", b"cache-control", b"date", b"x-other"]),
        st.one_of(st.sampled_from([b"gzip", b"br", b"zstd", b"deflate", b"identity"]), st.binary(max_size=40)),
    ),
    max_size=4,
)
REPLIES = st.builds(
    lambda status, kind, fields, body: Reply(status, ((b"content-type", kind), *fields), body),
    st.sampled_from([200, 302, 404, 500]),
    st.one_of(st.sampled_from(KINDS), st.binary(max_size=30)),
    FIELDS,
    BODIES,
)
THOROUGH = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@THOROUGH
@given(REPLIES)
def test_a_reply_equals_itself_and_can_be_shown(reply: Reply) -> None:
    assert compare(reply, reply) == ()
    redact_reply(reply)


@THOROUGH
@given(REPLIES, REPLIES)
def test_any_two_replies_can_be_compared_and_their_paths_ignored(control: Reply, candidate: Reply) -> None:
    differences = compare(control, candidate)
    assert compare(control, candidate) == differences
    paths = [difference.path for difference in differences]
    assert refusals(paths) == []
    left = compare(control, candidate, ignoring(*paths))
    assert not {(each.path, each.kind) for each in left} & {(each.path, each.kind) for each in differences}


VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=8)
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from("abcdef"), inner, max_size=4)),
    max_leaves=12,
)
TURNED = {Kind.MISSING: Kind.ADDED, Kind.ADDED: Kind.MISSING}


@THOROUGH
@given(VALUES, VALUES)
def test_json_differs_exactly_where_its_values_do(one: object, other: object) -> None:
    found = compare(json(standard.dumps(one)), json(standard.dumps(other)))
    assert bool(found) == (not same(one, other))


def same(one: object, other: object) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and one == other


@THOROUGH
@given(st.dictionaries(st.text("abcdefgh", min_size=1, max_size=3), VALUES, max_size=6), st.data())
def test_what_is_missing_one_way_is_added_the_other(whole: dict[str, object], data: st.DataObject) -> None:
    less = {name: value for name, value in whole.items() if data.draw(st.booleans())}
    there = compare(json(standard.dumps(whole)), json(standard.dumps(less)))
    back = compare(json(standard.dumps(less)), json(standard.dumps(whole)))
    assert {(d.path, d.kind, d.control) for d in there} == {(d.path, TURNED[d.kind], d.candidate) for d in back}


WORDS = st.text("bcdfghjk", min_size=2, max_size=5)


@THOROUGH
@given(st.lists(st.tuples(WORDS, WORDS, WORDS), min_size=2, max_size=12, unique_by=lambda row: row[0]), st.data())
def test_one_change_of_a_table_is_one_difference(rows: list[tuple[str, ...]], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.integers(0, 2))
    changed = [list(row) for row in rows]
    changed[place][column] += "z"
    fewer = rows[:place] + rows[place + 1 :]
    length = len(rows[place][column])
    path = f"css:table td:nth-child({column + 1})"
    assert told(html(rows), html(changed)) == [f"{path} value text of {length} text of {length + 1}"]
    assert told(html(rows), html(fewer)) == ["css:table tr missing tr of 3 texts nothing"]
    assert told(html(fewer), html(rows)) == ["css:table tr added nothing tr of 3 texts"]


def html(rows: list[tuple[str, ...]] | list[list[str]]) -> Reply:
    return page("<table>" + "".join(f"<tr><td>{'<td>'.join(row)}</tr>" for row in rows) + "</table>")


@given(st.text())
def test_a_shape_holds_nothing_of_a_text(text: str) -> None:
    shape = of_text(text)
    assert re.fullmatch(r"text of [0-9]+|empty text|[9 \-+/.,:%()£$€TZ]+", shape)
    assert "9" not in text or re.sub(r"[^0-8]", "", shape.removeprefix("text of ")) == "" or shape.startswith("text of")


@given(st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False)))
def test_a_shape_holds_nothing_of_a_number(number: float) -> None:
    assert re.fullmatch(r"[-9.e+]+|number of [0-9]+", of_number(standard.dumps(number)))


# -- redaction

PERSONAL = st.sampled_from(
    """AB123456C|QQ 12 34 56 C|943 476 5919|9434765919|jo.smith@example.gov.uk|07700 900123|+447700900123
(020) 7946 0018|SW1A 1AA|m1 1ae|4111 1111 1111 1111|5500-0000-0000-0004|GB82 WEST 1234 5698 7654 32|12-34-56 12345678
Sort code: 123456|account number 12345678|Surname: Smith|dob=1980-02-03|Date of birth: 3 May 1980
Home address: 1 High Street""".replace("\n", "|").split("|")
)


@THOROUGH
@given(st.lists(st.one_of(PERSONAL, st.text(max_size=12)), max_size=6))
def test_redacting_twice_is_redacting_once(pieces: list[str]) -> None:
    text = "\n".join(pieces)
    once = redact(text)
    assert redact(once) == once
    assert len(once) == len(text)


@THOROUGH
@given(PERSONAL, st.sampled_from(["{}", "Ring {} now", "({})", "a, {}, b", "'{}'", "tel:{}"]))
def test_nothing_personal_is_left(personal: str, sentence: str) -> None:
    value = re.sub(r"^[A-Za-z ]+[:=] ?|^account number ", "", personal)
    assert value in personal
    assert value not in redact(sentence.format(personal))


# -- what it costs, in steps and not in seconds


class Counted:
    """A key that counts how often it is asked whether it equals another."""

    asked = 0

    def __init__(self, value: int) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        Counted.asked += 1
        return isinstance(other, Counted) and self.value == other.value

    def __hash__(self) -> int:
        return hash(self.value)


HARD = {
    "all different": (range(10_000), range(10_000, 20_000)),
    "all the same, and one more": ([1] * 10_000, [2, *[1] * 10_000, 3]),
    "turned round": (range(10_000), range(9_999, -1, -1)),
    "few kinds": ([n % 7 for n in range(10_000)], [n % 5 for n in range(10_000)]),
    "pairs": ([n // 2 for n in range(10_000)], [n // 2 for n in range(9_999, -1, -1)]),
    "one more unique in each round": (
        [n for pair in range(5_000) for n in (pair + 2, pair + 1)],
        [n for pair in range(5_000) for n in (0, pair + 1)],
    ),
    "one unique in the middle of the same": ([1] * 5_000 + [2] + [1] * 5_000, [3] + [1] * 4_000 + [2] + [1] * 6_000),
}


def test_ten_thousand_rows_are_aligned_in_steps_that_grow_as_they_do() -> None:
    for name, (control, candidate) in HARD.items():
        Counted.asked = 0
        pairs = aligned([Counted(n) for n in control], [Counted(n) for n in candidate])
        assert pairs == sorted(pairs), name
        assert Counted.asked < 4 * 20_000 * ROUNDS, name


@given(st.lists(st.integers(0, 5), max_size=30), st.lists(st.integers(0, 5), max_size=30))
def test_aligned_pairs_are_equal_and_ascend(control: list[int], candidate: list[int]) -> None:
    pairs = aligned(control, candidate)
    assert all(control[i] == candidate[j] for i, j in pairs)
    assert all(i < k and j < m for (i, j), (k, m) in pairwise(pairs))
    assert aligned(control, control) == [(i, i) for i in range(len(control))]
