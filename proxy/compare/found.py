"""The differences of one comparison as they are found: each place once, and no more than anybody would read."""

from dataclasses import dataclass, field

from proxy.compare.kept import kept_value
from proxy.compare.values import Difference, Kind

# Two pages that have nothing in common would otherwise give one for each of their elements.
MOST = 100


@dataclass(slots=True)
class Found:
    """`ignored`: paths as `ignore:` has them, of which nothing is kept. `keep_values`: texts are kept, redacted."""

    ignored: frozenset[str] = frozenset()
    keep_values: bool = False
    _by_place: dict[tuple[str, Kind], Difference] = field(default_factory=dict)

    @property
    def is_full(self) -> bool:
        return len(self._by_place) >= MOST

    def add(self, path: str, kind: Kind, control: str, candidate: str, texts: tuple[str, str] | None = None) -> None:
        """Of several differences of one kind with one path, the first stands for all. `texts`: the values."""
        if path in self.ignored or (path, kind) in self._by_place or self.is_full:
            return
        kept = None
        if self.keep_values and texts is not None:
            kept = (kept_value(path, texts[0]), kept_value(path, texts[1]))
        self._by_place[path, kind] = Difference(path, kind, control, candidate, kept)

    def missing(self, path: str, shape: str, text: str = "") -> None:
        self.add(path, Kind.MISSING, shape, "nothing", (text, ""))

    def added(self, path: str, shape: str, text: str = "") -> None:
        self.add(path, Kind.ADDED, "nothing", shape, ("", text))

    def differences(self) -> tuple[Difference, ...]:
        return tuple(self._by_place.values())
