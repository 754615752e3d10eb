"""docs/taking-a-table.md is true: its files are written, its commands run, and each answers what the page says."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers import mariadb as mariadb_server
from tests.servers.postgres import Server

PAGE = Path(__file__).resolve().parents[2] / "docs" / "taking-a-table.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TIMES = re.compile(r"\d+\.\d+ s\b")  # how long something took


@dataclass
class Walk:
    """One folder in which the page is followed from its top to its end."""

    folder: Path
    python: str = ""  # what the last Python block printed

    def follow(self, kind: str, text: str) -> str:
        """The block as it would have to be written."""
        match kind:
            case "yaml":
                (self.folder / "datasets.yaml").write_text(text, encoding="utf-8")
            case "sql":
                connection = sqlite3.connect(self.folder / "housing.db")
                connection.executescript(text)
                connection.close()
            case "diff":
                self.edit(text)
            case "console":
                return "".join(f"$ {command}\n{self.run(['bash', '-c', command])}" for command in commands(text))
            case "python":
                self.python = self.run([sys.executable, "-c", text])
            case "text":
                return self.python
        return text

    def edit(self, text: str) -> None:
        """Each `-` line begins as a line of datasets.yaml does, and becomes the `+` line after it."""
        path = self.folder / "datasets.yaml"
        lines = path.read_text(encoding="utf-8").splitlines()
        for old, new in re.findall(r"^-(.*)\n\+(.*)$", text, re.MULTILINE):
            (at,) = [number for number, line in enumerate(lines) if line.startswith(old)]
            lines[at] = new
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def run(self, command: list[str]) -> str:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        environ = {**os.environ, "PATH": path, "COLUMNS": "100", "PYTHONPATH": str(PAGE.parents[1])}
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.stdout if done.stdout.endswith("\n") or not done.stdout else done.stdout + "\n"


def commands(text: str) -> Iterator[str]:
    return (line.removeprefix("$ ") for line in text.splitlines() if line.startswith("$ "))


@pytest.mark.slow
def test_every_step_of_the_page_answers_what_it_says(tmp_path: Path) -> None:
    walk, blocks = Walk(tmp_path), BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    assert sum(kind == "console" for kind, _ in blocks) >= 7
    for kind, text in blocks:
        assert TIMES.sub("0.0 s", walk.follow(kind, text)) == TIMES.sub("0.0 s", text)


def statements(language: str, **changes: str) -> list[str]:
    """The page's own, with what a reader replaces."""
    (text,) = [text for kind, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")) if kind == language]
    for old, new in changes.items():
        text = text.replace({"password": "…", "from_": "10.0.0.%"}[old], new)
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    return [statement.strip() for statement in "\n".join(lines).split(";\n") if statement.strip(";\n ")]


LOGIN = """version: 1
sources:
  silo: {{url: "{url}"}}
"""


def drafts(folder: Path, url: str, password: str) -> str:
    """What `fig extract --discover` writes for a login, and what `fig extract` then does by it."""
    folder.joinpath("datasets.yaml").write_text(LOGIN.format(url=url), encoding="utf-8")
    walk = Walk(folder)
    told = walk.run(["fig", "extract", "--discover", "silo", "-o", "datasets-draft.yaml"])
    told += walk.run(["fig", "extract", "-c", "datasets-draft.yaml"])
    assert password not in told
    return told


@pytest.mark.slow
def test_the_statements_for_postgresql_are_enough(
    postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOUSING_PASSWORD", "s3cret")
    with postgres.database("granted") as session:
        session.execute("CREATE SCHEMA housing")
        session.execute("CREATE TABLE housing.repair_jobs (job_no integer PRIMARY KEY, trade text)")
        session.execute("INSERT INTO housing.repair_jobs VALUES (1, 'PLU')")
        for statement in statements("postgresql", password="s3cret"):
            session.execute(statement.encode())
        try:
            url = postgres.url("granted", user="fig_reader", password="PLACE").replace("PLACE", "${HOUSING_PASSWORD}")
            assert "repair-jobs: 1 rows in, 1 out" in drafts(tmp_path, url, "s3cret")
        finally:
            session.execute("DROP OWNED BY fig_reader")
            session.execute("DROP ROLE fig_reader")


@pytest.mark.slow
def test_the_statements_for_mariadb_are_enough(
    mariadb: mariadb_server.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOUSING_PASSWORD", "s3cret")
    with mariadb.database("housing") as session:
        session.execute("CREATE TABLE repair_jobs (job_no integer PRIMARY KEY, trade text)")
        session.execute("INSERT INTO repair_jobs VALUES (1, 'PLU')")
        for statement in statements("mysql", password="s3cret", from_="%"):
            session.execute(statement)
        try:
            url = mariadb.url("housing", user="fig_reader", password="PLACE").replace("PLACE", "${HOUSING_PASSWORD}")
            assert "repair-jobs: 1 rows in, 1 out" in drafts(tmp_path, url, "s3cret")
        finally:
            session.execute("DROP USER fig_reader")
