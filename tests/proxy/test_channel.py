"""How a generation is handed over: in pieces small enough that no request waits for one."""

from __future__ import annotations

import asyncio
import socket

from proxy.channel import CLAIMS_A_PIECE, Begin, Claims, Drain, Message, Swap, frame, receive, send, whole
from proxy.generation import Generation
from proxy.paths import PathRules
from proxy.plan import Rules
from proxy.table import Claim, Gone, Pattern, Table


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


def test_a_generation_arrives_in_pieces_and_whole() -> None:
    claims = tuple(map(a_claim, range(1001)))
    generation = Generation(7, Rules(Table(), "legacy", frozenset(), PathRules()), {})
    messages = received(whole(generation, claims).frames)
    assert isinstance(messages[0], Begin)
    assert messages[-1] == Swap(7)
    pieces = [message.claims for message in messages[1:-1] if isinstance(message, Claims)]
    assert max(map(len, pieces)) <= CLAIMS_A_PIECE
    assert tuple(claim for piece in pieces for claim in piece) == claims


def test_a_message_is_itself_at_the_other_end() -> None:
    assert received((frame(Drain(2.5)), frame(Swap(3)))) == [Drain(2.5), Swap(3)]


def test_half_a_message_is_none() -> None:
    assert received((frame(Drain(2.5))[:-1],)) == []
