"""Claims that cannot stand together, cannot be reached or never arrive: each with the lines and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notation.marked_yaml import parse
from notation.problems import ConfigError
from proxy import reach
from proxy.config import checked
from proxy.reach import Higher
from proxy.written import paths_written

TOP = """\
version: 1
listen: 127.0.0.1:8080
backends: {legacy: {url: "http://127.0.0.1:8081"}, r: {url: "http://127.0.0.1:9001"}}
default: legacy
"""


def problems(routes: list[str], more: str = "") -> str:
    """What is wrong with these routes, the first of which stands on line 9; `more` stands above them, on line 5."""
    lines = "".join(f"      - {route}\n" for route in routes)
    slices = f"slices:\n  s:\n    backend: r\n    routes:\n{lines}" if routes else ""
    try:
        checked(parse(f"{TOP}{more or '# '}\n{slices}", "routes.yaml"), Path("routes.yaml"), {})
    except ConfigError as exc:
        return str(exc)
    return ""


ONE_SAYS_MORE = "\n    keep one, or let one say more: methods, another path, a priority"
PRIORITIES = "\n    give them different priorities"
HIGHER = "\n    remove it, or give it a higher priority"
REMOVED = "\n    write another header, one that no proxy removes or sets"
CASES = [  # law, routes, what stands above them, the error
    (
        "equal in all but a host that only one asks for",
        ["{path: /a, host: x.uk}", "/a"],
        "",
        f"routes.yaml:11: '/a' is claimed by slice 's' here and by slice 's' on line 10{ONE_SAYS_MORE}",
    ),
    (
        "one header each, of two names",
        ["{path: /a, headers: {x-a: '1'}}", "{path: /a, headers: {X-B: '1'}}"],
        "",
        f"routes.yaml:11: '/a' is claimed by slice 's' here and by slice 's' on line 10{ONE_SAYS_MORE}",
    ),
    (
        "one cookie each, of one value",
        ["{path: /a/*, cookies: {a: b}}", "{path: /a/*, cookies: {a: b}, methods: [GET]}",
         "{path: /a/*, cookies: {a: b}}"],
        "",
        f"routes.yaml:12: '/a/*' is claimed by slice 's' here and by slice 's' on line 10{ONE_SAYS_MORE}",
    ),
    (
        "two regexes of one priority that could match one path",
        ["{regex: '/a/.*', priority: 2}", "{regex: '/a/[0-9]+', priority: 2}"],
        "",
        ("routes.yaml:11: '/a/[0-9]+' of slice 's' here and '/a/.*' of slice 's' on line 10 have one priority, and one"
        f" path could match both{PRIORITIES}"),
    ),
    (
        "the same regex twice",
        ["{regex: '/a/.*', priority: 2}", "{regex: '/a/.*', priority: 2}"],
        "",
        f"routes.yaml:11: '/a/.*' is claimed by slice 's' here and by slice 's' on line 10{ONE_SAYS_MORE}",
    ),
    (
        "a path under a prefix of higher priority",
        ["{path: /a/*, priority: 1}", "/a/b"],
        "",
        f"routes.yaml:11: '/a/b' of slice 's' can never match: what it claims is taken by line 10{HIGHER}",
    ),
    (
        "a gone path under a route's prefix of higher priority",
        ["{path: /*, priority: 1}"],
        "gone: [/kiosk/*]",
        f"routes.yaml:5: '/kiosk/*' of gone can never match: what it claims is taken by line 10{HIGHER}",
    ),
    (
        "what it claims may be shared out between several",
        ["{path: /a, methods: [GET], priority: 1}", "{path: /a, methods: [POST], priority: 2}",
         "{path: /a, methods: [GET, POST]}"],
        "",
        f"routes.yaml:12: '/a' of slice 's' can never match: what it claims is taken by lines 10, 11{HIGHER}",
    ),
    (
        "by the public names too",
        ["{path: /a, host: x.uk, priority: 1}", "{path: /*, host: y.uk, priority: 1}", "/a"],
        "hosts: [x.uk, y.uk]",
        f"routes.yaml:12: '/a' of slice 's' can never match: what it claims is taken by lines 10, 11{HIGHER}",
    ),
    (
        "a path that a regex of higher priority matches",
        ["{regex: '/[ab]', priority: 1}", "/a"],
        "",
        f"routes.yaml:11: '/a' of slice 's' can never match: what it claims is taken by line 10{HIGHER}",
    ),
    (
        "a prefix under a regex that is a beginning",
        ["{regex: '/a.*', priority: 1}", "{path: /ab/*, headers: {x-a: '1'}}"],
        "",
        f"routes.yaml:11: '/ab/*' of slice 's' can never match: what it claims is taken by line 10{HIGHER}",
    ),
    (
        "a regex under a prefix of higher priority",
        ["{path: /r/*, priority: 2}", "{regex: '/r/[0-9]+', priority: 1}"],
        "",
        f"routes.yaml:11: '/r/[0-9]+' of slice 's' can never match: what it claims is taken by line 10{HIGHER}",
    ),
    (
        "a header that never reaches the table",
        ["{path: /a, headers: {X-Forwarded-For: '1', Host: b, cookie: c, x_a: '1'}}"],
        "",
        ("routes.yaml:10: slices.s.routes[0] can never match: 'Host' is removed before matching\n"
        "    write host: and the name\n"
        f"routes.yaml:10: slices.s.routes[0] can never match: 'X-Forwarded-For' is removed before matching{REMOVED}\n"
        "routes.yaml:10: slices.s.routes[0] can never match: 'cookie' is removed before matching\n"
        "    write cookies: {name: value}\n"
        f"routes.yaml:10: slices.s.routes[0] can never match: 'x_a' is removed before matching{REMOVED}"),
    ),
    (
        "a header in two spellings",
        ["{path: /a, headers: {x-a: '1', X-A: '2'}}"],
        "",
        ("routes.yaml:10: slices.s.routes[0] has the header 'X-A' twice: 'x-a' is the same in other letters\n"
         "    keep one"),
    ),
    (
        "methods that are refused",
        ["{path: /a, methods: [TRACE]}"],
        "",
        ("routes.yaml:10: slices.s.routes[0] can never match: TRACE requests are refused\n"
        "    name a method that is served, such as GET or POST"),
    ),
    (
        "a regex that begins with no slash",
        ["{regex: 'r/.*', priority: 1}"],
        "",
        "routes.yaml:10: 'r/.*' can never match: every path begins with /\n    write /r/.*",
    ),
    (
        "a regex beyond ASCII",
        ["{regex: '/é', priority: 1}"],
        "",
        ("routes.yaml:10: '/é' can never match: requests carry only ASCII\n"
        "    write other characters percent-encoded in UTF-8, such as %C3%A9"),
    ),
    (
        "a regex with a prefix to rewrite to",
        ["{regex: '/r/.*', priority: 1, rewrite: /b/*}"],
        "",
        ("routes.yaml:10: '/r/.*' is a regex, its rewrite '/b/*' is a prefix\n"
        "    write one path; a regex has no tail to keep"),
    ),
    (
        "the proxy's own health path",
        ["/.fig/health"],
        "",
        "routes.yaml:10: '/.fig/health' can never match: it is the proxy's own health path\n    write another path",
    ),
    (
        "a header's name",
        ["{path: /a, headers: {'x a': '1'}}"],
        "",
        ("routes.yaml:10: slices.s.routes[0].headers.x a: 'x a' is not the name of a header field\n"
        "    write letters, digits and -, such as x-beta"),
    ),
    (
        "a header's value",
        ['{path: /a, headers: {x-a: " 1"}}'],
        "",
        ("routes.yaml:10: slices.s.routes[0].headers.x-a: ' 1' can be no header field's value\n"
        "    remove control characters, and blanks at the ends"),
    ),
    (
        "a cookie's name and value",
        ['{path: /a, cookies: {"a=b": x, c: "y;z"}}'],
        "",
        ("routes.yaml:10: slices.s.routes[0].cookies.a=b: 'a=b' is not the name of a cookie\n"
        "    write it as the browser sends it, such as pilot\n"
        "routes.yaml:10: slices.s.routes[0].cookies.c: 'y;z' can be no cookie's value\n"
        "    remove semicolons, control characters, and blanks at the ends"),
    ),
    (
        "a loop of two",
        ["{regex: '/z/.*', priority: -1}"],
        "redirects: [{from: /x/*, to: /y/*}, {from: /y/*, to: /x/a/*}]",
        ("routes.yaml:5: redirect from '/x/*' leads back to itself: /x/* -> /y/* -> /x/*\n"
        "    let it lead to a path that no redirect claims"),
    ),
    (
        "a loop only at the prefix itself",
        ["/b/*"],
        "redirects: [{from: /a/*, to: /b}, {from: /b, to: /a}]",
        ("routes.yaml:5: redirect from '/a/*' leads back to itself: /a/* -> /b -> /a/*\n"
        "    let it lead to a path that no redirect claims"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("law", "routes", "more", "error"), CASES, ids=[case[0] for case in CASES])
def test_what_cannot_stand_is_refused_with_its_lines(law: str, routes: list[str], more: str, error: str) -> None:
    assert problems(routes, more) == error


STANDS = [  # law, routes, what stands above them
    ("two hosts", ["{path: /a, host: x.uk}", "{path: /a, host: y.uk}"], ""),
    ("a host of higher priority", ["{path: /a, host: x.uk, priority: 1}", "/a"], ""),
    ("more headers", ["{path: /a, headers: {x-a: '1'}}", "/a"], ""),
    ("more cookies", ["{path: /a, cookies: {a: '1'}}", "{path: /a, cookies: {a: '1', b: '1'}}"], ""),
    ("two values of one parameter", ["{path: /a, query: {a: '1'}}", "{path: /a, query: {a: '2'}}"], ""),
    ("regexes that lie apart", ["{regex: '/a/[0-9]+', priority: 2}", "{regex: '/a/[a-z]+', priority: 2}"], ""),
    ("regexes of two priorities", ["{regex: '/a/.*x', priority: 2}", "{regex: '/a/.*y', priority: 1}"], ""),
    ("a regex and a path of one priority", ["{regex: '/a.*', priority: 2}", "{path: /a/*, priority: 2}"], ""),
    ("a regex that takes only a part of a prefix", ["{regex: '/a/.*', priority: 2}", "/a/*"], ""),
    ("a prefix of higher priority for one method", ["{path: /a/*, methods: [GET], priority: 2}", "/a/b"], ""),
    ("a prefix of higher priority for one header", ["{path: /a/*, headers: {x-a: '1'}, priority: 2}", "/a/b"], ""),
    ("hosts that are not all taken", ["{path: /a, host: x.uk, priority: 1}", "/a"], "hosts: [x.uk, y.uk]"),
    ("a redirect a route saves from looping", ["{path: /b/c, priority: 1}"], "redirects: [{from: /b/*, to: /b/c}]"),
    ("a redirect to its own tail", [], "redirects: [{from: /old/*, to: /*}]"),
    ("a chain that ends", [], "redirects: [{from: /a/*, to: /b/*}, {from: /b/*, to: /c/*}, {from: /c, to: /d}]"),
    ("a redirect to another host", [], "hosts: [a.uk]\nredirects: [{from: /a/*, to: 'https://b.uk/a/*'}]"),
]  # fmt: skip


@pytest.mark.parametrize(("law", "routes", "more"), STANDS, ids=[case[0] for case in STANDS])
def test_what_differs_in_anything_stands(law: str, routes: list[str], more: str) -> None:
    assert problems(routes, more) == ""


PATHS = st.sampled_from(
    [path + tail for path in ("", "/a", "/a/b", "/b/c", "/A") for tail in ("", "/*") if path + tail]
)
CLAIMS = st.one_of(
    st.builds("{{path: {}, priority: {}}}".format, PATHS, st.sampled_from((-1, 0, 1, 2))),
    st.builds("{{regex: '{}', priority: {}}}".format, st.sampled_from(("/a/.*", "/a", "/[ab]", "/B/.*")),
              st.sampled_from((-1, 1, 2))),
)  # fmt: skip
ABOVE = st.sampled_from(("", "gone: [/a/b]", "redirects: [{from: /b/*, to: /c}]", "paths: {case: insensitive}"))


@settings(max_examples=300, deadline=None)
@given(st.lists(CLAIMS, min_size=1, max_size=6, unique=True), ABOVE)
def test_what_is_not_looked_at_closely_can_match(routes: list[str], more: str) -> None:
    """The same is found as if every claim were held against every other."""
    found = problems(routes, more)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Higher, "may_be_over", lambda _, __: True)
        patch.setattr(reach, "_texts_above", lambda spec, _: {*paths_written(spec)})
        assert problems(routes, more) == found
