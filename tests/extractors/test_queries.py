"""A query is one SELECT, sent as it was written; whatever else it is, is said before the source hears of it."""

from __future__ import annotations

import sqlite3
from collections import Counter

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.dialects import DIALECTS, Dialect
from extractors.dialects.sqlite import Sqlite
from extractors.queries import relation_of
from notation.problems import Refused


def dialect(name: str) -> Dialect:
    """A dialect as far as a query is concerned."""
    made = Sqlite()  # of a dialect only its name is asked
    made.sqlglot = name
    return made


EVERYWHERE = ("sqlite", "postgres", "mysql", "tsql", "oracle", "duckdb", "")

TAKEN = [  # dialect, query, relation, ctes
    ("sqlite", "SELECT a FROM t", "(SELECT a FROM t) AS fig", ""),
    ("postgres", " SELECT a\nFROM t ; ; -- all of them", "(SELECT a\nFROM t) AS fig", ""),
    ("postgres", "/* jobs */ SELECT a -- its number\n FROM t -- end", "(SELECT a -- its number\n FROM t) AS fig", ""),
    ("postgres", "WITH x AS (SELECT 1 AS a) SELECT a FROM x", "(WITH x AS (SELECT 1 AS a) SELECT a FROM x) AS fig", ""),
    ("postgres", "SELECT 'a;b -- c' AS a, $$;$$ AS b", "(SELECT 'a;b -- c' AS a, $$;$$ AS b) AS fig", ""),
    ("postgres", "SELECT 7/2 AS a, 'é🏠' AS \"ü;b\" -- x\n;", "(SELECT 7/2 AS a, 'é🏠' AS \"ü;b\") AS fig", ""),
    ("postgres", "SELECT nextval FROM t", "(SELECT nextval FROM t) AS fig", ""),
    ("mysql", "SELECT 'it\\'s' AS `a;b` # all", "(SELECT 'it\\'s' AS `a;b`) AS fig", ""),
    ("mysql", "SELECT sleep FROM t -- all", "(SELECT sleep FROM t) AS fig", ""),
    (
        "sqlite",
        "SELECT a FROM t UNION ALL SELECT b FROM u ORDER BY 1 LIMIT 5",
        "(SELECT a FROM t UNION ALL SELECT b FROM u ORDER BY 1 LIMIT 5) AS fig",
        "",
    ),
    ("sqlite", "(SELECT a FROM t)", "((SELECT a FROM t)) AS fig", ""),
    (
        "oracle",
        "SELECT a FROM t WHERE b(+) = 1 AND ROWNUM < 5",
        "(SELECT a FROM t WHERE b(+) = 1 AND ROWNUM < 5) q",
        "",
    ),
    (
        "oracle",
        "WITH x AS (SELECT 1 AS a FROM dual) SELECT a FROM x",
        "(WITH x AS (SELECT 1 AS a FROM dual) SELECT a FROM x) q",
        "",
    ),
    (
        "tsql",
        "SELECT TOP 5 [a b] FROM dbo.t WITH (NOLOCK) ORDER BY [a b]",
        "(SELECT TOP 5 [a b] FROM dbo.t WITH (NOLOCK) ORDER BY [a b]) AS fig",
        "",
    ),
    (
        "tsql",
        "SELECT a FROM t ORDER BY a OFFSET 1 ROWS FETCH NEXT 2 ROWS ONLY",
        "(SELECT a FROM t ORDER BY a OFFSET 1 ROWS FETCH NEXT 2 ROWS ONLY) AS fig",
        "",
    ),
    ("tsql", "SELECT [delete], [update] FROM t", "(SELECT [delete], [update] FROM t) AS fig", ""),
    ("tsql", "WITH x AS (SELECT (1) AS a) SELECT a FROM x;", "(SELECT a FROM x) AS fig", "WITH x AS (SELECT (1) AS a)"),
    (
        "tsql",
        "WITH x (a) AS (SELECT ')' -- )\n), [y ) z] AS (SELECT a FROM x) /* main */ SELECT a FROM [y ) z] -- all",
        "(SELECT a FROM [y ) z]) AS fig",
        "WITH x (a) AS (SELECT ')' -- )\n), [y ) z] AS (SELECT a FROM x)",
    ),
    ("tsql", "WITH x AS (SELECT 1 AS a) (SELECT a FROM x)", "((SELECT a FROM x)) AS fig", "WITH x AS (SELECT 1 AS a)"),
]


@pytest.mark.parametrize(("name", "sql", "relation", "ctes"), TAKEN, ids=[f"{name}: {sql}" for name, sql, *_ in TAKEN])
def test_a_select_is_sent_as_it_was_written(name: str, sql: str, relation: str, ctes: str) -> None:
    made = relation_of(sql, dialect(name))
    assert (made.sql, made.ctes, made.table) == (relation, ctes, "")


READS = "only what reads rows may stand in a query:"
REFUSED = [  # dialect, query, what, what to do
    ("sqlite", "", "the query is empty", "write one SELECT"),
    ("sqlite", " -- nothing\n ; ", "the query is empty", "write one SELECT"),
    (
        "postgres",
        "SELECT 1;\n DELETE FROM t",
        "the query has a second statement (line 1, column 10)",
        "write one SELECT; what comes before it belongs into a view of the source",
    ),
    ("tsql", "EXEC dbo.jobs", "the query begins with EXEC", "write one SELECT, with WITH before it if need be"),
    ("mysql", "CALL jobs()", "the query begins with CALL", "write one SELECT, with WITH before it if need be"),
    ("sqlite", "VALUES (1)", "the query begins with VALUES", "write one SELECT, with WITH before it if need be"),
    (
        "postgres",
        "DELETE FROM t RETURNING *",
        "the query begins with DELETE",
        "write one SELECT, with WITH before it if need be",
    ),
    (
        "postgres",
        "WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d",
        "the query has DELETE in it",
        f"{READS} write one SELECT",
    ),
    (
        "postgres",
        "WITH d AS (INSERT INTO t VALUES (1) RETURNING *) SELECT * FROM d",
        "the query has INSERT in it",
        f"{READS} write one SELECT",
    ),
    (
        "postgres",
        "WITH d AS (SELECT * FROM (WITH e AS (UPDATE t SET a = 1 RETURNING *) SELECT * FROM e) f) SELECT 1 AS b",
        "the query has UPDATE in it",
        f"{READS} write one SELECT",
    ),
    ("sqlite", "WITH d AS (SELECT 1) DELETE FROM t", "the query has DELETE in it", f"{READS} write one SELECT"),
    (
        "tsql",
        "WITH d AS (SELECT 1 AS a) MERGE INTO t USING d ON 1 = 1 WHEN MATCHED THEN DELETE",
        "the query has MERGE in it (line 1, column 27)",
        f"{READS} write one SELECT",
    ),
    ("tsql", "SELECT 1 DELETE FROM t", "the query has DELETE in it (line 1, column 10)", f"{READS} write one SELECT"),
    ("tsql", "SELECT a INTO #t FROM x", "the query has INTO in it, which writes a table", f"{READS} remove it"),
    ("postgres", "SELECT a INTO u FROM t", "the query has INTO in it, which writes a table", f"{READS} remove it"),
    ("postgres", "SELECT a FROM t FOR UPDATE", "the query locks the rows it reads", "remove FOR UPDATE or FOR SHARE"),
    (
        "postgres",
        "SELECT a FROM (SELECT a FROM t FOR KEY SHARE) u",
        "the query locks the rows it reads",
        "remove FOR UPDATE or FOR SHARE",
    ),
    (
        "mysql",
        "SELECT a FROM t LOCK IN SHARE MODE",
        "the query locks the rows it reads",
        "remove FOR UPDATE or FOR SHARE",
    ),
    ("tsql", "SELECT a FROM t WITH (UPDLOCK, ROWLOCK)", "the query locks what it reads: UPDLOCK", "remove the hint"),
    ("postgres", "SELECT setval('s', 1)", "the query calls setval (line 1, column 8)", f"{READS} remove the call"),
    (
        "postgres",
        "SELECT pg_catalog.\"setval\" ('s', 1)",
        "the query calls setval (line 1, column 19)",
        f"{READS} remove the call",
    ),
    (
        "postgres",
        "SELECT *\nFROM dblink('x', 'y') AS t(a int)",
        "the query calls dblink (line 2, column 6)",
        f"{READS} remove the call",
    ),
    ("postgres", "SELECT pg_sleep(10)", "the query calls pg_sleep (line 1, column 8)", f"{READS} remove the call"),
    (
        "mysql",
        "SELECT a FROM t WHERE SLEEP(5) = 0",
        "the query calls SLEEP (line 1, column 23)",
        f"{READS} remove the call",
    ),
    (
        "mysql",
        "SELECT LOAD_FILE('/etc/passwd')",
        "the query calls LOAD_FILE (line 1, column 8)",
        f"{READS} remove the call",
    ),
    (
        "mysql",
        "SELECT 1 /*! , SLEEP(5) */",
        "the query has a comment that MySQL runs: /*! … */",
        "write it without the comment signs",
    ),
    (
        "mysql",
        "SELECT 5--1 AS a\nFROM t",
        "the query has '--' without a blank after it, which MySQL reads as two minus signs",
        "put a blank between the two signs, or after them if a comment was meant",
    ),
    ("mysql", "SELECT @a := 1 AS a", "the query has a parameter, @a", "write the value itself: nobody fills it in"),
    (
        "postgres",
        "SELECT a FROM t WHERE b = :since",
        "the query has a parameter, :since",
        "write the value itself: nobody fills it in",
    ),
    ("tsql", "SELECT NEXT VALUE FOR dbo.s AS a", "the query draws from a sequence", f"{READS} remove it"),
    (
        "oracle",
        "SELECT s.NEXTVAL AS a FROM dual",
        "the query draws from a sequence (line 1, column 10)",
        f"{READS} remove it",
    ),
    (
        "oracle",
        "SELECT UTL_HTTP.REQUEST('http://x') AS a FROM dual",
        "the query calls UTL_HTTP (line 1, column 8)",
        f"{READS} remove the call",
    ),
    (
        "tsql",
        "SELECT * FROM OPENROWSET('a', 'b', 'c')",
        "the query calls OPENROWSET (line 1, column 15)",
        f"{READS} remove the call",
    ),
    (
        "sqlite",
        "SELECT load_extension('x')",
        "the query calls load_extension (line 1, column 8)",
        f"{READS} remove the call",
    ),
    (
        "tsql",
        "SELECT a FROM t ORDER BY a",
        "the query has an ORDER BY, which SQL Server does not allow within another",
        "remove ORDER BY: a dataset has no order. With TOP or OFFSET it chooses rows, and may stay",
    ),
    (
        "tsql",
        "SELECT a FROM t UNION SELECT b FROM u ORDER BY 1",
        "the query has an ORDER BY, which SQL Server does not allow within another",
        "remove ORDER BY: a dataset has no order. With TOP or OFFSET it chooses rows, and may stay",
    ),
    (
        "tsql",
        "SELECT a FROM t FOR JSON AUTO",
        "the query ends in FOR XML or FOR JSON",
        "remove it, and list the columns: rows are wanted",
    ),
    (
        "tsql",
        "SELECT a FROM t OPTION (MAXDOP 1)",
        "the query ends in OPTION (…), which SQL Server does not allow within another",
        "remove it",
    ),
    ("sqlite", "SELECT t.a, u.A FROM t, u", "the query has two columns of one name: a", "give each its own: … AS a_2"),
    (
        "mysql",
        "SELECT a FROM t INTO OUTFILE '/tmp/x'",
        "the query cannot be read from line 1, column 17: 'INTO' was not expected there",
        "if the source does accept it, make a view of it there and name that under table:",
    ),
    (
        "postgres",
        "SELECT a\nFROM t\nWHERE WHERE b",
        "the query cannot be read from line 3, column 7: 'WHERE' was not expected there",
        "if the source does accept it, make a view of it there and name that under table:",
    ),
    ("postgres", "SELECT 'abc", "the query cannot be read: a quote or a comment in it has no end", "close it"),
]


@pytest.mark.parametrize(("name", "sql", "what", "hint"), REFUSED, ids=[f"{name}: {sql}" for name, sql, *_ in REFUSED])
def test_anything_but_one_select_is_refused(name: str, sql: str, what: str, hint: str) -> None:
    with pytest.raises(Refused) as refused:
        relation_of(sql, dialect(name))
    assert (refused.value.what, refused.value.hint) == (what, hint)


@pytest.mark.parametrize("name", EVERYWHERE)
@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO t VALUES (1)", "UPDATE t SET a = 1", "DELETE FROM t", "DROP TABLE t", "CREATE TABLE u (a int)",
        "ALTER TABLE t ADD b int", "TRUNCATE TABLE t", "MERGE INTO t USING u ON 1 = 1 WHEN MATCHED THEN DELETE",
        "GRANT ALL ON t TO x", "SET x = 1", "BEGIN", "COMMIT", "USE x", "PRAGMA x", "ATTACH 'x' AS y", "EXEC x",
        "CALL x()", "COPY t TO 'x'", "EXPLAIN SELECT 1", "VACUUM", "SELECT 1) AS fig; DELETE FROM t --",
        "SELECT 1) AS x, (SELECT 2", "SELECT a INTO u FROM t",
    ],
)  # fmt: skip
def test_no_dialect_takes_what_writes(name: str, sql: str) -> None:
    with pytest.raises(Refused):
        relation_of(sql, dialect(name))


# --- for real ---------------------------------------------------------------------------------------------------------

COLUMNS = st.sampled_from(["a", "b", "a + b", "7 / 2", "'x;y'", "'--'", "coalesce(b, 0)", "'ü🏠'", "a /* ; */", "-a"])
WHERE = st.sampled_from(
    ["", "WHERE a > 1", "WHERE b IS NULL", "WHERE a IN (SELECT a FROM t WHERE b = 2)", "GROUP BY a, b"]
)
ENDS = st.sampled_from(["", ";", " -- the end", "; -- the end", "\n/* the end */ ;", "\n-- the end\n;"])


@st.composite
def queries(draw: st.DrawFn) -> str:
    listed = draw(st.lists(COLUMNS, min_size=1, max_size=4))
    columns = ", ".join(f"{sql} AS c{at}" for at, sql in enumerate(listed))
    sql = f"SELECT {columns} -- some\nFROM t {draw(WHERE)}"
    match draw(st.sampled_from(["plain", "with", "union", "limit"])):
        case "with":
            sql = f"WITH u (x) AS (SELECT a FROM t), v AS ({sql})\nSELECT v.*, ')' AS z FROM v, u"
        case "union":
            sql = f"{sql} UNION ALL {sql}"
        case "limit":
            sql = f"{sql} ORDER BY 1 LIMIT 2"
    return draw(st.sampled_from(["", "\n  ", "/* first; */"])) + sql + draw(ENDS)


ROWS = [(1, 2), (1, None), (2, 2), (-3, 5), (4, 4)]


@given(queries())
def test_a_query_in_brackets_has_the_same_rows(sql: str) -> None:
    lite = sqlite3.connect(":memory:")
    lite.execute("CREATE TABLE t (a INTEGER, b INTEGER)")
    lite.executemany("INSERT INTO t VALUES (?, ?)", ROWS)
    for name, run in (("sqlite", lite.execute), ("duckdb", duck().execute)):
        plain = Counter(run(sql).fetchall())
        relation = relation_of(sql, dialect(name))
        assert Counter(run(f"{relation.ctes} SELECT * FROM {relation.sql}").fetchall()) == plain
        lifted = relation_of(sql, dialect(""))
        assert Counter(run(f"{lifted.ctes} SELECT * FROM {lifted.sql}").fetchall()) == plain
        ((count,),) = run(f"SELECT count(*) FROM {relation.sql}").fetchall()
        assert count == plain.total()
    lite.close()


def duck() -> duckdb.DuckDBPyConnection:
    cursor = _DUCK.cursor()
    listed = str(ROWS)[1:-1].replace("None", "NULL")
    cursor.execute(f"CREATE TEMP TABLE IF NOT EXISTS t AS SELECT * FROM (VALUES {listed}) AS v(a, b)")
    return cursor


_DUCK = duckdb.connect()


def test_every_dialect_there_is_takes_a_select() -> None:
    for each in DIALECTS.values():
        made = relation_of("SELECT a FROM t WHERE b = 'x'", each)
        assert made.sql.startswith("(SELECT a FROM t WHERE b = 'x')")
