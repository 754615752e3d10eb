"""What is asked of MySQL's information_schema, and what a statement's own columns say of their types. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Protocol

from extractors.dialects.base import quoted_text
from extractors.dialects.mysql import SAME_BYTES
from extractors.sources.batches import catalogued
from extractors.sources.catalogue import Found

_KIND = (  # the type in the server's own words, and the character set where text has to be converted from it
    "IF(c.CHARACTER_SET_NAME IS NULL OR c.CHARACTER_SET_NAME IN ({same}), c.COLUMN_TYPE, "
    "CONCAT(c.COLUMN_TYPE, ' character set ', c.CHARACTER_SET_NAME))"
).format(same=", ".join(map(quoted_text, sorted(SAME_BYTES))))
# One snapshot holds for these engines; a table of another is read as it is at each statement.
TRANSACTIONAL = ("InnoDB", "ROCKSDB", "TokuDB")


def columns(table: str) -> str:
    """`jobs`, or `housing.jobs` of another database -> its columns and their types, in order."""
    return (
        f"SELECT c.COLUMN_NAME, {_KIND} FROM information_schema.COLUMNS c "  # noqa: S608
        f"WHERE {_is(table, 'c')} ORDER BY c.ORDINAL_POSITION"
    )


def engine(table: str) -> str:
    """The engine that keeps a table; of a view, NULL."""
    return f"SELECT t.ENGINE FROM information_schema.TABLES t WHERE {_is(table, 't')}"  # noqa: S608


def character_set(collation: int) -> str:
    """The character set of a collation that the driver does not know."""
    return f"SELECT c.CHARACTER_SET_NAME FROM information_schema.COLLATIONS c WHERE c.ID = {collation:d}"  # noqa: S608


def _is(table: str, alias: str) -> str:
    schema, _, name = table.rpartition(".")
    where = quoted_text(schema).replace("\\", "\\\\") if schema else "DATABASE()"
    return f"{alias}.TABLE_SCHEMA = {where} AND {alias}.TABLE_NAME = {quoted_text(name).replace(chr(92), chr(92) * 2)}"


_OF_ITS_OWN = "('mysql', 'information_schema', 'performance_schema', 'sys')"
LOOSE = (  # whether any table a view or a query may read is not in the snapshot
    "SELECT count(*) FROM information_schema.TABLES t WHERE t.TABLE_TYPE = 'BASE TABLE' "  # noqa: S608
    f"AND t.TABLE_SCHEMA NOT IN {_OF_ITS_OWN} AND t.ENGINE NOT IN {TRANSACTIONAL!r}"
)
TABLES = (
    "SELECT IF(c.TABLE_SCHEMA = DATABASE(), c.TABLE_NAME, CONCAT(c.TABLE_SCHEMA, '.', c.TABLE_NAME)), "  # noqa: S608
    f"c.COLUMN_NAME, {_KIND}, NULL, IF(t.TABLE_TYPE = 'BASE TABLE', t.TABLE_ROWS, NULL), NULLIF(c.COLUMN_COMMENT, '') "
    "FROM information_schema.COLUMNS c JOIN information_schema.TABLES t "
    "ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME "
    f"WHERE c.TABLE_SCHEMA NOT IN {_OF_ITS_OWN} "
    "ORDER BY c.TABLE_SCHEMA <> DATABASE(), c.TABLE_SCHEMA, c.TABLE_NAME, c.ORDINAL_POSITION"
)
KEYS = (
    "SELECT IF(s.TABLE_SCHEMA = DATABASE(), s.TABLE_NAME, CONCAT(s.TABLE_SCHEMA, '.', s.TABLE_NAME)), "  # noqa: S608
    "s.INDEX_NAME, s.COLUMN_NAME, s.SUB_PART, s.NULLABLE FROM information_schema.STATISTICS s "
    f"WHERE s.NON_UNIQUE = 0 AND s.TABLE_SCHEMA NOT IN {_OF_ITS_OWN} "
    "ORDER BY 1, s.INDEX_NAME <> 'PRIMARY', s.INDEX_NAME, s.SEQ_IN_INDEX"
)


def found(columns: Iterable[tuple[str | None, ...]], keys: Iterable[tuple[str | None, ...]]) -> list[Found]:
    """The answers to TABLES and KEYS -> the tables, each with its primary key, or a unique one that is never NULL."""
    known = _keys(keys)
    return [replace(table, key=known.get(table.table, ())) for table in catalogued(columns)]


def _keys(rows: Iterable[tuple[str | None, ...]]) -> Mapping[str, tuple[str, ...]]:
    indexes: dict[tuple[str, str], list[tuple[str | None, ...]]] = {}
    for row in rows:
        indexes.setdefault((row[0] or "", row[1] or ""), []).append(row)
    kept: dict[str, tuple[str, ...]] = {}
    for (table, _), parts in indexes.items():
        if all(part is None and nullable != "YES" and column for _, _, column, part, nullable in parts):
            kept.setdefault(table, tuple(column or "" for _, _, column, _, _ in parts))
    return kept


# --- the columns of a statement ---------------------------------------------------------------------------------------


class Field(Protocol):
    """What the server says of a column of an answer (Protocol::ColumnDefinition41)."""

    name: str
    charsetnr: int
    length: int
    type_code: int
    flags: int
    scale: int


_UNSIGNED, _ZEROFILL, _ENUM, _SET = 32, 64, 256, 2048
_NUMBERS: Mapping[int, str] = {
    1: "tinyint", 2: "smallint", 9: "mediumint", 3: "int", 8: "bigint", 4: "float", 5: "double",
}  # fmt: skip
_MOMENTS: Mapping[int, str] = {7: "timestamp", 10: "date", 11: "time", 12: "datetime", 13: "year", 14: "date"}
_DECIMAL, _BIT, _JSON, _GEOMETRY, _BYTES = 246, 16, 245, 255, 63


def kind(field: Field, character_set: str) -> str:
    """The type of a statement's column, as information_schema would have written it."""
    code, unsigned = field.type_code, " unsigned" if field.flags & _UNSIGNED else ""
    if code in _NUMBERS:
        return _NUMBERS[code] + unsigned + (" zerofill" if field.flags & _ZEROFILL else "")
    if code in _MOMENTS:
        return _MOMENTS[code]
    if code == _DECIMAL:
        digits = field.length - (field.scale > 0) - (not unsigned)
        return f"decimal({digits},{field.scale}){unsigned}"
    if code in (_BIT, _GEOMETRY, _JSON):
        return {_BIT: f"bit({field.length})", _GEOMETRY: "geometry", _JSON: "json"}[code]
    if field.flags & (_ENUM | _SET):
        name = "enum" if field.flags & _ENUM else "set"
    elif field.charsetnr == _BYTES:
        return "blob"
    else:
        name = "text"
    return name if character_set in SAME_BYTES else f"{name} character set {character_set}"
