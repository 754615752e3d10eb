"""One SELECT over the liberated datasets, in DuckDB, that can read nothing else."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import duckdb
import pyarrow as pa

from extractors.duck import stoppable
from notation import lake
from notation.problems import nearest

# Without the option a folder named `v=1` above the project would replace the values of a column v.
_READ = "SELECT * FROM read_parquet([{}], hive_partitioning = false)"


class QueryRefused(Exception):  # an outcome, named like the others
    """The query is not one that can be answered; the message says why, and what was probably meant."""


def views_of(name: str) -> tuple[str, ...]:
    """`housing-repairs` can be asked for as "housing-repairs" and, without quotes, as housing_repairs."""
    return tuple(dict.fromkeys((name, name.replace("-", "_"))))


def ask(home: Path, sql: str) -> pa.RecordBatchReader:
    """The answer, a batch at a time. Raises QueryRefused.

    Each dataset is read at its newest version, as it is when the query begins.
    """
    names = lake.names(home)
    asked = [name for name in names if any(view in sql.lower() for view in views_of(name))]
    snapshots = [lake.open_dataset(home, name) for name in asked or names]
    connection = _closed_room(snapshots)
    try:
        with stoppable():
            statements = connection.extract_statements(sql)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise QueryRefused("only one SELECT can be asked; the data can be read, not changed")
            relation = connection.sql(sql)
            doubled = sorted(name for name, times in Counter(relation.columns).items() if times > 1)
            if doubled:  # JSON and Parquet would keep one of them, or tell them apart for nobody
                raise QueryRefused(f"two columns of the answer are called '{doubled[0]}'; name them with AS")
            reader: pa.RecordBatchReader = _exact(relation).to_arrow_reader(65_536)
    except KeyboardInterrupt:
        connection.interrupt()  # what still computes would keep the process from ending
        connection.close()
        raise
    except duckdb.Error as exc:
        raise QueryRefused(_plain(str(exc), [view for name in names for view in views_of(name)])) from exc
    return reader


# What Arrow has an exact type for; of the others (UHUGEINT, BIT, BIGNUM, INTERVAL, TIME, which may be 24:00, …) the
# text that DuckDB has for them is handed over.
_IN_ARROW = frozenset({
    "boolean", "tinyint", "smallint", "integer", "bigint", "hugeint", "utinyint", "usmallint", "uinteger", "ubigint",
    "float", "double", "decimal", "varchar", "blob", "date", "timestamp", "timestamp_s", "timestamp_ms", "timestamp_ns",
    "timestamp with time zone", "uuid", "enum", "null",
})  # fmt: skip
_OF_OTHERS = frozenset({"list", "array", "struct", "map"})


def _exact(relation: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    inexact = {name for name, kind in zip(relation.columns, relation.types, strict=True) if not _is_in_arrow(kind)}
    if not inexact:
        return relation
    named = [(name, '"' + name.replace('"', '""') + '"') for name in relation.columns]
    return relation.project(", ".join(f"{at}::VARCHAR AS {at}" if name in inexact else at for name, at in named))


def _is_in_arrow(kind: duckdb.sqltypes.DuckDBPyType) -> bool:
    if str(kind) == '"NULL"' or kind.id.lower() in _IN_ARROW:
        return True
    if kind.id.lower() not in _OF_OTHERS:
        return False
    inside = [(name, inner) for name, inner in kind.children if isinstance(inner, type(kind))]
    return len({name for name, _ in inside}) == len(inside) and all(_is_in_arrow(inner) for _, inner in inside)


def _closed_room(snapshots: Iterable[lake.Snapshot]) -> duckdb.DuckDBPyConnection:
    """A database in memory with a view for each dataset, and no way to any other file."""
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"})
    files: list[str] = []
    for snapshot in snapshots:
        paths = [str(file) for file in snapshot.files]
        files += paths
        for view in views_of(snapshot.name):
            listed = ", ".join(map(_text, paths))
            connection.execute(f'CREATE VIEW "{view}" AS {_READ.format(listed)}')  # quoted
    connection.execute(f"SET allowed_paths = [{', '.join(map(_text, files))}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_progress_bar = false")  # it would be drawn into the answer
    connection.execute("SET lock_configuration = true")
    return connection


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _plain(message: str, views: list[str]) -> str:
    """DuckDB's words without its own guess, which is often one of its system tables."""
    table = re.search(r"Table with name (.+?) does not exist", message)
    if table:
        meant = nearest(table[1], views)
        there = "; ".join(views) if views else "none: run fig extract first"
        return (
            f"there is no dataset '{table[1]}'"
            + (f". Did you mean {_as_asked(meant)}?" if meant else "")
            + f"\n    there are: {there}"
        )
    if "Cannot access" in message or "file system operations are disabled" in message:
        return "a query reads the datasets, and no other file"
    kind, _, rest = message.partition(": ")
    return rest.strip() if kind.endswith("Error") and rest else message.strip()


def _as_asked(view: str) -> str:
    return f'"{view}"' if "-" in view else view
