"""A council in a folder: a SQLite silo, a datasets.yaml, and the way from one to the other."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from extractors import keys, spec
from extractors.run import Extracted, Step, extract
from notation import lake
from tests.servers import mariadb as mariadb_server
from tests.servers.postgres import Server, serving
from tests.servers.postgres_reading import silo, url  # noqa: F401  # fixtures, for whoever asks for them

HEAD = """version: 1
sources:
  silo: {url: "sqlite:///silo.db"}
datasets:
  jobs:
    title: Jobs
    owner: data@anytown.example.org
    source: silo
    table: JOBS
    key: [JOB_NO]
    columns:
"""


def numbered(address: str, table: str, more: str = "") -> str:
    """The head of a dataset of a table whose key is `id`; `more` are further keys of the source."""
    columns = "    columns:\n      id: {type: int64}\n"
    head = HEAD.replace('"sqlite:///silo.db"', f'"{address}"{more}').replace("table: JOBS", f"table: {table}")
    return head.replace("[JOB_NO]", "[id]").replace("    columns:\n", columns)


@dataclass
class Council:
    """`silo("CREATE TABLE …")`, `declare("JOB_NO: {…}")`, `run()`, then `rows()`."""

    home: Path
    steps: list[str] = field(default_factory=list)
    read: list[int] = field(default_factory=list)  # rows, after each batch

    def silo(self, *statements: str, rows: tuple[str, Sequence[Sequence[object]]] | None = None) -> None:
        connection = sqlite3.connect(self.home / "silo.db")
        try:
            for statement in statements:
                connection.execute(statement)
            if rows is not None:
                connection.executemany(*rows)
            connection.commit()
        finally:
            connection.close()

    def declare(self, *columns: str, head: str = HEAD) -> Path:
        path = self.home / "datasets.yaml"
        path.write_text(head + "".join(f"      {column}\n" for column in columns), encoding="utf-8")
        return path

    def key(self) -> None:
        keys.create(self.home / "keys.toml")

    def run(self, name: str = "jobs", *, full: bool = False) -> Extracted:
        loaded = spec.load(self.home / "datasets.yaml", {})
        assert loaded.not_acted_on([name]) == ()
        return extract(loaded.dataset(name), self.home, loaded.keys_file, self.told, full=full)

    def told(self, step: Step) -> None:
        self.steps.append(step.done)
        if step.done == "read":
            self.read.append(step.rows)

    def rows(self, name: str = "jobs", version: int | None = None) -> list[dict[str, object]]:
        return lake.open_dataset(self.home, name, version).table().to_pylist()

    def faults(self, name: str = "jobs") -> list[dict[str, object]]:
        return lake.open_dataset(self.home, name).faults().to_pylist()


@pytest.fixture
def council(tmp_path: Path) -> Council:
    return Council(tmp_path)


@pytest.fixture
def fifty(council: Council) -> Council:
    """A small silo that needs nothing: fifty jobs with a key, a ward and a cost in pence."""
    council.silo(
        "CREATE TABLE JOBS (JOB_NO TEXT PRIMARY KEY, WARD TEXT, COST INTEGER)",
        rows=("INSERT INTO JOBS VALUES (?, ?, ?)", [(f"J{n:03}", f"W{n % 5}", n * 100 + n) for n in range(50)]),
    )
    council.declare("JOB_NO: {name: reference}", "WARD: {}", 'COST: {type: "decimal(12,2)", divide: 100}')
    return council


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server; each test makes a database of its own in it."""
    with serving() as server:
        yield server


@pytest.fixture(scope="session")
def mariadb() -> Iterator[mariadb_server.Server]:
    """A MariaDB server; each test makes a database of its own in it."""
    if why := mariadb_server.absent():
        pytest.skip(why)
    with mariadb_server.serving() as server:
        yield server
