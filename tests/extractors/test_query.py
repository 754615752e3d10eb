"""Asking the datasets: every digit arrives, in every format, and a query reaches nothing else."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import extractors
from extractors import formats, query
from extractors.cli import query as command
from extractors.reference import datasets_reference
from extractors.shown import values
from notation import lake
from notation.problems import ConfigError

from .conftest import HEAD, Council

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def repairs(council: Council) -> Council:
    council.silo(
        "CREATE TABLE JOBS (JOB_NO TEXT, N INTEGER, COST TEXT, DAY TEXT, NOTE TEXT)",
        rows=("INSERT INTO JOBS VALUES (?, ?, ?, ?, ?)", [
            ("J1", 9309935020231023, "12345678901234567890.12", "2024-01-31", 'He said "no", twice'),
            ("J2", None, "0.10", None, "a\nb"),
        ]),
    )  # fmt: skip
    council.declare(
        "JOB_NO: {name: reference}", '"N": {type: int64}', 'COST: {type: "decimal(38,2)"}', "DAY: {type: date}",
        "NOTE: {}",
        head=HEAD.replace("jobs:", "housing-repairs:"),
    )  # fmt: skip
    council.run("housing-repairs")
    return council


def answer(council: Council, sql: str, form: str) -> bytes:
    out = io.BytesIO()
    formats.write(query.ask(council.home, sql), form, out)
    return out.getvalue()


def test_a_dataset_is_asked_for_by_either_name(repairs: Council) -> None:
    for name in ('"housing-repairs"', "housing_repairs"):
        assert query.ask(repairs.home, f"SELECT count(*) AS n FROM {name}").read_all().to_pylist() == [{"n": 2}]


def test_csv_has_every_digit(repairs: Council) -> None:
    said = answer(repairs, "FROM housing_repairs ORDER BY reference", "csv").decode()
    assert said.startswith("reference,n,cost,day,note\r\n")
    assert list(csv.DictReader(io.StringIO(said, newline=""))) == [
        {"reference": "J1", "n": "9309935020231023", "cost": "12345678901234567890.12", "day": "2024-01-31",
         "note": 'He said "no", twice'},
        {"reference": "J2", "n": "", "cost": "0.10", "day": "", "note": "a\nb"},
    ]  # fmt: skip


def test_json_has_every_digit(repairs: Council) -> None:
    assert json.loads(answer(repairs, "SELECT n, cost, day FROM housing_repairs ORDER BY reference", "json")) == [
        {"n": 9309935020231023, "cost": "12345678901234567890.12", "day": "2024-01-31"},
        {"n": None, "cost": "0.10", "day": None},
    ]
    assert json.loads(answer(repairs, "SELECT 1 WHERE false", "json")) == []


def test_parquet_keeps_types(repairs: Council) -> None:
    table = pq.read_table(io.BytesIO(answer(repairs, "SELECT n, cost FROM housing_repairs", "parquet")))
    assert table.schema.types == [pa.int64(), pa.decimal128(38, 2)]


def test_a_table_is_for_looking_at(repairs: Council) -> None:
    assert answer(
        repairs, "SELECT reference, n, cost, note FROM housing_repairs ORDER BY reference", "table"
    ).decode() == (
        "reference                 n                     cost  note\n"
        "---------  ----------------  -----------------------  -------------------\n"
        'J1         9309935020231023  12345678901234567890.12  He said "no", twice\n'
        "J2                     NULL                     0.10  a b\n"
        "(2 rows)\n"
    )


def test_a_long_table_says_that_there_is_more(repairs: Council) -> None:
    said = answer(repairs, "SELECT range AS n FROM range(3000)", "table").decode()
    assert said.endswith("(3,000 rows; the first 100 are shown, --format csv gives all)\n")


NOT_ANSWERED = [
    ("SELECT * FROM repairs", ("there is no dataset 'repairs'. Did you mean housing_repairs?\n"
     "    there are: housing-repairs; housing_repairs")),
    ("SELECT * FROM read_text('/etc/passwd')", "a query reads the datasets, and no other file"),
    ("SELECT * FROM read_csv('keys.toml')", "a query reads the datasets, and no other file"),
    ("COPY (SELECT 1) TO '/tmp/out.csv'", "only one SELECT can be asked; the data can be read, not changed"),
    ("SELECT 1; SELECT 2", "only one SELECT can be asked; the data can be read, not changed"),
    ("DROP VIEW housing_repairs", "only one SELECT can be asked; the data can be read, not changed"),
    ("EXPLAIN ANALYZE COPY (SELECT 1) TO 'x'", "only one SELECT can be asked; the data can be read, not changed"),
    ("SET enable_external_access = true", "only one SELECT can be asked; the data can be read, not changed"),
    ("", "only one SELECT can be asked; the data can be read, not changed"),
    ("SELEC 1", 'syntax error at or near "SELEC"\n\nLINE 1: SELEC 1\n        ^'),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "told"), NOT_ANSWERED)
def test_what_is_not_answered_says_why(sql: str, told: str, repairs: Council) -> None:
    with pytest.raises(query.QueryRefused) as refused:
        query.ask(repairs.home, sql)
    assert re.sub(r"\^+", "^", str(refused.value)) == told  # DuckDB 2 underlines the word, 1.5 its first letter


def test_no_query_changes_a_file_of_the_lake(repairs: Council) -> None:
    """The files of the views may be read, and DuckDB's permission is for reading and writing: only a SELECT is run."""
    (file,) = lake.open_dataset(repairs.home, "housing-repairs").files
    before = file.read_bytes()
    for sql in (
        f"COPY (SELECT 1) TO '{file}'",
        f"WITH x AS (SELECT 1) COPY x TO '{file}'",
        f"EXPORT DATABASE '{file}'",
    ):
        with pytest.raises(query.QueryRefused):
            query.ask(repairs.home, sql)
    assert file.read_bytes() == before


SHOWN = [  # an expression, what CSV says of it, what JSON says
    ("0.1::FLOAT", "0.1", 0.1),
    ("16777217::FLOAT", "16777216.0", 16777216.0),
    ("[0.1::FLOAT, NULL]", '"[0.1, null]"', [0.1, None]),
    ("'inf'::DOUBLE", "inf", "inf"),
    ("'-inf'::FLOAT", "-inf", "-inf"),
    ("DATE '2024-01-31'", "2024-01-31", "2024-01-31"),
    ("DATE 'infinity'", "infinity", "infinity"),
    ("DATE '-infinity'", "-infinity", "-infinity"),
    ("DATE '5874897-12-31'", "5874897-12-31", "5874897-12-31"),
    ("DATE '0044-03-15 (BC)'", "0044-03-15 (BC)", "0044-03-15 (BC)"),
    ("TIMESTAMP 'infinity'", "infinity", "infinity"),
    ("TIMESTAMP '294246-01-01 09:30:00.5'", "294246-01-01 09:30:00.5", "294246-01-01 09:30:00.5"),
    ("TIMESTAMP '0044-03-15 (BC) 09:30:00'", "0044-03-15 (BC) 09:30:00", "0044-03-15 (BC) 09:30:00"),
    ("TIMESTAMPTZ '12024-01-31 09:30:00+00'", "12024-01-31 09:30:00Z", "12024-01-31 09:30:00Z"),
    ("TIMESTAMP_NS '2024-01-31 09:30:00.123456789'", "2024-01-31 09:30:00.123456789", "2024-01-31 09:30:00.123456789"),
    ("TIME '24:00:00'", "24:00:00", "24:00:00"),
    ("'09:30:00+01'::TIMETZ", "09:30:00+01", "09:30:00+01"),
    ("INTERVAL '1 month 2 days 3 hours'", "1 month 2 days 03:00:00", "1 month 2 days 03:00:00"),
    ("18446744073709551615::UBIGINT", "18446744073709551615", 18446744073709551615),
    ("170141183460469231731687303715884105727::HUGEINT", "170141183460469231731687303715884105727",
     "170141183460469231731687303715884105727"),
    ("340282366920938463463374607431768211455::UHUGEINT", "340282366920938463463374607431768211455",
     "340282366920938463463374607431768211455"),
    ("'10101'::BIT", "10101", "10101"),
    ("MAP {'a': 1.10, 'b': NULL}", '"{""a"": ""1.10"", ""b"": null}"', {"a": "1.10", "b": None}),
    ("MAP {DATE '2024-01-31': [1]}", '"{""2024-01-31"": [1]}"', {"2024-01-31": [1]}),
    ("{'day': DATE 'infinity', 'cost': 0.1::FLOAT}", '"{""day"": ""infinity"", ""cost"": 0.1}"',
     {"day": "infinity", "cost": 0.1}),
    ("[{'bits': '101'::BIT}]", "[{'bits': 101}]", "[{'bits': 101}]"),
    ("[1, 2]::INTEGER[2]", '"[1, 2]"', [1, 2]),
    ("row(1, 2)", '"(1, 2)"', "(1, 2)"),
    ("union_value(a := 1)", "1", "1"),
    ("'a'::ENUM('a', 'b')", "a", "a"),
    ("'0b1e0d9e-0000-4000-8000-000000000001'::UUID", "0b1e0d9e-0000-4000-8000-000000000001",
     "0b1e0d9e-0000-4000-8000-000000000001"),
    ("'\\x00ff'::BLOB", "006666", "006666"),
    ("NULL", "", None),
    ("''", '""', ""),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "in_csv", "in_json"), SHOWN, ids=[sql for sql, _, _ in SHOWN])
def test_every_type_of_an_answer_is_shown_exactly(sql: str, in_csv: str, in_json: object, council: Council) -> None:
    asked = f"SELECT * FROM (VALUES (0, {sql}), (1, NULL), (2, {sql})) AS t(n, v) ORDER BY n DESC"
    if sql in ("NULL", "''"):
        asked = f"SELECT 2 AS n, {sql} AS v UNION ALL SELECT 1, NULL UNION ALL SELECT 0, {sql} ORDER BY n DESC"
    assert answer(council, asked, "csv").decode() == f"n,v\r\n2,{in_csv}\r\n1,\r\n0,{in_csv}\r\n"
    assert json.loads(answer(council, asked, "json")) == [
        {"n": 2, "v": in_json}, {"n": 1, "v": None}, {"n": 0, "v": in_json},
    ]  # fmt: skip
    assert pq.read_table(io.BytesIO(answer(council, asked, "parquet"))).num_rows == 3
    assert "NULL" in answer(council, asked, "table").decode()


@given(st.integers(-(2**31) + 2, 2**31 - 2), st.integers(-(2**63) + 2, 2**63 - 2))
def test_days_and_moments_of_any_year_are_written_as_duckdb_writes_them(day: int, moment: int) -> None:
    in_range = max(min(moment, 9223371331200000000 - 1), -9223372022400000000)
    days = pa.array([day, None], pa.int32()).cast(pa.date32())
    moments = pa.array([in_range], pa.int64()).cast(pa.timestamp("us"))
    with duckdb.connect() as connection:
        connection.register("held", pa.table({"d": days[:1], "m": moments}))
        told = connection.execute("SELECT d::VARCHAR, m::VARCHAR FROM held").fetchone()
    shown = (values(days), values(moments))
    assert (formats.text(shown[0][0]), shown[0][1]) == (told[0] if told else None, None)
    text = formats.text(shown[1][0])
    assert (text if "." not in text else text.rstrip("0")) == (told[1] if told else None)


def test_a_query_that_is_cast_for_arrow_keeps_its_order_and_its_names(repairs: Council) -> None:
    asked = 'SELECT n AS "A ""b", \'1\'::BIT AS "select", reference FROM housing_repairs ORDER BY reference DESC'
    assert answer(repairs, asked, "csv").decode() == ('"A ""b",select,reference\r\n,1,J2\r\n9309935020231023,1,J1\r\n')


def test_a_reader_tells_an_empty_text_from_no_value(council: Council) -> None:
    asked = "SELECT 'a,b' AS a, 'say \"no\"' AS b, E'a\\nb' AS c, E'a\\rb' AS d, ' x ' AS e, '' AS f, NULL AS g"
    said = answer(council, asked, "csv").decode()
    assert said == 'a,b,c,d,e,f,g\r\n"a,b","say ""no""","a\nb","a\rb", x ,"",\r\n'
    (council.home / "said.csv").write_text(said, encoding="utf-8", newline="")
    with duckdb.connect() as connection:
        read = "FROM read_csv(?, all_varchar = true, header = true, allow_quoted_nulls = false)"
        back = connection.execute(read, [str(council.home / "said.csv")]).fetchall()
    assert back == [("a,b", 'say "no"', "a\nb", "a\rb", " x ", "", None)]


# -- the commands


@pytest.mark.parametrize(("name", "begins"), [("a.csv", b"n\r\n0\r\n"), ("a.JSON", b"[\n"), ("a.parquet", b"PAR1")])
def test_a_file_holds_what_its_name_says_and_all_of_it(
    repairs: Council, monkeypatch: pytest.MonkeyPatch, name: str, begins: bytes
) -> None:
    monkeypatch.chdir(repairs.home)
    done = CliRunner().invoke(command, ["SELECT unnest(range(150)) AS n", "-o", name])
    assert (done.exit_code, done.output) == (0, "")
    held = (repairs.home / name).read_bytes()
    assert held.startswith(begins)
    if name == "a.csv":
        assert held.endswith(b"\r\n149\r\n")


def test_a_file_whose_name_says_nothing_is_asked_about(repairs: Council, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repairs.home)
    done = CliRunner().invoke(command, ["SELECT 1", "-o", "answer.xlsx"])
    assert done.exit_code == 2
    assert "answer.xlsx does not say what it is to hold: add --format csv, json, parquet" in done.output
    assert not (repairs.home / "answer.xlsx").exists()


# -- analysts


def test_an_analyst_gets_exact_values(repairs: Council) -> None:
    dataset = extractors.dataset("housing-repairs", home=repairs.home)
    frame = dataset.pandas()
    assert frame["n"].tolist()[0] == 9309935020231023
    assert pd.isna(frame["n"][1])
    assert str(frame["cost"][0]) == "12345678901234567890.12"
    assert dataset.duckdb().aggregate("count(*)").fetchall() == [(2,)]
    assert dataset.arrow().num_rows == 2
    assert (dataset.version, dataset.faults().num_rows, dataset.meta["rows_out"]) == (0, 0, 2)
    assert repr(dataset) == "<dataset housing-repairs, version 0: reference, n, cost, day, note>"
    assert extractors.names(repairs.home) == ("housing-repairs",)


def test_the_data_is_found_from_below_or_from_fig_home(repairs: Council, monkeypatch: pytest.MonkeyPatch) -> None:
    below = repairs.home / "notebooks" / "2026"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert extractors.dataset("housing-repairs").version == 0
    monkeypatch.chdir("/")
    with pytest.raises(ConfigError, match=r"^found no datasets.yaml in / or above it"):
        extractors.dataset("housing-repairs")
    monkeypatch.setenv("FIG_HOME", str(repairs.home))
    assert extractors.dataset("housing-repairs").version == 0


def test_a_dataset_that_is_not_there_says_what_is(repairs: Council) -> None:
    with pytest.raises(lake.NoDataset) as missing:
        extractors.dataset("housing_repairs", home=repairs.home)
    assert str(missing.value) == (
        f"there is no dataset 'housing_repairs' in {repairs.home / 'data' / 'lake'}; run: fig extract housing_repairs\n"
        "    datasets: housing-repairs. Did you mean 'housing-repairs'?"
    )
    with pytest.raises(lake.NoDataset, match=r"^dataset 'housing-repairs' has no version 7$"):
        extractors.dataset("housing-repairs", version=7, home=repairs.home)


def test_a_snapshot_survives_what_is_extracted_after_it(repairs: Council) -> None:
    snapshot = extractors.dataset("housing-repairs", home=repairs.home)
    repairs.silo("DELETE FROM JOBS")
    repairs.run("housing-repairs")
    assert (snapshot.arrow().num_rows, extractors.dataset("housing-repairs", home=repairs.home).arrow().num_rows) == (
        2,
        0,
    )


def test_asking_for_extractors_is_cheap() -> None:
    code = "import sys, extractors; print(sorted({'pyarrow', 'pandas', 'duckdb', 'deltalake'} & set(sys.modules)))"
    import sys

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


# -- others who read the lake


def test_other_readers_see_the_same_rows(repairs: Council) -> None:
    """Through the Delta log alone, filters and statistics included."""
    from deltalake import DeltaTable, QueryBuilder

    repairs.silo("INSERT INTO JOBS VALUES ('J3', 3, '5.00', '0001-01-01', 'x')")
    repairs.run("housing-repairs")
    table = DeltaTable(repairs.home / "data" / "lake" / "housing-repairs")
    found = pa.table(
        QueryBuilder().register("t", table).execute("SELECT reference FROM t WHERE day < '2000-01-01'").read_all()
    )
    assert found.to_pylist() == [{"reference": "J3"}]
    assert table.to_pyarrow_dataset().count_rows() == 3
    assert duckdb.sql(f"SELECT count(*) FROM read_parquet({[str(p) for p in repairs_files(repairs)]})").fetchall() == [
        (3,)
    ]


def repairs_files(council: Council) -> tuple[Path, ...]:
    return lake.open_dataset(council.home, "housing-repairs").files


def test_the_reference_is_fresh() -> None:
    assert (ROOT / "docs" / "datasets.md").read_text(encoding="utf-8") == datasets_reference()


def test_an_instant_is_shown_in_utc(council: Council, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    council.silo("CREATE TABLE JOBS (JOB_NO, T)", "INSERT INTO JOBS VALUES ('J1', '2024-07-31 09:30:00')")
    council.declare("JOB_NO: {}", "T: {name: seen, type: timestamp(Europe/London)}")
    council.run()
    assert answer(council, "SELECT seen FROM jobs", "csv") == b"seen\r\n2024-07-31 08:30:00Z\r\n"


def test_a_folder_named_like_a_partition_changes_no_value(tmp_path: Path) -> None:
    council = Council(tmp_path / "v=HACKED")
    council.home.mkdir()
    council.silo("CREATE TABLE JOBS (JOB_NO, V)", "INSERT INTO JOBS VALUES ('A', 'one'), ('A', 'two')")
    council.declare("JOB_NO: {}", "V: {}", head=HEAD.replace("[JOB_NO]", "[JOB_NO, V]"))
    assert council.run().rows_out == 2
    assert answer(council, "SELECT v FROM jobs ORDER BY v", "csv") == b"v\r\none\r\ntwo\r\n"
    relation = extractors.dataset("jobs", home=council.home).duckdb()
    assert sorted(relation.fetchall()) == [("A", "one"), ("A", "two")]
