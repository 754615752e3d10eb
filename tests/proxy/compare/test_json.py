"""JSON is compared member by member: numbers by value, arrays by position or by a declared key."""

from __future__ import annotations

import pytest

from tests.proxy.compare.replies import ignoring, json, reply, told

SAME = [
    ("the order of members does not count", '{"a": 1, "b": 2}', '{"b": 2, "a": 1}'),
    ("white space does not count", '{"a":[1,2]}', '{ "a": [1, 2] }\n'),
    ("how a text is escaped does not count", '"\\u00a3"', '"£"'),
    ("a number counts by its value", "[1.0, 1e2, 0.10, -0]", "[1, 100, 0.1, 0]"),
    ("big numbers keep all their digits", "[123456789012345678901234567890]", "[12345678901234567890123456789e1]"),
    ("an exponent costs nothing", "[1e999999999]", "[10e999999998]"),
    ("a token is made anew", '{"csrfToken": "abc"}', '{"csrfToken": "def"}'),
    ("a random request id is made anew", '{"requestId": "4f9c2a178be04d6a"}', '{"requestId": "8be04d6a4f9c2a17"}'),
    ("now is two seconds later", '{"at": "2026-11-25T12:26:09Z"}', '{"at": "2026-11-25T12:26:11Z"}'),
    ("now may be an epoch", '{"at": 1795609569123}', '{"at": 1795609570456}'),
]

DIFFERENT = [
    ("a rounding", '{"cost": 12.345}', '{"cost": 12.35}', ["json:$.cost value 99.999 99.99"]),
    ("a rounding in the last of many digits", "[0.1234567890123456789]", "[0.1234567890123456788]",
     ["json:$[*] value 9.9999999999999999999 9.9999999999999999999"]),
    ("a big whole number", "[9007199254740993]", "[9007199254740992]",
     ["json:$[*] value 9999999999999999 9999999999999999"]),
    ("null for an empty text", '{"a": ""}', '{"a": null}', ["json:$.a type empty text null"]),
    ("a text for a number", '{"a": 1}', '{"a": "1"}', ["json:$.a type 9 9"]),
    ("a lost member", '{"a": 1, "b": "it"}', '{"a": 1}', ["json:$.b missing text of 2 nothing"]),
    ("a member more", '{"a": 1}', '{"a": 1, "b": true}', ["json:$.b added nothing true"]),
    ("a truncated list", '{"items": [1, 2, 3]}', '{"items": [1, 2]}', ["json:$.items length 3 items 2 items"]),
    ("an element lost in the middle", "[[1],[2],[3],[4]]", "[[1],[3],[4]]", ["json:$ length 4 items 3 items"]),
    ("one lost, and another changed", '[{"id":1,"c":1},{"id":2,"c":2},{"id":3,"c":3}]',
     '[{"id":1,"c":1},{"id":3,"c":4}]',
     ["json:$ length 3 items 2 items", "json:$[*].c value 9 9"]),
    ("a swapped order", '{"items": ["b", "a"]}', '{"items": ["a", "b"]}', ["json:$.items order 2 items 2 items"]),
    ("the same in each element is told once", '[{"c":1.5},{"c":2.5}]', '[{"c":1.6},{"c":2.6}]',
     ["json:$[*].c value 9.9 9.9"]),
    ("ids are not in a path", '{"jobs": {"4711": 1}}', '{"jobs": {"4711": 2}}', ["json:$.jobs[*] value 9 9"]),
    ("a name with a blank is quoted", '{"a b": 1}', '{"a b": 2}', ["json:$['a b'] value 9 9"]),
    ("a member twice", '{"a": 1, "a": 2}', '{"a": 2}', ["json:$.a length 2 values 1 value"]),
    ("true for 1", "[true]", "[1]", ["json:$[*] type true 9"]),
    ("an id that is no random one", '{"requestId": "SR-12"}', '{"requestId": "SR-13"}',
     ["json:$.requestId value text of 5 text of 5"]),
    ("a token lost", '{"csrfToken": "abc"}', "{}", ["json:$.csrfToken missing token nothing"]),
    ("now in another zone", '{"at": "2026-11-25T12:26:09+00:00"}', '{"at": "2026-11-25T13:26:09+01:00"}',
     ["json:$.at value text of 25 text of 25"]),
    ("now without its zone", '{"at": "2026-11-25T12:26:09Z"}', '{"at": "2026-11-25T12:26:09"}',
     ["json:$.at value 9999-99-99T99:99:99Z 9999-99-99T99:99:99"]),
    ("yesterday", '{"on": "2026-11-25"}', '{"on": "2026-11-24"}', ["json:$.on value 9999-99-99 9999-99-99"]),
    ("not JSON", "[1]", "[1", ["body unreadable json not json"]),
    ("NaN is not JSON", "[1]", "[NaN]", ["body unreadable json not json"]),
    ("nothing at all", "[1]", "", ["body length 3 bytes empty"]),
]  # fmt: skip


@pytest.mark.parametrize(("law", "control", "candidate"), SAME, ids=[case[0] for case in SAME])
def test_what_is_the_same(law: str, control: str, candidate: str) -> None:
    assert told(json(control), json(candidate)) == []


@pytest.mark.parametrize(("law", "control", "candidate", "expected"), DIFFERENT, ids=[case[0] for case in DIFFERENT])
def test_what_is_different(law: str, control: str, candidate: str, expected: list[str]) -> None:
    assert told(json(control), json(candidate)) == expected


def test_elements_go_by_their_declared_key() -> None:
    control, candidate = (
        '{"items": [{"ref": 1, "c": 1}, {"ref": 2, "c": 2}]}',
        '{"items": [{"ref": 2, "c": 3}, {"ref": 1, "c": 1}]}',
    )
    by_ref = ignoring(keys={"$.items": "ref"})
    assert told(json(control), json(candidate), by_ref) == ["json:$.items[*].c value 9 9"]
    assert told(json(control), json('{"items": [{"ref": 2, "c": 2}]}'), by_ref) == [
        "json:$.items length 2 items 1 item",
        "json:$.items[*] missing 2 members nothing",
    ]


IGNORED = [
    ("json:$.a", '{"a": 1, "b": 1}', '{"a": 2, "b": 1}'),
    ("json:$.a", '{"a": {"x": 1}}', '{"a": {"x": 2, "y": 3}}'),
    ("json:$.items[*].at", '{"items": [{"at": 1}]}', '{"items": [{"at": 2}]}'),
    ("json:$..at", '{"items": [{"at": 1}], "at": 5}', '{"items": [{"at": 2}], "at": 6}'),
    ("json:$.*.at", '{"a": {"at": 1}}', '{"a": {"at": 2}}'),
    ("json:$['a b']", '{"a b": 1}', '{"a b": 2}'),
    ("json:$.items[0]", '{"items": [1, 2]}', '{"items": [3, 2]}'),
    ("json:$", "[1]", "[2]"),
    ("body", "[1]", "[2"),
]


@pytest.mark.parametrize(("entry", "control", "candidate"), IGNORED)
def test_what_is_ignored_is_left_out_of_both(entry: str, control: str, candidate: str) -> None:
    assert told(json(control), json(candidate)) != []
    assert told(json(control), json(candidate), ignoring(entry)) == []


def test_an_ignored_member_does_not_hide_its_neighbour_of_a_like_name() -> None:
    assert told(json('{"at": 1, "att": 1}'), json('{"at": 2, "att": 2}'), ignoring("json:$.at")) == [
        "json:$.att value 9 9"
    ]


def test_what_is_ignored_does_not_keep_elements_from_being_matched() -> None:
    control, candidate = '[{"n":"a","at":1},{"n":"b","at":2}]', '[{"n":"b","at":3},{"n":"a","at":4}]'
    assert told(json(control), json(candidate), ignoring("json:$[*].at")) == ["json:$ order 2 items 2 items"]


def test_deep_nesting_is_compared_by_its_bytes() -> None:
    deep = "[" * 100_000 + "]" * 100_000
    assert told(json(deep), json(deep)) == []
    assert told(json(deep), json("[" * 500 + "]" * 500)) == ["body bytes 200000 bytes 1000 bytes"]


def test_json_lines_are_a_list_of_documents() -> None:
    control, candidate = (
        reply('{"a": 1}\n{"a": 2}\n', "application/x-ndjson"),
        reply('{"a":1}\n\n{"a":3}', "application/x-ndjson"),
    )
    assert told(control, candidate) == ["json:$[*].a value 9 9"]


@pytest.mark.parametrize("kind", ["application/problem+json", "Application/JSON; charset=utf-8", "text/json"])
def test_kinds_of_json(kind: str) -> None:
    assert told(reply('{"a": 1}', kind), reply('{"a":2}', kind)) == ["json:$.a value 9 9"]
