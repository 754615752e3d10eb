"""The supervisor: owns the sockets, routes.yaml and the holds; starts the others and replaces them.

Never in a citizen's way.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from notation.problems import ConfigError, Problem
from proxy import control, holds
from proxy.addresses import Address
from proxy.alone import name_holder
from proxy.answers import answer
from proxy.certificates import certificate_problems, files_of
from proxy.channel import Drain, Whole, whole
from proxy.children import ended
from proxy.coming_up import come_up
from proxy.compiler import Held, make_generation
from proxy.config import Loaded, load, serving_problems
from proxy.control import AGAIN, Message
from proxy.counters import LAYOUT
from proxy.crew import Crew, NotTaken
from proxy.descriptors import allow
from proxy.edited import Edits, stages_of
from proxy.ends import Files, fronts_of, log_of
from proxy.estate import Estate
from proxy.founding import Founded, Wanted, found, inherit
from proxy.fronts import fronts_now, need_a_start
from proxy.generation import Front
from proxy.holds import Holds
from proxy.keeping import Keeping
from proxy.ledger.place import ledger_problems
from proxy.logfile import log_problems
from proxy.model import RoutesSpec
from proxy.newness import follow as newness_of
from proxy.predecessor import NotHandedOver, Predecessor
from proxy.sections import NO_SECTIONS
from proxy.sockets import CannotListen, Listener
from proxy.standing import let_go
from proxy.systemd import Notifier
from proxy.upgrade import Upgrade
from proxy.watching import changes, look
from proxy.wire.compiled import CUT, SAID
from proxy.wire.connection import LINGER_SECONDS


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says above the file."""

    workers: int | None = None
    listen: tuple[Address, ...] = ()
    admin: Address | None = None
    loop: str = "uvloop"
    fast: bool = True
    take_over: bool = False
    handed: tuple[Listener, ...] = ()


class CannotStart(Exception):
    """The proxy cannot serve at all, and has said why."""


class Supervisor:
    """One a folder; `run` serves until a signal."""

    def __init__(self, config: Path, options: Options, environ: Mapping[str, str]) -> None:
        self.config = config
        self.home = config.parent
        self.options = options
        self.environ = environ
        self.loaded, self.files = self._read()
        self.holds = holds.read(self.home / "data" / "holds.json")
        self.problems: tuple[str, ...] = ()
        self.edits = Edits(self.home, config.name, lambda: stages_of(self.loaded.spec, self.holds), self.say)
        self.keeper: Keeping | None = None
        self.notifier = Notifier(environ)
        self.upgrade = Upgrade(self)
        self.changing = asyncio.Lock()
        self.stopping = asyncio.Event()
        self._before: dict[int, int] = {}  # rows of the counters of workers that drain since we took over: the process
        self._held_fronts: tuple[Front, ...] = ()
        self._seen = self._good = look(config, self.loaded.spec)
        self._hang_up = asyncio.Event()

    async def run(self) -> None:
        """Serve. Raises AlreadyRunning, CannotListen, CannotStart, NotHandedOver."""
        spec = self.loaded.spec
        if problem := allow(spec.limits.connections):
            self.say(problem)
        options = self.options
        wanted = Wanted(
            self.home,
            options.listen or self._addresses(spec),
            options.admin or spec.admin,
            options.workers or spec.workers or os.cpu_count() or 1,
            options.handed,
        )
        with contextlib.ExitStack() as stack:
            predecessor = Predecessor.of(self.home) if options.take_over else None
            self._heed_signals()  # before the lock says whom to send them to
            if predecessor is None:
                self._begin_with(found(wanted, stack))
                await self._serve(None)
                return
            stack.callback(predecessor.close)
            try:
                self.holds = holds.read(self.home / "data" / "holds.json")  # from here on nobody changes them but us
                self._begin_with(inherit(wanted, predecessor.offered, stack, self.say))
                await self._serve(predecessor)
            except (CannotListen, CannotStart, ConfigError) as error:
                predecessor.give_up(str(error))
                raise

    def _begin_with(self, founded: Founded) -> None:
        self.lock, self.listeners, self.admin = founded.lock, founded.listeners, founded.admin
        self.counters, self.book, self.began = founded.counters, founded.book, founded.began
        first = self._whole(founded.before + 1, None)
        self.crew = Crew(
            self.counters, founded.rows, self.listeners, first, self._worker_flags(), self._let_go, self.say
        )

    def _worker_flags(self) -> tuple[str, ...]:
        return ("--loop", self.options.loop, *(() if self.options.fast else ("--no-fast-path",)))

    def _heed_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, self.stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._hang_up.set)
        loop.add_signal_handler(signal.SIGUSR2, self.upgrade.start)

    async def _serve(self, predecessor: Predecessor | None) -> None:
        self.crew.start()
        why = await come_up(self.crew, self.stopping, predecessor)
        if why or self.stopping.is_set():
            await self._leave(predecessor)
            if why:
                raise CannotStart(why)
            return
        tasks = []
        if predecessor is not None:
            try:
                draining = await predecessor.part()
            except NotHandedOver:
                await self._leave(predecessor)
                raise
            if self.counters.fd == predecessor.offered.counters:
                self._before = dict(draining)
            name_holder(self.lock)
            tasks += [asyncio.create_task(self._see_off(row, pid)) for row, pid in self._before.items()]
        server = await control.listen(self.home, partial(answer, self), self.upgrade.offer)
        if predecessor is not None:
            for listener in self.listeners:
                listener.open()
            await self.crew.open()
        tasks += [asyncio.create_task(each) for each in (self._watch(), self._reread(), self.notifier.keep_alive())]
        newness = newness_of(self.home, lambda: self.loaded.spec, self.crew.tell, self.stopping)
        tasks.append(asyncio.create_task(newness))
        copies = [hand.copies for hand in self.crew.hands]
        self.keeper = Keeping(
            *(self.home, self.admin, self.counters, copies, self.say),
            self.book.named_since,
            lambda: self.loaded.spec.ledger,
        )
        tasks.append(asyncio.create_task(self.keeper.keep(lambda: self.crew.current)))
        self.edits.served()
        tasks.append(asyncio.create_task(self.edits.follow(lambda: not self.upgrade.heir)))
        self._greet()
        await self.stopping.wait()
        await self._end(server)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        server.close()
        self.say("stopped")

    async def _end(self, server: asyncio.Server) -> None:
        grace, heir = self.loaded.spec.grace, self.upgrade.heir
        if heir is None:
            self.say(f"stopping; requests under way have {grace:g} s to finish")
            self.notifier.stopping(grace)
            self.upgrade.stop()
            server.close()
            (self.home / "data" / "control.sock").unlink(missing_ok=True)
            order = Drain(grace)
        else:
            self.say(f"process {heir} serves now; requests under way here have {grace:g} s to finish")
            order = Drain(grace, max(grace - LINGER_SECONDS, grace / 2), succeeded=True)
        draining = asyncio.create_task(self.crew.stop(order))
        await asyncio.sleep(0)
        for listener in self.listeners:
            listener.close()
        await draining

    async def _leave(self, predecessor: Predecessor | None) -> None:
        """Stop before it is said that we serve; beside a running proxy some citizens may have been served here."""
        await self.crew.stop(Drain(self.loaded.spec.grace if predecessor else 0.0))

    # For an upgrade.

    def estate(self) -> Estate:
        """What the next supervisor may take over."""
        return Estate(
            os.getpid(),
            self.lock,
            self.counters.fd,
            LAYOUT,
            self.counters.workers,
            (*self._before, *(hand.index for hand in self.crew.hands)),
            self.book.given,
            self.crew.current.generation.number,
            self.began,
            self.listeners,
            self.admin,
        )

    def draining(self) -> list[tuple[int, int]]:
        """The workers that drain when the next supervisor serves: rows of the counters, and process."""
        ours = [(hand.index, hand.process.pid) for hand in self.crew.hands if hand.process]
        return [*self._before.items(), *ours]

    def parted(self, heir: int) -> None:
        """Another supervisor serves: what is left is to drain."""
        self.notifier.parted(heir)
        self.stopping.set()

    async def _see_off(self, row: int, pid: int) -> None:
        """When a worker of before has ended, its row is free."""
        await ended(pid)
        self._let_go(row)
        del self._before[row]

    def _let_go(self, row: int) -> None:
        """What a worker that has ended had open is closed."""
        self.counters.writer(row)
        let_go(self.counters, row, self.book.backends, self.book.servers)

    def _greet(self) -> None:
        spec = self.loaded.spec
        fronts = self.crew.current.generation.fronts
        where = ", ".join(
            f"{'https' if front.certificates else 'http'}://{listener.address}"
            for listener, front in zip(self.listeners, fronts, strict=True)
        )
        admin = f"; admin http://{self.admin.address}" if self.admin else ""
        serving = f"serving {where} with {len(self.crew.hands)} workers{admin}"
        self.say(serving)
        self.notifier.ready(serving)
        if self.options.fast and CUT is None:
            self.say(SAID)
        for name, slice_spec in spec.slices.items():
            stage = self.held().stage(name, slice_spec)
            self.say(
                f"slice {name}: {stage}"
                + (f" (held; the file says {slice_spec.stage})" if stage != slice_spec.stage else "")
            )

    # The file.

    def _read(self) -> tuple[Loaded, Files]:
        loaded = load(self.config, self.environ)
        files = files_of(loaded.spec, self.home)
        unusable = certificate_problems(loaded.spec, loaded.document, files)
        unwritable = log_problems(loaded.spec, loaded.document, self.home)
        unrecorded = ledger_problems(loaded.spec, loaded.document)
        if problems := (*serving_problems(loaded), *unusable, *unwritable, *unrecorded):
            raise ConfigError(problems)
        return loaded, files

    def _whole(self, number: int, before: Whole | None) -> Whole:
        spec, kept = self.loaded.spec, before.sections if before else NO_SECTIONS
        generation, sections = make_generation(number, spec, self.held(), self.book, self.files, kept)
        fronts, log = self._fronts(generation.fronts), log_of(spec.log, self.home)
        generation = replace(generation, fronts=fronts, grace=spec.grace, log=log)
        return whole(generation, sections, before)

    def _fronts(self, asked: tuple[Front, ...]) -> tuple[Front, ...]:
        """How the sockets that are held speak: as the file says now, where it still means the same protocol."""
        if self.options.listen:
            return (Front(),) * len(self.options.listen)
        self._held_fronts = fronts_now(self._held_fronts or asked, asked)
        return self._held_fronts

    def held(self) -> Held:
        """What run-time says above the file."""
        return Held(self.holds.bypass is not None, {name: hold.stage for name, hold in self.holds.by_slice.items()})

    @staticmethod
    def _addresses(spec: RoutesSpec) -> tuple[Address, ...]:
        return tuple(each.address for each in spec.listen)

    async def _publish(self) -> None:
        now = self.crew.current
        whole = await asyncio.to_thread(self._whole, now.generation.number + 1, now)
        try:
            await self.crew.publish(whole)  # first: citizens wait for it, and nobody for the keeper
        finally:
            if self.keeper:
                await self.keeper.tell(whole)

    async def reload(self, *, forced: bool = False) -> bool:
        """Take in the file if it is good; if not, what ran before keeps running, and says so."""
        async with self.changing:
            if self.upgrade.heir:
                return True
            seen = look(self.config, self.loaded.spec)
            if seen == self._seen and not forced:
                return not self.problems
            self._seen = seen
            if seen == self._good and not forced:
                self.problems = ()
                self.say(f"{self.config.name} is again what is served by")
                return True
            try:
                loaded, files = await asyncio.to_thread(self._read)
            except ConfigError as error:
                return self._refused(error.problems)
            except Exception as error:  # whatever it is, it is a file that cannot be taken in
                return self._refused((Problem(None, f"{self.config.name} cannot be read: {error}"),))
            self._mind_the_sockets(loaded.spec, files)
            if not self.options.workers and loaded.spec.workers != self.loaded.spec.workers:
                self.say(f"workers: has changed; how many there are changes at an upgrade (kill -USR2 {os.getpid()})")
            self.loaded, self.files, self.problems, self._good = loaded, files, (), seen
            try:
                await self._publish()
            except NotTaken as error:
                self.problems = (str(error),)
                self.say(str(error))
                return False
            self.edits.served()
            self.say(f"serving by {self.config.name} as generation {self.crew.current.generation.number}")
            return True

    def _refused(self, problems: tuple[Problem, ...]) -> bool:
        self.problems = tuple(str(problem) for problem in problems)
        self.say(f"{self.config.name} was changed, and is not taken in; what was served before is served on:")
        for problem in self.problems:
            self.say(problem)
        return False

    def _mind_the_sockets(self, spec: RoutesSpec, files: Files) -> None:
        if self.options.listen:
            return
        addresses = [listener.address for listener in self.listeners]
        if need_a_start(self._held_fronts, fronts_of(spec, files), addresses, self._addresses(spec)):
            self.say(f"listen: has changed; addresses, TLS and hsts change at an upgrade (kill -USR2 {os.getpid()})")

    async def _watch(self) -> None:
        async for _ in changes(self.config, lambda: self.loaded.spec, self.stopping):
            await self.reload()

    async def _reread(self) -> None:
        """SIGHUP: the file is read again, changed or not; several at once are one."""
        while True:
            await self._hang_up.wait()
            self._hang_up.clear()
            self.notifier.reloading()
            await self.reload(forced=True)
            self.notifier.ready()

    # For the control socket.

    def done(self) -> Message:
        """It is done, and this is the generation that every worker serves by."""
        return {"ok": True, "generation": self.crew.current.generation.number}

    async def change_holds(self, change: Callable[[Holds], Holds]) -> Message:
        """Two at once are made one after the other, each on what the other left."""
        async with self.changing:
            if self.upgrade.heir:
                return AGAIN
            changed = change(self.holds)
            await asyncio.to_thread(holds.write, self.home / "data" / "holds.json", changed)
            self.holds = changed
            try:
                await self._publish()
            except NotTaken as error:
                return {"ok": False, "problems": [str(error)]}
            self.edits.held()
            return self.done()

    @staticmethod
    def say(text: str) -> None:
        """A line for whoever watches."""
        print(text, file=sys.stderr, flush=True)  # noqa: T201  # the log
