"""Two answers as wholes: status first, then the fields a browser, a cache or a citizen notices, and the cookies."""

from __future__ import annotations

import pytest

from proxy.compare.compare import compare
from proxy.compare.found import MOST
from proxy.compare.values import Comparing
from tests.proxy.compare.replies import LATER, ignoring, json, page, reply, told


def test_another_status_is_another_answer() -> None:
    assert told(page("<p>1</p>"), page("<h1>Error</h1>", status=500)) == ["status status 200 500"]
    assert told(page("<p>1</p>", status=404), page("<p>2</p>", status=404)) == ["css:p value 9 9"]
    assert told(page("<p>1</p>"), page("<p>2</p>", status=201), ignoring("status")) == ["css:p value 9 9"]


def test_where_a_redirect_leads_is_compared_and_its_body_is_not() -> None:
    control = page("<p>moved</p>", ("location", "/jobs/1"), status=302)
    assert told(control, page("", ("location", "/jobs/1"), status=302)) == []
    assert told(control, page("", ("location", "/jobs"), status=302)) == ["header:location value text of 7 text of 5"]
    assert told(control, page("", ("location", "/jobs"), status=301)) == [
        "status status 302 301",
        "header:location value text of 7 text of 5",
    ]
    assert told(control, page("<p>here</p>")) == ["status status 302 200"]


SAME_FIELDS = [
    ("the charset shows in the text", ("content-type", "text/plain"), ("content-type", 'Text/Plain; charset="UTF-8"')),
    ("the order of directives", ("cache-control", "no-store, max-age=0"), ("cache-control", "Max-Age=0,no-store")),
    ("a session id", ("location", "/a;jsessionid=1F2E"), ("location", "/a;jsessionid=9C8D")),
    ("a nonce", ("content-security-policy", "script-src 'nonce-abc'; img-src *"),
     ("content-security-policy", "img-src *;  script-src 'nonce-def'")),
    ("what a server says of itself", ("server", "IIS/6"), ("server", "nginx")),
    ("what is of this answer alone", ("etag", '"1"'), ("x-request-id", "2")),
    ("how long a body is on the way", ("content-length", "3"), ("transfer-encoding", "chunked")),
]  # fmt: skip


@pytest.mark.parametrize(("law", "one", "other"), SAME_FIELDS, ids=[case[0] for case in SAME_FIELDS])
def test_fields_that_say_the_same(law: str, one: tuple[str, str], other: tuple[str, str]) -> None:
    assert told(reply("a", "", one), reply("a", "", other)) == []


DIFFERENT_FIELDS = [
    (("content-type", "text/plain"), ("content-type", "text/html"), ["header:content-type value text of 10 text of 9"]),
    (("cache-control", "no-store"), ("cache-control", "public"), ["header:cache-control value text of 8 text of 6"]),
    (("x-frame-options", "DENY"), ("x-none", ""), ["header:x-frame-options missing text of 4 nothing"]),
    (("x-none", ""), ("content-language", "cy"), ["header:content-language added nothing text of 2"]),
    (("content-disposition", "attachment; filename=a.csv"), ("content-disposition", "inline"),
     ["header:content-disposition value text of 26 text of 6"]),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other", "expected"), DIFFERENT_FIELDS)
def test_fields_that_do_not(one: tuple[str, str], other: tuple[str, str], expected: list[str]) -> None:
    assert told(reply("", "", one), reply("", "", other)) == expected
    path = expected[0].partition(" ")[0]
    assert told(reply("", "", one), reply("", "", other), ignoring(path)) == []
    assert told(reply("", "", one), reply("", "", other), ignoring(path.replace("header:c", "header:C"))) == []


COOKIES = [
    ("a session id", "S=1f2e; Path=/; HttpOnly", "S=9c8d; HttpOnly; path=/", []),
    ("a lost attribute", "S=1; HttpOnly; Secure", "S=2; Secure", ["cookie:S HttpOnly value HttpOnly without HttpOnly"]),
    ("another path", "S=1; Path=/", "S=1; Path=/app", ["cookie:S Path value text of 1 text of 4"]),
    ("another SameSite", "S=1; SameSite=Lax", "S=1; SameSite=None", ["cookie:S SameSite value text of 3 text of 4"]),
    ("another cookie", "S=1", "T=1", ["cookie:S missing a cookie nothing", "cookie:T added nothing a cookie"]),
    ("a removal", "S=; Max-Age=0", "S=1f2e", ["cookie:S value empty text text of 4",
                                             "cookie:S lifetime value removed for the session"]),
    ("a removal in another way", "S=; Max-Age=0", "S=; Expires=Thu, 01-Jan-1970 00:00:00 GMT", []),
    ("how long it lasts", "S=1; Max-Age=3600", "S=1; Expires=Wed, 25 Nov 2026 13:26:09 GMT", []),
    ("that it lasts", "S=1; Max-Age=3600", "S=1", ["cookie:S lifetime value 9999 seconds for the session"]),
    ("a short word", "lang=en", "lang=cy", ["cookie:lang value text of 2 text of 2"]),
]  # fmt: skip


@pytest.mark.parametrize(("law", "one", "other", "expected"), COOKIES, ids=[case[0] for case in COOKIES])
def test_cookies(law: str, one: str, other: str, expected: list[str]) -> None:
    assert told(reply("", "", ("set-cookie", one)), reply("", "", ("set-cookie", other), date=LATER)) == expected


def test_a_cookie_or_one_attribute_of_it_is_ignored() -> None:
    control, candidate = reply("", "", ("set-cookie", "S=1; HttpOnly; Secure")), reply("", "", ("set-cookie", "S=2"))
    assert told(control, candidate, ignoring("cookie:S HttpOnly")) == ["cookie:S Secure value Secure without Secure"]
    assert told(control, candidate, ignoring("cookie:S")) == []


def test_a_link_to_a_public_name_may_leave_it_out() -> None:
    council = Comparing(hosts=("www.anytown.gov.uk",))
    absolute = page(
        "<a href='https://www.anytown.gov.uk'>x</a>", ("location", "http://WWW.anytown.gov.uk/a"), status=201
    )
    assert told(absolute, page("<a href='/'>x</a>", ("location", "/a"), status=201), council) == []
    inside = page("<a href='https://10.0.0.8/'>x</a>", ("location", "https://10.0.0.8/a"), status=201)
    assert told(absolute, inside, council) == [
        "header:location value text of 27 text of 18",
        "css:a[href] value text of 26 text of 17",
    ]


def test_no_more_differences_than_anybody_would_read() -> None:
    control, candidate = (json("{" + ",".join(f'"{name}{"x" * n}": 1' for n in range(300)) + "}") for name in "ab")
    assert len(compare(control, candidate)) == MOST


def test_without_a_date_now_is_when_the_other_was_asked() -> None:
    text = "made 2026-11-25T12:26:09Z"
    assert told(reply(text, "text/plain", date=""), reply(text.replace(":09", ":11"), "text/plain")) == []
    assert told(reply(text, "text/plain", date=""), reply(text.replace(":09", ":11"), "text/plain", date="")) != []
