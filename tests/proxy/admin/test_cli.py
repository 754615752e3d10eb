"""`fig admin`: a token is printed once, names are listed and removed."""

from __future__ import annotations

import json
import resource
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fig import main
from proxy.admin import tokens

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "routes.yaml").write_text("version: 1\n")
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["admin", *words], prog_name="fig")


def test_a_token_is_all_that_is_printed_where_programs_read(home: Path) -> None:
    added = run("add", "ann")
    assert added.exit_code == 0
    assert added.stderr == "this is ann's token: it is shown once, and to nobody again\n"
    assert tokens.holder(tokens.read(home), added.stdout.strip()) == "ann"


def test_names_are_listed_with_when_they_got_their_token_and_no_more() -> None:
    assert run("list").output == "nobody has a token yet\n    give one: fig admin add NAME\n"
    token = run("add", "ann").stdout.strip()
    run("add", "bob@anytown.gov.uk")
    listed = run("list")
    assert [line.split()[0] for line in listed.output.splitlines()] == ["ann", "bob@anytown.gov.uk"]
    assert [each["name"] for each in json.loads(run("list", "--json").output)] == ["ann", "bob@anytown.gov.uk"]
    assert token not in listed.output


def test_a_name_is_removed() -> None:
    run("add", "ann")
    assert run("remove", "ann").output == "'ann' has no token any more\n"
    gone = run("remove", "ann")
    assert (gone.exit_code, gone.stderr) == (2, "there is no 'ann' in data/admin.json\n    names: none\n")


def test_where_there_is_no_file_nothing_is_made(home: Path) -> None:
    (home / "routes.yaml").unlink()
    assert run("add", "ann").exit_code == 2
    assert list(home.iterdir()) == []


def test_a_disk_that_does_not_take_it_is_said(home: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))  # a disk that is full, for root too
    try:
        added = run("add", "ann")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (added.exit_code, added.stdout) == (3, "")
    assert added.stderr == "cannot write data/admin.json: File too large\n"
    assert list((home / "data").iterdir()) == []
