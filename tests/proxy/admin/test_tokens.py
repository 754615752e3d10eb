"""Tokens, sessions and wrong attempts: who is who, and for how long."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from notation.problems import ConfigError
from proxy.admin import sessions, tokens
from proxy.admin.attempts import REMEMBERED, SECONDS, WRONG, Attempts
from proxy.admin.sessions import LASTS, begin, form_token, is_form_token
from proxy.admin.tokens import Admin

NOW = "2026-11-25T12:00:00+00:00"


def test_a_token_is_shown_once_and_only_its_hash_is_kept(tmp_path: Path) -> None:
    token = tokens.add(tmp_path, "ann", NOW)
    kept = (tmp_path / "data" / "admin.json").read_text()
    assert token not in kept
    assert token.startswith("fig_")
    assert len(token) > 44
    assert stat.S_IMODE((tmp_path / "data" / "admin.json").stat().st_mode) == 0o600
    assert tokens.holder(tokens.read(tmp_path), token) == "ann"


def test_each_name_has_a_token_of_its_own(tmp_path: Path) -> None:
    ann, bob = tokens.add(tmp_path, "ann", NOW), tokens.add(tmp_path, "bob@anytown.gov.uk", NOW)
    admins = tokens.read(tmp_path)
    assert tokens.holder(admins, ann) == "ann"
    assert tokens.holder(admins, bob) == "bob@anytown.gov.uk"
    assert tokens.holder(admins, ann + "x") is tokens.holder(admins, "") is None
    tokens.remove(tmp_path, "ann")
    assert tokens.holder(tokens.read(tmp_path), ann) is None


def test_what_is_no_name_or_is_there_already_is_said(tmp_path: Path) -> None:
    tokens.add(tmp_path, "ann", NOW)
    for name, said in (
        ("ann", f"'ann' has a token since {NOW}\n    for a new token: fig admin remove ann, then add it again"),
        (
            "a b",
            "'a b' is not a name\n    write letters, digits and . _ @ -, at most 64 of them: ann, or ann@anytown.gov.uk",  # noqa: E501
        ),
    ):
        with pytest.raises(ConfigError) as error:
            tokens.add(tmp_path, name, NOW)
        assert str(error.value) == said
    with pytest.raises(ConfigError) as error:
        tokens.remove(tmp_path, "anne")
    assert str(error.value) == "there is no 'anne' in data/admin.json\n    names: ann. Did you mean 'ann'?"


@pytest.mark.parametrize("text", ["{", "[]", '{"admins": {"ann": {}}}', '{"admins": {"ann": 1}}'])
def test_a_broken_file_lets_nobody_in_and_says_so(tmp_path: Path, text: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "admin.json").write_text(text)
    with pytest.raises(ConfigError, match=r"data/admin\.json:1: the admins cannot be read: it is not of the form"):
        tokens.read(tmp_path)


ANN = Admin("a" * 64, NOW)


def test_a_session_is_its_owners_until_it_is_over() -> None:
    session = begin("ann.b@anytown.gov.uk", ANN, 1000.0)
    admins = {"ann.b@anytown.gov.uk": ANN}
    assert sessions.read(session, admins, 1000.0 + LASTS - 1) == "ann.b@anytown.gov.uk"
    assert sessions.read(session, admins, 1000.0 + LASTS) is None


@pytest.mark.parametrize("at", range(0, 100, 3))
def test_a_session_that_was_touched_anywhere_is_nobodys(at: int) -> None:
    session = begin("ann", ANN, 1000.0)
    changed = session[:at] + ("0" if session[at % len(session)] != "0" else "1") + session[at + 1 :]
    assert sessions.read(changed, {"ann": ANN, "0nn": ANN}, 1000.0) is None


@pytest.mark.parametrize("text", ["", ".", "ann", "ann...", "ann.1.2.\u00e9", "a" * 10_000, "ann.x.y." + "0" * 64])
def test_what_is_no_session_is_nobodys(text: str) -> None:
    assert sessions.read(text, {"ann": ANN}, 0.0) is None


def test_a_new_token_signs_its_name_out_everywhere() -> None:
    session = begin("ann", ANN, 1000.0)
    assert sessions.read(session, {"ann": Admin("b" * 64, NOW)}, 1000.0) is None
    assert sessions.read(session, {}, 1000.0) is None


def test_a_form_is_of_one_session() -> None:
    one, other = begin("ann", ANN, 1000.0), begin("ann", ANN, 1000.0)
    assert one != other
    assert is_form_token(form_token(one, ANN), one, ANN)
    assert not is_form_token(form_token(other, ANN), one, ANN)
    assert not is_form_token("", one, ANN)
    assert not is_form_token("é", one, ANN)


def test_after_some_wrong_tokens_an_address_waits() -> None:
    attempts = Attempts()
    for second in range(WRONG):
        assert attempts.wait("10.0.0.1", second) == 0
        attempts.failed("10.0.0.1", second)
    assert attempts.wait("10.0.0.1", WRONG) == SECONDS - WRONG
    assert attempts.wait("10.0.0.2", WRONG) == 0
    assert attempts.wait("10.0.0.1", SECONDS) == 0


def test_only_so_many_addresses_are_remembered() -> None:
    attempts = Attempts()
    for number in range(REMEMBERED + 1):
        for _ in range(WRONG):
            attempts.failed(str(number), 0.0)
    assert attempts.wait("0", 1.0) == 0
    assert attempts.wait("1", 1.0) > 0
