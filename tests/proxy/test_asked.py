"""What is read of a request, and when it counts as overriding its method."""

from __future__ import annotations

import pytest

from proxy.asked import FORM_LIMIT, Asked, form_overrides
from proxy.predicates import Needs


def asked(query: str | None = None, *fields: tuple[str, str], method: str = "GET") -> Asked:
    raw = [(name.encode(), value.encode()) for name, value in fields]
    return Asked(method.encode(), b"/a", query.encode() if query is not None else None, b"a.uk", False, raw, True)


QUERIES = [  # query, its parameters
    (None, {}),
    ("", {}),
    ("a=1&b=2", {"a": "1", "b": "2"}),
    ("a", {"a": ""}),
    ("a=1=2", {"a": "1=2"}),
    ("type=two+words&caf%C3%A9=%26", {"type": "two words", "café": "&"}),
    ("a=1;b=2", {"a": "1;b=2"}),
    ("a=1&a=1", {"a": "1"}),
    ("a=1&a=2", {"a": None}),
    ("a=1&%61=2&a=1", {"a": None}),
    ("&&a=1&", {"a": "1"}),
]


@pytest.mark.parametrize(("query", "parameters"), QUERIES)
def test_query_parameters(query: str | None, parameters: dict[str, str | None]) -> None:
    expected = {name.encode(): None if value is None else value.encode() for name, value in parameters.items()}
    assert asked(query).parameters == expected


COOKIES = [  # values of Cookie, the cookies
    (["a=1; b=2"], {"a": "1", "b": "2"}),
    (["a=1;b=2"], {"a": "1", "b": "2"}),
    (["a=1", "b=2"], {"a": "1", "b": "2"}),
    (['a="1"'], {"a": '"1"'}),
    (["a=1; a=1"], {"a": "1"}),
    (["a=1; a=2"], {"a": None}),
    (["a=1", "a=2"], {"a": None}),
    (["a==; b"], {"a": "=", "b": ""}),
]


@pytest.mark.parametrize(("lines", "cookies"), COOKIES)
def test_cookies(lines: list[str], cookies: dict[str, str | None]) -> None:
    expected = {name.encode(): None if value is None else value.encode() for name, value in cookies.items()}
    assert asked(None, *(("COOKIE", line) for line in lines)).cookies == expected


def test_the_lines_of_one_field_are_one_list() -> None:
    assert asked(None, ("X-A", "1"), ("x-b", "2"), ("x-a", "3")).headers == {b"x-a": b"1, 3", b"x-b": b"2"}


def test_what_is_lacking_is_said() -> None:
    pairs = ((b"a", b"1"), (b"b", b"2"))
    needs = Needs(b"b.uk", pairs, pairs, pairs)
    assert str(needs) == ("host b.uk, header a: 1, header b: 2, query a=1, query b=2, cookie a=1 and cookie b=2")
    came = asked("a=1&b=1", ("A", "1"), ("Cookie", "b=2"))
    assert not needs.met_by(came)
    assert str(needs.unmet_by(came)) == "host b.uk, header b: 2, query b=2 and cookie a=1"
    assert Needs(b"a.uk", pairs[:1], pairs[:1]).met_by(came)


@pytest.mark.parametrize(
    ("query", "overrides"),
    [
        ("_method=PUT", True),
        ("a=1&_method", True),
        ("a=1;_method=PUT;b", True),
        ("%5Fmethod=PUT", True),
        ("_m%65thod=PUT", True),
        ("x_method=PUT", False),
        ("_methods=PUT", False),
        ("a=_method", False),
        ("a=%26_method=1", False),
        (None, False),
    ],
)
def test_a_query_that_overrides_the_method(query: str | None, overrides: bool) -> None:
    assert asked(query).overrides_method is overrides
    assert asked(query).is_safe is not overrides


URLENCODED = "application/x-www-form-urlencoded"
PARTS = "multipart/form-data; boundary=x"
FORMS = [  # type, body, whether it came whole, whether it overrides
    (URLENCODED, b"a=1&_method=DELETE", True, True),
    (URLENCODED, b"a=1&%5fmethod=DELETE", True, True),
    (URLENCODED, b"a=1&b=_method", True, False),
    (URLENCODED, b"", True, False),
    (URLENCODED + "; charset=UTF-8", b"_method=PUT", True, True),
    (URLENCODED, b"a=" + b"x" * FORM_LIMIT, False, True),
    (PARTS, b'--x\r\nContent-Disposition: form-data; name="_method"\r\n\r\nPUT\r\n--x--\r\n', True, True),
    (PARTS, b"--x\r\ncontent-disposition: form-data; name=_method\r\n\r\nPUT\r\n--x--\r\n", True, True),
    (PARTS, b'--x\r\nContent-Disposition: form-data; name="a_method"\r\n\r\nPUT\r\n--x--\r\n', True, False),
    (PARTS, b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + b"x" * FORM_LIMIT, False, False),
]


@pytest.mark.parametrize(("kind", "body", "ended", "overrides"), FORMS)
def test_a_form_that_overrides_the_method(kind: str, body: bytes, ended: bool, overrides: bool) -> None:
    form = asked(None, ("Content-Type", kind), method="POST")
    assert form.carries_form
    assert form_overrides(form, body, ended=ended) is overrides


def test_an_encoded_form_cannot_be_read_and_counts_as_overriding() -> None:
    form = asked(None, ("Content-Type", URLENCODED), ("Content-Encoding", "gzip"), method="POST")
    assert form_overrides(form, b"\x1f\x8b", ended=True)


def test_other_bodies_are_no_forms() -> None:
    assert not asked(None, ("Content-Type", "application/json")).carries_form
    assert not asked().carries_form
    bodiless = Asked(b"POST", b"/a", None, b"", False, [(b"Content-Type", URLENCODED.encode())])
    assert not bodiless.carries_form
