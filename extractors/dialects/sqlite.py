"""SQLite: values have types of their own, whatever a column was declared as. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from extractors.compiled import Column
from extractors.dialects.base import Dialect, Planned, Relation, select
from notation.problems import Refused


class Sqlite(Dialect):
    """Each value travels in the storage class it has (sqlite.org/datatype3.html), so no column is planned away."""

    sqlglot = "sqlite"

    def table(self, name: str) -> Relation:
        """`main.jobs` and `jobs` are one table; SQLite's own schema is the only one a file has."""
        return Relation(self.quoted(name.removeprefix("main.")), table=name)

    def plan(self, column: Column, native: str, *, as_text: bool) -> Planned:
        return Planned(column, self.quoted(column.source), None, as_text=as_text)

    def text(self, expression: str, native: str) -> str:
        return f"nullif(quote({expression}), 'NULL')"  # sqlite.org/lang_corefunc.html#quote: a literal of the same value

    def literal(self, text: str, native: str) -> str:
        return text

    def earlier(self, moment: str, seconds: float, native: str) -> str:
        if re.search(r"INT|REAL|FLOA|DOUB", native.upper()):
            raise Refused(f"a lag is a length of time, and the cursor is {native}", "remove the lag")
        return f"strftime('%Y-%m-%d %H:%M:%f', {moment}, '-{seconds:.3f} seconds')"

    def is_number(self, native: str) -> bool:
        return "INT" in native.upper()

    def page(self, relation: Relation, what: str, where: str, order: Sequence[str], skip: int, take: int) -> str:
        return select(relation, what, where, f"ORDER BY {', '.join(order)} LIMIT {take} OFFSET {skip}")
