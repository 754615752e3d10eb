"""The access log of one worker: which requests it tells of, and their lines, gathered until the thread writes them."""

from collections.abc import Callable, Sequence
from random import random
from time import monotonic, time
from typing import TYPE_CHECKING

from proxy.access import NOWHERE, Entry, Outcome, combined_line, json_line, where_json
from proxy.counters import LINES, LINES_LOST, Writer
from proxy.generation import LogSettings, Server
from proxy.headers import Field
from proxy.plan import Answer, Forward
from proxy.wire.scribe import Scribe

if TYPE_CHECKING:
    from proxy.wire.heads import RequestHead

# Bytes of lines that are handed over at once; fewer go with the next sweep.
PIECE = 32 * 1024
# Parts of the table whose members of a line are kept made; a busy site asks for few at a time.
PLACES = 1024
# Seconds that a worker which ends may go on writing what waits.
LAST_SECONDS = 0.5


class Line:
    """A line in the making: begun with a request's head, ended with its answer. `size`: bytes of the body so far."""

    __slots__ = ("_began", "_entry", "_log", "size")

    def __init__(self, log: "AccessLog", entry: Entry, began: float) -> None:
        self._log = log
        self._entry = entry
        self._began = began
        self.size = 0

    def ends(
        self,
        status: int,
        outcome: Outcome,
        plan: Forward | Answer | None = None,
        server: Server | None = None,
        *,
        size: int | None = None,
    ) -> None:
        """The answer is out, or will never be: then `status` is 0 unless its head was.

        `plan` and `server`: by which it was answered, and where; `size`: of the body, if it was not counted.
        """
        self._log.add(self._entry, self._began, status, self.size if size is None else size, outcome, plan, server)


class AccessLog:
    """Gathers lines; nothing here can fail or wait, whatever becomes of them."""

    def __init__(self, counters: Writer, say: Callable[[str], None]) -> None:
        self._counters = counters
        self._say = say
        self._settings = LogSettings()
        self._scribe = Scribe()
        self._lines: list[bytes] = []
        self._bytes = 0
        self._places: dict[tuple[int, int, str, int], tuple[bytes, object, object]] = {}
        self._lost = self._told = 0
        # What the one said who had this worker's rows before.
        self._written_before, self._lost_before = counters.cells[LINES], counters.cells[LINES_LOST]

    def set(self, settings: LogSettings) -> None:
        """Go by these from the next line on."""
        self._hand_over()
        self._settings = settings
        self._places.clear()

    def begin(self, client: bytes, request: "RequestHead | None", trace: bytes, began: float) -> Line | None:
        """The line of a request, if it is one that the log tells of; `request` None: its head could not be read."""
        if random() >= self._settings.share:  # noqa: S311  # nobody gains by guessing it
            return None
        if request is None:
            return Line(self, Entry(client, b"", b"", b"", 1, trace, ()), began)
        fields: Sequence[Field] = request.fields if self._settings.format == "combined" else ()
        entry = Entry(client, request.method, request.target, request.host, request.minor, trace, fields)
        return Line(self, entry, began)

    def add(
        self,
        entry: Entry,
        began: float,
        status: int,
        size: int,
        outcome: Outcome,
        plan: Forward | Answer | None,
        server: Server | None,
    ) -> None:
        """A line, whole."""
        seconds = monotonic() - began
        try:
            if self._settings.format == "combined":
                line = combined_line(entry, time() - seconds, status, size)
            else:
                line = json_line(entry, time() - seconds, status, size, seconds, outcome, self._where(plan, server))
        except Exception as error:  # no citizen's answer may depend on it
            self._lost += 1
            self._say(f"a line of the access log could not be made: {error!r}")
            return
        self._lines.append(line)
        self._bytes += len(line)
        if self._bytes >= PIECE:
            self._hand_over()

    def _where(self, plan: Forward | Answer | None, server: Server | None) -> bytes:
        if plan is None:
            return NOWHERE
        claim = plan.claim
        key = (plan.series, id(claim), plan.backend if isinstance(plan, Forward) else "", id(server))
        place = self._places.get(key)
        if place is None:
            if len(self._places) >= PLACES:
                self._places.clear()
            address = f"{server.host}:{server.port}" if server is not None else ""
            # The claim and the server are kept too, so that nothing else can come to have their ids.
            place = self._places[key] = (where_json(plan, address), claim, server)
        return place[0]

    def sweep(self) -> None:
        """Now and then: what was gathered goes, and what became of it is counted."""
        self._hand_over()
        lost = self._lost + self._scribe.lost
        self._counters.set(LINES, self._written_before + self._scribe.written)
        self._counters.set(LINES_LOST, self._lost_before + lost)

    def each_second(self) -> None:
        """Say what was lost since this was last said."""
        lost = self._lost + self._scribe.lost
        if lost > self._told:
            why = self._scribe.why or "what reads it does not keep up"
            self._say(f"{lost - self._told} lines of the access log are lost: {why}")
            self._told = lost

    def _hand_over(self) -> None:
        if not self._lines:
            return
        if not self._scribe.write(self._settings.file, b"".join(self._lines)):
            self._lost += len(self._lines)
        self._lines = []
        self._bytes = 0

    def stop(self) -> None:
        """Write what is left, as far as it can be written soon. Waits."""
        self._hand_over()
        self._scribe.stop(LAST_SECONDS)
        self.sweep()
