"""What differed, for people: differences grouped by slice, route pattern, path and kind; and the last pairs of answers.

    findings.add("repairs", "/repairs/*", difference, "GET /repairs/42", now); findings.of("repairs"); findings.drain()

All of it in the keeper's memory, bounded, and redacted before it comes here. Pure: the caller brings `now`.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from proxy.compare.values import Difference, Reply

# Groups that are kept, about 1 KiB each; of more, those that have not been seen for longest go.
GROUPS = 2000
# Example requests of a group, the latest: enough to see what they have in common.
EXAMPLES = 5
# Pairs of answers side by side, and bytes of them: the oldest go first.
PAIRS, PAIRS_BYTES = 200, 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """One way in which answers of a route differ, and how often. `control` and `candidate`: shapes, of the first.

    `first` and `last`: seconds since 1970; `examples`: method and path, redacted, the latest first; `values`: redacted
    texts of the last, with `compare: {keep_values: true}`.
    """

    slice: str
    pattern: str
    path: str
    kind: str
    control: str
    candidate: str
    count: int
    first: float
    last: float
    examples: tuple[str, ...]
    values: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """Both answers to one request, redacted.

    `number`: of this keeper's; `at`: seconds since 1970; `waits`: it is not known yet whether they differ by more than
    noise, and nobody is shown them.
    """

    number: int
    at: float
    slice: str
    pattern: str
    example: str
    differences: tuple[Difference, ...]
    control: Reply
    candidate: Reply
    waits: bool = False

    @property
    def size(self) -> int:
        """Bytes, about."""
        replies = (self.control, self.candidate)
        return sum(len(each.body) + sum(len(name) + len(value) for name, value in each.fields) for each in replies)


Key = tuple[str, str, str, str]


class Findings:
    """Filled by who judges; read by the pages, and drained by the ledger."""

    def __init__(self) -> None:
        self._groups: OrderedDict[Key, Finding] = OrderedDict()  # the one seen last at the end
        self._new: OrderedDict[Key, Finding] = OrderedDict()
        self._pairs: OrderedDict[int, Pair] = OrderedDict()  # by number
        self._bytes = 0
        self._next = 1

    def add(self, slice_name: str, pattern: str, differences: Iterable[Difference], example: str, now: float) -> None:
        """Answers to one request differed so, and it counts."""
        for each in differences:
            key = (slice_name, pattern, each.path, str(each.kind))
            shapes = each.control, each.candidate
            found = Finding(*key, *shapes, 1, now, now, (example,), each.values)
            for groups in (self._groups, self._new):
                before = groups.pop(key, None)
                groups[key] = found if before is None else _joined(before, found)
                while len(groups) > GROUPS:
                    groups.popitem(last=False)

    def of(self, slice_name: str | None = None) -> tuple[Finding, ...]:
        """Those of a slice, or all, the most frequent first."""
        found = [each for each in self._groups.values() if slice_name in (None, each.slice)]
        return tuple(sorted(found, key=lambda each: (-each.count, each.slice, each.pattern, each.path, each.kind)))

    def drain(self) -> tuple[Finding, ...]:
        """What has come since it was last drained, with the counts since then."""
        new, self._new = self._new, OrderedDict()
        return tuple(new.values())

    def returned(self, drained: Iterable[Finding]) -> None:
        """What was drained could not be written down: it comes again with the next."""
        for each in drained:
            key = (each.slice, each.pattern, each.path, each.kind)
            later = self._new.pop(key, None)
            if len(self._new) < GROUPS:
                self._new[key] = each if later is None else _joined(each, later)

    def show(
        self,
        slice_name: str,
        pattern: str,
        differences: tuple[Difference, ...],
        example: str,
        replies: tuple[Reply, Reply],
        now: float,
        *,
        waits: bool = False,
    ) -> int | None:
        """Keep both answers, redacted, to be looked at side by side; their number, None if they are too large.

        `waits`: from when `judged` says that they differ.
        """
        pair = Pair(self._next, now, slice_name, pattern, example, differences, *replies, waits)
        if pair.size > PAIRS_BYTES:
            return None
        self._next += 1
        self._pairs[pair.number] = pair
        self._bytes += pair.size
        while len(self._pairs) > PAIRS or self._bytes > PAIRS_BYTES:
            self._bytes -= self._pairs.popitem(last=False)[1].size
        return pair.number

    def judged(self, number: int | None, counting: tuple[Difference, ...]) -> None:
        """A pair that waited, if it is still there: these of its differences count, and without any it goes."""
        pair = None if number is None else self._pairs.get(number)
        if pair is None:
            return
        if counting:
            self._pairs[pair.number] = replace(pair, differences=counting, waits=False)
        else:
            self._bytes -= self._pairs.pop(pair.number).size

    def pairs(self, slice_name: str | None = None) -> tuple[Pair, ...]:
        """Those of a slice, or all, the latest first."""
        pairs = reversed(self._pairs.values())
        return tuple(each for each in pairs if slice_name in (None, each.slice) and not each.waits)

    def pair(self, number: int) -> Pair | None:
        """One of them; None if it has gone."""
        pair = self._pairs.get(number)
        return None if pair is None or pair.waits else pair


def _joined(before: Finding, later: Finding) -> Finding:
    examples = tuple(dict.fromkeys((*later.examples, *before.examples)))[:EXAMPLES]
    return replace(
        before,
        count=before.count + later.count,
        last=later.last,
        examples=examples,
        values=later.values or before.values,
    )
