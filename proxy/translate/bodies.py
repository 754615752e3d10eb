"""Bodies on their way to the citizen: which are looked through, what their heads say, and the looking itself. Pure.

Streamed and bounded: a piece comes in, what is settled goes out. What cannot be translated is not passed on at all.
"""

import re
import zlib
from collections.abc import Sequence

from proxy.headers import Field
from proxy.translate.links import LinkStream, Turn
from proxy.translate.tags import weakened

# Bytes of a body, decompressed: pages and scripts have kilobytes, the largest lists a few MiB; more is a download under
# a wrong type, or a bomb. So is what gzip made a hundredth of, judged from the first byte on, once there are 64 KiB:
# fewer harm nobody, and a bare page of nothing but like rows shrinks as far. A page of a whole site does not: its menu
# and its footer alone take 1 to 3 KiB of gzip, a hundred times of which is more than the like rows of any page.
BODY_LIMIT = 64 * 2**20
RATIO_LIMIT = 100
SMALL = 64 * 1024
# Decompressed at once: no more than that before it is judged.
_STEP = SMALL
# One worker serves everybody: 6, the usual level, takes twice as long as 4 for pages 7% smaller.
_LEVEL = 4
_GZIP_BITS = 31

_TYPES = re.compile(
    rb"(?:text/(?:html|css|xml|javascript|ecmascript|json)"
    rb"|application/(?:json|xml|javascript|x-javascript|ecmascript)|[\w.-]+/[\w.+-]+\+(?:json|xml))[ \t]*(?:[;,]|\Z)",
    re.IGNORECASE,
)
# Not ASCII-compatible: no address would be found.
_WIDE = re.compile(rb"charset[ \t]*=[ \t]*\"?(?:utf-?(?:16|32)|ucs-?[24])", re.IGNORECASE)
# They are about the bytes that the backend sent.
_OF_BYTES = frozenset((b"content-md5", b"digest", b"content-digest", b"repr-digest"))


class Untranslatable(Exception):
    """The body cannot be translated, so it is not sent."""


def is_text(fields: Sequence[Field]) -> bool:
    """Whether a body with this head is looked through: HTML, CSS, JSON, XML, JavaScript, in an encoding like ASCII."""
    kind = b",".join(value for name, value in fields if name.lower() == b"content-type")
    return _TYPES.match(kind) is not None and _WIDE.search(kind) is None


def linked_fields(fields: Sequence[Field], *, text: bool) -> list[Field]:
    """The fields of a reply of a backend whose links are rewritten; `text`: its body is looked through."""
    passed: list[Field] = []
    for name, value in fields:
        lower = name.lower()
        if lower == b"etag":
            passed.append((name, weakened(value)))
        elif lower != b"accept-ranges" and not (text and lower in _OF_BYTES):
            passed.append((name, value))
    passed.append((b"Accept-Ranges", b"none"))
    return passed


class Body:
    """One body that is looked through. Raises Untranslatable."""

    __slots__ = ("_came", "_deflater", "_inflater", "_links", "_made")

    def __init__(self, turn: Turn, fields: Sequence[Field], status: int, length: int | None) -> None:
        coding = b",".join(value for name, value in fields if name.lower() == b"content-encoding").strip().lower()
        if coding not in (b"", b"identity", b"gzip", b"x-gzip"):
            raise Untranslatable(f"a body in {coding.decode('latin-1')}, which was not asked for")
        if status == 206:
            raise Untranslatable("a part of a body, which was not asked for")
        if length is not None and length > BODY_LIMIT:
            raise Untranslatable(f"a body of {length} bytes to look through, and {BODY_LIMIT} are the most")
        self._links = LinkStream(turn)
        self._came = self._made = 0
        zipped = coding.endswith(b"gzip")
        self._inflater = zlib.decompressobj(_GZIP_BITS) if zipped else None
        self._deflater = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP_BITS) if zipped else None

    def feed(self, data: bytes) -> bytes:
        """What of the body is settled by now, in the coding it came in."""
        self._came += len(data)
        if self._inflater is None:
            self._count(len(data))
            return self._links.feed(data)
        return self._packed(self._links.feed(self._inflated(data)))

    def end(self) -> bytes:
        """The rest."""
        rest = self._links.feed(b"", last=True)
        if self._inflater is None or self._deflater is None or not self._came:
            return rest
        if not self._inflater.eof:
            raise Untranslatable("a gzip body that is cut short")
        return self._deflater.compress(rest) + self._deflater.flush()

    def _packed(self, text: bytes) -> bytes:
        assert self._deflater is not None
        # What is settled shall be readable at once, as it was when the backend sent it.
        return self._deflater.compress(text) + self._deflater.flush(zlib.Z_SYNC_FLUSH) if text else b""

    def _inflated(self, data: bytes) -> bytes:
        out: list[bytes] = []
        more = True
        while more:
            assert self._inflater is not None
            if self._inflater.eof:  # RFC 1952, 2.2: a gzip file may have several members
                self._inflater = zlib.decompressobj(_GZIP_BITS)
            try:
                piece = self._inflater.decompress(data, _STEP)
            except zlib.error as error:
                raise Untranslatable("a gzip body that is damaged") from error
            self._count(len(piece))
            out.append(piece)
            data = self._inflater.unused_data if self._inflater.eof else self._inflater.unconsumed_tail
            more = bool(data) or (len(piece) == _STEP and not self._inflater.eof)
        return b"".join(out)

    def _count(self, made: int) -> None:
        self._made += made
        if self._made > BODY_LIMIT:
            raise Untranslatable(f"a body of more than {BODY_LIMIT} bytes to look through")
        if self._inflater is not None and self._made > max(SMALL, RATIO_LIMIT * self._came):
            raise Untranslatable(f"a gzip body that grows more than {RATIO_LIMIT} times")
