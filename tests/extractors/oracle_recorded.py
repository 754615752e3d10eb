"""What Oracle's thin driver makes of each type, asked of the driver itself.

`python -m tests.extractors.oracle_recorded` writes tests/extractors/recorded/oracle.json anew. The bytes that the
driver reads come from tests/servers/tns.py; there is no Oracle behind them.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import oracledb
import pyarrow as pa

from tests.extractors.recordings import gives, short, write
from tests.servers import tns
from tests.servers.wire import Rows, Server

TEXT, BYTES, MOMENT = pa.large_string(), pa.large_binary(), pa.timestamp("us")
SENT: list[tuple[str, pa.DataType, list[object]]] = [  # a type, what is asked for, values
    ("NUMBER(9,0)", pa.int64(), [0, -999_999_999]), ("NUMBER(18,0)", pa.int64(), [10**18 - 1, -(10**18) + 1]),
    ("NUMBER(19,0)", pa.decimal128(19, 0), ["9999999999999999999"]),
    ("NUMBER(12,2)", pa.decimal128(12, 2), ["-1234.5", "0.01", "9999999999.99"]),
    ("NUMBER(38,10)", pa.decimal128(38, 10), ["9" * 28 + "." + "9" * 10, "-" + "9" * 28 + "." + "9" * 10]),
    ("NUMBER(38,38)", pa.decimal128(38, 38), ["0." + "9" * 38]), ("NUMBER(18,0)", pa.int64(), [9_007_199_254_740_993]),
    ("NUMBER", pa.float64(), ["0.1", "12345678901234567890"]), ("NUMBER(4,-2)", pa.int64(), ["123400"]),
    ("FLOAT(126)", pa.float64(), ["1E+100"]),
    ("BINARY_FLOAT", pa.float32(), [3.4028234663852886e38, "-0.0", "nan", "-inf", 0.1]),
    ("BINARY_DOUBLE", pa.float64(), [1.7976931348623157e308, 5e-324, "nan", "inf", -0.1]),
    ("DATE", MOMENT, ["2024-01-31 09:30:00", "0001-01-01 00:00:00", "9999-12-31 23:59:59"]),
    ("DATE", MOMENT, ["-0044-03-15 00:00:00"]),
    ("TIMESTAMP(6)", MOMENT, ["2024-01-31 09:30:00.123456", "1969-12-31 23:59:59.999999"]),
    ("TIMESTAMP(9)", MOMENT, ["2024-01-31 09:30:00.123456789"]),
    ("TIMESTAMP(6) WITH TIME ZONE", MOMENT, ["2024-07-31 08:30:00.5 +01:00"]),
    ("TIMESTAMP(6) WITH LOCAL TIME ZONE", MOMENT, ["2024-07-31 08:30:00.5"]),
    ("CHAR(5)", TEXT, ["ab   "]), ("VARCHAR2(50)", TEXT, ["Café €", " a "]), ("VARCHAR2(4000)", TEXT, ["x" * 4000]),
    ("NCHAR(5)", TEXT, ["ab   "]), ("NVARCHAR2(50)", TEXT, ["🏠", "e\u0301"]),
    ("CLOB", TEXT, ["Café", "x" * 100_000]), ("NCLOB", TEXT, ["🏠", "🏠" * 50_000]),
    ("RAW(16)", BYTES, [b"\0\xff"]), ("BLOB", BYTES, [b"\0\xff", b"\0" * 100_000]),
    ("BOOLEAN", pa.bool_(), [True, False]), ("VARCHAR2(9)", pa.int64(), ["7"]), ("NUMBER(12,2)", TEXT, ["7"]),
]  # fmt: skip


def drive(server: Server, native: str, asked: pa.DataType | None, values: Sequence[object]) -> pa.Array[Any]:
    """The column the driver makes of these values, between two NULLs. Raises what the driver raises."""
    server.lay([("SELECT V", Rows([("V", native)], [(value,) for value in [None, *values, None]]))])
    schema = None if asked is None else pa.schema([("V", asked)])
    with oracledb.connect(user="reader", password=server.password, host="127.0.0.1", port=server.port,
                          service_name="HOUSING") as connection:  # fmt: skip
        (frame,) = connection.fetch_df_batches("SELECT V", size=100, requested_schema=schema)
        return pa.table(frame).column(0).combine_chunks()


def one(server: Server, native: str, asked: pa.DataType, values: list[object]) -> dict[str, object]:
    said: dict[str, object] = {"type": native, "asked": str(asked), "sent": [short(value) for value in values]}
    try:
        given = drive(server, native, asked, values)
    except (oracledb.Error, ValueError, OverflowError) as exc:
        return {**said, "refused": " ".join(str(exc).split())}
    assert given.type == asked
    return {**said, "gives": gives(given), "unasked": str(drive(server, native, None, []).type)}


def versions() -> dict[str, str]:
    return {"oracledb": version("oracledb")}


def record() -> dict[str, object]:
    with tns.serving([]) as server:
        types = [one(server, native, asked, values) for native, asked, values in SENT]
    return {
        "what": "What the driver itself made of each type, recorded; the bytes were tests/servers/tns.py's.",
        "driver": versions(),
        "types": types,
    }


if __name__ == "__main__":
    write("oracle", record())
