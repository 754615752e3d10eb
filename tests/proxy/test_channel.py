"""How a generation is handed over: in pieces small enough that no request waits for one."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace

import pytest

from proxy.channel import CLAIMS_A_PIECE, Begin, Claims, Drain, Dropped, Message, Swap, frame, receive, send, whole
from proxy.generation import Generation
from proxy.paths import PathRules
from proxy.plan import Rules
from proxy.sections import Section, Sections
from proxy.table import Claim, Gone, Pattern, Regex, Table


def a_claim(number: int) -> Claim:
    return Claim(
        Pattern.parse(f"/kiosk/{number}"), methods=None, leads_to=Gone(), at=f"routes.yaml:{number}", series=number
    )


def received(frames: tuple[bytes, ...]) -> list[Message]:
    async def main() -> list[Message]:
        ours, theirs = socket.socketpair()
        reader, answers = await asyncio.open_connection(sock=ours)
        other, writer = await asyncio.open_connection(sock=theirs)
        messages: list[Message] = []

        async def read() -> None:
            while (message := await receive(reader)) is not None:
                messages.append(message)

        reading = asyncio.create_task(read())
        await send(writer, *frames)
        for each in (writer, answers):
            each.close()
            await each.wait_closed()
        await reading
        assert other.at_eof()
        return messages

    return asyncio.run(main())


def a_generation(number: int) -> Generation:
    return Generation(number, Rules(Table(), "legacy", frozenset(), PathRules()), {})


def sections(claims: tuple[Claim, ...]) -> Sections:
    return {("gone",): Section(None, (), claims)}


def test_a_generation_arrives_in_pieces_and_whole() -> None:
    claims = tuple(map(a_claim, range(1001)))
    messages = received(whole(a_generation(7), sections(claims)).frames)
    assert isinstance(messages[0], Begin)
    assert messages[-1] == Swap(7)
    pieces = [message.claims for message in messages[1:-1] if isinstance(message, Claims)]
    assert max(map(len, pieces)) <= CLAIMS_A_PIECE
    assert tuple(claim for piece in pieces for claim in piece) == claims


def test_who_serves_by_the_generation_before_is_told_what_changed_and_others_all() -> None:
    claims = tuple(map(a_claim, range(1001)))
    before = whole(a_generation(7), sections(claims))
    after = whole(a_generation(8), sections((*claims[:500], a_claim(5000), *claims[501:])), before)
    changed = Begin(a_generation(8), since=7), Dropped((claims[500],)), Claims((a_claim(5000),)), Swap(8)
    assert [type(each) for each in received(after.frames_after(7))] == [type(each) for each in changed]
    assert received(after.frames_after(7))[1:] == list(changed[1:])
    for other in (0, 6, 8):
        assert after.frames_after(other) is after.frames
    assert sum(len(each.claims) for each in received(after.frames) if isinstance(each, Claims)) == 1001


LAWS = [  # law, what is dropped
    ("a regex that is dropped", replace(a_claim(1), pattern=Regex("/a.*"), priority=0)),
    ("a priority that is dropped", replace(a_claim(1), priority=3)),
]


@pytest.mark.parametrize(("law", "dropped"), LAWS, ids=[case[0] for case in LAWS])
def test_what_leaves_a_trace_in_a_table_is_a_reason_to_tell_all(law: str, dropped: Claim) -> None:
    claims = tuple(map(a_claim, range(2, 9)))
    after = whole(a_generation(8), sections(claims), whole(a_generation(7), sections((dropped, *claims))))
    assert after.frames_after(7) is after.frames


def test_a_message_is_itself_at_the_other_end() -> None:
    assert received((frame(Drain(2.5)), frame(Swap(3)))) == [Drain(2.5), Swap(3)]


def test_half_a_message_is_none() -> None:
    assert received((frame(Drain(2.5))[:-1],)) == []
