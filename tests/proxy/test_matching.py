"""The whole of matching against a naive matcher: priority, path, regex, method, host, headers, query, cookies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from proxy.asked import Asked
from proxy.paths import BadPath, PathRules, read_path
from proxy.predicates import Needs
from proxy.stages import LIVE
from proxy.table import Ambiguous, Claim, Pattern, Regex, Route, Table

NONE: Mapping[str, str] = {}


class Line:
    """A route as a test writes it, matched by brute force."""

    def __init__(
        self,
        path: str,
        regex: str = "",
        methods: str = "",
        priority: int = 0,
        host: str = "",
        headers: Mapping[str, str] = NONE,
        query: Mapping[str, str] = NONE,
        cookies: Mapping[str, str] = NONE,
    ) -> None:
        self.path, self.regex, self.methods, self.priority, self.host = path, regex, methods, priority, host
        self.headers, self.query, self.cookies = headers, query, cookies

    def __repr__(self) -> str:
        return str(vars(self))

    def claim(self) -> Claim:
        pattern = Regex(self.regex) if self.regex else Pattern.parse(self.path)
        methods = frozenset(method.encode() for method in self.methods.split(",")) if self.methods else None
        needs = Needs(
            self.host.encode() or None,
            *(
                tuple((name.encode(), value.encode()) for name, value in pairs.items())
                for pairs in (self.headers, self.query, self.cookies)
            ),
        )
        leads_to = Route(repr(self), LIVE, "slice", "legacy", methods is not None)
        return Claim(pattern, methods, leads_to, repr(self), 0, self.priority, needs if needs != Needs() else None)

    def matches(self, path: str, request: Request) -> bool:
        if self.regex:
            fits = re.fullmatch(self.regex, path) is not None
        elif self.path.endswith("/*"):
            fits = path == self.path[:-2] or path.startswith(self.path[:-1])
        else:
            fits = path == self.path
        return (
            fits
            and (not self.methods or request.method in self.methods.split(","))
            and (not self.host or self.host == request.host)
            and all(request.headers.get(name) == value for name, value in self.headers.items())
            and all(request.query.get(name) == value for name, value in self.query.items())
            and all(request.cookies.get(name) == value for name, value in self.cookies.items())
        )

    def rank(self) -> tuple[object, ...]:
        kind = 0 if self.regex else 1 if self.path.endswith("/*") else 2
        length = len(self.path.split("/")) if kind == 1 else 0
        sizes = (len(self.headers), len(self.query), len(self.cookies))
        return self.priority, kind, length, bool(self.methods), *sizes


class Request:
    """A request as a test writes it."""

    def __init__(
        self,
        method: str,
        path: str,
        host: str,
        headers: Mapping[str, str],
        query: Mapping[str, str],
        cookies: Mapping[str, str],
    ) -> None:
        self.method, self.path, self.host = method, path, host
        self.headers, self.query, self.cookies = headers, query, cookies

    def __repr__(self) -> str:
        return str(vars(self))

    def asked(self) -> Asked:
        fields = [(name.upper().encode(), value.encode()) for name, value in self.headers.items()]
        if self.cookies:
            fields.append((b"Cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()).encode()))
        query = "&".join(f"{name}={value}" for name, value in self.query.items()).encode() or None
        return Asked(self.method.encode(), self.path.encode(), query, self.host.encode(), False, fields)


def naive(lines: list[Line], path: str, request: Request) -> str | None:
    fits = [line for line in lines if line.matches(path, request)]
    return repr(max(fits, key=Line.rank)) if fits else None


def undecided(lines: list[Line]) -> bool:
    """Whether two of one rank and overlapping paths are there, which `fig check` refuses or the path decides."""
    return any(
        one.rank() == another.rank() and (one.path == another.path or bool(one.regex))
        for one, another in combinations(lines, 2)
    )


paths = st.lists(st.sampled_from(["a", "b", "ab", "%2F"]), max_size=4).map(lambda parts: "/" + "/".join(parts))
pairs = st.dictionaries(st.sampled_from(["x-a", "x-b"]), st.sampled_from(["1", "2"]), max_size=2)
hosts = st.sampled_from(["", "a.uk", "b.uk"])
plain = st.builds(
    Line,
    st.tuples(paths, st.booleans()).map(lambda both: both[0].rstrip("/") + "/*" if both[1] else both[0]),
    methods=st.sampled_from(["", "GET", "POST", "GET,POST"]),
    priority=st.sampled_from([0, 0, 0, 1, -1]),
    host=hosts,
    headers=pairs,
    query=pairs,
    cookies=pairs,
)
regular = st.builds(
    Line,
    st.just(""),
    regex=st.sampled_from([r"/a.*", r"/[ab]/b", r"/.*b", r".*", r"/a|/b"]),
    priority=st.integers(-3, 3).filter(bool),
    host=hosts,
    headers=pairs,
)
tables = st.lists(st.one_of(plain, plain, regular), max_size=8).filter(lambda lines: not undecided(lines))
requests = st.builds(Request, st.sampled_from(["GET", "POST", "PUT"]), paths, hosts, pairs, pairs, pairs)


def found(table: Table, path: str, request: Request) -> str | None:
    claim = table.find(path.encode(), request.asked())
    return claim.at if claim else None


@given(tables, requests)
def test_it_agrees_with_the_naive_matcher(lines: list[Line], request: Request) -> None:
    table = Table(line.claim() for line in lines)
    assert found(table, request.path, request) == naive(lines, request.path, request)


@given(tables, st.randoms(use_true_random=False), requests)
def test_the_order_of_routes_never_changes_a_match(lines: list[Line], random: object, request: Request) -> None:
    shuffled = sorted(lines, key=lambda _: random.random())  # type: ignore[attr-defined]
    one, other = (Table(line.claim() for line in order) for order in (lines, shuffled))
    assert found(one, request.path, request) == found(other, request.path, request)
    assert [claim.at for claim in one] == [claim.at for claim in other]


@given(tables, requests, st.sampled_from(["", "/x", "//b", "/../a", "/./b", ";x=1/b", "%2Fb", "/%61"]))
def test_every_reading_of_a_path_leads_to_one_place_or_is_refused(
    lines: list[Line], request: Request, tail: str
) -> None:
    table = Table(line.claim() for line in lines)
    readings = read_path((request.path + tail).encode(), PathRules())
    assert not isinstance(readings, BadPath)
    each = {naive(lines, reading.decode(), request) for reading in (readings.canonical, *readings.others)}
    came = table.match(readings, request.asked())
    assert isinstance(came, Ambiguous) is (len(each) > 1)
    if not isinstance(came, Ambiguous):
        assert each == {came.at if came else None}


@given(tables, requests, st.sampled_from(["", "/x", "//b", "/./b", ";x=1/b", "/%61"]), st.booleans())
def test_what_a_backend_receives_matched_again_gives_the_same_route(
    lines: list[Line], request: Request, tail: str, sensitive: bool
) -> None:
    table = Table(line.claim() for line in lines)
    rules = PathRules(case_sensitive=sensitive)
    first = read_path((request.path + tail).encode(), rules)
    assert not isinstance(first, BadPath)
    again = read_path(first.canonical, rules)
    assert not isinstance(again, BadPath)
    came = table.match(first, request.asked())
    if not isinstance(came, Ambiguous):
        assert table.match(again, request.asked()) is came


@given(tables, requests)
def test_the_rivals_of_a_path_are_all_that_could_have_it_the_best_first(lines: list[Line], request: Request) -> None:
    table = Table(line.claim() for line in lines)
    rivals = table.rivals(request.path.encode())
    assert [rival.at for rival in rivals if rival.fits(request.asked())][:1] == [
        at for at in [naive(lines, request.path, request)] if at
    ]
