"""What SQL Server's catalogue is asked."""

from __future__ import annotations

from extractors.dialects import Relation
from extractors.dialects.base import quoted_text, select


def described(relation: Relation) -> str:
    """The question for name, system type and user's type of each column: the server's own answer, nothing is run."""
    statement = quoted_text(select(relation, "*"))
    answer = Relation(f"sys.dm_exec_describe_first_result_set(N{statement}, NULL, 0)")
    return select(answer, "name, system_type_name, user_type_name", "is_hidden = 0", "ORDER BY column_ordinal")


TABLES = """
SELECT s.name + '.' + o.name, c.name,
    t.name + CASE
        WHEN t.name IN ('decimal', 'numeric') THEN CONCAT('(', c.precision, ',', c.scale, ')')
        WHEN t.name IN ('datetime2', 'datetimeoffset', 'time') THEN CONCAT('(', c.scale, ')')
        WHEN t.name IN ('nchar', 'nvarchar') THEN CASE c.max_length WHEN -1 THEN '(max)'
            ELSE CONCAT('(', c.max_length / 2, ')') END
        WHEN t.name IN ('char', 'varchar', 'binary', 'varbinary') THEN CASE c.max_length WHEN -1 THEN '(max)'
            ELSE CONCAT('(', c.max_length, ')') END
        ELSE '' END,
    k.key_ordinal,
    (SELECT SUM(p.rows) FROM sys.partitions p WHERE p.object_id = o.object_id AND p.index_id IN (0, 1)),
    CONVERT(nvarchar(4000), e.value)
FROM sys.objects o
JOIN sys.schemas s ON s.schema_id = o.schema_id
JOIN sys.columns c ON c.object_id = o.object_id
JOIN sys.types t ON t.user_type_id = CASE WHEN c.system_type_id = 240 THEN c.user_type_id ELSE c.system_type_id END
LEFT JOIN sys.indexes i ON i.object_id = o.object_id AND i.is_primary_key = 1
LEFT JOIN sys.index_columns k ON k.object_id = o.object_id AND k.index_id = i.index_id AND k.column_id = c.column_id
LEFT JOIN sys.extended_properties e
    ON e.class = 1 AND e.major_id = o.object_id AND e.minor_id = c.column_id AND e.name = 'MS_Description'
WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0
ORDER BY s.name, o.name, c.column_id
"""
