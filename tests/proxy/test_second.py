"""Law 2: whom a copy is asked of, and what is never asked of whom."""

from __future__ import annotations

import pytest

from proxy.asked import Asked
from proxy.exchanged import Side
from proxy.second import may_be_asked, second_side

SECOND = [  # stage, who answered, reverse; who is asked
    ("legacy", "legacy", True, None),
    ("shadow", "legacy", False, "slice"),
    ("canary", "legacy", False, "slice"),
    ("canary", "slice", False, "legacy"),
    ("live", "slice", False, None),
    ("live", "slice", True, "legacy"),
    ("live", "legacy", True, None),
    ("retired", "slice", True, None),
]


@pytest.mark.parametrize(("stage", "by", "reverse", "asked"), SECOND)
def test_the_other_side_is_asked_or_nobody(stage: str, by: Side, reverse: bool, asked: Side | None) -> None:
    assert second_side(stage, by, reverse=reverse) == asked


def a_request(
    method: str = "GET", target: str = "/repairs/7", body: bool = False, overrides: bool = False, **fields: str
) -> Asked:
    path, mark, query = target.encode().partition(b"?")
    listed = [(name.replace("_", "-").encode(), value.encode()) for name, value in fields.items()]
    return Asked(method.encode(), path, query if mark else None, b"a", overrides, listed, body)


def may(side: Side, asked: Asked, content: bytes = b"", *, repeatable: bool = False, sandbox: bool = False) -> bool:
    return may_be_asked(side, asked, content, repeatable=repeatable, sandbox=sandbox)


@pytest.mark.parametrize("side", ["legacy", "slice"])
def test_a_safe_request_of_nobody_may_be_asked_of_either(side: Side) -> None:
    for method in ("GET", "HEAD", "OPTIONS"):
        assert may(side, a_request(method, accept="text/html", Cookie="_ga=GA1.2.3; _pk_id.1.1fff=2"))
        assert may(side, a_request(method, Cookie="fig_visitor=1; fig_wrote_repairs=2")), "our own, which it never gets"


@pytest.mark.parametrize("side", ["legacy", "slice"])
@pytest.mark.parametrize("repeatable", [False, True])
@pytest.mark.parametrize("sandbox", [False, True])
@pytest.mark.parametrize(
    "asked",
    [
        a_request(target="/repairs/7/delete"),
        a_request(target="/%6Cogout"),
        a_request(overrides=True),
        a_request(target="/repairs/7?_method=DELETE"),
        a_request("POST", target="/repairs/7/confirm"),
        a_request(body=True),
        a_request("TRACE"),
    ],
)
def test_what_might_act_is_asked_of_nobody(side: Side, repeatable: bool, sandbox: bool, asked: Asked) -> None:
    assert not may(side, asked, repeatable=repeatable, sandbox=sandbox)


FORM = "application/x-www-form-urlencoded"


def test_an_unsafe_request_is_for_a_sandbox_alone() -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        asked = a_request(method, body=True, Content_Type=FORM)
        assert may("slice", asked, b"a=1", sandbox=True)
        assert not may("slice", asked, b"a=1")
        assert not may("legacy", asked, b"a=1", repeatable=True, sandbox=True)


def test_a_form_that_overrides_its_method_is_for_nobody() -> None:
    assert not may("slice", a_request("POST", body=True, Content_Type=FORM), b"_method=DELETE", sandbox=True)
    asked = a_request("POST", body=True, Content_Type="multipart/form-data; boundary=x")
    assert not may("slice", asked, b'--x\r\nContent-Disposition: form-data; name="_method"\r\n', sandbox=True)
    asked = a_request("POST", body=True, Content_Type=FORM, Content_Encoding="gzip")
    assert not may("slice", asked, b"?", sandbox=True)


@pytest.mark.parametrize(
    "asked",
    [
        a_request(Cookie="JSESSIONID=1"),
        a_request(Cookie="_ga=1; basket=2"),
        a_request(Cookie="_gateway_session=1"),
        a_request(Cookie="a"),
        a_request(Cookie="fig_visitor=1; fig_visitors=2"),
        a_request(Authorization="Basic YTpi"),
        a_request(target="/repairs/7;jsessionid=1A2B"),
        a_request(target="/repairs?PHPSESSID=1"),
        a_request(target="/(S(lit3py55t21z5v55vlm25s55))/repairs"),
    ],
)
def test_legacy_is_asked_again_in_a_session_on_repeatable_routes_alone(asked: Asked) -> None:
    assert not may("legacy", asked)
    assert may("legacy", asked, repeatable=True)
    assert may("slice", asked)
