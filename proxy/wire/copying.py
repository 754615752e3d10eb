"""Exchanges that are copied: what passes is joined, and the keeper gets it. Nothing is judged here, or written anew.

`exchange.copied` is None for those that are not. Else it is a list, the line of the citizen's address and then the
answer's body, if that came in one piece, as almost every page does: then all of it is sent at its end. Of an answer in
several pieces a `Passing` sees to it.
"""

from random import random
from typing import TYPE_CHECKING, Union

from proxy.claims import Route, Shadowing
from proxy.copies import ABANDONED, BEGIN, END, MESSAGE, PIECE, SIZE, WHOLE, Cause, pack
from proxy.standing import NOT_COPIED
from proxy.wire.outbox import Outbox
from proxy.wire.peer import Peer
from proxy.wire.station import Station

if TYPE_CHECKING:
    from proxy.wire.exchange import Exchange

# Bytes of an exchange that are sent at once: any page but a large one, and half of what a message takes.
GATHERED = 64 * 1024

Copied = Union[list[bytes], "Passing"]

_BEGINNINGS = tuple(b"HTTP/1.1 %d " % status for status in range(1000))


def drawn(station: Station, shadowing: Shadowing, peer: Peer) -> Copied | None:
    """The beginning of what is copied, of an exchange with `peer`; None where it is not in the sample."""
    if random() >= shadowing.sample or station.outbox is None:  # noqa: S311  # no secret
        return None
    return [peer.line]


def head_came(exchange: "Exchange", content: bytes) -> None:
    """The head of the answer, which the exchange knows by now, and its first bytes; the request is still held."""
    if exchange.request.has_body:
        exchange.body = exchange.held_body() if exchange.request_ended and exchange.is_held else None
    copied = exchange.copied
    if type(copied) is list and len(content) <= GATHERED:
        copied.append(content)
    else:
        content_came(exchange, content)


def content_came(exchange: "Exchange", content: bytes) -> None:
    """More of the answer's body."""
    copied = exchange.copied
    if type(copied) is list:
        copied = exchange.copied = Passing(exchange, copied)
    assert isinstance(copied, Passing)
    copied.content_came(content)


def ended(exchange: "Exchange", micros: int) -> None:
    """The answer is whole, and took that long."""
    copied = exchange.copied
    if type(copied) is not list:
        assert isinstance(copied, Passing)
        copied.ended(micros)
        return
    shadowing = exchange.plan.shadowing
    assert shadowing is not None
    peer, content = copied
    body = _body_of(exchange)
    if body is None or len(content) > shadowing.max_body:
        give_up(exchange, Cause.LARGE)
        return
    data = _joined(exchange, peer, body, content)
    if len(data) > MESSAGE - SIZE:
        exchange.copied = passing = Passing(exchange, copied)
        passing.ended(micros)
    elif _put(exchange, WHOLE, data, body=len(body), micros=micros):
        exchange.copied = None
    else:
        give_up(exchange, Cause.FULL)


def give_up(exchange: "Exchange", cause: Cause) -> None:
    """No more of it will come."""
    copied, exchange.copied = exchange.copied, None
    station, claim = exchange.citizen.station, exchange.plan.claim
    assert claim is not None
    _, place = _other_side(exchange)
    station.standing(place).mine[NOT_COPIED[cause]] += 1
    station.counters.count_drop(claim.series, cause)
    if isinstance(copied, Passing) and copied.number is not None:
        _put(exchange, ABANDONED, b"", copied.number, cause)


class Passing:
    """A copied exchange whose answer comes in pieces: gathered, and let go as soon as it is much."""

    __slots__ = ("_exchange", "_parts", "_room", "_size", "number")

    def __init__(self, exchange: "Exchange", came: list[bytes]) -> None:
        shadowing = exchange.plan.shadowing
        assert shadowing is not None
        self.number: int | None = None  # once something of it has gone
        self._exchange = exchange
        self._parts = came
        self._size = sum(map(len, came[1:]))
        self._room = shadowing.max_body - self._size

    def content_came(self, content: bytes) -> None:
        """More of the answer's body."""
        self._room -= len(content)
        if self._room < 0:
            give_up(self._exchange, Cause.LARGE)
            return
        self._parts.append(content)
        self._size += len(content)
        if self._size > GATHERED:
            self._pass_on()

    def ended(self, micros: int) -> None:
        """The answer is whole."""
        if not self._pass_on():
            return
        assert self.number is not None
        if _put(self._exchange, END, b"", self.number, micros=micros):
            self._exchange.copied = None
        else:
            give_up(self._exchange, Cause.FULL)

    def _pass_on(self) -> bool:
        """Send what was gathered, in pieces that a message takes; False if it is given up."""
        exchange, kind, length = self._exchange, PIECE, 0
        if self.number is None:
            peer, *contents = self._parts
            body = _body_of(exchange)
            if body is None:
                give_up(exchange, Cause.LARGE)
                return False
            kind, length = BEGIN, len(body)
            gathered = _joined(exchange, peer, body, b"".join(contents))
            self.number = _outbox(exchange).next_number()
        else:
            gathered = b"".join(self._parts)
        self._parts, self._size = [], 0
        for at in range(0, len(gathered), GATHERED):
            if not _put(exchange, kind, gathered[at : at + GATHERED], self.number, length):
                give_up(exchange, Cause.FULL)
                return False
            kind = PIECE
        return True


def _joined(exchange: "Exchange", peer: bytes, body: bytes, content: bytes) -> bytes:
    """As `proxy/copies.py` says it."""
    request, reply = exchange.request, exchange.reply
    assert reply is not None
    begins = _BEGINNINGS[reply.status]
    request_of = peer, exchange.trace, b"\r\n", request.raw, body
    return b"".join((*request_of, begins, reply.reason, b"\r\n", reply.lines, b"\r\n", content))


def _body_of(exchange: "Exchange") -> bytes | None:
    """The request's body, framed as it is sent; None if not all of it was held."""
    return exchange.body if exchange.request.has_body else b""


def _other_side(exchange: "Exchange") -> tuple[bool, int]:
    """Whether the slice answers, and the place of the backend that is asked too."""
    plan = exchange.plan
    claim = plan.claim
    assert claim is not None
    route = claim.leads_to
    assert isinstance(route, Route)
    by_slice = plan.series != claim.series
    return by_slice, exchange.generation.backends[route.legacy if by_slice else route.backend].number


def _outbox(exchange: "Exchange") -> Outbox:
    outbox = exchange.citizen.station.outbox
    assert outbox is not None
    return outbox


def _put(exchange: "Exchange", kind: int, data: bytes, number: int = 0, body: int = 0, micros: int = 0) -> bool:
    claim = exchange.plan.claim
    assert claim is not None
    by_slice, place = _other_side(exchange)
    header = pack(len(data), kind, by_slice, place, number, claim.series, body, micros)
    return _outbox(exchange).put(header + data)
