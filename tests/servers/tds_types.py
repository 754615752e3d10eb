"""SQL Server's types as they travel: how TDS 7.4 describes a column and writes a value. Source: [MS-TDS] 2.2.5."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

LATIN1 = bytes.fromhex("0904d00034")  # SQL_Latin1_General_CP1_CI_AS: Windows-1252
Write = Callable[[object], bytes]


@dataclass(frozen=True, slots=True)
class Kind:
    """One type: its TYPE_INFO, what it writes for NULL, and for a value."""

    info: bytes
    null: bytes
    write: Write
    user_type: int = 0
    is_long: bool = False  # text, ntext and image name their table, too


def kind(native: str) -> Kind:
    """`decimal(38,10)`, `nvarchar(max)`, `datetime2(7)` -> how it travels. A type without its digits is a KeyError."""
    name, _, rest = native.partition("(")
    args = [int(each) for each in re.findall(r"\d+", rest)]
    if rest == "max)":
        return _unbounded(name)
    if name in _SIZED:
        return _SIZED[name](*args)
    return _FIXED[name]


def _short(code: int, info: bytes, write: Write) -> Kind:
    """A value behind one byte of length; 0 is NULL."""
    return Kind(bytes([code]) + info, b"\0", lambda value: _after(write(value), 1))


def _after(stored: bytes, size: int) -> bytes:
    return len(stored).to_bytes(size, "little") + stored


def _whole(size: int) -> Kind:
    return _short(0x26, bytes([size]), lambda value: int(str(value)).to_bytes(size, "little", signed=size > 1))


def _float(size: int) -> Kind:
    code = {4: "<f", 8: "<d"}[size]
    return _short(0x6D, bytes([size]), lambda value: struct.pack(code, float(str(value))))


def _decimal(precision: int, scale: int) -> Kind:
    size = next(size for most, size in ((9, 4), (19, 8), (28, 12), (38, 16)) if precision <= most)

    def write(value: object) -> bytes:
        units = _units(str(value), scale)
        return bytes([units >= 0]) + abs(units).to_bytes(size, "little")

    return _short(0x6A, bytes([17, precision, scale]), write)


def _units(text: str, scale: int) -> int:
    sign, digits, exponent = Decimal(text).as_tuple()
    assert isinstance(exponent, int)
    assert exponent + scale >= 0, f"{text} has more than {scale} digits after the point"
    whole = int("".join(map(str, digits))) * 10 ** (exponent + scale)
    return -whole if sign else whole


def _money(value: object) -> bytes:
    units = _units(str(value), 4) % 2**64
    return (units >> 32).to_bytes(4, "little") + (units % 2**32).to_bytes(4, "little")


def _days(text: str, since: date) -> int:
    return (date.fromisoformat(text) - since).days


def _date(text: str) -> bytes:
    return _days(text, date(1, 1, 1)).to_bytes(3, "little")


def _clock(text: str, scale: int) -> bytes:
    """`09:30:00.1234567` -> units of 10**-scale seconds since midnight."""
    hours, minutes, seconds = text.split(":")
    units = (int(hours) * 3600 + int(minutes) * 60) * 10**scale + _units(seconds, scale)
    return units.to_bytes(3 if scale < 3 else 4 if scale < 5 else 5, "little")


def _moment(text: str, scale: int) -> bytes:
    day, _, clock = text.partition(" ")
    return _clock(clock, scale) + _date(day)


def _instant(value: object, scale: int) -> bytes:
    """`2024-07-31 08:30:00.123 +60`: the moment in UTC, and the minutes the sender was ahead of it."""
    text, _, ahead = str(value).rpartition(" ")
    return _moment(text, scale) + int(ahead).to_bytes(2, "little", signed=True)


def _datetime(value: object) -> bytes:
    day, _, clock = str(value).partition(" ")
    ticks = round(int.from_bytes(_clock(clock, 4), "little") * 300 / 10**4)
    return _days(day, date(1900, 1, 1)).to_bytes(4, "little", signed=True) + ticks.to_bytes(4, "little")


def _smalldatetime(value: object) -> bytes:
    day, _, clock = str(value).partition(" ")
    hours, minutes, _ = clock.split(":")
    return _days(day, date(1900, 1, 1)).to_bytes(2, "little") + (int(hours) * 60 + int(minutes)).to_bytes(2, "little")


def _latin1(value: object) -> bytes:
    return str(value).encode("cp1252")


def _utf16(value: object) -> bytes:
    return str(value).encode("utf-16-le", "surrogatepass")  # SQL Server keeps half a pair, and sends it


def _bytes(value: object) -> bytes:
    assert isinstance(value, bytes)
    return value


def _bounded(code: int, size: int, more: bytes, write: Write) -> Kind:
    return Kind(bytes([code]) + size.to_bytes(2, "little") + more, b"\xff\xff", lambda value: _after(write(value), 2))


def _chunked(write: Write) -> Write:
    """Partially length-prefixed: a total that need not be known, chunks, and an empty one."""

    def written(value: object) -> bytes:
        stored = write(value)
        pieces = [stored[at : at + 4096] for at in range(0, len(stored), 4096)]
        return len(stored).to_bytes(8, "little") + b"".join(_after(piece, 4) for piece in pieces) + bytes(4)

    return written


def _unbounded(name: str) -> Kind:
    code, more, write = {
        "varchar": (0xA7, LATIN1, _latin1), "nvarchar": (0xE7, LATIN1, _utf16), "varbinary": (0xA5, b"", _bytes),
    }[name]  # fmt: skip
    return Kind(bytes([code]) + b"\xff\xff" + more, b"\xff" * 8, _chunked(write))


def _old(code: int, most: int, more: bytes, write: Write) -> Kind:
    """text, ntext, image: a pointer of sixteen bytes and a row version of eight, then the value."""
    return Kind(
        bytes([code]) + most.to_bytes(4, "little") + more, b"\0",
        lambda value: b"\x10" + bytes(24) + _after(write(value), 4), is_long=True,
    )  # fmt: skip


def _variant(value: object) -> bytes:
    """A sql_variant with an int in it."""
    return _after(bytes([0x38, 0]) + int(str(value)).to_bytes(4, "little", signed=True), 4)


def _spatial(name: str) -> Kind:
    """A CLR type: its names, and its bytes in chunks."""
    names = b"".join(bytes([len(each)]) + _utf16(each) for each in ("housing", "sys", name))
    assembly = _utf16("Microsoft.SqlServer.Types")
    return Kind(b"\xf0\xff\xff" + names + (len(assembly) // 2).to_bytes(2, "little") + assembly,
                b"\xff" * 8, _chunked(_bytes))  # fmt: skip


_FIXED = {
    "tinyint": _whole(1), "smallint": _whole(2), "int": _whole(4), "bigint": _whole(8),
    "bit": _short(0x68, b"\x01", lambda value: bytes([value in (True, "true", 1)])),
    "real": _float(4), "float": _float(8),
    "money": _short(0x6E, b"\x08", _money),
    "smallmoney": _short(0x6E, b"\x04", lambda value: _units(str(value), 4).to_bytes(4, "little", signed=True)),
    "date": Kind(b"\x28", b"\0", lambda value: _after(_date(str(value)), 1)),
    "datetime": _short(0x6F, b"\x08", _datetime), "smalldatetime": _short(0x6F, b"\x04", _smalldatetime),
    "uniqueidentifier": _short(0x24, b"\x10", lambda value: UUID(str(value)).bytes_le),
    "timestamp": Kind(_bounded(0xAD, 8, b"", _bytes).info, b"\xff\xff", lambda value: _after(_bytes(value), 2), 80),
    "text": _old(0x23, 2**31 - 1, LATIN1, _latin1), "ntext": _old(0x63, 2**31 - 2, LATIN1, _utf16),
    "image": _old(0x22, 2**31 - 1, b"", _bytes),
    "xml": Kind(b"\xf1\0", b"\xff" * 8, _chunked(_utf16)),
    "sql_variant": Kind(b"\x62" + (8009).to_bytes(4, "little"), bytes(4), _variant),
    "geometry": _spatial("geometry"), "geography": _spatial("geography"), "hierarchyid": _spatial("hierarchyid"),
}  # fmt: skip
_FIXED["rowversion"] = _FIXED["timestamp"]
_SIZED: dict[str, Callable[..., Kind]] = {
    "decimal": _decimal,
    "numeric": lambda precision, scale: _numeric(_decimal(precision, scale)),
    "time": lambda scale: _short(0x29, bytes([scale]), lambda value: _clock(str(value), scale)),
    "datetime2": lambda scale: _short(0x2A, bytes([scale]), lambda value: _moment(str(value), scale)),
    "datetimeoffset": lambda scale: _short(0x2B, bytes([scale]), lambda value: _instant(value, scale)),
    "char": lambda size: _bounded(0xAF, size, LATIN1, _latin1),
    "varchar": lambda size: _bounded(0xA7, size, LATIN1, _latin1),
    "nchar": lambda size: _bounded(0xEF, size * 2, LATIN1, _utf16),
    "nvarchar": lambda size: _bounded(0xE7, size * 2, LATIN1, _utf16),
    "binary": lambda size: _bounded(0xAD, size, b"", _bytes),
    "varbinary": lambda size: _bounded(0xA5, size, b"", _bytes),
}


def _numeric(decimal: Kind) -> Kind:
    return Kind(b"\x6c" + decimal.info[1:], decimal.null, decimal.write)
