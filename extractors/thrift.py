"""Thrift's compact protocol, read into plain values and written back as it was: what a Parquet footer is made of. Pure.

A struct is a dict of field number -> (type, value); a list is (type of its elements, values). What is not understood is
carried along, so that a footer read and written is the same footer.
"""

from __future__ import annotations

from typing import Any

STOP, TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(13)

Struct = dict[int, tuple[int, Any]]


def read(data: bytes) -> Struct:
    return _Reader(data).struct()


def write(value: Struct) -> bytes:
    out = bytearray()
    _write_struct(out, value)
    return bytes(out)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def struct(self) -> Struct:
        found: Struct = {}
        number = 0
        while (head := self.byte()) != STOP:
            kind = head & 15
            number = number + (head >> 4) if head >> 4 else self.zigzag()
            found[number] = (kind, kind == TRUE if kind in (TRUE, FALSE) else self.value(kind))
        return found

    def value(self, kind: int) -> Any:
        match kind:
            case 3 | 1 | 2:  # a byte; a bool within a list is one, too
                return self.byte()
            case 4 | 5 | 6:
                return self.zigzag()
            case 7:
                return self.take(8)
            case 8:
                return self.take(self.varint())
            case 9 | 10:
                head = self.byte()
                size, kind = head >> 4, head & 15
                size = self.varint() if size == 15 else size
                return kind, [self.value(kind) for _ in range(size)]
            case 12:
                return self.struct()
        raise ValueError(f"a Parquet footer holds no value of type {kind}")

    def byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def take(self, size: int) -> bytes:
        self.at += size
        return self.data[self.at - size : self.at]

    def varint(self) -> int:
        result = shift = 0
        while True:
            byte = self.byte()
            result |= (byte & 127) << shift
            if byte < 128:
                return result
            shift += 7

    def zigzag(self) -> int:
        number = self.varint()
        return (number >> 1) ^ -(number & 1)


def _write_struct(out: bytearray, value: Struct) -> None:
    before = 0
    for number in sorted(value):
        kind, held = value[number]
        if kind in (TRUE, FALSE):
            kind = TRUE if held else FALSE
        if 0 < number - before < 16:
            out.append((number - before) << 4 | kind)
        else:
            out.append(kind)
            _write_zigzag(out, number)
        before = number
        if kind not in (TRUE, FALSE):
            _write_value(out, kind, held)
    out.append(STOP)


def _write_value(out: bytearray, kind: int, value: Any) -> None:
    match kind:
        case 3 | 1 | 2:
            out.append(value)
        case 4 | 5 | 6:
            _write_zigzag(out, value)
        case 7:
            out += value
        case 8:
            _write_varint(out, len(value))
            out += value
        case 9 | 10:
            inner, values = value
            if len(values) < 15:
                out.append(len(values) << 4 | inner)
            else:
                out.append(15 << 4 | inner)
                _write_varint(out, len(values))
            for each in values:
                _write_value(out, inner, each)
        case 12:
            _write_struct(out, value)


def _write_varint(out: bytearray, number: int) -> None:
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)


def _write_zigzag(out: bytearray, number: int) -> None:
    _write_varint(out, number << 1 if number >= 0 else (-number << 1) - 1)


__all__ = ["BINARY", "DOUBLE", "I16", "I32", "I64", "LIST", "MAP", "SET", "STRUCT", "Struct", "read", "write"]
