"""docs/types.md, the section on PostgreSQL: every line is run on a real server, over both ways to read rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import psycopg
import pytest

from extractors import formats
from tests.servers.postgres import Server

from .conftest import Council, numbered

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "types.md"
TYPES = (
    "CREATE EXTENSION hstore",
    "CREATE TYPE status AS ENUM ('open', 'closed')",
    "CREATE DOMAIN exact AS numeric(10,2)",
    "CREATE DOMAIN cost AS exact",
    "CREATE TYPE place AS (x integer, y text)",
)
Line = tuple[str, str, str, str]  # declared, PostgreSQL's type, what it holds, what the dataset gets
Most = Literal[1, 2]  # connections: over one, rows come through COPY as text; over two, through DuckDB's scanner


def lines() -> Iterator[Line]:
    section = DOCUMENT.read_text(encoding="utf-8").partition("## PostgreSQL")[2].partition("\n## ")[0]
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")] if line.startswith("| `") else []
        if cells:
            declared, kind, holds, gets = (cell.strip("`").replace("·", " ") for cell in cells)
            yield declared, kind, holds, gets


LINES = list(lines())


def silo(session: psycopg.Connection, tables: dict[str, list[tuple[str, list[str]]]]) -> None:
    """Tables of columns: (type, what its rows hold)."""
    for name, columns in tables.items():
        kinds = "".join(f", v{at} {kind}" for at, (kind, _) in enumerate(columns))
        session.execute(f"CREATE TABLE {name} (id integer PRIMARY KEY{kinds})".encode())
        for row in range(max(len(held) for _, held in columns)):
            values = "".join(f", {held[row] if row < len(held) else 'NULL'}" for _, held in columns)
            session.execute(f"INSERT INTO {name} VALUES ({row + 1}{values})".encode())


def extracted(folder: Path, url: str, table: str, declared: list[str], most: Most) -> dict[tuple[int, int], str]:
    """What the dataset gets: (row, column) -> as the document writes it."""
    folder.mkdir()
    council = Council(folder)
    head = numbered(url, table, f", max_connections: {most}")
    council.declare(*(f"v{at}: {column}" for at, column in enumerate(declared)), head=head)
    council.run()
    faults = {(fault["row"], fault["column"]): f"fault: {fault['rule']}" for fault in council.faults()}
    got = {}
    for row in council.rows():
        for at in range(len(declared)):
            value = row[f"v{at}"]
            told = "NULL" if value is None else formats.text(value)
            got[int(str(row["id"])), at] = faults.get((row["id"], f"v{at}"), told)
    return got


@pytest.fixture(scope="module")
def outcomes(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[Most, str, Line], str]:
    """Each line in a column of its own, beside a NULL; and those of one declared type and one source type together."""
    groups: dict[tuple[str, str], list[Line]] = {}
    for line in LINES:
        groups.setdefault(line[:2], []).append(line)
    together = list(groups.values())
    home, got = tmp_path_factory.mktemp("types"), {}
    with postgres.database("types", "ENCODING 'UTF8'") as session:
        for statement in TYPES:
            session.execute(statement.encode())
        silo(
            session,
            {
                "alone": [(kind, [holds, "NULL"]) for _, kind, holds, _ in LINES],
                "together": [(group[0][1], ["NULL", *(holds for _, _, holds, _ in group)]) for group in together],
            },
        )
        url = postgres.reader("types")
        for most in (1, 2):
            alone = extracted(home / f"alone{most}", url, "alone", [line[0] for line in LINES], most)
            for at, line in enumerate(LINES):
                got[most, "alone", line] = alone[1, at]
                assert alone[2, at] == "NULL"
            beside = extracted(home / f"together{most}", url, "together", [group[0][0] for group in together], most)
            for at, group in enumerate(together):
                assert beside[1, at] == "NULL"
                for row, line in enumerate(group, 2):
                    got[most, "together", line] = beside[row, at]
    return got


def test_the_section_has_its_lines() -> None:
    assert len(LINES) > 110
    assert len(set(LINES)) == len(LINES)


def name(line: Line) -> str:
    return re.sub(r"[^\w(),:' .-]", "", f"{line[1]} {line[2]} as {line[0]}")


@pytest.mark.parametrize("line", LINES, ids=name)
def test_every_value_has_its_stated_outcome(line: Line, outcomes: dict[tuple[Most, str, Line], str]) -> None:
    gets = line[3].replace("\\n", "\n").replace("\\t", "\t").replace("\\\\", "\\")
    got = {(most, how): told for (most, how, at), told in outcomes.items() if at == line}
    assert got == dict.fromkeys(got, gets)
    assert len(got) == 4
