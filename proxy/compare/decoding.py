"""A body without its compression and its charset: text, bytes, or why it cannot be read. Pure.

decoded(Reply(200, ((b"content-type", b"text/plain; charset=latin-1"),), b"\\xa3")) -> Content(Media.TEXT, ..., "£")
"""

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import brotli
from backports import zstd

from proxy.compare.media import Media, content_type
from proxy.compare.values import Reply

# Eight times the default `max_body`: text shrinks so when it is compressed. Larger would not fit the jury's memory.
LARGEST = 8 * 2**20
# A second coding is legal and unheard of; more would be a way to make us work.
CODINGS = 2

# What a browser reads by these labels (WHATWG Encoding); others are not read by guessing.
_CHARSETS = MappingProxyType(
    {
        **dict.fromkeys(("utf-8", "utf8", "unicode-1-1-utf-8"), "utf-8"),
        **dict.fromkeys(("us-ascii", "ascii", "iso-8859-1", "iso8859-1", "latin1", "latin-1", "l1"), "cp1252"),
        **dict.fromkeys(("windows-1252", "cp1252", "x-cp1252"), "cp1252"),
        **{f"windows-125{n}": f"cp125{n}" for n in (0, 1, 3, 4, 5, 6, 7, 8)},
        **{f"iso-8859-{n}": f"iso8859-{n}" for n in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)},
        **dict.fromkeys(("gbk", "gb2312", "gb18030"), "gb18030"),
        **{label: label for label in ("koi8-r", "koi8-u", "euc-jp")},
        **dict.fromkeys(("utf-16", "utf-16le"), "utf-16-le"),
        "utf-16be": "utf-16-be",
        "iso-8859-9": "cp1254",
        "latin-9": "iso8859-15",
        "macintosh": "mac-roman",
        "ibm866": "cp866",
        "big5": "big5hkscs",
        "shift_jis": "cp932",
        "euc-kr": "cp949",
    }
)
_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_IN_HTML = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_IN_XML = re.compile(rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]+)", re.IGNORECASE)
_LOOKED_AT = 1024  # bytes in which a page must say its charset (HTML, "prescan a byte stream")


@dataclass(frozen=True, slots=True)
class Content:
    """`text` is None for a body that is compared by its bytes. `raw`: without compression."""

    media: Media
    raw: bytes
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """`why` completes "it is ...": `not gzip`, `not utf-8`."""

    media: Media
    why: str


class _Broken(Exception):
    pass


def decoded(reply: Reply) -> Content | Unreadable:
    """What the body says, by its own Content-Type and Content-Encoding."""
    media, charset = content_type(reply)
    raw = reply.body
    try:
        if raw:  # no body has no compression either: the answer to a HEAD, a 304
            for coding in _codings(reply):
                raw = uncompressed(coding, raw)
        text = None if media is Media.BYTES else _text(raw, media, charset)
    except _Broken as broken:
        return Unreadable(media, str(broken))
    return Content(media, raw, text)


def _codings(reply: Reply) -> list[str]:
    said = b",".join(value for name, value in reply.fields if name == b"content-encoding").decode("latin-1")
    codings = [coding for part in said.lower().split(",") if (coding := part.strip()) not in ("", "identity")]
    if len(codings) > CODINGS:
        raise _Broken(f"compressed more than {CODINGS} times")
    return codings[::-1]


def uncompressed(coding: str, body: bytes) -> bytes:
    uncompress = _UNCOMPRESS.get(coding)
    if uncompress is None:
        raise _Broken("in an unknown compression")
    try:
        return uncompress(body)
    except (zlib.error, brotli.error, zstd.ZstdError, EOFError) as broken:
        raise _Broken(f"not {coding}") from broken


def _zlib(body: bytes, *, bits: int) -> bytes:
    """All members of it, as a browser reads them."""
    parts: list[bytes] = []
    left = LARGEST
    while body:
        stream = zlib.decompressobj(bits)
        parts.append(stream.decompress(body, left + 1))
        left -= len(parts[-1])
        _hold(left)
        if not stream.eof:
            raise EOFError
        body = stream.unused_data if bits > 0 else b""
        if not parts[-1] and body:
            raise EOFError  # members that say nothing, one after the other
    return b"".join(parts)


def _deflate(body: bytes) -> bytes:
    """In zlib's wrapping as RFC 9110 has it, or bare as some servers send it."""
    try:
        return _zlib(body, bits=zlib.MAX_WBITS)
    except zlib.error:
        return _zlib(body, bits=-zlib.MAX_WBITS)


def _brotli(body: bytes) -> bytes:
    stream = brotli.Decompressor()
    parts = [stream.process(body, output_buffer_limit=LARGEST + 1)]
    _hold(LARGEST - len(parts[0]))
    if not stream.is_finished():
        raise EOFError
    return b"".join(parts)


def _zstd(body: bytes) -> bytes:
    parts: list[bytes] = []
    left = LARGEST
    while body:
        stream = zstd.ZstdDecompressor()
        parts.append(stream.decompress(body, left + 1))
        left -= len(parts[-1])
        _hold(left)
        if not stream.eof or not (parts[-1] or not stream.unused_data):
            raise EOFError
        body = stream.unused_data
    return b"".join(parts)


def _hold(left: int) -> None:
    if left < 0:
        raise _Broken(f"larger than {LARGEST // 2**20} MiB without its compression")


_UNCOMPRESS: MappingProxyType[str, Callable[[bytes], bytes]] = MappingProxyType(
    {
        "gzip": partial(_zlib, bits=16 + zlib.MAX_WBITS),
        "x-gzip": partial(_zlib, bits=16 + zlib.MAX_WBITS),
        "deflate": _deflate,
        "br": _brotli,
        "zstd": _zstd,
    }
)


def _text(raw: bytes, media: Media, charset: str) -> str:
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return _read(raw[len(mark) :], encoding)
    if media in (Media.JSON, Media.JSON_LINES):  # RFC 8259: always UTF-8
        return _read(raw, "utf-8")
    if not charset and media in (Media.HTML, Media.XML):
        said = (_IN_HTML if media is Media.HTML else _IN_XML).search(raw[:_LOOKED_AT])
        charset = said[1].decode("ascii", "replace").lower() if said else ""
        if charset.startswith("utf-16"):  # or it could not be read up to there
            charset = "utf-8"
        if not charset and media is Media.XML:
            charset = "utf-8"
    if charset:
        encoding = _CHARSETS.get(charset, "")
        if not encoding:
            raise _Broken("in an unknown charset")
        return _read(raw, encoding)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return _read(raw, "cp1252")


def _read(raw: bytes, encoding: str) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as broken:
        if encoding == "cp1252":  # its five unused bytes are controls to a browser
            return "".join(chr(byte) if byte in _UNUSED else bytes((byte,)).decode("cp1252") for byte in raw)
        raise _Broken(f"not {encoding}") from broken


_UNUSED = frozenset(b"\x81\x8d\x8f\x90\x9d")
