"""The worker processes as their supervisor knows them: started, handed each new generation, replaced when they die."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable, Mapping, Sequence

from proxy.channel import Drain, Newer, Open, Swapped, Whole, frame, receive, send
from proxy.children import Pause, start, stop
from proxy.counters import Counters
from proxy.sockets import Listener

# How often a worker that does not take in a generation is replaced before whoever waits is told.
PATIENCE = 3
# A worker that has not taken in a generation after this long hangs; its replacement begins with the new one.
SWAP_SECONDS = 10.0

# Bytes on their way from a worker to the keeper; the kernel cuts it to net.core.wmem_max.
SEND_BUFFER = 1024 * 1024


class NotTaken(Exception):
    """A generation is not served by every worker, and will be when those that are missing come up."""


class Hand:
    """One worker: a place in the crew, filled by one process after another. `index`: its rows of the counters."""

    def __init__(self, index: int, crew: "Crew", listeners: Sequence[Sequence[socket.socket]]) -> None:
        self.index = index
        self.generation = 0
        self.process: asyncio.subprocess.Process | None = None
        self._crew = crew
        self._listeners = listeners
        self._writer: asyncio.StreamWriter | None = None
        # Held here for good: the worker and the keeper may each be replaced, and nothing sent is lost with them.
        self.copies, self._for_worker = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._for_worker.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self._sending = asyncio.Lock()

    async def keep(self) -> None:
        """Keep a process in this place until the crew stops."""
        pause = Pause()
        while not self._crew.stopping:
            pause.started()
            code: object = None
            try:
                await self._live()
                code = self.process.returncode if self.process else None
            except OSError as error:  # no process, or no descriptor, to be had just now
                code = error
            if self._crew.stopping:
                return
            wait = pause.next()
            self._crew.deaths += 1
            self._crew.let_go(self.index)
            self._crew.say(f"worker {self.index} ended with {code}; another starts in {wait:.1f} s")
            await asyncio.sleep(wait)

    async def _live(self) -> None:
        crew = self._crew
        ours, theirs = socket.socketpair()
        listening = [[each.fileno() for each in sockets] for sockets in self._listeners]
        fds = [theirs.fileno(), crew.counters.fd, self._for_worker.fileno()]
        fds += [fd for sockets in listening for fd in sockets]
        arguments = [
            *("--index", str(self.index), "--workers", str(crew.counters.workers), *crew.flags),
            *("--control", str(fds[0]), "--counters", str(fds[1]), "--copies", str(fds[2]), "--listen"),
            *(",".join(map(str, sockets)) for sockets in listening),
        ]
        try:
            with theirs:
                self.process = await start("proxy.worker", arguments, fds)
        except OSError:
            ours.close()
            raise
        reader, self._writer = await asyncio.open_connection(sock=ours)
        await self.hand_over(crew.current)
        await self.tell(crew.newer)
        while (message := await receive(reader)) is not None:
            if isinstance(message, Swapped):
                self.generation = message.number
                await crew.noticed()
        self.generation = 0
        writer, self._writer = self._writer, None
        writer.close()
        await stop(self.process, 1.0)

    async def hand_over(self, whole: Whole) -> None:
        """Send a generation; a worker that is not there gets the newest when it comes, one that hangs is ended."""
        try:
            async with asyncio.timeout(SWAP_SECONDS), self._sending:
                await self._send(*whole.frames_after(self.generation))
        except TimeoutError:
            self._crew.say(f"worker {self.index} does not listen; it is replaced")
            self.end()

    async def _send(self, *frames: bytes) -> None:
        if self._writer is not None:
            with contextlib.suppress(ConnectionError):
                await send(self._writer, *frames)

    async def open(self) -> None:
        """Every socket listens by now; one that is not there yet sees so when it comes."""
        await self.tell(Open())

    async def tell(self, message: Open | Newer) -> None:
        """Send a message; one that is not there, or hangs, learns it from the next process in its place."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SWAP_SECONDS), self._sending:
                await self._send(frame(message))

    async def drain(self, order: Drain) -> None:
        """Let it finish, and see it end."""
        try:
            async with asyncio.timeout(1.0), self._sending:
                await self._send(frame(order))
        except TimeoutError:
            self.end()
        if self.process is not None:
            await stop(self.process, order.grace + 1.0)

    def end(self) -> None:
        """End a process that hangs."""
        if self.process is not None and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGKILL)


class Crew:
    """All the workers."""

    def __init__(
        self,
        counters: Counters,
        rows: Sequence[int],
        listeners: Sequence[Listener],
        first: Whole,
        flags: Sequence[str],
        let_go: Callable[[int], None],
        say: Callable[[str], None],
    ) -> None:
        self.counters = counters
        self.flags = flags
        self.let_go = let_go
        self.say = say
        self.current = first
        self.newer = Newer({})
        self.stopping = False
        count = len(rows)
        self.hands = [
            Hand(row, self, [each.of_worker(place, count) for each in listeners]) for place, row in enumerate(rows)
        ]
        self.deaths = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._noticed = asyncio.Condition()

    @property
    def generation(self) -> int:
        """The generation that every worker serves by; 0 while one is missing."""
        return min(hand.generation for hand in self.hands)

    def start(self) -> None:
        """Start every worker."""
        self._tasks = [asyncio.create_task(hand.keep()) for hand in self.hands]

    async def publish(self, whole: Whole) -> None:
        """Hand a generation to every worker and wait until all serve by it."""
        self.current = whole
        await asyncio.gather(*(hand.hand_over(whole) for hand in self.hands))
        await self.all_at(whole.generation.number)

    async def all_at(self, number: int) -> None:
        """Wait until every worker serves by that generation or a later one; those that hang are replaced.

        Raises NotTaken when some still do not after PATIENCE replacements: nobody may wait for ever for them.
        """

        def arrived() -> bool:
            return all(hand.generation >= number for hand in self.hands)

        for _ in range(PATIENCE):
            try:
                async with self._noticed, asyncio.timeout(SWAP_SECONDS):
                    await self._noticed.wait_for(arrived)
                return
            except TimeoutError:
                for hand in self.hands:
                    if hand.generation < number:
                        self.say(f"worker {hand.index} did not take in generation {number}; it is replaced")
                        hand.end()
        missing = ", ".join(str(hand.index) for hand in self.hands if hand.generation < number)
        if missing:
            raise NotTaken(f"workers {missing} do not take in generation {number}; what they said stands in the log")

    async def noticed(self) -> None:
        """A worker has said something."""
        async with self._noticed:
            self._noticed.notify_all()

    async def open(self) -> None:
        """Let every worker take connections from every socket that is its own: all listen by now."""
        await asyncio.gather(*(hand.open() for hand in self.hands))

    async def tell(self, as_of: Mapping[bytes, int]) -> None:
        """Let every worker know up to when the datasets of the slices know what legacy knows."""
        self.newer = Newer(as_of)
        await asyncio.gather(*(hand.tell(self.newer) for hand in self.hands))

    async def stop(self, order: Drain) -> None:
        """Drain every worker."""
        self.stopping = True
        await asyncio.gather(*(hand.drain(order) for hand in self.hands))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
