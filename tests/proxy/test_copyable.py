"""A copy cannot write: which requests read like an act."""

from __future__ import annotations

import pytest

from proxy.copyable import reads_like_an_act

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
    assert reads_like_an_act(target.encode())


@pytest.mark.parametrize("target", MAY)
def test_pages_are(target: str) -> None:
    assert not reads_like_an_act(target.encode())
