"""A copy cannot write: which requests are never copied."""

from __future__ import annotations

import pytest

from proxy.copyable import may_be_copied

NEVER = [
    "/logout", "/Account/LogOff", "/sign-out", "/signout.do", "/users/logout/", "/a?next=/logout", "/%6Cogout",
    "/repairs/42/delete", "/deleteUser?id=4", "/item?action=delete", "/item?action=DELETE", "/item?a=%64elete",
    "/confirm/9f2c", "/confirmation?token=1", "/verify?code=1", "/activate/abc", "/unsubscribe/9", "/news/subscribe",
    "/cart/remove/3", "/bookings/4/cancel", "/approve/4", "/oauth/authorize", "/login", "/pay/now", "/vote?for=2",
    "/session/reset", "/form?submit=1", "/destroy", "/erase", "/a?op=save",
]  # fmt: skip
MAY = [
    "/", "/repairs/42", "/search?q=blocked+drain", "/bus-stops/12", "/important-notices", "/news/cancelled-meetings",
    "/waste-removal", "/activities/swimming", "/blog/index", "/council-tax/payments", "/static/app.js",
]  # fmt: skip


@pytest.mark.parametrize("target", NEVER)
def test_what_may_do_something_is_never_copied(target: str) -> None:
    assert not may_be_copied(b"GET", target.encode(), overrides=False)


@pytest.mark.parametrize("target", MAY)
def test_pages_are(target: str) -> None:
    for method in (b"GET", b"HEAD", b"OPTIONS"):
        assert may_be_copied(method, target.encode(), overrides=False)
    assert not may_be_copied(b"GET", target.encode(), overrides=True)
    for method in (b"POST", b"PUT", b"PATCH", b"DELETE", b"TRACE", b"CONNECT", b"get", b"PROPFIND"):
        assert not may_be_copied(method, target.encode(), overrides=False)
