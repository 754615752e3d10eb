"""Personal things out of whole answers, so that they can be shown side by side. Pure."""

import csv
import hashlib
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping

from proxy.compare.csv_bodies import delimiter_of
from proxy.compare.decoding import Content, Unreadable, decoded
from proxy.compare.json_values import Members, Number, TooDeep, Value, read_json
from proxy.compare.kept import SECRET
from proxy.compare.marks import marked, redact
from proxy.compare.media import Media, field
from proxy.compare.personal import is_personal
from proxy.compare.redact_markup import redact_document, redact_page
from proxy.compare.values import Reply

__all__ = ["redact", "redact_reply"]

_REMOVED = b"(removed)"
_ON_THE_WAY = frozenset({b"content-encoding", b"content-length", b"transfer-encoding", b"content-md5", b"digest"})
_CHARSET = re.compile(rb"charset\s*=\s*(?:\"[^\"]*\"|[^\s;]+)", re.IGNORECASE)
_FIGURES = str.maketrans("0123456789", "9" * 10)


def redact_reply(reply: Reply) -> Reply:
    """The answer as it may be shown: uncompressed, in UTF-8, JSON laid out anew, and what is no text by its hash."""
    content = decoded(reply)
    body = _body(reply, content)
    fields = tuple((name, _field(name, value)) for name, value in reply.fields if name not in _ON_THE_WAY)
    return Reply(reply.status, fields, body)


def _field(name: bytes, value: bytes) -> bytes:
    if name == b"set-cookie":
        pair, semicolon, attributes = value.partition(b";")
        return pair.partition(b"=")[0] + b"=" + _REMOVED + semicolon + attributes
    if SECRET.search(name.decode("latin-1")):
        return _REMOVED
    if name == b"content-type":
        return _CHARSET.sub(b"charset=utf-8", value)
    return redact(value.decode("latin-1")).encode("latin-1", "replace")


def _body(reply: Reply, content: Content | Unreadable) -> bytes:
    if not reply.body:
        return b""
    if isinstance(content, Unreadable) or content.text is None:
        raw = reply.body if isinstance(content, Unreadable) else content.raw
        why = f", {content.why}" if isinstance(content, Unreadable) else ""
        return f"({len(raw)} bytes{why}, SHA-256 {hashlib.sha256(raw).hexdigest()})".encode()
    try:
        text = _REDACT[content.media](content.text, field(reply, b"content-type").lower())
    except (ValueError, TooDeep):  # not what it says it is: what can be found by looks is found
        text = redact(content.text)
    return text.encode("utf-8", "replace")


def _json(text: str, media_type: str) -> str:
    return "".join(_written(read_json(text), "", personal=False)) if text.strip() else text


def _json_lines(text: str, media_type: str) -> str:
    return "\n".join(_json(line.strip("\x1e \t"), media_type) for line in text.splitlines())


def _written(value: Value, indent: str, *, personal: bool) -> Iterator[str]:
    deeper = f"{indent}  "
    if isinstance(value, Members) and value.members:
        start = "{\n"
        for name, inner in sorted(value.members.items()):  # their order does not count, so it is not to be seen
            yield f"{start}{deeper}{json.dumps(redact(name), ensure_ascii=False)}: "
            yield from _written(inner, deeper, personal=personal or is_personal(name))
            start = ",\n"
        yield f"\n{indent}}}"
    elif isinstance(value, list) and value:
        start = "[\n"
        for inner in value:
            yield start + deeper
            yield from _written(inner, deeper, personal=personal)
            start = ",\n"
        yield f"\n{indent}]"
    else:
        yield _scalar(value, personal=personal)


def _scalar(value: Value, *, personal: bool) -> str:
    if isinstance(value, Number):
        return value.text.translate(_FIGURES) if personal or redact(value.text) != value.text else value.text
    if isinstance(value, str):
        return json.dumps(marked(value) if personal else redact(value), ensure_ascii=False)
    if isinstance(value, list | Members):
        return "[]" if isinstance(value, list) else "{}"
    return json.dumps(value)


def _csv(text: str, media_type: str) -> str:
    delimiter = delimiter_of(text, media_type)
    written = io.StringIO()
    writer = csv.writer(written, delimiter=delimiter, lineterminator="\n")
    personal: list[bool] = []
    try:
        for number, row in enumerate(csv.reader(text.splitlines(keepends=True), delimiter=delimiter)):
            if number == 0:
                personal = [is_personal(cell) for cell in row]
                writer.writerow(redact(cell) for cell in row)
                continue
            personal += [False] * (len(row) - len(personal))
            marks = zip(row, personal, strict=False)
            writer.writerow(marked(cell) if is_named else redact(cell) for cell, is_named in marks)
    except csv.Error as error:
        raise ValueError(str(error)) from error
    return written.getvalue()


_REDACT: Mapping[Media, Callable[[str, str], str]] = {
    Media.JSON: _json,
    Media.JSON_LINES: _json_lines,
    Media.CSV: _csv,
    Media.HTML: lambda text, _: redact_page(text),
    Media.XML: lambda text, _: redact_document(text),
    Media.TEXT: lambda text, _: redact(text),
}
