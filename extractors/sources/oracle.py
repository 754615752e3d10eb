"""Oracle, by its own driver without a client (thin): one READ ONLY transaction, which is a snapshot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import oracledb
import pyarrow as pa

from extractors.address import Address, address
from extractors.compiled import Source
from extractors.dialects import DIALECTS, Dialect, Planned, Relation, Select
from extractors.dialects.base import select as sql_select
from extractors.dialects.oracle import is_long
from extractors.refused import NativeFailed, NoSuchTable, SourceRefused
from extractors.sources import oracle_catalogue
from extractors.sources.batches import catalogued, gathered, promised
from extractors.sources.catalogue import Found
from notation.problems import one_of

PATIENCE = 10.0  # seconds to wait for a connection
ROWS = 4_096  # rows a fetch: a VARCHAR2 has at most 4,000 bytes (32,767 if the database was told so)
LONG_ROWS = 32  # where one value may be megabytes
# What a login may have set for itself, set back: no text depends on where the reader sits.
SESSION = (
    "ALTER SESSION SET TIME_ZONE = '+00:00'",
    "ALTER SESSION SET NLS_NUMERIC_CHARACTERS = '.,'",
    "ALTER SESSION SET NLS_DATE_FORMAT = 'SYYYY-MM-DD HH24:MI:SS'",
    "ALTER SESSION SET NLS_TIMESTAMP_FORMAT = 'SYYYY-MM-DD HH24:MI:SS.FF9'",
    "ALTER SESSION SET NLS_TIMESTAMP_TZ_FORMAT = 'SYYYY-MM-DD HH24:MI:SS.FF9TZH:TZM'",
    "ALTER SESSION SET NLS_CALENDAR = 'GREGORIAN'",
    "ALTER SESSION SET NLS_SORT = BINARY",
    "ALTER SESSION SET NLS_COMP = BINARY",
    "SET TRANSACTION READ ONLY",
)


@contextmanager
def open_reading(source: Source) -> Iterator[OracleReading]:
    """Open, and begin the snapshot. Raises SourceRefused."""
    try:
        at = address(source.url)
    except ValueError as exc:
        raise SourceRefused(f"source '{source.name}': its url is none: {exc}") from None
    try:
        connection = oracledb.connect(**_arguments(at))
    except (oracledb.Error, ValueError, TypeError) as exc:
        raise SourceRefused(f"source '{source.name}': Oracle does not let us in: {_said(exc, at)}") from None
    reading = OracleReading(source.name, at, connection)
    try:
        for statement in SESSION:
            reading.run(statement)
        yield reading
    finally:
        with suppress(oracledb.Error):
            connection.close()


def _arguments(at: Address) -> dict[str, Any]:
    """`oracle://reader:secret@db:1521/HOUSING?sid=…`: the path is the service; options are the driver's own words."""
    base = {
        "user": at.user, "password": at.password, "host": at.host, "port": at.port or 1521,
        "service_name": at.database or None, "tcp_connect_timeout": PATIENCE,
    }  # fmt: skip
    if "sid" in at.options:
        base["service_name"] = None
    return {**base, **at.options}


def _said(exc: Exception, at: Address) -> str:
    return at.scrub(" ".join(str(exc).split()))


@dataclass(slots=True)
class OracleReading:
    """One connection, one transaction; what others commit meanwhile is not seen."""

    name: str
    at: Address = field(repr=False)
    connection: Any = field(repr=False)
    is_snapshot: bool = True
    dialect: Dialect = field(default_factory=lambda: DIALECTS["oracle"])
    cancelled: bool = False

    def run(self, statement: str) -> None:
        with self._asking() as cursor:
            cursor.execute(statement)

    @contextmanager
    def _asking(self) -> Iterator[Any]:
        self._check()
        try:
            with self.connection.cursor() as cursor:
                yield cursor
        except oracledb.Error as exc:
            raise self._refused(exc) from None

    def _check(self) -> None:
        if self.cancelled:
            raise SourceRefused(f"source '{self.name}': the reading was cancelled")

    def _refused(self, exc: Exception) -> SourceRefused:
        self._check()
        return SourceRefused(f"source '{self.name}': Oracle says: {_said(exc, self.at)}")

    def columns(self, relation: Relation) -> Mapping[str, str]:
        """Names -> types as Oracle writes them: `NUMBER(12,2)`, `TIMESTAMP(6) WITH TIME ZONE`."""
        if not relation.table:
            with self._asking() as cursor:
                cursor.execute(sql_select(relation, "*", "1 = 0"))
                return {column.name: _written(column) for column in cursor.description}
        found = {str(name): str(kind) for name, kind in self.ask(oracle_catalogue.columns(relation.table))}
        if not found:
            near = one_of("there are", relation.table, [each.table for each in self.tables()])
            raise NoSuchTable(f"source '{self.name}': there is no table or view '{relation.table}'; {near}")
        return found

    def ask(self, sql: str) -> list[tuple[str | None, ...]]:
        with self._asking() as cursor:
            cursor.execute(sql)
            return [tuple(None if value is None else str(value) for value in row) for row in cursor.fetchall()]

    def count(self, select: Select) -> int:
        ((rows,),) = self.ask(sql_select(select.relation, "count(*)", select.where))
        return int(rows or 0)

    def counted(self) -> int | None:
        return None

    def read(self, select: Select) -> Iterator[pa.RecordBatch]:
        types = self.columns(select.relation)
        wide = any(is_long(types.get(planned.column.source, "")) for planned in select.columns)
        self._check()
        try:
            frames = self.connection.fetch_df_batches(
                select.sql, size=LONG_ROWS if wide else ROWS, requested_schema=requested(select.columns)
            )
            for batch in gathered(batch for frame in frames for batch in pa.table(frame).to_batches()):
                yield promised(batch, select.columns, lambda stored: stored.decode())
                self._check()
        except (oracledb.Error, ValueError, OverflowError) as exc:
            fragile = frozenset(planned.column.source for planned in select.columns if planned.fragile)
            if fragile and not isinstance(exc, oracledb.Error):  # Python's datetime has no such year
                raise NativeFailed(fragile, f"its driver cannot hold a value: {exc}") from None
            raise self._refused(exc) from None

    def tables(self) -> list[Found]:
        return catalogued(self.ask(oracle_catalogue.TABLES))

    def cancel(self) -> None:
        """A break, sent on the same connection: the server ends the call with ORA-01013."""
        self.cancelled = True
        with suppress(oracledb.Error):
            self.connection.cancel()


def requested(columns: tuple[Planned, ...]) -> pa.Schema:
    """What the driver is told to give; text and bytes with offsets of 64 bits, which no batch can outgrow."""
    large: dict[pa.DataType, pa.DataType] = {pa.string(): pa.large_string(), pa.binary(): pa.large_binary()}
    kinds = [(f"C{at}", planned.arrow or pa.string()) for at, planned in enumerate(columns)]
    return pa.schema([(name, large.get(kind, kind)) for name, kind in kinds])


def _written(column: Any) -> str:
    """What a cursor says of a query's column, as ALL_TAB_COLUMNS would write it."""
    kind = {
        "LONG_NVARCHAR": "LONG", "LONG_RAW": "LONG RAW", "TIMESTAMP_TZ": "TIMESTAMP WITH TIME ZONE",
        "TIMESTAMP_LTZ": "TIMESTAMP WITH LOCAL TIME ZONE", "INTERVAL_DS": "INTERVAL DAY TO SECOND",
        "INTERVAL_YM": "INTERVAL YEAR TO MONTH", "VARCHAR": "VARCHAR2", "NVARCHAR": "NVARCHAR2",
    }  # fmt: skip
    name = column.type_code.name.removeprefix("DB_TYPE_")
    if name == "OBJECT":
        return str(column.type.name) if column.type else "OBJECT"
    if name == "NUMBER" and column.precision:
        return f"NUMBER({column.precision},{column.scale})" if column.scale != -127 else f"FLOAT({column.precision})"
    return f"TIMESTAMP({column.scale})" if name == "TIMESTAMP" else kind.get(name, name)
