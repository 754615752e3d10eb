"""The dialects: how each kind of source is spoken to, one small pure file each, one line each in the list."""

from __future__ import annotations

from collections.abc import Mapping

from extractors.dialects.base import Dialect, Planned, Relation, Select
from extractors.dialects.mysql import MySql
from extractors.dialects.odbc import Odbc
from extractors.dialects.oracle import Oracle
from extractors.dialects.postgres import Postgres
from extractors.dialects.sqlite import Sqlite
from extractors.dialects.tsql import Tsql

__all__ = ["DIALECTS", "Dialect", "Planned", "Relation", "Select"]

DIALECTS: Mapping[str, Dialect] = {
    "sqlite": Sqlite(),
    "postgres": Postgres(),
    "mysql": MySql(),
    "tsql": Tsql(),
    "oracle": Oracle(),
    "odbc": Odbc(),
}
