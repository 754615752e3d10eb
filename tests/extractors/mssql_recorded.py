"""What Microsoft's driver makes of each of SQL Server's types, asked of the driver itself.

`python -m tests.extractors.mssql_recorded` writes tests/extractors/recorded/mssql.json anew. The bytes that the driver
reads come from tests/servers/tds.py, as [MS-TDS] has them; there is no SQL Server behind them.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import mssql_python
import pyarrow as pa

from tests.extractors.recordings import gives, short, write
from tests.servers import tds
from tests.servers.wire import Rows, Server

SENT: list[tuple[str, list[object]]] = [
    ("tinyint", [0, 255]), ("smallint", [-(2**15), 2**15 - 1]), ("int", [-(2**31), 2**31 - 1]),
    ("bigint", [-(2**63), 2**63 - 1]), ("bit", [True, False]),
    ("decimal(38,10)", ["9999999999999999999999999999.9999999999", "-9999999999999999999999999999.9999999999"]),
    ("decimal(9,0)", ["-999999999"]), ("decimal(38,38)", ["0." + "9" * 38]), ("numeric(19,4)", ["-0.0001"]),
    ("money", ["922337203685477.5807", "-922337203685477.5808"]), ("smallmoney", ["214748.3647", "-214748.3648"]),
    ("real", [3.4028234663852886e38, 0.1, -0.0]), ("float", [1.7976931348623157e308, 5e-324, 0.1]),
    ("date", ["0001-01-01", "9999-12-31"]),
    ("time(0)", ["23:59:59"]), ("time(7)", ["00:00:00.0000001", "23:59:59.9999999"]),
    ("datetime", ["1753-01-01 00:00:00", "9999-12-31 23:59:59.9966", "2024-01-31 09:30:00.0033"]),
    ("smalldatetime", ["1900-01-01 00:00:00", "2079-06-06 23:59:00"]),
    ("datetime2(0)", ["0001-01-01 00:00:00"]), ("datetime2(6)", ["9999-12-31 23:59:59.999999"]),
    ("datetime2(7)", ["0001-01-01 00:00:00.0000001", "9999-12-31 23:59:59.9999999", "1969-12-31 23:59:59.9999999"]),
    ("datetimeoffset(3)", ["2024-07-31 08:30:00.123 60", "1969-12-31 23:59:59.999 -840"]),
    ("datetimeoffset(7)", ["2024-07-31 08:30:00.1234567 60", "0001-01-01 00:00:00 840"]),
    ("char(5)", ["ab   ", "     "]), ("varchar(50)", ["Café €", "", " a "]), ("varchar(max)", ["Café", "x" * 10_000]),
    ("text", ["Café", ""]), ("nchar(5)", ["ab   "]), ("nvarchar(10)", ["🏠", "", "e\u0301"]),
    ("nvarchar(10)", ["\ud83d", "a\ud83db"]), ("nvarchar(max)", ["🏠" * 3000]), ("ntext", ["🏠"]),
    ("binary(2)", [b"\0\0"]), ("varbinary(10)", [b"", b"\0\xff"]), ("varbinary(max)", [b"\0" * 10_000]),
    ("image", [b"\0\xff"]), ("rowversion", [bytes.fromhex("00000000000007d1")]),
    ("uniqueidentifier", ["A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"]), ("xml", ["<a>🏠</a>"]), ("sql_variant", [7]),
    ("geography", [bytes.fromhex("e6100000010c")]), ("hierarchyid", [b"\x5a\xde"]),
]  # fmt: skip


def drive(server: Server, native: str, values: Sequence[object]) -> pa.Array[Any]:
    """The column the driver makes of these values, between two NULLs. Raises what the driver raises."""
    server.lay([("SELECT V", Rows([("V", native)], [(value,) for value in [None, *values, None]]))])
    said = f"Server=127.0.0.1,{server.port};UID=reader;PWD={server.password};Encrypt=no"
    connection = mssql_python.connect(said, autocommit=True)
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT V")
        return cursor.arrow_batch(100).column(0)
    finally:
        connection.close()


def one(server: Server, native: str, values: list[object]) -> dict[str, object]:
    said: dict[str, object] = {"type": native, "sent": [short(value) for value in values]}
    try:
        given = drive(server, native, values)
    except (mssql_python.Error, RuntimeError) as exc:
        return {**said, "refused": " ".join(str(exc).split())}
    return {**said, "arrow": str(given.type), "gives": gives(given)}


def versions() -> dict[str, str]:
    return {name: version(name) for name in ("mssql-python", "mssql-python-odbc")}


def record() -> dict[str, object]:
    with tds.serving([]) as server:
        types = [one(server, native, values) for native, values in SENT]
    return {
        "what": "What the driver itself made of each type, recorded; the bytes were tests/servers/tds.py's.",
        "driver": versions(),
        "types": types,
    }


if __name__ == "__main__":
    write("mssql", record())
