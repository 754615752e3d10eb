"""The way to the keeper: nobody waits for it, it holds only so much, and what is taken arrives whole and in order."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from itertools import chain

import pytest

from proxy.copies import MESSAGE, WHOLE, frames, pack
from proxy.wire import outbox
from proxy.wire.outbox import Outbox
from tests.proxy.wire.stand import Runner


def a_frame(number: int, data: bytes) -> bytes:
    return pack(len(data), WHOLE, False, 1, number, 4, 0, 0) + data


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        theirs.setblocking(False)
        yield ours, theirs


def received(theirs: socket.socket) -> list[list[int]]:
    """The numbers of the frames of each message that is there."""
    messages = []
    while True:
        try:
            messages.append([frame.number for frame in frames(theirs.recv(1 << 20))])
        except BlockingIOError:
            return messages


async def sent(box: Outbox) -> None:
    """Until nothing is left to send."""
    async with asyncio.timeout(10):
        while box.held:
            await asyncio.sleep(0.001)  # it gathers for longer


def test_frames_of_a_moment_are_one_message(pair: tuple[socket.socket, socket.socket], run: Runner) -> None:
    async def main() -> None:
        box = Outbox(asyncio.get_running_loop(), pair[0])
        assert all(box.put(a_frame(number, b"a")) for number in range(3))
        assert box.held > 0
        await sent(box)
        assert received(pair[1]) == [[0, 1, 2]]
        assert box.held == 0

    run(main)


def test_a_message_is_no_longer_than_the_kernel_takes(pair: tuple[socket.socket, socket.socket], run: Runner) -> None:
    async def main() -> None:
        box = Outbox(asyncio.get_running_loop(), pair[0])
        for number in range(3):
            box.put(a_frame(number, b"a" * (MESSAGE - 100)))
        messages: list[list[int]] = []
        while box.held:
            await asyncio.sleep(0)  # one turn of the loop, in which it sends
            messages += received(pair[1])
        assert messages + received(pair[1]) == [[0], [1], [2]]
        assert box.put(a_frame(3, b""))
        await sent(box)
        assert received(pair[1]) == [[3]]

    run(main)


def test_a_keeper_that_reads_nothing_costs_copies_and_no_more(
    pair: tuple[socket.socket, socket.socket], run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "LIMIT", 1 << 20)

    async def main() -> None:
        box = Outbox(asyncio.get_running_loop(), pair[0])
        taken: list[int] = []
        for number in range(4000):
            if box.put(a_frame(number, b"a" * 1000)):
                taken.append(number)
            assert box.held <= 1 << 20
            await asyncio.sleep(0)  # one turn of the loop, in which it sends
        assert 1000 < len(taken) < 2000
        arrived: list[int] = []
        while box.held:
            arrived += chain.from_iterable(received(pair[1]))
            await asyncio.sleep(0)  # one turn of the loop, in which it sends
        arrived += chain.from_iterable(received(pair[1]))
        assert arrived == taken
        assert box.put(a_frame(1, b""))
        await sent(box)
        assert received(pair[1]) == [[1]]

    run(main)
