"""Mismatches that may only be a dataset's age: held until each dataset of the slice has a newer commit. Pure.

doubts.hold(Doubt(…)); doubts.due({"housing-repairs": 8}, now) -> those to be asked again, those that waited too long
"""

from collections.abc import Mapping
from dataclasses import dataclass

from proxy.compare.values import Reply
from proxy.exchanged import Exchanged

# Doubts that are held, and bytes of them: the requests, and legacy's answers.
DOUBTS, DOUBTS_BYTES = 256, 16 * 1024 * 1024
# Seconds until a service that reads the lake shows what was committed.
SETTLE = 10.0
# Seconds one is held: datasets are taken out once a day or more often, and a day and a half has a late night's run too.
PATIENCE = 36 * 3600.0

Versions = Mapping[str, int]  # the newest commit of each dataset; -1 for none


@dataclass(frozen=True, slots=True)
class Doubt:
    """One exchange whose answers differed. `seen`: the slice's datasets, as they were then; `at`: in seconds."""

    exchanged: Exchanged
    control: Reply
    seen: Versions
    at: float

    @property
    def size(self) -> int:
        """Bytes, about."""
        own = 0 if self.control is self.exchanged.reply else len(self.control.body)
        return self.exchanged.size + own


class Doubts:
    """Those that are held."""

    def __init__(self) -> None:
        self._doubts: list[Doubt] = []
        self._bytes = 0
        self._newer: dict[str, tuple[int, float]] = {}  # of a dataset, the newest version, and when it was first seen

    def __len__(self) -> int:
        return len(self._doubts)

    @property
    def datasets(self) -> frozenset[str]:
        """Those that are waited for."""
        return frozenset(name for doubt in self._doubts for name in doubt.seen)

    def hold(self, doubt: Doubt) -> bool:
        """False if too many are held already."""
        if len(self._doubts) >= DOUBTS or self._bytes + doubt.size > DOUBTS_BYTES:
            return False
        self._doubts.append(doubt)
        self._bytes += doubt.size
        return True

    def due(self, versions: Versions, now: float) -> tuple[list[Doubt], list[Doubt]]:
        """Those to be asked again, and those that waited too long; both are held no more."""
        for name, version in versions.items():
            if self._newer.get(name, (-1, 0.0))[0] != version:
                self._newer[name] = version, now
        ripe = [doubt for doubt in self._doubts if self._is_ripe(doubt, now)]
        late = [doubt for doubt in self._doubts if doubt not in ripe and now - doubt.at > PATIENCE]
        self._doubts = [doubt for doubt in self._doubts if doubt not in ripe and doubt not in late]
        self._bytes = sum(doubt.size for doubt in self._doubts)
        return ripe, late

    def _is_ripe(self, doubt: Doubt, now: float) -> bool:
        for name, seen in doubt.seen.items():
            version, since = self._newer.get(name, (-1, now))
            if version <= seen or now - since < SETTLE:
                return False
        return True
