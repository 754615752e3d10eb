"""What PostgreSQL's catalogue is asked, and what its answers mean."""

from __future__ import annotations

import re
from collections.abc import Iterable

from extractors.dialects.base import quoted_text
from extractors.sources.catalogue import Found

Rows = Iterable[tuple[str | None, ...]]

# A domain's type and length are those of what it is made of; a domain may be made of a domain.
_TYPE = """(
    WITH RECURSIVE made(oid, typmod) AS (
        SELECT a.atttypid, a.atttypmod
        UNION ALL SELECT t.typbasetype, t.typtypmod FROM made JOIN pg_type t ON t.oid = made.oid WHERE t.typtype = 'd'
    )
    SELECT format_type(made.oid, made.typmod) FROM made JOIN pg_type t ON t.oid = made.oid WHERE t.typtype <> 'd'
)"""
_READABLE = """
    c.relkind IN ('r', 'v', 'm', 'f', 'p') AND NOT c.relispartition
    AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
    AND (has_table_privilege(c.oid, 'SELECT') OR has_any_column_privilege(c.oid, 'SELECT'))
"""
TABLES = f"""
    SELECT c.oid, n.nspname || '.' || c.relname, CASE WHEN c.reltuples >= 0 THEN c.reltuples::bigint END
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {_READABLE} ORDER BY 2
"""  # noqa: S608
COLUMNS = f"""
    SELECT c.oid, a.attname, {_TYPE}, col_description(c.oid, a.attnum)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE {_READABLE} ORDER BY c.oid, a.attnum
"""  # noqa: S608
# The primary key comes first, then the unique index of the fewest columns none of which is ever NULL.
KEYS = f"""
    SELECT c.oid, i.indexrelid, a.attname
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_index i ON i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indimmediate
        AND i.indpred IS NULL AND i.indexprs IS NULL
    CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place)
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
    WHERE {_READABLE} AND k.place <= i.indnkeyatts AND NOT EXISTS (
        SELECT FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS o(attnum, place)
        JOIN pg_attribute b ON b.attrelid = c.oid AND b.attnum = o.attnum
        WHERE o.place <= i.indnkeyatts AND NOT b.attnotnull
    )
    ORDER BY c.oid, i.indisprimary DESC, i.indnkeyatts, i.indexrelid, k.place
"""  # noqa: S608


def columns(table: str) -> str:
    """`"housing"."jobs"` -> the question for its columns and their types; no rows if there is no such table."""
    return f"""
        SELECT a.attname, {_TYPE} FROM pg_attribute a
        WHERE a.attrelid = to_regclass({quoted_text(table)}) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
    """  # noqa: S608


def large(table: str) -> str:
    """The question for the bytes a table keeps of values too large for its pages; NULL where nobody knows (a view)."""
    return f"""
        SELECT CASE WHEN bool_and(c.relkind IN ('r', 'm', 'p'))
            THEN sum(CASE WHEN c.reltoastrelid <> 0 THEN pg_relation_size(c.reltoastrelid) ELSE 0 END) END::bigint
        FROM pg_class c WHERE c.oid = to_regclass({quoted_text(table)})
            OR c.oid IN (SELECT relid FROM pg_partition_tree(to_regclass({quoted_text(table)})))
    """  # noqa: S608


def is_unbounded(native: str) -> bool:
    """Whether a value of this type may be larger than a few thousand bytes."""
    bounded = re.fullmatch(r"(?:character varying|character|bit|bit varying)\(([0-9]+)\)", native)
    if bounded:
        return int(bounded[1]) > 1000
    return (
        re.match(r"(numeric|money|date|time|timestamp|interval|uuid|inet|cidr|macaddr|oid|name|\"char\")", native)
        is None
    )


def found(tables: Rows, columns: Rows, keys: Rows) -> list[Found]:
    """The answers to the three questions, put together."""
    kinds: dict[str | None, dict[str, str]] = {}
    comments: dict[str | None, dict[str, str]] = {}
    for oid, name, kind, comment in columns:
        kinds.setdefault(oid, {})[str(name)] = str(kind)
        if comment:
            comments.setdefault(oid, {})[str(name)] = comment
    indexes: dict[str | None, dict[str | None, list[str]]] = {}
    for oid, index, name in keys:
        indexes.setdefault(oid, {}).setdefault(index, []).append(str(name))
    return [
        Found(
            str(table),
            kinds.get(oid, {}),
            tuple(next(iter(indexes.get(oid, {}).values()), ())),
            None if rows is None else int(rows),
            comments.get(oid),
        )
        for oid, table, rows in tables
    ]
