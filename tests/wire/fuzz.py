"""The fuzzer: real heads, bodies and replies with a few bytes changed, against the pure functions and a running proxy.

Deterministic from its seed. A finding is a sentence with the bytes in it; what is found belongs among the cases.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from proxy.generation import HeadLimits
from proxy.wire import patterns
from proxy.wire.body import IncomingBody
from proxy.wire.chunked import LAST_CHUNK, BadChunk, encode_chunk
from proxy.wire.compiled import CUT
from proxy.wire.compose import request_bytes
from proxy.wire.grammar import read_reply, read_request
from proxy.wire.heads import ReplyHead, RequestHead
from tests.wire import reader
from tests.wire.agreement import origin_form, replies_disagree, requests_disagree
from tests.wire.backend import ScriptedBackend
from tests.wire.case import ID, SAFE, Case, Close
from tests.wire.others import Read, by_h11, by_llhttp
from tests.wire.player import Patience, Player, Seen
from tests.wire.subjects import CASES

LIMITS = HeadLimits()
TOKEN = b"case-00000000-00000"
PIECES = (
    *(
        b"\r",
        b"\n",
        b"\r\n",
        b"\r\n\r\n",
        b"\x00",
        b"\x0b",
        b"\x0c",
        b"\x7f",
        b"\x80",
        b"\xff",
        b" ",
        b"\t",
        b":",
        b";",
    ),
    *(b",", b"0", b"1", b"f", b"-", b"+", b'"', b"/", b"#", b"?", b"%", b"%0d%0a", b"@", b"chunked", b"close", b"\x1b"),
    *(
        b"Content-Length: 3\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Host: b\r\n",
        b" folded\r\n",
        b"HTTP/1.1",
        b"HTTP/1.0",
    ),
    *(b"0\r\n\r\n", b"3\r\nabc\r\n", b"Connection: x-a\r\n", b"Upgrade: h2c\r\n", b"Expect: 100-continue\r\n"),
)


def _bytes_of(steps: Sequence[object]) -> bytes:
    return b"".join(step for step in steps if isinstance(step, bytes))


REQUESTS = tuple(sent for case in CASES if 0 < len(sent := _bytes_of(case.sends)) < 2000)
REPLIES = tuple(sent for case in CASES if case.reply and 0 < len(sent := _bytes_of(case.reply)) < 2000)


def mutated(rng: random.Random, data: bytes, *, most: int = 4) -> bytes:
    """`data` with up to `most` changes; sometimes none."""
    for _ in range(rng.choice((0, 1, 1, 1, 2, most))):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(6):
            case 0:
                data = data[:at] + rng.choice(PIECES) + data[at:]
            case 1:
                data = data[:at] + data[at + rng.randint(1, 3) :]
            case 2:
                data = data[:at] + rng.choice(PIECES) + data[at + 1 :]
            case 3:
                data = data[:at] + bytes((rng.randrange(256),)) + data[at + 1 :]
            case 4:
                lines = data.split(b"\r\n")
                lines.insert(rng.randrange(len(lines) + 1), rng.choice(lines))
                data = b"\r\n".join(lines)
            case _:
                lines = data.split(b"\r\n")
                first, second = rng.randrange(len(lines)), rng.randrange(len(lines))
                lines[first], lines[second] = lines[second], lines[first]
                data = b"\r\n".join(lines)
    return data


@dataclass
class Findings:
    """How much was tried, and what was found."""

    tried: int = 0
    passed: int = 0
    wrong: list[str] = field(default_factory=list)


# Against the pure functions.


def fuzz_functions(seed: int, seconds: float) -> Findings:
    """Requests and replies in memory, for so long."""
    rng, found = random.Random(seed), Findings()
    until = time.monotonic() + seconds
    while time.monotonic() < until and len(found.wrong) < 20:
        for _ in range(200):
            found.tried += 1
            request = mutated(rng, rng.choice(REQUESTS).replace(ID, TOKEN))
            reply = mutated(rng, rng.choice(REPLIES).replace(ID, TOKEN))
            method = rng.choice((b"GET", b"HEAD"))
            ways = (*_cut_otherwise(request), *_cut_otherwise(reply))
            for each in (*_request_wrongs(request, found), *_reply_wrongs(reply, method), *ways):
                found.wrong.append(f"seed {seed}: {each}")
    return found


def _cut_otherwise(data: bytes) -> Iterator[str]:
    if CUT is not None:
        most = LIMITS.head + 4
        if CUT.cut_request(data, most) != patterns.cut_request(data, most):
            yield f"compiled, a request is cut in another way: {data!r}"
        if CUT.cut_reply(data, most) != patterns.cut_reply(data, most):
            yield f"compiled, a reply is cut in another way: {data!r}"


def _request_wrongs(data: bytes, found: Findings) -> Iterator[str]:
    while data.startswith(b"\r\n"):
        data = data[2:]
    end = data.find(b"\r\n\r\n") + 4
    request = read_request(data[:end], LIMITS) if end > 3 else None
    if not isinstance(request, RequestHead):
        return
    body = IncomingBody(request, 1 << 30)
    try:
        body.feed(data[end:])
    except BadChunk:
        return
    if request.has_body and not body.ended:
        return
    content, rest = (body.content, body.rest) if request.has_body else (b"", data[end:])
    found.passed += 1
    stream = data[: len(data) - len(rest)]
    framed = encode_chunk(content) + LAST_CHUNK if request.chunked else content
    said = b"Via: 1.1 x\r\n"
    sent = request_bytes(request, request.target, request.host or b"b.internal", said, request.lines) + framed
    for what, stream_of, target in (("what came", stream, None), ("what goes", sent, request.target)):
        for name, read in (("h11", by_h11(stream_of)), ("llhttp", by_llhttp(stream_of))):
            if read is not None and not _is_same(read, request, content):
                yield f"{name} reads {what} as {read!r}: {stream_of!r}"
        try:
            message = reader.read_request(stream_of)
        except reader.Bad as bad:
            yield f"{what} is no request ({bad}): {stream_of!r}"
            continue
        if message is None or (message.raw, message.content) != (stream_of, content):
            yield f"{what} is not one request: {stream_of!r}"
        elif target is not None and message.target != target:
            yield f"the target became {message.target!r}: {stream_of!r}"


def _is_same(read: Read, request: RequestHead, content: bytes) -> bool:
    same_target = request.target == b"*" or origin_form(read.target) == request.target
    return same_target and (read.method, read.body, read.rest) == (request.method, content, False)


def _reply_wrongs(data: bytes, method: bytes) -> Iterator[str]:
    end = data.find(b"\r\n\r\n") + 4
    reply = read_reply(data[:end], method) if end > 3 else None
    if not isinstance(reply, ReplyHead):
        return
    try:
        reader.read_head(data, 0, reply=True)
    except reader.Bad as bad:
        yield f"a head that is none is taken ({bad}): {data[:end]!r}"


# Against a running proxy.


async def fuzz_proxy(port: int, backend_port: int, seed: int, seconds: float, *, at_once: int = 8) -> Findings:
    """Through 127.0.0.1:`port`, with the strict reader behind it at 127.0.0.1:`backend_port`."""
    rng, found = random.Random(seed), Findings()
    until = time.monotonic() + seconds
    async with ScriptedBackend(port=backend_port) as backend:
        player = Player(port, backend, Patience(reply=0.4, close=0.4))

        async def one() -> None:
            while time.monotonic() < until and len(found.wrong) < 20:
                request = mutated(rng, rng.choice(REQUESTS))
                scripted = rng.random() < 0.4
                reply = mutated(rng, rng.choice(REPLIES)) if scripted else b""
                if scripted:
                    request = b"GET /@ID@ HTTP/1.1\r\nHost: a\r\n\r\n"
                case = Case("fuzz", "", (request,), SAFE, reply=(reply, Close()) if scripted else None, foreign=True)
                seen = await player.play(case, "whole")
                found.tried += 1
                found.passed += bool(seen.backend.requests)
                found.wrong += [f"seed {seed}: {each}" for each in _seen_wrongs(seen, request, reply)]

        await asyncio.gather(*(one() for _ in range(at_once)))
        for stray in backend.strays:
            # Without its token a request is nobody's; it must be a request all the same.
            try:
                reader.read_request(stray)
            except reader.Bad as bad:
                found.wrong.append(f"seed {seed}: the backend got what is no request ({bad}): {stray!r}")
    return found


def _seen_wrongs(seen: Seen, request: bytes, reply: bytes) -> Iterator[str]:
    for bad in seen.backend.bad:
        if not bad.startswith("loose"):
            yield f"the backend got what is no request: {bad}; out of {request!r}"
    if seen.strangers:
        yield f"bytes of another citizen's reply: {seen.received!r}; after {request!r}"
    if reply:
        token = next((each.target[1:] for each in seen.backend.requests), TOKEN)
        wrong = replies_disagree(
            reply.replace(ID, token), b"GET", ended=True, got=seen.replies[:1], was_cut=seen.closed
        )
        if wrong:
            yield f"{wrong}; out of {reply!r}"
    else:
        token = next((found for found in (_token(each.raw) for each in seen.backend.requests) if found), TOKEN)
        wrong = requests_disagree(request.replace(ID, token), seen.backend.requests)
        if wrong:
            yield f"{wrong}; out of {request!r}"


def _token(data: bytes) -> bytes:
    at = data.find(b"case-")
    return data[at : at + len(TOKEN)] if at >= 0 else b""
