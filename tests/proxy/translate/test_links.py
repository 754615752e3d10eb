"""A backend's own address is found however it is spelled, nothing else is, and how a text is cut does not matter."""

from __future__ import annotations

from itertools import pairwise
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.translate.links import LinkStream, Turn, begins_with, turned
from proxy.translate.place import Place, ports_of

PUBLIC = Place(b"https", b"www.anytown.gov.uk")
OWN = ((b"legacy.internal", ports_of(80)), (b"10.0.0.5", ports_of(8081)), (b"my-app", ports_of(80)))
TURN = Turn(OWN, PUBLIC)

FOUND = [  # law, text, what it becomes
    ("plain", b'<a href="http://legacy.internal/a?b#c">', b'<a href="https://www.anytown.gov.uk/a?b#c">'),
    ("alone", b"http://legacy.internal", b"https://www.anytown.gov.uk"),
    ("in https", b"https://legacy.internal/", b"https://www.anytown.gov.uk/"),
    ("with the default port written", b"http://legacy.internal:80/", b"https://www.anytown.gov.uk/"),
    ("with that of the other scheme", b"https://legacy.internal:443/", b"https://www.anytown.gov.uk/"),
    ("with a port of its own", b"http://10.0.0.5:8081/x", b"https://www.anytown.gov.uk/x"),
    ("in any case", b"HTTP://Legacy.INTERNAL/A", b"https://www.anytown.gov.uk/A"),
    ("without a scheme", b"url(//legacy.internal/a.css)", b"url(//www.anytown.gov.uk/a.css)"),
    ("without a scheme, at the very start", b"//legacy.internal", b"//www.anytown.gov.uk"),
    ("a socket", b"'ws://legacy.internal/live'", b"'wss://www.anytown.gov.uk/live'"),
    ("a secure socket", b"wss://legacy.internal", b"wss://www.anytown.gov.uk"),
    ("with a name and a password", b"http://joe:pw@legacy.internal/", b"https://joe:pw@www.anytown.gov.uk/"),
    ("escaped", rb'"http:\/\/legacy.internal\/a"', rb'"https:\/\/www.anytown.gov.uk\/a"'),
    ("escaped, without a scheme", rb'"\/\/legacy.internal\/a"', rb'"\/\/www.anytown.gov.uk\/a"'),
    ("escaped twice", rb'\"http:\\/\\/legacy.internal\\/a\"', rb'\"https:\\/\\/www.anytown.gov.uk\\/a\"'),
    ("escaped by number", rb"http:\u002F\u002Flegacy.internal\u002f", rb"https:\u002F\u002Fwww.anytown.gov.uk\u002f"),
    ("all of it by number", rb"http\u003A\u002F\u002Flegacy.internal", rb"https\u003A\u002F\u002Fwww.anytown.gov.uk"),
    ("a hyphen by number", rb"http://my\u002Dapp/x", rb"https://www.anytown.gov.uk/x"),
    ("percent-encoded", b"n=http%3A%2F%2Flegacy.internal%2Fa", b"n=https%3A%2F%2Fwww.anytown.gov.uk%2Fa"),
    ("percent-encoded in lower case", b"http%3a%2f%2flegacy.internal", b"https%3a%2f%2fwww.anytown.gov.uk"),
    ("the colon as it is", b"http:%2F%2Flegacy.internal", b"https:%2F%2Fwww.anytown.gov.uk"),
    ("percent-encoded with its port", b"http%3A%2F%2Flegacy.internal%3A80%2F", b"https%3A%2F%2Fwww.anytown.gov.uk%2F"),
    ("twice", b"http%253A%252F%252Flegacy.internal%252F", b"https%253A%252F%252Fwww.anytown.gov.uk%252F"),
    ("without a scheme, encoded", b"n=%2F%2Flegacy.internal%2F", b"n=%2F%2Fwww.anytown.gov.uk%2F"),
    ("behind an encoded quote", b"%22%2F%2Flegacy.internal%2F", b"%22%2F%2Fwww.anytown.gov.uk%2F"),
    ("HTML's numbers", b"http:&#x2F;&#x2F;legacy.internal&#x2F;", b"https:&#x2F;&#x2F;www.anytown.gov.uk&#x2F;"),
    ("behind a line's end in JSON", rb'"a\nhttp://legacy.internal"', rb'"a\nhttps://www.anytown.gov.uk"'),
    ("and one without a scheme", rb'"a\n//legacy.internal"', rb'"a\n//www.anytown.gov.uk"'),
    ("at the end of a sentence", b"see http://legacy.internal. Then", b"see https://www.anytown.gov.uk. Then"),
    ("with the root's dot", b"http://legacy.internal./a", b"https://www.anytown.gov.uk./a"),
    ("in a path", b"https://sso.example/to/http://legacy.internal/", b"https://sso.example/to/https://www.anytown.gov.uk/"),
    ("in a query", b"https://sso.example/?u=http://legacy.internal", b"https://sso.example/?u=https://www.anytown.gov.uk"),
    ("two in a row", b"http://legacy.internal http://legacy.internal", b"https://www.anytown.gov.uk https://www.anytown.gov.uk"),
    ("bytes of any encoding about it", b"\xe9http://legacy.internal\xff", b"\xe9https://www.anytown.gov.uk\xff"),
]  # fmt: skip

OTHERS = [  # law, text
    ("a longer name", b"http://legacy.internal.example/"),
    ("a longer label", b"http://legacy.internals/"),
    ("a label that goes on", b"http://legacy.internal-old/"),
    ("a longer name, encoded", b"http://legacy.internal%2Eexample"),
    ("another's subdomain", b"http://xlegacy.internal/"),
    ("a subdomain", b"http://old.legacy.internal/"),
    ("another port", b"http://legacy.internal:8080/"),
    ("another port, encoded", b"http%3A%2F%2Flegacy.internal%3A8080"),
    ("a port that begins like one of its own", b"http://legacy.internal:8000/"),
    ("a number that is no port", b"http://legacy.internal:800000/"),
    ("no port where it has one", b"http://10.0.0.5/"),
    ("the default port where it has another", b"http://10.0.0.5:80/"),
    ("another scheme", b"ftp://legacy.internal/"),
    ("another scheme, encoded", b"ldap%3A%2F%2Flegacy.internal"),
    ("a path", b"/a//legacy.internal/"),
    ("a path of another", b"https://a.example//legacy.internal"),
    ("a bare name", b"the server legacy.internal, or legacy.internal/a"),
    ("a mail address", b"mailto:joe@legacy.internal"),
    ("a name before another host", b"http://legacy.internal@evil.example/"),
    ("the same, encoded", b"http%3A%2F%2Flegacy.internal%40evil.example"),
    ("an @ in another's path", b"http://a.example/joe@legacy.internal"),
    ("the same, encoded", b"http%3A%2F%2Fa.example%2Fjoe%40legacy.internal"),
    ("a comment", b"a//legacy.internal"),
]


@pytest.mark.parametrize(("law", "text", "becomes"), FOUND, ids=[case[0] for case in FOUND])
def test_found_and_written_as_the_public_one(law: str, text: bytes, becomes: bytes) -> None:
    assert turned(text, TURN) == becomes
    assert turned(b"x " + text + b" y", TURN) == b"x " + becomes + b" y"


@pytest.mark.parametrize(("law", "text"), OTHERS, ids=[case[0] for case in OTHERS])
def test_what_is_another_stays(law: str, text: bytes) -> None:
    assert turned(text, TURN) == text


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        (b"http://legacy.internal/", b"http://127.0.0.1:8080/"),
        (b"wss://legacy.internal/", b"ws://127.0.0.1:8080/"),
        (b"//legacy.internal:443/", b"//127.0.0.1:8080/"),
        (rb"http:\/\/legacy.internal\/", rb"http:\/\/127.0.0.1:8080\/"),
        (b"http%3a%2f%2flegacy.internal", b"http%3a%2f%2f127.0.0.1%3a8080"),
        (b"=%2F%2Flegacy.internal", b"=%2F%2F127.0.0.1%3A8080"),
        (b"=%252F%252Flegacy.internal", b"=%252F%252F127.0.0.1%253A8080"),
        (b"http:%2f%2flegacy.internal%3A80", b"http:%2f%2f127.0.0.1%3A8080"),
    ],
)
def test_a_port_is_written_as_its_address_is_spelled(text: bytes, becomes: bytes) -> None:
    assert turned(text, Turn(OWN, Place(b"http", b"127.0.0.1", 8080))) == becomes


def test_only_one_scheme_may_count() -> None:
    back = Turn(((b"www.anytown.gov.uk", ports_of(443)),), Place(b"http", b"legacy.internal"), only=b"https")
    assert turned(b"https://www.anytown.gov.uk/a", back) == b"http://legacy.internal/a"
    assert turned(b"http://www.anytown.gov.uk/a", back) == b"http://www.anytown.gov.uk/a"
    assert turned(b"wss://www.anytown.gov.uk ws://www.anytown.gov.uk", back) == (
        b"ws://legacy.internal ws://www.anytown.gov.uk"
    )
    assert begins_with(b"https://www.anytown.gov.uk/a", back)
    assert not begins_with(b" https://www.anytown.gov.uk/a", back)
    assert not begins_with(b"https://evil.example/?https://www.anytown.gov.uk", back)


def test_forth_and_back_is_where_it_was() -> None:
    back = Turn(((b"www.anytown.gov.uk", ports_of(443)),), Place(b"http", b"legacy.internal"), only=b"https")
    text = b"http://legacy.internal/a " + quote("http://legacy.internal/b", safe="").encode()
    assert turned(turned(text, TURN), back) == text


WHOLE = b" ".join(text for _, text, _ in FOUND) + b"\n" + b" ".join(text for _, text in OTHERS)


@pytest.mark.parametrize("text", [text for _, text, _ in FOUND] + [text for _, text in OTHERS])
def test_cut_at_every_byte(text: bytes) -> None:
    padded = b"-" * 150 + text + b"-" * 150
    for before, after in ((b"", b""), (b"x " * 80, b" y" * 80)):
        long = before + text + after
        for cut in range(len(long) + 1):
            assert pieces(long, [cut]) == turned(long, TURN), cut
    assert pieces(padded, range(len(padded))) == turned(padded, TURN)


def pieces(text: bytes, cuts: range | list[int]) -> bytes:
    stream = LinkStream(TURN)
    places = [0, *sorted(cuts), len(text)]
    out = [stream.feed(text[begin:end]) for begin, end in pairwise(places)]
    return b"".join(out) + stream.feed(b"", last=True)


PARTS = st.sampled_from(
    [b"legacy.internal", b"http://", b"//", b"https:", b"%2F%2F", b"http%3A", rb"\/\/", b"joe@", b":80", b":", b"8081",
     b".", b"example", b"/", b"10.0.0.5", b"%40", b"@", b" ", b"-", rb"\u002f", b"my-app", b"x" * 70, b"ws://", b"%"]
)  # fmt: skip


@given(st.lists(PARTS, max_size=30).map(b"".join), st.lists(st.integers(0, 400), max_size=8))
@example(WHOLE, list(range(400)))
def test_however_a_text_is_cut_the_same_comes_out(text: bytes, cuts: list[int]) -> None:
    assert pieces(text, [cut for cut in cuts if cut <= len(text)]) == turned(text, TURN)


@given(st.binary(max_size=400))
def test_a_text_without_the_name_is_not_touched(text: bytes) -> None:
    assert turned(text, TURN) == text


def test_a_stream_holds_back_little() -> None:
    stream = LinkStream(TURN)
    given = sum(len(stream.feed(b"<p>" * 1000)) for _ in range(100))
    assert 300_000 - given <= TURN.reach < 512
