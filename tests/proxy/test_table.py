"""Which claim a request falls to by its path and method: a table of laws."""

from __future__ import annotations

import pytest

from proxy.asked import Asked
from proxy.paths import PathRules, Readings, read_path
from proxy.stages import LEGACY, LIVE
from proxy.table import Ambiguous, Claim, Gone, Pattern, Redirect, Route, Table


def claim(text: str, slice_name: str = "", series: int = 0) -> Claim:
    """`GET,POST /a/*` as routes.yaml would have it; its own text is its slice, unless one is named."""
    methods, _, path = text.rpartition(" ")
    named = frozenset(method.encode() for method in methods.split(",")) if methods else None
    leads_to = Route(slice_name or text, LIVE, "slice", "legacy", named is not None)
    return Claim(Pattern.parse(path), named, leads_to, f"routes.yaml:{text}", series)


def asked(method: str, path: str = "/") -> Asked:
    return Asked(method.encode(), path.encode(), None, b"")


GET = asked("GET")


def found(table: Table, method: str, path: str) -> str | None:
    one = table.find(path.encode(), asked(method, path))
    return one.at.removeprefix("routes.yaml:") if one else None


CASES = [  # law, claims, request, expected
    ("a prefix owns its children", ["/foo/*"], "GET /foo/bar", "/foo/*"),
    ("and itself", ["/foo/*"], "GET /foo", "/foo/*"),
    ("with or without the last slash", ["/foo/*"], "GET /foo/", "/foo/*"),
    ("and all below", ["/foo/*"], "GET /foo/a/b/c", "/foo/*"),
    ("a prefix ends at a path segment", ["/v2/*", "/*"], "GET /v2example", "/*"),
    ("an exact path beats its prefix", ["/foo/*", "/foo/bar"], "GET /foo/bar", "/foo/bar"),
    ("an exact path owns no children", ["/foo"], "GET /foo/bar", None),
    ("nor its own slash", ["/foo"], "GET /foo/", None),
    ("a longer prefix beats a shorter one", ["/*", "/a/*", "/a/b/*"], "GET /a/b/c", "/a/b/*"),
    ("the root is everything's prefix", ["/*"], "GET /any/thing", "/*"),
    ("the root alone", ["/"], "GET /", "/"),
    ("a named method beats none", ["/foo", "GET /foo"], "GET /foo", "GET /foo"),
    ("a request whose method fails goes on to the next best", ["POST /foo", "/foo/*"], "GET /foo", "/foo/*"),
    ("in the end to nobody", ["POST /foo"], "GET /foo", None),
    ("one of several methods", ["GET,POST /foo"], "POST /foo", "GET,POST /foo"),
    ("methods are case-sensitive", ["GET /foo"], "get /foo", None),
    ("HEAD is not GET", ["GET /foo"], "HEAD /foo", None),
    ("a long path in a shallow table", ["/a/*"], "GET /a/" + "b/" * 3000, "/a/*"),
    ("a long path that leaves it", ["/a/b"], "GET /a/b" + "/" * 3000, None),
    ("a long path below a long prefix", ["/a/b/c/d/*", "/a/*"], "GET /a/b/c/d/" + "x" * 3000, "/a/b/c/d/*"),
    ("a prefix that is a whole path's beginning, but no segment's end", ["/a/b/*"], "GET /a/bc/d", None),
]


@pytest.mark.parametrize(("law", "claims", "request_line", "expected"), CASES, ids=[case[0] for case in CASES])
def test_the_laws_of_matching(law: str, claims: list[str], request_line: str, expected: str | None) -> None:
    method, path = request_line.split(" ")
    assert found(Table(map(claim, claims)), method, path) == expected


def test_an_ambiguous_path_passes_where_every_reading_leads_to_one_place() -> None:
    table = Table([claim("/a/*", "one"), claim("/a/b", "one"), claim("/c/*", "two")])
    readings = read_path(b"/a//b", PathRules())
    assert isinstance(readings, Readings)
    assert isinstance(table.match(readings, GET), Claim)


@pytest.mark.parametrize("path", [b"/a/../c/x", b"/c%2F..%2Fa", b"/public/..%2f/c", b"//c/x/../../a"])
def test_and_is_refused_where_they_do_not(path: bytes) -> None:
    table = Table([claim("/a/*", "one"), claim("/c/*", "two")])
    readings = read_path(path, PathRules())
    assert isinstance(readings, Readings)
    assert isinstance(table.match(readings, GET), Ambiguous)


def test_the_default_is_a_place_too() -> None:
    readings = read_path(b"/x/../a", PathRules())
    assert isinstance(readings, Readings)
    assert isinstance(Table([claim("/a/*")]).match(readings, GET), Ambiguous)


def test_a_table_lists_its_claims_in_match_order() -> None:
    texts = ["/a/*", "/a", "/*", "GET /a/*", "/a/b/*"]
    assert [one.at.removeprefix("routes.yaml:") for one in Table(map(claim, texts))] == [
        "/a",
        "/a/b/*",
        "GET /a/*",
        "/a/*",
        "/*",
    ]


@pytest.mark.parametrize(
    ("pattern", "to", "path", "expected"),
    [
        ("/jobs/*", "/api/v2/jobs/*", b"/jobs/7", b"/api/v2/jobs/7"),
        ("/jobs/*", "/api/v2/jobs/*", b"/jobs", b"/api/v2/jobs"),
        ("/jobs/*", "/*", b"/jobs", b"/"),
        ("/jobs/*", "/*", b"/jobs/7/", b"/7/"),
        ("/*", "/new/*", b"/a", b"/new/a"),
        ("/a", "/b", b"/a", b"/b"),
        ("/old/*", "/one-page", b"/old/7", b"/one-page"),
        ("/old/*", "https://other.gov.uk/new/*", b"/old/7", b"https://other.gov.uk/new/7"),
    ],
)
def test_rewriting(pattern: str, to: str, path: bytes, expected: bytes) -> None:
    assert Pattern.parse(pattern).replace(path, Pattern.parse(to)) == expected


def test_a_redirect_and_a_gone_are_each_their_own_destination() -> None:
    redirect = Claim(Pattern.parse("/a"), None, Redirect(Pattern.parse("/b"), 301), "routes.yaml:1", 0)
    gone = Claim(Pattern.parse("/b"), None, Gone(), "routes.yaml:2", 0)
    assert redirect.destination != gone.destination
    one = Route("s", LEGACY, "b", "l", names_method=False)
    assert Claim(Pattern.parse("/a"), None, one, "routes.yaml:1", 0).destination == "s"


def test_a_table_lets_go_of_its_claims_a_few_at_a_time() -> None:
    table = Table(claim(f"/a{number}{tail}") for number in range(5) for tail in ("", "/*"))
    assert [table.shed(4), table.shed(4), table.shed(4)] == [True, True, False]
    assert list(table) == []


def test_a_copy_changes_apart_from_its_table() -> None:
    texts = ("/a", "GET /a", "/b/*", "GET /b/*")
    table = Table(map(claim, texts))
    *_, copy = table.copied()
    for text in ("GET /a", "/b/*", "GET /b/*"):
        copy.drop(claim(text))
    copy.add(claim("/c/*"))
    assert [one.at.removeprefix("routes.yaml:") for one in copy] == ["/a", "/c/*"]
    assert {one.at.removeprefix("routes.yaml:") for one in table} == set(texts)
    with pytest.raises(KeyError):
        copy.drop(claim("/b/*"))
