"""The measure of taking tables out: what counts as a right value, and what is wrong of one that is not."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from scripts.benches.extract_table import AWKWARD, REPAIRS, anywhere, changed_truth, generate, newest
from scripts.benches.extract_values import judge

ROWS = 2000
RIGHT = {"whole": "BIGINT", "decimal": "DECIMAL(12,2)", "day": "DATE", "moment": "TIMESTAMP", "flag": "BOOLEAN"}


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate(ROWS, tmp_path_factory.mktemp("truth"))[0]


def written(truth: Path, target: Path, but: str = "", where: str = "true") -> list[str]:
    """The truth in its columns' own types, but for some; in no order of its own."""
    columns = ", ".join(f"{c.name}::{RIGHT.get(c.kind, 'VARCHAR')} AS {c.name}" for c in REPAIRS.columns)
    replaced = f"REPLACE ({but})" if but else ""
    with duckdb.connect() as duck:
        inner = f"(SELECT {columns} FROM '{truth}' ORDER BY hash(job_id))"
        duck.execute(f"COPY (SELECT * {replaced} FROM {inner} WHERE {where}) TO '{target}' (FORMAT parquet)")
    return [str(target)]


CASES = [  # what a contender made of the rows, which of them, and the verdict (or how it begins: values are drawn)
    ("", "true", "yes"),
    ("cost::DECIMAL(38,9) AS cost", "true", "yes"),
    ("is_emergency::TINYINT AS is_emergency", "true", "yes (is_emergency as whole numbers)"),
    ("reported_on::VARCHAR AS reported_on", "true", "yes (reported_on as text)"),
    ("visits::DOUBLE AS visits", "true", "no: visits: DOUBLE for integer"),
    ("cost::DOUBLE AS cost", "true", "no: cost: DOUBLE for numeric(12,2)"),
    ("", "job_id <> 7", "no: 1,999 rows of 2,000"),
    ("CASE job_id WHEN 7 THEN 'x' ELSE ward END AS ward", "true", "no: ward: 1 values differ (7: x for "),
    ("CASE job_id WHEN 7 THEN NULL ELSE uprn END AS uprn", "true", "no: uprn: 1 values differ (7: NULL for "),
    ("created_at + INTERVAL 1 HOUR AS created_at", "true", "no: created_at: 2,000 values differ (1: "),
]  # fmt: skip


@pytest.mark.parametrize(("but", "where", "verdict"), CASES)
def test_a_verdict_says_what_is_wrong(truth: Path, tmp_path: Path, but: str, where: str, verdict: str) -> None:
    said = judge(written(truth, tmp_path / "got.parquet", but, where), truth, REPAIRS, "postgres").sentence
    assert said.startswith(verdict) if verdict.endswith((" for ", "(1: ")) else said == verdict


def test_money_as_a_floating_point_number_is_what_sqlite_holds(truth: Path, tmp_path: Path) -> None:
    files = written(truth, tmp_path / "got.parquet", "cost::DOUBLE AS cost")
    assert judge(files, truth, REPAIRS, "sqlite").sentence == "yes (cost as floating-point numbers)"


def test_a_file_that_is_none_is_unreadable(truth: Path, tmp_path: Path) -> None:
    (tmp_path / "got.parquet").write_bytes(b"PAR1")
    said = judge([str(tmp_path / "got.parquet")], truth, REPAIRS, "postgres").sentence
    assert said.startswith("no: unreadable: ")


def test_changes_touch_one_per_cent_and_the_truth_follows_them(truth: Path) -> None:
    changes = [newest(1, ROWS), anywhere(2)]
    with duckdb.connect() as duck:
        duck.execute(f"CREATE TABLE {REPAIRS.name} AS SELECT * REPLACE (job_id::BIGINT AS job_id) FROM '{truth}'")
        touched = [duck.execute(change.sql("duckdb")).fetchall()[0][0] for change in changes]
        assert touched[0] == 20
        assert 10 < touched[1] < 30
        named = "job_id::BIGINT AS job_id, status, cost, last_modified"
        mine = duck.execute(f"SELECT {named} FROM {REPAIRS.name} ORDER BY 1").fetchall()
        assert mine == duck.execute(f"SELECT {named} FROM '{changed_truth(truth, changes)}' ORDER BY 1").fetchall()


def test_every_column_says_what_it_is_in_every_silo() -> None:
    assert len(REPAIRS.columns) == 20
    assert all(c.postgres and c.mariadb and c.sqlite and c.text for c in REPAIRS.columns)
    assert all(c.postgres and c.text for c in AWKWARD.columns)
