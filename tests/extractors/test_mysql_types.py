"""docs/types.md, the section on MySQL and MariaDB: every line is run on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from extractors import formats
from tests.servers.mariadb import Server, Session

from .conftest import Council, numbered

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "types.md"
Line = tuple[str, str, str, str]  # declared, MariaDB's type, what it holds, what the dataset gets


def lines() -> Iterator[Line]:
    section = DOCUMENT.read_text(encoding="utf-8").partition("## MySQL and MariaDB")[2].partition("\n## ")[0]
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")] if line.startswith("| `") else []
        if cells:
            declared, kind, holds, gets = (cell.strip("`").replace("·", " ") for cell in cells)
            yield declared, kind, holds, gets.replace(r"\0", "\0")


LINES = list(lines())


def fill(session: Session, table: str, columns: list[tuple[str, list[str]]]) -> None:
    """A table of columns: (type, what its rows hold)."""
    kinds = "".join(f", v{at} {kind} {'' if ' as (' in kind else 'NULL'}" for at, (kind, _) in enumerate(columns))
    session.execute(f"CREATE TABLE {table} (id int PRIMARY KEY{kinds})")
    for row in range(max(len(held) for _, held in columns)):
        values = "".join(f", {held[row] if row < len(held) else 'NULL'}" for _, held in columns)
        session.execute(f"INSERT INTO {table} VALUES ({row + 1}{values})")


def extracted(folder: Path, url: str, table: str, declared: list[str]) -> dict[tuple[int, int], str]:
    """What the dataset gets: (row, column) -> as the document writes it."""
    folder.mkdir(exist_ok=True)
    council = Council(folder)
    council.declare(*(f"v{at}: {column}" for at, column in enumerate(declared)), head=numbered(url, table))
    council.run()
    faults = {(fault["row"], fault["column"]): f"fault: {fault['rule']}" for fault in council.faults()}
    got = {}
    for row in council.rows():
        for at in range(len(declared)):
            value = row[f"v{at}"]
            told = "NULL" if value is None else formats.text(value)
            got[int(str(row["id"])), at] = faults.get((row["id"], f"v{at}"), told)
    return got


def test_the_section_has_its_lines() -> None:
    assert len(LINES) > 100


@pytest.fixture(scope="session")
def outcomes(mariadb: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[Line, str]:
    """Every line in one table of one row: nothing is alone, and nothing may disturb another."""
    with mariadb.database("lines") as session:
        session.execute("SET time_zone = 'SYSTEM'")  # London's
        fill(session, "jobs", [(kind, [holds]) for _, kind, holds, _ in LINES])
        url, folder = mariadb.reader("lines"), tmp_path_factory.mktemp("lines")
        got = extracted(folder, url, "jobs", [declared for declared, _, _, _ in LINES])
    return {line: got[1, at] for at, line in enumerate(LINES)}


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line[0]} {line[1]} {line[2]}"[:90])
def test_every_value_has_its_stated_outcome(line: Line, outcomes: dict[Line, str]) -> None:
    assert outcomes[line] == line[3]


def test_columns_of_nulls_only_stay_so(mariadb: Server, tmp_path: Path) -> None:
    kinds = list(dict.fromkeys((declared, kind) for declared, kind, _, _ in LINES if " as (" not in kind))
    with mariadb.database("nulls") as session:
        fill(session, "jobs", [(kind, ["NULL", "NULL"]) for _, kind in kinds])
        got = extracted(tmp_path, mariadb.reader("nulls"), "jobs", [declared for declared, _ in kinds])
    assert set(got.values()) == {"NULL"}


def test_an_empty_table_has_its_columns(mariadb: Server, tmp_path: Path) -> None:
    kinds = list(dict.fromkeys((declared, kind) for declared, kind, _, _ in LINES))
    with mariadb.database("empty") as session:
        fill(session, "jobs", [(kind, []) for _, kind in kinds])
        assert extracted(tmp_path, mariadb.reader("empty"), "jobs", [declared for declared, _ in kinds]) == {}
