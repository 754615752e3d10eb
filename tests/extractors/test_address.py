"""An address is taken apart as it was written, and no message shows its password."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.address import address, place


def test_an_address_is_taken_apart() -> None:
    parts = address("postgresql://reader:p%40ss%2Fword@db.internal:5433/housing?sslmode=require")
    assert (parts.scheme, parts.user, parts.password) == ("postgresql", "reader", "p@ss/word")
    assert (parts.host, parts.port, parts.database) == ("db.internal", 5433, "housing")
    assert parts.options == {"sslmode": "require"}
    assert "p@ss" not in repr(parts)


@given(st.text(st.characters(min_codepoint=33, max_codepoint=0x24F), min_size=4))
def test_no_message_shows_the_password(secret: str) -> None:
    parts = address(f"mysql://reader:{quote(secret, safe='')}@db/housing")
    assert parts.password == secret
    for spelt in (secret, quote(secret, safe=""), repr(secret)[1:-1], secret.replace("'", "''")):
        assert spelt not in parts.scrub(f"access denied for [{spelt}]").removeprefix("access denied for ")


def test_a_secret_among_the_options_is_hidden_too() -> None:
    assert address("odbc://?dsn=LEGACY&PWD=hunter22").scrub("cannot log in with PWD=hunter22") == (
        "cannot log in with PWD=…"
    )


PLACES = [
    ("postgresql://u:p@db:5432/a", "postgresql://other:pass@db:5432/a?sslmode=require", True),
    ("postgresql://u@db/a", "postgresql://u@db/b", False), ("postgresql://u@db/a", "postgresql://u@db2/a", False),
    ("oracle://u@db/?sid=A", "oracle://u@db/?sid=B", False), ("odbc://?dsn=A", "odbc://?DSN=A&uid=x", True),
    ("sqlite:///a.db", "sqlite:///b.db", False),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other", "same"), PLACES)
def test_where_a_url_leads(one: str, other: str, same: bool) -> None:
    assert (place(one) == place(other)) == same
