"""`fig status` says how large each dataset is, and how many versions of it can be read."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner

from notation.problems import ConfigError
from proxy import status_cli

from .conftest import Council

ROUTES = "version: 1\nlisten: 127.0.0.1:0\nbackends: {legacy: {url: http://127.0.0.1:1}}\ndefault: legacy\n"


def test_datasets_are_shown_with_their_sizes(fifty: Council, monkeypatch: pytest.MonkeyPatch) -> None:
    (fifty.home / "routes.yaml").write_text(ROUTES)
    fifty.run()
    fifty.silo("DELETE FROM JOBS WHERE JOB_NO = 'J001'")
    fifty.run()
    monkeypatch.chdir(fifty.home)
    shown = CliRunner().invoke(status_cli.status, [])
    assert shown.exit_code == 3, "no proxy runs here, and it says so"
    assert re.search(r"^jobs +49 +\S+ KiB +2 +\S+ KiB +\S+$", shown.output, re.M), shown.output
    assert "start it with: fig serve" in shown.output


def test_a_dataset_that_cannot_be_read_says_so(fifty: Council, monkeypatch: pytest.MonkeyPatch) -> None:
    (fifty.home / "routes.yaml").write_text(ROUTES)
    fifty.run()
    log = fifty.home / "data" / "lake" / "jobs" / "_delta_log" / f"{0:020}.json"
    log.write_text("not a log")
    monkeypatch.chdir(fifty.home)
    shown = CliRunner().invoke(status_cli.status, [])
    assert "Delta cannot read" in re.sub(r"\s+", " ", shown.output)


def test_without_a_routes_yaml_there_is_still_a_lake(fifty: Council, monkeypatch: pytest.MonkeyPatch) -> None:
    fifty.run()
    below = fifty.home / "below"
    below.mkdir()
    monkeypatch.chdir(below)
    shown = CliRunner().invoke(status_cli.status, [])
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert re.search(r"^jobs +50 ", shown.output, re.M), shown.output
    told = CliRunner().invoke(status_cli.status, ["--json"])
    assert json.loads(told.stdout)["datasets"][0]["rows"] == 50
    named = CliRunner().invoke(status_cli.status, ["-c", "routes.yaml"])
    assert isinstance(named.exception, ConfigError)


def test_sizes_are_in_json(fifty: Council) -> None:
    fifty.run()
    (found,) = status_cli._datasets(fifty.home)
    assert json.loads(json.dumps(found))["rows"] == 50
    assert found["versions"] == 1
    assert 0 < found["bytes"] < found["kept"]
