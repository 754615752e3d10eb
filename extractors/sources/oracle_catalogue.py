"""What Oracle's catalogue is asked."""

from __future__ import annotations

from extractors.dialects.base import quoted_text

_TYPE = """
    c.DATA_TYPE || CASE
        WHEN c.DATA_TYPE = 'NUMBER' AND c.DATA_PRECISION IS NOT NULL
            THEN '(' || c.DATA_PRECISION || ',' || c.DATA_SCALE || ')'
        WHEN c.DATA_TYPE = 'NUMBER' AND c.DATA_SCALE IS NOT NULL THEN '(*,' || c.DATA_SCALE || ')'
        WHEN c.DATA_TYPE = 'FLOAT' THEN '(' || c.DATA_PRECISION || ')'
        WHEN c.CHAR_LENGTH > 0 THEN '(' || c.CHAR_LENGTH || ')'
        WHEN c.DATA_TYPE = 'RAW' THEN '(' || c.DATA_LENGTH || ')'
    END"""
TABLES = f"""
SELECT c.OWNER || '.' || c.TABLE_NAME, c.COLUMN_NAME, {_TYPE}, k.POSITION, t.NUM_ROWS, m.COMMENTS
FROM ALL_TAB_COLUMNS c
JOIN ALL_USERS u ON u.USERNAME = c.OWNER AND u.ORACLE_MAINTAINED = 'N'
LEFT JOIN ALL_TABLES t ON t.OWNER = c.OWNER AND t.TABLE_NAME = c.TABLE_NAME
LEFT JOIN ALL_CONSTRAINTS p ON p.OWNER = c.OWNER AND p.TABLE_NAME = c.TABLE_NAME AND p.CONSTRAINT_TYPE = 'P'
LEFT JOIN ALL_CONS_COLUMNS k
    ON k.OWNER = p.OWNER AND k.CONSTRAINT_NAME = p.CONSTRAINT_NAME AND k.COLUMN_NAME = c.COLUMN_NAME
LEFT JOIN ALL_COL_COMMENTS m ON m.OWNER = c.OWNER AND m.TABLE_NAME = c.TABLE_NAME AND m.COLUMN_NAME = c.COLUMN_NAME
ORDER BY c.OWNER, c.TABLE_NAME, c.COLUMN_ID
"""  # noqa: S608  # a constant


def columns(table: str) -> str:
    """`HOUSING.JOBS` -> the question for its columns and their types; no rows if there is no such table."""
    owner, _, name = table.rpartition(".")
    whose = quoted_text(owner) if owner else "SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA')"
    return f"""
        SELECT c.COLUMN_NAME, {_TYPE} FROM ALL_TAB_COLUMNS c
        WHERE c.OWNER = {whose} AND c.TABLE_NAME = {quoted_text(name)} ORDER BY c.COLUMN_ID
    """  # noqa: S608
