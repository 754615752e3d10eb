"""Oracle's types as they travel to its thin driver: how a column is described, and how a value is written."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

UTF8, UTF16, IMPLICIT, NATIONAL = 873, 2000, 1, 2  # character sets, and in which of the two a column is
LONGEST = 252  # bytes behind one byte of length; more come in chunks


def ub(number: int) -> bytes:
    """A whole number: how many bytes, then those bytes."""
    stored = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return bytes([len(stored)]) + stored


def clear(stored: bytes) -> bytes:
    """Bytes behind their length, or in chunks of 32 KiB."""
    if len(stored) <= LONGEST:
        return bytes([len(stored)]) + stored
    pieces = [stored[at : at + 2**15] for at in range(0, len(stored), 2**15)]
    return b"\xfe" + b"".join(ub(len(piece)) + piece for piece in pieces) + b"\0"


def text(said: str) -> bytes:
    """A length, and then, if there is something, `clear`."""
    stored = said.encode()
    return ub(len(stored)) + (clear(stored) if stored else b"")


Write = Callable[[object], bytes]


@dataclass(frozen=True, slots=True)
class Kind:
    """One type: its number, its digits, its size, its character set's form, and what it writes for a value."""

    number: int
    write: Write
    precision: int = 0
    scale: int = 0
    size: int = 22
    form: int = 0

    @property
    def is_long(self) -> bool:
        """A CLOB or BLOB, which the driver asks for anew as LONG or LONG RAW."""
        return self.number in (112, 113)

    def described(self, name: str, place: int) -> bytes:
        charset = {0: 0, IMPLICIT: UTF8, NATIONAL: UTF16}[self.form]
        digits = bytes([self.number, 0]) + struct.pack("bb", self.precision, self.scale)
        sizes = ub(self.size) + ub(0) + ub(0) + ub(0) + ub(0) + ub(charset) + bytes([self.form])
        said = ub(self.size if self.form else 0) + ub(0) + b"\x01" + bytes([min(len(name), 255)])
        return digits + sizes + said + text(name) + ub(0) + ub(0) + ub(place) + ub(0)

    def row(self, value: object) -> bytes:
        if self.is_long:  # with an indicator of NULL and a code behind it, as a LONG has
            return (b"\0" if value is None else clear(self.write(value))) + ub(0) + ub(0)
        return b"\0" if value is None else clear(self.write(value))


def number(value: object) -> bytes:
    """Oracle's NUMBER: an exponent of 100, then digits of base 100 plus one; if negative `~`, and 101 minus each."""
    sign, digits, exponent = Decimal(str(value)).as_tuple()
    assert isinstance(exponent, int)
    said = "".join(map(str, digits)).lstrip("0")
    if not said:
        return b"\x80"
    said += "0" * (exponent % 2)
    exponent -= exponent % 2
    said = "0" * (len(said) % 2) + said
    hundreds = [int(said[at : at + 2]) for at in range(0, len(said), 2)]
    power = len(hundreds) + exponent // 2 - 1
    while hundreds[-1] == 0:
        hundreds.pop()
    if sign:
        tail = b"\x66" if len(hundreds) < 20 else b""
        return bytes([~(power + 193) & 0xFF, *(101 - each for each in hundreds)]) + tail
    return bytes([power + 193, *(each + 1 for each in hundreds)])


def moment(value: object) -> bytes:
    """`2024-01-31 09:30:00.123456789`, `-0044-03-15 00:00:00`: seven bytes, and four of billionths of a second."""
    found = re.fullmatch(r"(-?\d+)-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?", str(value))
    assert found, value
    year, month, day, hour, minute, second = map(int, found.groups()[:6])
    century, rest = divmod(abs(year), 100)
    sign = -1 if year < 0 else 1
    stored = bytes([100 + sign * century, 100 + sign * rest, month, day, hour + 1, minute + 1, second + 1])
    return stored + int(found[7].ljust(9, "0")).to_bytes(4, "big") if found[7] else stored


def zoned(value: object) -> bytes:
    """`2024-07-31 08:30:00.5 +01:30`: the moment in UTC, and how far ahead of it the sender was."""
    said, _, ahead = str(value).rpartition(" ")
    hours, minutes = ahead.split(":")
    stored = moment(said)
    return stored + bytes(11 - len(stored)) + bytes([int(hours) + 20, int(hours[0] + minutes) + 60])


def _ordered(stored: bytes) -> bytes:
    """IEEE 754 in an order that compares as bytes do."""
    return bytes(~each & 0xFF for each in stored) if stored[0] & 0x80 else bytes([stored[0] | 0x80]) + stored[1:]


def _bytes(value: object) -> bytes:
    assert isinstance(value, bytes)
    return value


def kind(native: str) -> Kind:
    """`NUMBER(12,2)`, `VARCHAR2(50)`, `TIMESTAMP(6) WITH TIME ZONE` -> how it travels."""
    name = " ".join(re.sub(r"\([^)]*\)", "", native).split())
    args = [int(each) if each != "*" else 38 for each in re.findall(r"-?\d+|\*", native)]
    match name:
        case "NUMBER" if args:
            return Kind(2, number, args[0], args[1])
        case "NUMBER":
            return Kind(2, number, 0, -127)
        case "FLOAT":
            return Kind(2, number, args[0], -127)
        case "BINARY_FLOAT":
            return Kind(100, lambda value: _ordered(struct.pack(">f", float(str(value)))), size=4)
        case "BINARY_DOUBLE":
            return Kind(101, lambda value: _ordered(struct.pack(">d", float(str(value)))), size=8)
        case "DATE":
            return Kind(12, moment, size=7)
        case "TIMESTAMP":
            return Kind(180, moment, scale=args[0], size=11)
        case "TIMESTAMP WITH TIME ZONE":
            return Kind(181, zoned, scale=args[0], size=13)
        case "TIMESTAMP WITH LOCAL TIME ZONE":
            return Kind(231, moment, scale=args[0], size=11)
        case "BOOLEAN":
            return Kind(252, lambda value: b"\x01\x01" if value in (True, "true") else b"\x00", size=4)
        case "RAW":
            return Kind(23, _bytes, size=args[0])
        case "BLOB":
            return Kind(113, _bytes, size=4000)
        case "CLOB":
            return Kind(112, lambda value: str(value).encode(), size=4000, form=IMPLICIT)
        case "NCLOB":
            return Kind(112, lambda value: str(value).encode("utf-16-be"), size=4000, form=NATIONAL)
        case "CHAR" | "VARCHAR2":
            return Kind(96 if name == "CHAR" else 1, lambda value: str(value).encode(), size=args[0], form=IMPLICIT)
        case "NCHAR" | "NVARCHAR2":
            code = 96 if name == "NCHAR" else 1
            return Kind(code, lambda value: str(value).encode("utf-16-be"), size=args[0] * 2, form=NATIONAL)
    raise KeyError(native)
