"""What may be kept of each value, decided before anything touches a disk. Pure."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from extractors.coarser import coarser, shape_of
from extractors.compiled import Column, Dataset
from extractors.declared import Type
from extractors.raw import Array, Raw, Undecodable, mapped


@dataclass(frozen=True, slots=True)
class Key:
    """The secret of the pseudonyms; `id` says which one it is without telling it."""

    secret: bytes
    id: str

    def __repr__(self) -> str:
        return f"Key(id={self.id!r})"


class Protection:
    """Protects the batches of one dataset; pseudonyms that have just been made are remembered for the next batch."""

    def __init__(self, dataset: Dataset, key: Key | None) -> None:
        self.columns = tuple(_protector(column, key) for column in dataset.kept)

    def __call__(self, columns: Sequence[Array]) -> tuple[Array, ...]:
        return tuple(protected(array) for array, protected in zip(columns, self.columns, strict=True))


def _protector(column: Column, key: Key | None) -> Callable[[Array], Array]:
    assert column.privacy != "drop", "a dropped column is never read"
    if column.privacy == "keep":
        return lambda array: array
    if column.privacy != "pseudonym":
        return lambda array: coarser(array, column)
    assert key is not None, "the run asks for the key first"
    return _Pseudonyms(column, key)


# --- pseudonyms -------------------------------------------------------------------------------------------------------

REMEMBERED = 262_144  # pseudonyms of a column that are kept for the next batches: some 20 MiB with their values


class _Pseudonyms:
    """A typed column's pseudonyms. Looking one up in Arrow takes a tenth of the time it takes to make it."""

    def __init__(self, column: Column, key: Key) -> None:
        self.type, self.make = column.type, Maker(key.secret, column.argument)
        self.values: Array = pa.array([], pa.string())
        self.names: Array = pa.array([], pa.string())

    def __call__(self, array: Array) -> Array:
        if pa.types.is_floating(array.type):  # Arrow takes 0.0 and -0.0 for one value; their texts are two
            array = mapped(array, lambda value: canonical(value, self.type), pa.string())
        if len(self.names) > REMEMBERED or self.values.type != array.type:
            self.values, self.names = array[:0], self.names[:0]
        places = pc.index_in(array, value_set=self.values)
        new: Array = array.filter(places.is_null()).unique().drop_null()
        if len(new):
            places = pc.coalesce(places, pc.add(pc.index_in(array, value_set=new), len(self.values)))
            names = self.make([canonical(value, self.type) for value in new.to_pylist()])
            self.values, self.names = pa.concat_arrays([self.values, new]), pa.concat_arrays([self.names, names])
        named: Array = self.names.take(places)
        return named


_LETTERS = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", np.uint8)
LENGTH = 26  # letters of a pseudonym: 130 bits


class Maker:
    """base32(HMAC-SHA-256(secret, domain, 0x00, text))[:26], in RFC 4648's capitals and digits 2 to 7.

    RFC 2104 written out: both hashes begin with the key, so their states after it are kept; it halves the time.
    """

    def __init__(self, secret: bytes, domain: str) -> None:
        block = (hashlib.sha256(secret).digest() if len(secret) > 64 else secret).ljust(64, b"\0")
        self.inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block) + domain.encode() + b"\0")
        self.outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def __call__(self, texts: Sequence[str]) -> Array:
        digests = np.frombuffer(b"".join([self._digest(text.encode()) for text in texts]), np.uint8).reshape(-1, 32)
        letters = np.empty((len(texts), LENGTH), np.uint8)
        for at in range(LENGTH):  # 5 bits each, the highest first; they lie in two bytes at most
            byte, skip = divmod(5 * at, 8)
            pair = digests[:, byte].astype(np.uint16) << 8 | digests[:, byte + 1]
            letters[:, at] = _LETTERS[pair >> (11 - skip) & 31]
        ends = np.arange(0, LENGTH * len(texts) + 1, LENGTH, dtype=np.int32)
        return pa.StringArray.from_buffers(len(texts), pa.py_buffer(ends.tobytes()), pa.py_buffer(letters.tobytes()))

    def _digest(self, text: bytes) -> bytes:
        inner, outer = self.inner.copy(), self.outer.copy()
        inner.update(text)
        outer.update(inner.digest())
        return outer.digest()


def pseudonym(secret: bytes, domain: str, text: str) -> str:
    """The pseudonym of one canonical text."""
    return str(Maker(secret, domain)([text])[0].as_py())


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


def shape(raw: Raw) -> str:
    """What a value looks like without what it says: "2024-13-45" -> 9999-99-99, "AB 12 c" -> AA 99 a."""
    if isinstance(raw, Undecodable):
        return f"{len(raw)} bytes of undecodable text"
    if isinstance(raw, bytes):
        return f"{len(raw)} bytes"
    return "NULL" if raw is None else shape_of(raw if isinstance(raw, str) else str(raw))
