"""Whether a contender's Parquet files hold the values of the truth: a digest a column, and what is wrong where."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from scripts.benches.extract_table import Column, Table

AS_IS = "{}"
TEXT = "CAST({} AS VARCHAR)"
EXACT = "CAST(CAST({} AS DECIMAL(38,10)) AS VARCHAR)"
WITHOUT_BLANKS = "replace({}, ' ', '')"
MICROSECONDS = "epoch_us(CAST({} AS TIMESTAMPTZ))"


@dataclass(frozen=True, slots=True)
class Form:
    """Output of a DuckDB type that `type` matches is right if `got` of it is one of `wants` of the truth's text.

    `loose`: nothing is lost, and yet whoever reads it must know better than the file.
    """

    type: str
    got: str
    wants: tuple[str, ...]
    loose: str = ""


WHOLE = r"U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER"
FORMS: Mapping[str, tuple[Form, ...]] = {
    "whole": (Form(WHOLE, TEXT, (AS_IS,)),),
    "decimal": (Form(r"DECIMAL.*", EXACT, (EXACT,)), Form("VARCHAR", EXACT, (EXACT,), "text")),
    "text": (Form("VARCHAR", AS_IS, (AS_IS,)),),
    "padded": (Form("VARCHAR", AS_IS, (AS_IS, "rtrim({})")),),  # blanks at the end of a char(n) do not count
    "flag": (
        Form("BOOLEAN", "CAST(CAST({} AS INTEGER) AS VARCHAR)", (AS_IS,)),
        Form(WHOLE, TEXT, (AS_IS,), "whole numbers"),
    ),
    "day": (
        Form("DATE", TEXT, (AS_IS,)),
        Form("VARCHAR", AS_IS, (AS_IS,), "text"),
        Form("TIMESTAMP.*", "CAST(CAST({} AS TIMESTAMP) AS VARCHAR)", ("{} || ' 00:00:00'",), "moments"),
    ),
    "moment": (
        Form(r"TIMESTAMP(_\w+)?", "CAST(CAST({} AS TIMESTAMP) AS VARCHAR)", (AS_IS,)),
        Form("VARCHAR", AS_IS, (AS_IS,), "text"),
        Form("TIMESTAMP WITH TIME ZONE", "strftime({} AT TIME ZONE 'UTC', '%Y-%m-%d %H:%M:%S.%f')",
             ("strftime(CAST({} AS TIMESTAMP), '%Y-%m-%d %H:%M:%S.%f')",), "instants in UTC"),
    ),
    "instant": (
        Form("TIMESTAMP WITH TIME ZONE", MICROSECONDS, (MICROSECONDS,)),
        Form("VARCHAR", MICROSECONDS, (MICROSECONDS,), "text"),
    ),
    "uuid": (Form("UUID|VARCHAR", TEXT, (AS_IS,)),),
    "json": (Form("VARCHAR|JSON", f"replace({TEXT}, ' ', '')", (WITHOUT_BLANKS,)),),
    "list": (
        Form(r".*\[\]", "CAST(to_json({}) AS VARCHAR)", ("split_part({}, ' or ', 1)",)),
        Form("VARCHAR|JSON", f"replace({TEXT}, ' ', '')", ("split_part({}, ' or ', 1)", "split_part({}, ' or ', 2)")),
    ),
    "money": (
        Form(r"DECIMAL.*", EXACT, (EXACT,)),
        Form("VARCHAR", "replace(replace({}, ',', ''), '$', '')", (AS_IS,), "text"),
    ),
    "address": (Form("VARCHAR|INET", TEXT, (AS_IS, "{} || '/32'")),),
    "time": (Form("TIME", TEXT, (AS_IS,)), Form("VARCHAR", AS_IS, (AS_IS,))),
    "interval": (
        Form("INTERVAL", TEXT, ("CAST(CAST(split_part({}, ' or ', 1) AS INTERVAL) AS VARCHAR)",)),
        Form("VARCHAR", AS_IS, ("split_part({}, ' or ', 1)", "split_part({}, ' or ', 2)")),
    ),
    "float": (Form("DOUBLE", TEXT, ("CAST(CAST({} AS DOUBLE) AS VARCHAR)",)),),
}  # fmt: skip
# SQLite has no decimals: what it stores is itself a floating-point number, and the nearest one is all there is to take.
OF_SQLITE = Form("DOUBLE", EXACT.format(TEXT), (EXACT,), "floating-point numbers")  # as text: DuckDB's cast is inexact


@dataclass(frozen=True, slots=True)
class Verdict:
    """`wrong` and `loose`: what is to be said of which columns. Right if nothing is wrong."""

    wrong: tuple[str, ...] = ()
    loose: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        if self.wrong:
            return "no: " + "; ".join(self.wrong)
        return "yes" + (f" ({'; '.join(self.loose)})" if self.loose else "")


def judge(files: Sequence[str], truth: Path, table: Table, source: str) -> Verdict:
    with duckdb.connect(config={"memory_limit": "3GB", "temp_directory": str(truth.parent)}) as duck:
        duck.execute("SET TimeZone = 'UTC'")
        duck.execute("SET preserve_insertion_order = false")
        try:
            return _judged(duck, files, truth, table, source)
        except duckdb.Error as exc:
            return Verdict((f"unreadable: {str(exc).splitlines()[0][:150]}",))


def _judged(duck: duckdb.DuckDBPyConnection, files: Sequence[str], truth: Path, table: Table, source: str) -> Verdict:
    listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
    duck.execute(f"CREATE VIEW got AS FROM read_parquet([{listed}], hive_partitioning = false)")
    duck.execute(f"CREATE VIEW wanted AS FROM '{truth}'")
    types = {str(name): str(kind) for name, kind, *_ in duck.execute("DESCRIBE got").fetchall()}
    forms: dict[str, Form] = {}
    bad: dict[str, list[str]] = {}
    for column in table.columns:
        form = _form(column, types.get(column.name, "absent"), source)
        if form is None:
            said = f"{types.get(column.name, 'absent')} for {getattr(column, source)}"
            bad.setdefault(said, []).append(column.name)
        else:
            forms[column.name] = form
    rows = _rows(duck)
    wrong = [] if rows[0] == rows[1] else [f"{rows[0]:,} rows of {rows[1]:,}"]
    wrong += [f"{_some(names)}: {said}" for said, names in bad.items()]
    if not wrong or rows[0] == rows[1]:
        wrong += [_example(duck, name, forms[name], table.key) for name in _differ(duck, forms, table.key)]
    loose: dict[str, list[str]] = {}
    for name, form in forms.items():
        if form.loose:
            loose.setdefault(form.loose, []).append(name)
    return Verdict(tuple(wrong), tuple(f"{_some(names)} as {said}" for said, names in loose.items()))


def _form(column: Column, kind: str, source: str) -> Form | None:
    possible = [*FORMS[column.kind], *([OF_SQLITE] if source == "sqlite" and column.kind == "decimal" else [])]
    return next((form for form in possible if re.fullmatch(form.type, kind)), None)


def _rows(duck: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    (found,) = duck.execute("SELECT (SELECT count(*) FROM got), (SELECT count(*) FROM wanted)").fetchall()
    return int(found[0]), int(found[1])


def _some(names: list[str]) -> str:
    return ", ".join(names if len(names) <= 3 else [*names[:2], f"and {len(names) - 2} more"])


def _digest(expression: str, key: str) -> str:
    """Of no order: each row's share depends on its key."""
    return f"sum(hash(CAST({key} AS BIGINT), {expression})::HUGEINT)"


def _differ(duck: duckdb.DuckDBPyConnection, forms: Mapping[str, Form], key: str) -> Iterator[str]:
    if not forms:
        return
    got = ", ".join(_digest(form.got.format(f'"{name}"'), key) for name, form in forms.items())
    wants = [(name, want) for name, form in forms.items() for want in form.wants]
    wanted = ", ".join(_digest(want.format(f'"{name}"'), key) for name, want in wants)
    (mine,) = duck.execute(f"SELECT {got} FROM got").fetchall()
    (theirs,) = duck.execute(f"SELECT {wanted} FROM wanted").fetchall()
    for name, digest in zip(forms, mine, strict=True):
        if digest not in [each for (at, _), each in zip(wants, theirs, strict=True) if at == name]:
            yield name


def _example(duck: duckdb.DuckDBPyConnection, name: str, form: Form, key: str) -> str:
    got, want = form.got.format(f'g."{name}"'), form.wants[0].format(f'w."{name}"')
    (counted,) = duck.execute(
        f"SELECT count(*), min_by(w.{key} || ': ' || coalesce({got}::VARCHAR, 'NULL') || ' for '"
        f" || coalesce(w.{name}, 'NULL'), g.{key})"
        f" FROM got g JOIN wanted w ON CAST(g.{key} AS BIGINT) = CAST(w.{key} AS BIGINT)"
        f" WHERE {got} IS DISTINCT FROM {want}"
    ).fetchall()
    return f"{name}: {int(counted[0]):,} values differ ({counted[1]})"
