"""Every field of a reply that can name the backend's own address names the public one; what is foreign stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.claims import Pattern
from proxy.headers import Field
from proxy.translate.citizen import Rewritten, for_citizen
from proxy.translate.links import Turn
from proxy.translate.place import Place, ports_of

PUBLIC = Place(b"https", b"www.anytown.gov.uk")
TURN = Turn(((b"app.legacy.internal", ports_of(80)), (b"10.0.0.5", ports_of(8081))), PUBLIC)
JOBS = Rewritten(Pattern.parse("/api/v2/jobs/*"), Pattern.parse("/jobs/*"))
REPORT = Rewritten(Pattern.parse("/forms/7"), Pattern.parse("/housing/report"))
ROOT = Rewritten(Pattern.parse("/*"), Pattern.parse("/new/*"))

FIELDS = [  # a line of the backend's, what the citizen gets
    ("Location: http://app.legacy.internal/a?b=1#c", "Location: https://www.anytown.gov.uk/a?b=1#c"),
    ("location: HTTPS://APP.legacy.internal:443", "location: https://www.anytown.gov.uk"),
    ("Location: //app.legacy.internal/a", "Location: //www.anytown.gov.uk/a"),
    ("Location: /a", "Location: /a"),
    ("Location: a?b", "Location: a?b"),
    ("Location: http://10.0.0.5:8081/a", "Location: https://www.anytown.gov.uk/a"),
    ("Location: http://10.0.0.5/a", "Location: http://10.0.0.5/a"),
    ("Location: https://elsewhere.example/a", "Location: https://elsewhere.example/a"),
    ("Location: https://sso.example/?back=http%3A%2F%2Fapp.legacy.internal%2Fa",
     "Location: https://sso.example/?back=https%3A%2F%2Fwww.anytown.gov.uk%2Fa"),
    ("Content-Location: http://app.legacy.internal/a.en", "Content-Location: https://www.anytown.gov.uk/a.en"),
    ("Refresh: 5; url=http://app.legacy.internal/a", "Refresh: 5; url=https://www.anytown.gov.uk/a"),
    ("Refresh: 5;URL='http://app.legacy.internal'", "Refresh: 5;URL='https://www.anytown.gov.uk'"),
    ("Link: <http://app.legacy.internal/a.css>; rel=preload, </b>; rel=next",
     "Link: <https://www.anytown.gov.uk/a.css>; rel=preload, </b>; rel=next"),
    ("Access-Control-Allow-Origin: http://app.legacy.internal",
     "Access-Control-Allow-Origin: https://www.anytown.gov.uk"),
    ("Access-Control-Allow-Origin: *", "Access-Control-Allow-Origin: *"),
    ("Access-Control-Allow-Origin: https://other.example", "Access-Control-Allow-Origin: https://other.example"),
    ("Content-Security-Policy: default-src 'self' http://app.legacy.internal; img-src app.legacy.internal data:",
     "Content-Security-Policy: default-src 'self' https://www.anytown.gov.uk; img-src www.anytown.gov.uk data:"),
    ("Content-Security-Policy-Report-Only: img-src *.legacy.internal app.legacy.internal:80/a APP.legacy.internal:*",
     "Content-Security-Policy-Report-Only: img-src *.legacy.internal www.anytown.gov.uk/a www.anytown.gov.uk:*"),
    ("Content-Security-Policy: script-src app.legacy.internal.example",
     "Content-Security-Policy: script-src app.legacy.internal.example"),
    ("Content-Security-Policy: connect-src ws://app.legacy.internal",
     "Content-Security-Policy: connect-src wss://www.anytown.gov.uk"),
    ("SourceMap: http://app.legacy.internal/a.map", "SourceMap: https://www.anytown.gov.uk/a.map"),
    ("X-Anything: a", "X-Anything: a"),
    ("Set-Cookie: id=1; Domain=app.legacy.internal; Path=/a; HttpOnly",
     "Set-Cookie: id=1; Domain=www.anytown.gov.uk; Path=/a; HttpOnly"),
    ("Set-Cookie: id=1;domain=.APP.legacy.internal", "Set-Cookie: id=1;domain=www.anytown.gov.uk"),
    ("Set-Cookie: id=1; Domain=legacy.internal; Secure", "Set-Cookie: id=1; Secure"),
    ("Set-Cookie: id=1; Domain=.internal", "Set-Cookie: id=1"),
    ("Set-Cookie: id=1; Domain=.anytown.gov.uk", "Set-Cookie: id=1; Domain=.anytown.gov.uk"),
    ("Set-Cookie: id=1; Domain=elsewhere.example", "Set-Cookie: id=1; Domain=elsewhere.example"),
    ("Set-Cookie: id=1; Domain=", "Set-Cookie: id=1; Domain="),
    ("Set-Cookie: u=http://app.legacy.internal/", "Set-Cookie: u=http://app.legacy.internal/"),  # its value is its own
    ("Set-Cookie: domain=app.legacy.internal", "Set-Cookie: domain=app.legacy.internal"),
]  # fmt: skip


def field(line: str) -> Field:
    name, _, value = line.partition(": ")
    return name.encode(), value.encode()


@pytest.mark.parametrize(("line", "becomes"), FIELDS, ids=[line[:60] for line, _ in FIELDS])
def test_each_field(line: str, becomes: str) -> None:
    assert for_citizen([field(line)], TURN) == [field(becomes)]


def test_a_way_past_the_proxy_is_not_passed_on() -> None:
    assert for_citizen([(b"Alt-Svc", b'h3="app.legacy.internal:443"'), (b"X-A", b"1")], TURN) == [(b"X-A", b"1")]


def test_order_and_repetition_stay() -> None:
    fields = [(b"Set-Cookie", b"a=1"), (b"X-A", b"1"), (b"set-cookie", b"b=2"), (b"X-A", b"2")]
    assert for_citizen(fields, TURN) == fields


PATHS = [  # a rewrite, a line of the backend's, what the citizen gets
    (JOBS, "Location: /api/v2/jobs/7?a#b", "Location: /jobs/7?a#b"),
    (JOBS, "Location: /api/v2/jobs", "Location: /jobs"),
    (JOBS, "Location: http://app.legacy.internal/api/v2/jobs/7", "Location: https://www.anytown.gov.uk/jobs/7"),
    (JOBS, "Location: //app.legacy.internal/api/v2/jobs/7", "Location: //www.anytown.gov.uk/jobs/7"),
    (JOBS, "Content-Location: /api/v2/jobs/7.json", "Content-Location: /jobs/7.json"),
    (JOBS, "Location: /api/v2/jobsx/7", "Location: /api/v2/jobsx/7"),
    (JOBS, "Location: /login", "Location: /login"),
    (JOBS, "Location: 8", "Location: 8"),
    (JOBS, "Location: https://elsewhere.example/api/v2/jobs/7", "Location: https://elsewhere.example/api/v2/jobs/7"),
    (JOBS, "Set-Cookie: id=1; Path=/api/v2/jobs", "Set-Cookie: id=1; Path=/jobs"),
    (JOBS, "Set-Cookie: id=1; path=/api/v2/jobs/; Secure", "Set-Cookie: id=1; path=/jobs; Secure"),
    (JOBS, "Set-Cookie: id=1; Path=/api/v2/jobs/7", "Set-Cookie: id=1; Path=/jobs/7"),
    (JOBS, "Set-Cookie: id=1; Path=/api", "Set-Cookie: id=1; Path=/"),  # else it would never come back
    (JOBS, "Set-Cookie: id=1; Path=/", "Set-Cookie: id=1; Path=/"),
    (JOBS, "Set-Cookie: id=1; Path=/other", "Set-Cookie: id=1; Path=/other"),
    (JOBS, "Set-Cookie: id=1; Path=", "Set-Cookie: id=1; Path="),
    (REPORT, "Location: /forms/7", "Location: /housing/report"),
    (REPORT, "Location: /forms/7/next", "Location: /forms/7/next"),
    (REPORT, "Set-Cookie: id=1; Path=/forms", "Set-Cookie: id=1; Path=/"),
    (ROOT, "Location: /a", "Location: /new/a"),
    (ROOT, "Set-Cookie: id=1; Path=/", "Set-Cookie: id=1; Path=/new"),
]  # fmt: skip


@pytest.mark.parametrize(("rewritten", "line", "becomes"), PATHS, ids=[f"{line} {r.inner}" for r, line, _ in PATHS])
def test_a_rewritten_path_is_public_again(rewritten: Rewritten, line: str, becomes: str) -> None:
    assert for_citizen([field(line)], TURN, rewritten) == [field(becomes)]


NAMES = st.sampled_from(
    [b"Location", b"Set-Cookie", b"Content-Security-Policy", b"Refresh", b"Link", b"X-Any", b"Alt-Svc", b"ETag"]
)
PARTS = st.sampled_from(
    [b"http://", b"//", b"app.legacy.internal", b"legacy.internal", b":80", b"/a", b"; Domain=", b"; Path=", b" ", b";",
     b"%2F%2F", b"10.0.0.5:8081", b"=", b",", b"*.", b"\xe9", b'"', b"<", b">", b"wss://", b"joe@", b"/api/v2/jobs"]
)  # fmt: skip
VALUES = st.lists(PARTS, max_size=12).map(b"".join)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=5))
def test_what_is_translated_once_is_translated(fields: list[Field]) -> None:
    once = for_citizen(fields, TURN)
    assert for_citizen(once, TURN) == once
    assert [name for name, _ in once] == [name for name, _ in fields if name != b"Alt-Svc"]
    assert all(b"http://app.legacy.internal/" not in value for name, value in once if name != b"Set-Cookie")
