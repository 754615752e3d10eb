"""A dataset's `query:` as a relation: exactly one SELECT, in the source's own words. Pure.

The session is read-only, and that is the guard; this is the early word. What is sent is the query as it was written:
sqlglot reads it, and what sqlglot would write might mean something else (`7/2`, `'a' = 'A'`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokenizer_core import Token, TokenType

from extractors.dialects.base import Dialect, Relation
from notation.problems import Refused

_BEGINS = frozenset({TokenType.SELECT, TokenType.WITH, TokenType.L_PAREN})
_WRITES = (
    exp.DML, exp.DDL, exp.Merge, exp.Drop, exp.Alter, exp.TruncateTable, exp.Command, exp.Execute, exp.Copy, exp.Set,
    exp.Use, exp.Pragma, exp.Attach, exp.Detach, exp.Grant, exp.Transaction, exp.Commit, exp.Rollback, exp.Kill,
)  # fmt: skip
# T-SQL needs no `;` between two statements, and reserves these words: no column is called so without brackets.
_STATEMENTS = frozenset(
    ("ALTER", "CREATE", "DELETE", "DROP", "EXEC", "EXECUTE", "GRANT", "INSERT", "MERGE", "TRUNCATE", "UPDATE")
)
_LOCKING_HINTS = frozenset({"UPDLOCK", "XLOCK", "TABLOCKX", "TABLOCK", "HOLDLOCK", "SERIALIZABLE", "REPEATABLEREAD"})
_ONLY_READ = "only what reads rows may stand in a query:"

# Functions that write, wait, or reach out of the database. Read-only sessions stop most of them; not all of these.
_POSTGRES = (
    "nextval", "setval", "dblink", "dblink_exec", "dblink_connect", "dblink_send_query", "lo_import", "lo_export",
    "lo_create", "lo_creat", "lo_unlink", "lo_from_bytea", "lo_put", "lowrite", "pg_sleep", "pg_sleep_for",
    "pg_sleep_until", "pg_terminate_backend", "pg_cancel_backend", "pg_reload_conf", "pg_rotate_logfile",
    "pg_read_file", "pg_read_binary_file", "pg_ls_dir", "pg_stat_file", "pg_file_write", "pg_notify", "pg_switch_wal",
    "pg_promote", "pg_advisory_lock", "pg_advisory_xact_lock", "pg_try_advisory_lock", "pg_advisory_lock_shared",
    "pg_logical_emit_message", "pg_create_restore_point", "pg_export_snapshot", "set_config", "query_to_xml",
    "database_to_xml", "txid_current", "pg_current_xact_id",
)  # fmt: skip
_FUNCTIONS: Mapping[str, frozenset[str]] = {
    "postgres": frozenset(_POSTGRES),
    "mysql": frozenset(
        ("load_file", "sleep", "benchmark", "get_lock", "release_lock", "release_all_locks", "master_pos_wait",
         "source_pos_wait", "wait_for_executed_gtid_set", "nextval", "setval", "sys_exec", "sys_eval", "last_insert_id")
    ),
    "tsql": frozenset(("openrowset", "openquery", "opendatasource", "xp_cmdshell", "sp_executesql")),
    "oracle": frozenset(("httpuritype", "dburitype", "xdburitype", "bfilename", "sys_eval")),
    "sqlite": frozenset(("load_extension", "writefile", "readfile", "edit", "fts3_tokenizer")),
    "duckdb": frozenset(("nextval", "query", "query_table", "getenv", "read_text", "read_blob", "read_csv",
                         "read_csv_auto", "read_parquet", "read_json", "read_json_auto", "glob", "sniff_csv")),
}  # fmt: skip
_PACKAGES = ("dbms_", "utl_")  # Oracle's own: DBMS_LOCK.SLEEP, UTL_HTTP.REQUEST
_HARMLESS = frozenset({"dbms_lob", "dbms_random", "utl_raw", "utl_i18n", "dbms_crypto"})


def relation_of(sql: str, dialect: Dialect) -> Relation:
    """`"SELECT a FROM t; -- all"` -> Relation("(SELECT a FROM t) AS fig"). Raises Refused."""
    tokens = _one_statement(_tokens(sql, dialect), sql, dialect)
    _check_words(tokens, sql, dialect)
    tree = _parsed(sql[: tokens[-1].end + 1], dialect)
    _check_tree(tree, dialect)
    main = 0
    if dialect.sqlglot in ("tsql", "") and tokens[0].token_type == TokenType.WITH:
        main = _main(tokens)  # T-SQL knows WITH only at the very beginning
    ctes = sql[tokens[0].start : tokens[main - 1].end + 1] if main else ""
    body = sql[tokens[main].start : tokens[-1].end + 1]
    # Oracle knows no AS here, and a method of a column (XMLTYPE's) only by the alias that its dialect gives a table.
    alias = "q" if dialect.sqlglot == "oracle" else "AS fig"
    return Relation(f"({body}) {alias}", ctes=ctes)


# --- words ------------------------------------------------------------------------------------------------------------


def _tokens(sql: str, dialect: Dialect) -> Sequence[Token]:
    try:
        tokens = sqlglot.tokenize(sql, read=dialect.sqlglot or None)
    except TokenError as exc:
        raise Refused("the query cannot be read: a quote or a comment in it has no end", "close it") from exc
    for token in tokens:
        for comment in token.comments:
            if dialect.sqlglot == "mysql" and comment.startswith(("!", "M!")):
                raise Refused("the query has a comment that MySQL runs: /*! … */", "write it without the comment signs")
    if dialect.sqlglot == "mysql" and any(_is_no_comment(sql, at) for at in _gaps(tokens, sql)):
        hint = "put a blank between the two signs, or after them if a comment was meant"
        raise Refused("the query has '--' without a blank after it, which MySQL reads as two minus signs", hint)
    return tokens


def _gaps(tokens: Sequence[Token], sql: str) -> Iterator[int]:
    """Where what is no token (blanks, comments) begins, after each token."""
    yield 0
    for token in tokens:
        yield token.end + 1


def _is_no_comment(sql: str, at: int) -> bool:
    rest = sql[at:].lstrip()
    return rest.startswith("--") and not (rest[2:3].isspace() or len(rest) == 2)


def _one_statement(tokens: Sequence[Token], sql: str, dialect: Dialect) -> Sequence[Token]:
    """Its tokens, the semicolons at the end aside."""
    while tokens and tokens[-1].token_type == TokenType.SEMICOLON:
        tokens = tokens[:-1]
    if not tokens:
        raise Refused("the query is empty", "write one SELECT")
    for token in tokens:
        if token.token_type == TokenType.SEMICOLON:
            what = f"the query has a second statement ({_place(sql, token.end + 1)})"
            raise Refused(what, "write one SELECT; what comes before it belongs into a view of the source")
    first = tokens[0]
    if first.token_type not in _BEGINS:
        raise Refused(f"the query begins with {first.text.upper()}", "write one SELECT, with WITH before it if need be")
    return tokens


def _place(sql: str, at: int) -> str:
    before = sql[:at]
    return f"line {before.count(chr(10)) + 1}, column {at - (before.rfind(chr(10)) + 1) + 1}"


def _check_words(tokens: Sequence[Token], sql: str, dialect: Dialect) -> None:
    known = _FUNCTIONS.get(dialect.sqlglot, frozenset().union(*_FUNCTIONS.values()))
    for at, token in enumerate(tokens):
        word = token.text.lower()
        called = at + 1 < len(tokens) and tokens[at + 1].token_type == TokenType.L_PAREN
        place = _place(sql, token.start)
        if called and word in known and token.token_type != TokenType.STRING:
            raise Refused(f"the query calls {token.text} ({place})", f"{_ONLY_READ} remove the call")
        if dialect.sqlglot == "oracle":
            _check_oracle(tokens, at, place)
        if dialect.sqlglot == "tsql" and sql[token.start : token.end + 1].upper() in _STATEMENTS:
            raise Refused(f"the query has {token.text.upper()} in it ({place})", f"{_ONLY_READ} write one SELECT")


def _check_oracle(tokens: Sequence[Token], at: int, place: str) -> None:
    word, after = tokens[at].text.lower(), tokens[at - 1].token_type == TokenType.DOT if at else False
    before = at + 1 < len(tokens) and tokens[at + 1].token_type == TokenType.DOT
    if after and word == "nextval":
        raise Refused(f"the query draws from a sequence ({place})", f"{_ONLY_READ} remove it")
    if before and word.startswith(_PACKAGES) and word not in _HARMLESS:
        raise Refused(f"the query calls {tokens[at].text} ({place})", f"{_ONLY_READ} remove the call")


def _main(tokens: Sequence[Token]) -> int:
    """Where the SELECT itself begins, after `WITH a AS (…), b (x) AS (…)`."""
    depth = 0
    for at, token in enumerate(tokens[:-1]):
        depth += (token.token_type == TokenType.L_PAREN) - (token.token_type == TokenType.R_PAREN)
        if depth == 0 and token.token_type == TokenType.R_PAREN:
            follows = tokens[at + 1].token_type
            if follows not in (TokenType.COMMA, TokenType.ALIAS):
                return at + 1
    raise Refused("the query has a WITH and no SELECT after it", "write one SELECT")


# --- the tree ---------------------------------------------------------------------------------------------------------


def _parsed(sql: str, dialect: Dialect) -> exp.Expr:
    try:
        (tree,) = sqlglot.parse(sql, read=dialect.sqlglot or None)
    except ParseError as exc:
        error = exc.errors[0]
        near, column = error["highlight"], max(error["col"] - len(error["highlight"]) + 1, 1)
        what = f"the query cannot be read from line {error['line']}, column {column}: '{near}' was not expected there"
        hint = "if the source does accept it, make a view of it there and name that under table:"
        raise Refused(what, hint) from exc
    assert tree is not None
    return tree


def _check_tree(tree: exp.Expr, dialect: Dialect) -> None:
    for node in tree.walk():
        _check_node(node)
    root = tree.unnest()
    if not isinstance(root, exp.Select | exp.SetOperation):
        raise Refused(f"the query is no SELECT but {root.key.upper()}", "write one SELECT")
    if dialect.sqlglot == "tsql":
        _check_tsql(root)
    names = _names(root)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        listed = ", ".join(twice)
        raise Refused(f"the query has two columns of one name: {listed}", f"give each its own: … AS {twice[0]}_2")


def _check_node(node: exp.Expr) -> None:
    if isinstance(node, _WRITES):
        raise Refused(f"the query has {node.key.upper()} in it", f"{_ONLY_READ} write one SELECT")
    if isinstance(node, exp.Into):
        raise Refused("the query has INTO in it, which writes a table", f"{_ONLY_READ} remove it")
    if isinstance(node, exp.Lock):
        raise Refused("the query locks the rows it reads", "remove FOR UPDATE or FOR SHARE")
    if isinstance(node, exp.NextValueFor):
        raise Refused("the query draws from a sequence", f"{_ONLY_READ} remove it")
    if isinstance(node, exp.WithTableHint):
        hints = {hint.name.upper() for hint in node.expressions} & _LOCKING_HINTS
        if hints:
            raise Refused(f"the query locks what it reads: {', '.join(sorted(hints))}", "remove the hint")
    if isinstance(node, exp.Parameter | exp.Placeholder):
        raise Refused(f"the query has a parameter, {node.sql()}", "write the value itself: nobody fills it in")


def _check_tsql(root: exp.Expr) -> None:
    """What a SELECT within brackets may not have there."""
    args = root.args
    if args.get("order") and not (args.get("limit") or args.get("offset")):
        hint = "remove ORDER BY: a dataset has no order. With TOP or OFFSET it chooses rows, and may stay"
        raise Refused("the query has an ORDER BY, which SQL Server does not allow within another", hint)
    if args.get("for_"):
        raise Refused("the query ends in FOR XML or FOR JSON", "remove it, and list the columns: rows are wanted")
    if args.get("options"):
        raise Refused("the query ends in OPTION (…), which SQL Server does not allow within another", "remove it")


def _names(root: exp.Expr) -> list[str]:
    """The names of the columns, as far as the query says them itself."""
    while isinstance(root, exp.SetOperation):
        root = root.this.unnest()
    found = []
    for column in root.expressions if isinstance(root, exp.Select) else ():
        inner = column.args.get("alias") if isinstance(column, exp.Alias) else column
        name = inner if isinstance(inner, exp.Identifier) else inner.this if isinstance(inner, exp.Column) else None
        if isinstance(name, exp.Identifier):
            found.append(name.name if name.quoted else name.name.casefold())
    return found
