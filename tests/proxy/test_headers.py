"""Which fields pass, which end at the proxy, and who is believed about the citizen."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.headers import (
    CODING,
    CONNECTION,
    HOP_BY_HOP,
    HOST,
    KEEP,
    KINDS,
    LENGTH,
    MAX_FORWARDS,
    OVERRIDE,
    REPLY_KINDS,
    STOP,
    TOLD,
    UPGRADE,
    Field,
    forwarding_fields,
    is_trusted,
    nominated,
    reply_kind,
    request_kind,
    sender_of,
)

TRUST = [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8")]

KINDS_OF_REQUESTS = [
    (b"Accept", KEEP),
    (b"Cookie", KEEP),
    (b"Expect", KEEP),
    (b"Host", HOST),
    (b"CONTENT-LENGTH", LENGTH),
    (b"transfer-encoding", CODING),
    (b"Connection", CONNECTION),
    (b"X-Http-Method-Override", OVERRIDE),
    (b"upgrade", UPGRADE),
    (b"Max-Forwards", MAX_FORWARDS),
    (b"Forwarded", TOLD),
    (b"X-FORWARDED-ANYTHING", TOLD),
    (b"TraceParent", TOLD),
    (b"tracestate", TOLD),
    (b"X-Request-Id", TOLD),
    (b"X-Real-IP", STOP),
    (b"Proxy", STOP),
    (b"X-Original-URL", STOP),
    (b"Fig-Side", STOP),
    (b"X_Forwarded_For", STOP),
    (b"content_length", STOP),
]


@pytest.mark.parametrize(("name", "kind"), KINDS_OF_REQUESTS)
def test_every_kind_of_request_field(name: bytes, kind: int) -> None:
    assert request_kind(name) == kind


@given(st.sampled_from(sorted(HOP_BY_HOP - {b"connection", b"transfer-encoding", b"upgrade"})), st.randoms())
def test_no_hop_by_hop_field_survives_in_any_spelling(name: bytes, random: object) -> None:
    spelt = bytes(byte ^ 0x20 if 0x61 <= byte <= 0x7A and random.random() < 0.5 else byte for byte in name)  # type: ignore[attr-defined]
    assert request_kind(spelt) == STOP
    assert reply_kind(spelt) == STOP


def test_a_stranger_who_invents_names_does_not_grow_the_memory() -> None:
    for number in range(10_000):
        request_kind(b"x-%d" % number)
        reply_kind(b"x-%d" % number)
    request_kind(b"x" * 30_000)
    assert len(KINDS) <= 4096
    assert len(REPLY_KINDS) <= 4096
    assert max(map(len, KINDS)) <= 64


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (b"", set()),
        (b"close", set()),
        (b"Keep-Alive", set()),
        (b"X-One,x-two ,\tX-THREE", {b"x-one", b"x-two", b"x-three"}),
        (b", ,upgrade", set()),
    ],
)
def test_what_connection_nominates(value: bytes, names: set[bytes]) -> None:
    assert nominated(value) == names


@pytest.mark.parametrize(
    ("address", "trusted"),
    [
        ("10.1.2.3", True),
        ("11.1.2.3", False),
        ("::ffff:10.1.2.3", True),
        ("fd00::1", True),
        ("fe80::1%eth0", False),
        ("unknown", False),
    ],
)
def test_who_is_trusted(address: str, trusted: bool) -> None:
    assert is_trusted(address, TRUST) is trusted
    assert is_trusted(address, []) is False


def xff(value: bytes, *others: Field) -> list[Field]:
    return [(b"X-Forwarded-For", value), *others]


CHAINS: list[tuple[str, list[Field], bytes, bytes]] = [  # law, told, client, chain
    ("nothing is told", [], b"10.0.0.1", b"10.0.0.1"),
    ("one citizen", xff(b"1.2.3.4"), b"1.2.3.4", b"1.2.3.4, 10.0.0.1"),
    ("read from the right, up to the first stranger", xff(b"6.6.6.6, 1.2.3.4"), b"1.2.3.4", b"1.2.3.4, 10.0.0.1"),
    ("through another of ours", xff(b"6.6.6.6, 1.2.3.4, 10.0.0.2"), b"1.2.3.4", b"1.2.3.4, 10.0.0.2, 10.0.0.1"),
    ("what is no address ends it", xff(b"1.2.3.4, evil, 10.0.0.2"), b"10.0.0.2", b"10.0.0.2, 10.0.0.1"),
    ("in several fields", [*xff(b"1.2.3.4"), *xff(b"10.0.0.2")], b"1.2.3.4", b"1.2.3.4, 10.0.0.2, 10.0.0.1"),
    ("Forwarded", [(b"Forwarded", b"for=1.2.3.4;proto=https")], b"1.2.3.4", b"1.2.3.4, 10.0.0.1"),
    ("IPv6 with a port", [(b"Forwarded", b'for="[2001:db8::1]:4711"')], b"2001:db8::1", b"2001:db8::1, 10.0.0.1"),
    ("a malformed Forwarded", [(b"Forwarded", b'for="1.2.3.4')], b"10.0.0.1", b"10.0.0.1"),
    (
        "X-Forwarded-For is read and Forwarded is not",
        xff(b"1.2.3.4", (b"Forwarded", b"for=6.6.6.6")),
        b"1.2.3.4",
        b"1.2.3.4, 10.0.0.1",
    ),
]


@pytest.mark.parametrize(("law", "told", "client", "chain"), CHAINS, ids=[case[0] for case in CHAINS])
def test_the_sender(law: str, told: list[Field], client: bytes, chain: bytes) -> None:
    sender = sender_of(b"10.0.0.1", b"www.anytown.gov.uk", told, TRUST)
    assert (sender.client, sender.chain) == (client, chain)


def test_the_scheme_and_the_host_as_the_citizen_saw_them() -> None:
    told = xff(b"1.2.3.4", (b"X-Forwarded-Proto", b"https"), (b"X-Forwarded-Host", b"a.gov.uk, b.gov.uk"))
    sender = sender_of(b"10.0.0.1", b"internal", told, TRUST)
    assert (sender.proto, sender.host) == (b"https", b"b.gov.uk")
    odd = sender_of(b"10.0.0.1", b"h", [(b"x-forwarded-proto", b"gopher"), (b"x-forwarded-host", b'a"b')], TRUST)
    assert (odd.proto, odd.host) == (b"http", b"h")


def test_what_the_proxy_says_itself() -> None:
    sender = sender_of(b"2001:db8::2", b"www.anytown.gov.uk", [], [])
    assert forwarding_fields(sender) == (
        b"Via: 1.1 stranglerfig\r\n"
        b"X-Forwarded-For: 2001:db8::2\r\n"
        b"X-Forwarded-Proto: http\r\n"
        b"X-Forwarded-Host: www.anytown.gov.uk\r\n"
        b'Forwarded: for="[2001:db8::2]";host="www.anytown.gov.uk";proto=http\r\n'
    )
