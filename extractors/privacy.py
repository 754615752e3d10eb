"""What may be kept of each value, decided before anything touches a disk. Pure."""

from __future__ import annotations

import hmac
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import pyarrow as pa

from extractors.compiled import Column, Dataset
from extractors.declared import Type
from extractors.raw import Array, Raw, Undecodable


@dataclass(frozen=True, slots=True)
class Key:
    """The secret of the pseudonyms; `id` says which one it is without telling it."""

    secret: bytes
    id: str

    def __repr__(self) -> str:
        return f"Key(id={self.id!r})"


def protect(columns: Sequence[Array], dataset: Dataset, key: Key | None) -> tuple[Array, ...]:
    """Typed columns of `dataset.kept` -> the columns that may be written."""
    return tuple(_protected(array, column, key) for array, column in zip(columns, dataset.kept, strict=True))


def _protected(array: Array, column: Column, key: Key | None) -> Array:
    if column.privacy == "keep":
        return array
    assert column.privacy == "pseudonym", "a dropped column is never read"
    assert key is not None, "the run asks for the key first"
    encoded = array.dictionary_encode()
    names = [pseudonym(key.secret, column.domain, canonical(v, column.type)) for v in encoded.dictionary.to_pylist()]
    return pa.array(names, type=pa.string()).take(encoded.indices)


# base64.b32encode takes three times as long as the digest itself; two letters at a time are the same text.
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_PAIRS = tuple(one + other for one in _LETTERS for other in _LETTERS)
_SHIFTS = tuple(range(120, -1, -10))


def pseudonym(secret: bytes, domain: str, text: str) -> str:
    """base32(HMAC-SHA-256(secret, domain, 0x00, text))[:26]: 130 bits, in RFC 4648's capitals and digits 2 to 7."""
    digest = hmac.digest(secret, domain.encode() + b"\0" + text.encode(), "sha256")
    first = int.from_bytes(digest[:17], "big") >> 6  # 26 letters of 5 bits
    return "".join([_PAIRS[first >> shift & 1023] for shift in _SHIFTS])


def canonical(value: object, declared: Type) -> str:
    """A value's one text in its declared type: NFC, trailing blanks cut. What a pseudonym is made of.

    int64 7 -> "7"; decimal(12,2) 3.5 -> "3.50"; date -> "2024-01-31"; timestamp -> "2024-01-31T09:30:00.000000", with
    "Z" where it has a zone; boolean -> "true"; binary -> hexadecimal.
    """
    match value:
        case bool():
            text = "true" if value else "false"
        case bytes():
            text = value.hex()
        case datetime():
            text = value.replace(tzinfo=None).isoformat(timespec="microseconds") + ("Z" if declared.zone else "")
        case date():
            text = value.isoformat()
        case float():
            text = repr(value)
        case _:
            text = format(value, "f") if declared.name == "decimal" else str(value)
    return unicodedata.normalize("NFC", text).rstrip(" \t\r\n")


SHAPE = 64  # characters of a shape that are kept: enough to see a pattern, too few to carry a text


def shape(raw: Raw) -> str:
    """What a value looks like without what it says: "2024-13-45" -> 9999-99-99, "AB 12 c" -> AA 99 a."""
    if isinstance(raw, Undecodable):
        return f"{len(raw)} bytes of undecodable text"
    if isinstance(raw, bytes):
        return f"{len(raw)} bytes"
    if raw is None:
        return "NULL"
    text = raw if isinstance(raw, str) else str(raw)
    drawn = "".join(map(_drawn, text[:SHAPE]))
    return drawn + f"… ({len(text)} characters)" if len(text) > SHAPE else drawn


def _drawn(character: str) -> str:
    if character.isdigit():
        return "9"
    if character.isalpha():
        return "A" if character.isupper() else "a"
    return character if character.isascii() and character.isprintable() else "?"
