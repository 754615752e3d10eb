"""The tables that are taken out: a council's housing repairs, and one of awkward types. Seeded; their truth is text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb

WARDS = (
    "Castle & Maudlin", "Pen-y-Ffordd", "Llanfair Dyffryn Clwyd", "Trefdraeth Tŷ Gwyn", "St Peter's", "Côte-sur-Mer",
    "Löwenberg", "An Ceathrú Rua", "Bishop’s Hull", "Upper Gornal, West",
)  # fmt: skip
NAMES = (
    "Siân",
    "José",
    "Zoë",
    "Łukasz",
    "O'Brien",
    "Müller",
    "Anne-Marie",
    "Đặng",
    "Smith",
    "Nwosu",
    "Jones",
    "Ångström",
)
TRADES = ("PLUM", "ELEC", "CARP", "ROOF", "GAS", "DAMP", "GLAZ", "PAINT")
STATES = ("reported", "booked", "in progress", "completed", "cancelled", "on hold")
PHRASES = (
    "Tenant reports water coming through the kitchen ceiling", "no access on the first visit, card left",
    "boiler loses pressure overnight", "window in the back bedroom does not lock; child in the household",
    "mould behind the wardrobe, treated in 2019 and back again", "front door sticks since the last storm",
    "asked for a call before 9:30", "contractor's photo attached — see the case file", "gutter blocked with leaves",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """`kind` is what a right value of it is (see extract_values); `text` is DuckDB's expression of its exact text."""

    name: str
    kind: str
    declared: str
    postgres: str
    mariadb: str = ""
    sqlite: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    key: str
    columns: tuple[Column, ...]


def _draw(column: int, below: int) -> str:
    return f"(hash(i + {column * 1_000_000_007}) % {below})"


def _one_of(column: int, values: tuple[str, ...]) -> str:
    listed = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
    return f"([{listed}])[1 + {_draw(column, len(values))}::INTEGER]"


def _sometimes(column: int, out_of: int, expression: str) -> str:
    """NULL once in `out_of`."""
    return f"CASE WHEN {_draw(column, out_of)} = 0 THEN NULL ELSE {expression} END"


def _pounds(column: int, most: int) -> str:
    pence = _draw(column, most)
    return f"(({pence}) // 100)::VARCHAR || '.' || lpad((({pence}) % 100)::VARCHAR, 2, '0')"


def _money(column: int, most: int) -> str:
    pounds = _pounds(column, most)
    return f"CASE WHEN {_draw(column + 100, 50)} = 0 THEN '-' || ({pounds}) ELSE {pounds} END"


_DAY = f"(DATE '2009-01-01' + {_draw(11, 5600)}::INTEGER)"
_SECOND = f"(TIMESTAMP '2009-01-01' + to_seconds(i * 240 // scale + {_draw(14, 200)}))"
_MICRO = f"lpad(({_draw(15, 99_999)} * 10 + 1 + {_draw(16, 9)})::VARCHAR, 6, '0')"
_NOTES = " || ' ' || ".join(_one_of(20 + at, PHRASES) for at in range(5))

REPAIRS = Table(
    "housing_repairs",
    "job_id",
    (
        Column("job_id", "whole", "int64", "bigint PRIMARY KEY", "bigint PRIMARY KEY", "INTEGER PRIMARY KEY", "i"),
        Column("reference", "text", "string", "varchar(20)", "varchar(20)", "TEXT",
               "'HR/' || (2009 + i % 16) || '/' || lpad(i::VARCHAR, 8, '0')"),
        Column("uprn", "text", "uprn", "varchar(12)", "varchar(12)", "TEXT",
               f"'1000' || lpad({_draw(2, 10**8)}::VARCHAR, 8, '0')"),
        Column("ward_code", "text", "string", "varchar(9)", "varchar(9)", "TEXT",
               f"'E0500' || lpad({_draw(3, 24)}::VARCHAR, 4, '0')"),
        Column("ward", "text", "string", "varchar(60)", "varchar(60)", "TEXT", _one_of(4, WARDS)),
        Column("trade", "text", "string", "varchar(5)", "varchar(5)", "TEXT", _one_of(5, TRADES)),
        Column("priority", "text", "string", "varchar(2)", "varchar(2)", "TEXT", f"'P' || (1 + {_draw(6, 4)})"),
        Column("status", "text", "string", "varchar(20)", "varchar(20)", "TEXT", _one_of(7, STATES)),
        Column("reported_by", "text", "string", "varchar(60)", "varchar(60)", "TEXT",
               f"{_one_of(8, NAMES)} || ' ' || {_one_of(9, NAMES)}"),
        Column("contractor", "text", "string", "varchar(40)", "varchar(40)", "TEXT",
               _sometimes(10, 5, f"'Contractor ' || {_draw(110, 40)} || ' & Söhne'")),
        Column("reported_on", "day", "date", "date", "date", "DATE", f"strftime({_DAY}, '%Y-%m-%d')"),
        Column("completed_on", "day", "date", "date", "date", "DATE",
               _sometimes(12, 4, f"strftime({_DAY} + {_draw(13, 90)}::INTEGER, '%Y-%m-%d')")),
        Column("created_at", "moment", "timestamp", "timestamp(0)", "datetime", "TIMESTAMP",
               f"strftime({_SECOND}, '%Y-%m-%d %H:%M:%S')"),
        Column("last_modified", "moment", "timestamp", "timestamp", "datetime(6)", "TIMESTAMP",
               f"strftime({_SECOND} + INTERVAL 1 DAY, '%Y-%m-%d %H:%M:%S') || '.' || {_MICRO}"),
        Column("estimate", "decimal", "decimal(12,2)", "numeric(12,2)", "decimal(12,2)", "NUMERIC(12,2)",
               _money(17, 500_000)),
        Column("cost", "decimal", "decimal(12,2)", "numeric(12,2)", "decimal(12,2)", "NUMERIC(12,2)",
               _sometimes(18, 4, _money(19, 90_000_000))),
        Column("visits", "whole", "int32", "integer", "int", "INTEGER", _sometimes(26, 6, f"{_draw(27, 12)}::VARCHAR")),
        Column("is_emergency", "flag", "boolean", "boolean", "tinyint(1)", "BOOLEAN",
               f"({_draw(28, 10)} = 0)::INTEGER"),
        Column("is_recharged", "flag", "boolean", "boolean", "tinyint(1)", "BOOLEAN",
               _sometimes(29, 3, f"({_draw(30, 7)} = 0)::INTEGER::VARCHAR")),
        Column("notes", "text", "string", "text", "text", "TEXT",
               f"left('Call ' || i || ': ' || {_NOTES}, 39 + {_draw(31, 81)}::INTEGER) || '.'"),
    ),
)  # fmt: skip

# Its rows are made by the server, and their truth is what the server itself writes as text.
AWKWARD = Table(
    "awkward",
    "id",
    (
        Column("id", "whole", "int64", "bigint PRIMARY KEY", text="i"),
        Column("amount", "decimal", "decimal(38,10)", "numeric",
               text="CASE WHEN i % 9 > 0 THEN (i * 7919 % 10000019) * (ARRAY[1, 0.1, 0.001, 0.00001])[1 + i % 4] END"),
        Column("precise", "decimal", "decimal(38,10)", "numeric(38,10)",
               text="(i * 104729 % 1000000007) * 1234567.1234567891"),
        Column("reported_at", "instant", "timestamp(UTC)", "timestamptz",
               text="timestamptz '2009-03-28 00:30:00.000001+00' + (i * 233 % 473040000) * interval '1 s'"),
        Column("ref", "uuid", "string", "uuid", text="md5(i::text)::uuid"),
        Column("details", "json", "json", "jsonb",
               text="jsonb_build_object('ward', 'E0500' || i % 24, 'visits', i % 7, 'cost', 0.10 * (i % 900))"),
        Column("extra", "json", "json", "json", text="('{\"a\": 1.10, \"b\": ' || i % 100 || '}')::json"),
        Column("price", "money", "decimal(19,2)", "money", text="((i * 7919 % 100000000)::numeric / 100)::money"),
        Column("tags", "list", "json", "text[]", text="ARRAY['damp', 'roof', 'x' || i % 10]"),
        Column("scores", "list", "json", "integer[]", text="ARRAY[i % 10, NULL, i % 7]::integer[]"),
        Column("address", "address", "string", "inet",
               text="('10.' || i % 256 || '.' || (i / 256) % 256 || '.' || i % 254)::inet"),
        Column("opens", "time", "time", "time", text="time '00:00' + (i % 86400) * interval '1 s'"),
        Column("took", "interval", "string", "interval",
               text="make_interval(months => (i % 5)::int, days => (i % 30)::int, secs => i % 3600)"),
        Column("code", "padded", "string", "char(10)", text="'C' || i % 1000"),
        Column("ratio", "float", "float64", "double precision", text="(i * 7919 % 1000003) / 1000003.0::float8"),
        Column("note", "text", "string", "text", text="'Note no. ' || i || ' of the officer'"),
    ),
)  # fmt: skip


def generate(rows: int, folder: Path) -> tuple[Path, Path]:
    """The repairs as exact text: as Parquet (the truth), and as tabs and lines, which servers load."""
    truth, lines = folder / "repairs-truth.parquet", folder / "repairs.tsv"
    scale = max(1, rows // 2_000_000)  # last_modified stays in the past, however many rows
    listed = ", ".join(f"({c.text})::VARCHAR AS {c.name}" for c in REPAIRS.columns)
    with duckdb.connect(config={"memory_limit": "2GB", "temp_directory": str(folder)}) as duck:
        source = f"(SELECT range AS i, {scale} AS scale FROM range(1, {rows + 1}))"
        duck.execute(f"COPY (SELECT {listed} FROM {source}) TO '{truth}' (FORMAT parquet)")
        form = r"FORMAT csv, DELIMITER '\t', QUOTE '', ESCAPE '', NULLSTR '\N', HEADER false"
        duck.execute(f"COPY (FROM '{truth}') TO '{lines}' ({form})")
    return truth, lines


# Each row's own moment on a day: none is shared, and none ends in a nought that another way to write it would cut.
MOMENTS: Mapping[str, str] = {
    "postgres": "timestamp '{day}' + (job_id * 10 + 1) * interval '1 microsecond'",
    "mariadb": "'{day} 00:00:00.000000' + INTERVAL (job_id * 10 + 1) MICROSECOND",
    "sqlite": "strftime('%Y-%m-%d %H:%M:%S', '{day}', '+' || (job_id / 100000) || ' seconds')"
    " || printf('.%06d', job_id * 10 % 1000000 + 1)",
    "duckdb": "strftime(TIMESTAMP '{day}' + to_microseconds(job_id * 10 + 1), '%Y-%m-%d %H:%M:%S.%f')",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One per cent of the rows gets a new status, a new cost and a newer moment; `silo` says in whose SQL."""

    number: int
    where: str

    def values(self, silo: str) -> Mapping[str, str]:
        day = date(2025, 1, 1) + timedelta(days=self.number)  # after all rows, and not in the future
        moment = MOMENTS[silo].format(day=day)
        return {"status": f"'changed {self.number}'", "cost": f"'{self.number}.05'", "last_modified": moment}

    def sql(self, silo: str) -> str:
        sets = ", ".join(f"{name} = {value}" for name, value in self.values(silo).items())
        return f"UPDATE {REPAIRS.name} SET {sets} WHERE {self.where}"


def newest(number: int, rows: int) -> Change:
    """Among the newest twentieth of the keys, each fifth."""
    return Change(number, f"job_id > {rows - rows // 20} AND job_id % 5 = {number % 5}")


def anywhere(number: int) -> Change:
    """A hundredth of the keys, without any order."""
    return Change(number, f"((job_id * 2654435761) % 1000003) % 100 = {number * 7 % 100}")


def changed_truth(truth: Path, changes: list[Change]) -> Path:
    """The truth after these changes, in their order."""
    target = truth.with_name("changed-truth.parquet")
    replaced = []
    for name in ("status", "cost", "last_modified"):
        cases = " ".join(f"WHEN {c.where} THEN {c.values('duckdb')[name]}" for c in reversed(changes))
        replaced.append(f"CASE {cases} ELSE {name} END AS {name}")
    inner = f"SELECT * REPLACE (job_id::BIGINT AS job_id) FROM '{truth}'"
    outer = f"SELECT * REPLACE ({', '.join(replaced)}) FROM ({inner})"
    with duckdb.connect() as duck:
        duck.execute(
            f"COPY (SELECT * REPLACE (job_id::VARCHAR AS job_id) FROM ({outer})) TO '{target}' (FORMAT parquet)"
        )
    return target
