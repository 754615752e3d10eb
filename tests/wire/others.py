"""How two parsers of other hands, h11 and llhttp, read a stream of one request. Pure: bytes in, values out."""

from __future__ import annotations

from dataclasses import dataclass

import h11
import httptools


@dataclass(frozen=True, slots=True)
class Read:
    """One whole request. `rest`: whether bytes of the stream are left."""

    method: bytes
    target: bytes
    body: bytes
    rest: bool


def by_h11(data: bytes) -> Read | None:
    """None: refused, or not whole."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    method, target, body = b"", b"", b""
    try:
        connection.receive_data(data)
        while True:
            match connection.next_event():
                case h11.Request() as request:
                    method, target = bytes(request.method), bytes(request.target)
                case h11.Data() as piece:
                    body += bytes(piece.data)
                case h11.EndOfMessage():
                    return Read(method, target, body, bool(connection.trailing_data[0]))
                case _:
                    return None
    except h11.RemoteProtocolError:
        return None


class _Heard:
    """What llhttp says while it reads."""

    def __init__(self) -> None:
        self.target = b""
        self.body = b""
        self.begun = 0
        self.whole = 0

    def on_message_begin(self) -> None:
        self.begun += 1

    def on_url(self, url: bytes) -> None:
        if not self.whole:
            self.target += url

    def on_body(self, body: bytes) -> None:
        if not self.whole:
            self.body += body

    def on_message_complete(self) -> None:
        self.whole += 1


def by_llhttp(data: bytes) -> Read | None:
    """None: refused, or not whole."""
    heard = _Heard()
    parser = httptools.HttpRequestParser(heard)
    refused = False
    try:
        parser.feed_data(data)
    except httptools.HttpParserUpgrade as upgrade:
        # With a body still to come it takes that for the other protocol: it has not read the request to its end.
        whole = upgrade.args[0] >= len(data)
        return Read(parser.get_method(), heard.target, heard.body, False) if whole else None
    except httptools.HttpParserError:
        refused = True
    if not heard.whole:
        return None
    # What is refused behind a whole message is bytes left over, as is another message.
    return Read(parser.get_method(), heard.target, heard.body, refused or heard.begun > 1)
