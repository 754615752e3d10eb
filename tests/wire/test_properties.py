"""Laws of the pure functions of the wire, held against the strict reader and against two parsers of other hands."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.generation import HeadLimits
from proxy.wire.body import IncomingBody
from proxy.wire.chunked import LAST_CHUNK, BadChunk, ChunkDecoder, encode_chunk
from proxy.wire.compose import reply_bytes, request_bytes
from proxy.wire.grammar import read_reply, read_request
from proxy.wire.heads import ReplyHead, RequestHead
from tests.wire import reader
from tests.wire.agreement import origin_form
from tests.wire.others import Read, by_h11, by_llhttp

LIMITS = HeadLimits()
LAW = settings(max_examples=400, deadline=None)
# llhttp knows its methods by name.
METHODS = [b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"PATCH", b"OPTIONS", b"PROPFIND", b"REPORT"]
# 9110, 7.6.1 and 7.8: never beyond one hop.
ONE_HOP = {b"keep-alive", b"proxy-connection", b"te", b"proxy-authorization"}

names = st.sampled_from(
    [
        b"Accept",
        b"X-A",
        b"x-a",
        b"X-B",
        b"Cookie",
        b"Keep-Alive",
        b"Proxy-Connection",
        b"TE",
        b"Expect",
        b"Range",
        b"Via",
    ]
)
values = st.sampled_from(
    [
        b"",
        b"1",
        b" 1 ",
        b"\t1",
        b"a, b",
        b"caf\xe9",
        b"x-a",
        b"close",
        b"keep-alive",
        b"chunked",
        b"websocket",
        b'"a;b"',
    ]
) | st.text("aZ09 ,;=/\t:", max_size=6).map(str.encode)
connections = st.lists(
    st.sampled_from([b"close", b"Keep-Alive", b"x-a", b"X-B", b"te", b"Upgrade", b"x-close", b"", b"keep-alive"]),
    max_size=4,
).map(lambda tokens: b"Connection: " + b" , ".join(tokens))
framings = st.sampled_from(
    [
        b"",
        b"",
        b"Content-Length: 3",
        b"content-length: 0",
        b"Transfer-Encoding: chunked",
        b"transfer-encoding:\tCHUNKED ",
    ]
)
# Each of these alone makes a head one that is refused, or should.
bad = st.sampled_from(
    [
        b"Host: b.example",
        b"Content-Length: 4",
        b"Content-Length: +3",
        b"Content-Length : 3",
        b"Transfer-Encoding: gzip, chunked",
        b"Transfer-Encoding: identity",
        b"Upgrade: h2c",
        b" folded",
        b"no colon",
        b"X-A: a\nContent-Length: 3",
        b"Connection: host",
    ]
)
good = st.builds(lambda name, value: name + b":" + value, names, values) | connections | st.just(b"Upgrade: websocket")
fields = st.builds(
    lambda some, framing, worse: [*some, *([framing] if framing else []), *worse],
    st.lists(good, max_size=5),
    framings,
    st.sampled_from([[], [], [], []]) | st.lists(bad, min_size=1, max_size=1) | st.just([]) | st.just([]),
)
targets = st.sampled_from(
    [
        b"/",
        b"/a?b",
        b"/a/b;c?d=/../e",
        b"/%2F%7e//x",
        b"http://a.example/x?y",
        b"http://a.example",
        b"/caf\xe9",
        b"/{a}|b",
    ]
)
bad_lines = st.sampled_from(
    [b"G(T / HTTP/1.1", b"TRACE / HTTP/1.1", b"CONNECT a:1 HTTP/1.1", b"GET /a b HTTP/1.1", b"GET a HTTP/1.1"]
) | st.sampled_from([b"GET / HTTP/1.2", b"GET / HTTP/2.0", b"GET * HTTP/1.1", b"GET /#a HTTP/1.1"])
good_lines = st.builds(
    lambda method, target, version: method + b" " + target + b" HTTP/" + version,
    st.sampled_from([*METHODS, b"get", b"X"]),
    targets,
    st.sampled_from([b"1.1", b"1.1", b"1.1", b"1.0"]),
)
lines = good_lines | good_lines | good_lines | good_lines | bad_lines | st.just(b"OPTIONS * HTTP/1.1")
NASTY = [b"\r", b"\n", b"\r\n", b"\x00", b"\x0b", b" ", b"\t", b":", b",", b";", b"\xa0", b"\x7f", b"0", b"chunked"]


@st.composite
def heads(draw: st.DrawFn) -> bytes:
    """Heads: most in order, some with a byte put in, taken out or doubled."""
    host = draw(st.sampled_from([b"Host: a.example\r\n"] * 5 + [b""]))
    head = draw(lines) + b"\r\n" + host + b"".join(field + b"\r\n" for field in draw(fields))
    for _ in range(draw(st.sampled_from([0, 0, 0, 0, 0, 1, 2]))):
        at = draw(st.integers(0, len(head)))
        end = min(len(head), at + draw(st.integers(0, 2)))
        head = head[:at] + draw(st.sampled_from(NASTY)) + head[end:]
    return head + b"\r\n"


def accepted(head: bytes) -> RequestHead | None:
    """The request, if the head is one and is accepted."""
    end = head.find(b"\r\n\r\n")
    request = read_request(head[: end + 4], LIMITS)
    return request if isinstance(request, RequestHead) else None


def body_for(request: RequestHead) -> tuple[bytes, bytes]:
    """A body as the head announces it: on the wire, and its content."""
    if request.chunked:
        return b"3;a=b\r\nGET\r\n1\r\n \r\n" + LAST_CHUNK, b"GET "
    content = b"GET / HTTP/1.1\r\n\r\n"[: request.length or 0].ljust(request.length or 0, b"x")
    return content, content


def small(request: RequestHead) -> bool:
    return (request.length or 0) < 100_000


@LAW
@given(heads())
def test_what_is_accepted_others_refuse_or_read_the_same(head: bytes) -> None:
    head = head[: head.find(b"\r\n\r\n") + 4]
    request = accepted(head)
    if request is None or not small(request):
        return
    wire, content = body_for(request)
    for read in (by_h11(head + wire), by_llhttp(head + wire)):
        if read is not None:
            assert read.method == request.method
            assert read.body == content
            assert not read.rest
            if request.target != b"*":
                assert origin_form(read.target) == request.target


@LAW
@given(heads())
def test_what_is_accepted_the_strict_reader_reads_the_same(head: bytes) -> None:
    head = head[: head.find(b"\r\n\r\n") + 4]
    request = accepted(head)
    if request is None or not small(request):
        return
    wire, content = body_for(request)
    message = reader.read_request(head + wire + b"GET")
    assert message is not None
    assert (message.method, message.content, message.raw) == (request.method, content, head + wire)


@LAW
@given(heads())
def test_one_request_in_is_never_two_out(head: bytes) -> None:
    request = accepted(head)
    if request is None or not small(request):
        return
    _, content = body_for(request)
    framed = encode_chunk(content) + LAST_CHUNK if request.chunked else content
    said = b"Via: 1.1 x\r\n"
    sent = request_bytes(request, request.target, request.host or b"b.internal", said, request.lines) + framed
    message = reader.read_request(sent)
    assert message is not None
    assert (message.method, message.target, message.content) == (request.method, request.target, content)
    assert message.raw == sent
    one = Read(request.method, request.target, content, False)
    if request.target.isascii():
        assert by_h11(sent) == one
        if request.method in METHODS:
            assert by_llhttp(sent) == one


@LAW
@given(heads())
def test_nothing_hop_by_hop_survives(head: bytes) -> None:
    request = accepted(head)
    if request is None:
        return
    sent = request_bytes(request, request.target, request.host or b"b.internal", b"", request.lines)
    message = reader.read_head(sent, 0, reply=False)
    assert message is not None
    nominated: set[bytes] = set()
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"connection":
            nominated |= {token.strip(b" \t").lower() for token in value.split(b",")} - {b"", b"upgrade"}
    left = {name.lower() for name, _ in message.fields}
    assert left & ONE_HOP == set()
    framing = {b"transfer-encoding"} if request.chunked else set()
    assert left & (nominated - framing) == set()
    switches = (message.values(b"connection"), message.values(b"upgrade"))
    assert switches == (([b"Upgrade"], [b"websocket"]) if request.upgrades else ([], []))


CHUNKS = [b"3\r\nabc\r\n", b"A\r\n0123456789\r\n", b"1;a=b\r\nx\r\n", b'01;a="b;c"\r\nx\r\n', b"5\r\n0\r\n\r\n\r\n"]
NO_CHUNKS = [
    b"3 \r\nabc\r\n",
    b"3\nabc\r\n",
    b"+3\r\nabc\r\n",
    b"3\r\nabc\n",
    b"3\r\nabcd\r\n",
    b"0x3\r\nabc\r\n",
    b"3\rabc\r\n",
]


@st.composite
def chunked_bodies(draw: st.DrawFn) -> bytes:
    """Chunked bodies: most in order, some with a byte put in, taken out or doubled."""
    trailers = draw(st.sampled_from([b"", b"", b"X-T: 1\r\n", b"X-T:\r\nX-U: a b\r\n", b"X T: 1\r\n", b" X: 1\r\n"]))
    some = draw(st.lists(st.sampled_from(CHUNKS), max_size=4)) + draw(st.lists(st.sampled_from(NO_CHUNKS), max_size=1))
    data = b"".join(some) + b"0\r\n" + trailers + b"\r\n"
    for _ in range(draw(st.sampled_from([0, 0, 1, 1, 1, 2, 3]))):
        at = draw(st.integers(0, len(data)))
        end = min(len(data), at + draw(st.integers(0, 2)))
        data = data[:at] + draw(st.sampled_from(NASTY)) + data[end:]
    return data


chunks = chunked_bodies()
cuts = st.lists(st.integers(1, 7), max_size=60)


def pieces(data: bytes, sizes: list[int]) -> list[bytes]:
    found, at = [], 0
    for size in sizes:
        found.append(data[at : at + size])
        at += size
    return [piece for piece in (*found, data[at:]) if piece]


@LAW
@given(chunks, st.binary(max_size=8))
def test_a_chunked_body_that_is_taken_is_what_the_strict_reader_reads(data: bytes, rest: bytes) -> None:
    data += rest
    decoder = ChunkDecoder()
    try:
        content = decoder.feed(data)
    except BadChunk:
        return
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    if decoder.done:
        message = reader.read_request(head + data)
        assert message is not None
        assert message.content == content
        assert message.raw == (head + data)[: len(head) + len(data) - len(decoder.rest)]


@LAW
@given(st.integers(0, 40), st.none() | chunks, st.binary(max_size=60), cuts)
def test_how_a_body_is_cut_does_not_matter(length: int, chunked: bytes | None, data: bytes, sizes: list[int]) -> None:
    def taken(parts: list[bytes]) -> tuple[bytes, bool, bytes] | None:
        request = RequestHead(b"POST", b"/", 1, [])
        request.chunked, request.length = chunked is not None, None if chunked is not None else length
        body = IncomingBody(request, 1000)
        content, rest = b"", b""
        try:
            for part in parts:
                if body.ended:
                    rest += part
                else:
                    body.feed(part)
                    content += body.content
                    rest = body.rest
        except BadChunk:
            return None
        return content, body.ended, rest

    stream = data if chunked is None else chunked + data
    assert taken(pieces(stream, sizes)) == taken(pieces(stream, []))


statuses = st.sampled_from(
    [b"200 OK", b"204 No Content", b"304 Not Modified", b"404", b"103 Early Hints", b"20 OK", b"999 X"]
)
reply_lines = st.lists(
    st.builds(lambda name, value: name + b":" + value, names, values)
    | connections
    | framings.filter(bool)
    | bad
    | st.sampled_from([b"Set-Cookie: a=1", b"Set-Cookie: b=2", b"Content-Length: 4", b"Content-Length: 3, 3"]),
    max_size=5,
)


@LAW
@given(statuses, reply_lines, st.sampled_from([b"GET", b"HEAD"]), st.sampled_from([b"1.1", b"1.0"]))
def test_a_reply_that_is_taken_is_what_the_strict_reader_reads(
    status: bytes, lines: list[bytes], method: bytes, version: bytes
) -> None:
    head = b"HTTP/%b %b\r\n" % (version, status) + b"".join(line + b"\r\n" for line in lines) + b"\r\n"
    head = head[: head.find(b"\r\n\r\n") + 4]
    reply = read_reply(head, method)
    if not isinstance(reply, ReplyHead) or reply.status < 200 or (reply.length or 0) > 100_000:
        return
    content = b"x" * (reply.length or 0) if reply.has_body and not reply.chunked else b""
    wire = (encode_chunk(b"abc") + LAST_CHUNK) if reply.chunked else content
    if reply.status not in (204,):
        message = reader.read_reply(head + wire, 0, method, ended=True)
        assert message is not None
        assert message.status == reply.status
        assert message.content == (b"abc" if reply.chunked else content)
    chunked = reply.has_body and reply.length is None
    sent = reply_bytes(reply, reply.lines, minor=1, keep_alive=True, chunked=chunked, date=b"", hsts=b"")
    passed = reader.read_reply(
        sent + (encode_chunk(b"abc") + LAST_CHUNK if chunked else content), 0, method, ended=False
    )
    assert passed is not None
    assert passed.content == (b"abc" if chunked else content)
    assert passed.head.values(b"set-cookie") == [value for name, value in reply.fields if name.lower() == b"set-cookie"]
