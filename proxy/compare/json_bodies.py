"""Two JSON documents, member by member. Pure.

Numbers count by value, members in any order; arrays go by position, an element that is gone or moved is told as such
and what follows it is compared all the same; with `keys:`, elements go by the member that names them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from proxy.compare.align import Key, alignment
from proxy.compare.builtin import is_volatile
from proxy.compare.found import Found
from proxy.compare.json_paths import Walk, element, member
from proxy.compare.json_values import Members, Number, Value
from proxy.compare.nodes import TOKEN
from proxy.compare.sameness import Sameness
from proxy.compare.shapes import count, of_number, of_text
from proxy.compare.values import Kind

# Members that tell an element of an array from its neighbours, if it has one.
_IDENTITIES = ("id", "key", "ref", "reference", "uprn", "code", "slug", "href", "url", "name", "title")


@dataclass(slots=True)
class JsonDiffering:
    """Compares documents into `found`. `keys`: by the path of an array (`$.items`) what names its elements."""

    found: Found
    same: Sameness
    ignored: Walk
    keys: Mapping[str, str]
    _numbers: dict[object, int] = field(default_factory=dict)

    def documents(self, control: Value, candidate: Value) -> None:
        if not self.ignored.ends_here:
            self._values(_kept(control, self.ignored), _kept(candidate, self.ignored), "$")

    def _values(self, control: Value, candidate: Value, path: str) -> None:
        if self.found.is_full:
            return
        if isinstance(control, Members) and isinstance(candidate, Members):
            self._members(control, candidate, path)
        elif isinstance(control, list) and isinstance(candidate, list):
            self._arrays(control, candidate, path)
        elif type(control) is not type(candidate):
            self._add(path, Kind.TYPE, control, candidate)
        elif control != candidate and not self._is_same_now(control, candidate):
            self._add(path, Kind.VALUE, control, candidate)

    def _is_same_now(self, control: Value, candidate: Value) -> bool:
        if isinstance(control, Number) and isinstance(candidate, Number):
            return self.same.texts(control.text, candidate.text)
        return isinstance(control, str) and isinstance(candidate, str) and self.same.texts(control, candidate)

    def _add(self, path: str, kind: Kind, control: Value, candidate: Value) -> None:
        self.found.add(f"json:{path}", kind, shape(control), shape(candidate), (_text(control), _text(candidate)))

    def _members(self, control: Members, candidate: Members, path: str) -> None:
        for name, value in control.members.items():
            inside = member(path, name)
            if name not in candidate.members:
                self.found.missing(f"json:{inside}", shape(value), _text(value))
                continue
            times, others = control.times.get(name, 1), candidate.times.get(name, 1)
            if times != others:
                self.found.add(f"json:{inside}", Kind.LENGTH, count(times, "value"), count(others, "value"))
            self._values(value, candidate.members[name], inside)
        for name, value in candidate.members.items():
            if name not in control.members:
                self.found.added(f"json:{member(path, name)}", shape(value), _text(value))

    def _arrays(self, control: list[Value], candidate: list[Value], path: str) -> None:
        if len(control) != len(candidate):
            self._add(path, Kind.LENGTH, control, candidate)
        inside = element(path)
        if path in self.keys:
            self._by_key(control, candidate, inside, self.keys[path])
            return
        pairs = alignment(self._levels(control), self._levels(candidate))
        if pairs.moved:
            self._add(path, Kind.ORDER, control, candidate)
        for i, j in (*pairs.same, *pairs.moved, *pairs.changed):
            self._values(control[i], candidate[j], inside)
        if len(control) == len(candidate):
            for i in pairs.missing:
                self.found.missing(f"json:{inside}", shape(control[i]), _text(control[i]))
            for j in pairs.added:
                self.found.added(f"json:{inside}", shape(candidate[j]), _text(candidate[j]))

    def _by_key(self, control: list[Value], candidate: list[Value], inside: str, key: str) -> None:
        mine, theirs = dict(self._named(control, key)), dict(self._named(candidate, key))
        for name, value in mine.items():
            if name in theirs:
                self._values(value, theirs[name], inside)
            else:
                self.found.missing(f"json:{inside}", shape(value), _text(value))
        for name, value in theirs.items():
            if name not in mine:
                self.found.added(f"json:{inside}", shape(value), _text(value))

    def _named(self, values: list[Value], key: str) -> Iterator[tuple[tuple[int, int], Value]]:
        """Each element under the number of its name, and of how many had it before."""
        seen: dict[int, int] = {}
        for value in values:
            name = self._number(value.members.get(key) if isinstance(value, Members) else value)
            seen[name] = seen.get(name, 0) + 1
            yield (name, seen[name]), value

    def _levels(self, values: list[Value]) -> list[list[Key]]:
        """From the finest: all an element says; what it is known by; its type; that it is one."""
        return [
            [self._number(value) for value in values],
            [self._identity(value) for value in values],
            [type(value).__name__ for value in values],
            ["" for _ in values],
        ]

    def _identity(self, value: Value) -> Key:
        if not isinstance(value, Members):
            return None
        return next(((name, self._number(value.members[name])) for name in _IDENTITIES if name in value.members), None)

    def _number(self, value: Value) -> int:
        """The same for all values that may be the same."""
        key: object
        if isinstance(value, Members):
            inside = sorted((name, self._number(inner)) for name, inner in value.members.items())
            key = ("object", tuple(inside), tuple(sorted(value.times.items())))
        elif isinstance(value, list):
            key = ("list", tuple([self._number(inner) for inner in value]))
        elif isinstance(value, Number):
            loose = self.same.loose_text(value.text)
            key = value if loose == value.text else ("number", loose)
        else:
            key = (type(value).__name__, self.same.loose_text(value) if isinstance(value, str) else value)
        return self._numbers.setdefault(key, len(self._numbers))


def _kept(value: Value, ignored: Walk) -> Value:
    """Without what is ignored, and with a mark for what is made anew each time."""
    if isinstance(value, list):
        if not ignored.left:
            return [_kept(inner, ignored) for inner in value]
        walks = [ignored.into(index) for index in range(len(value))]
        return [_kept(inner, walk) for inner, walk in zip(value, walks, strict=True) if not walk.ends_here]
    if not isinstance(value, Members):
        return value
    kept: dict[str, Value] = {}
    for name, inner in value.members.items():
        walk = ignored.into(name)
        if walk.ends_here:
            continue
        said = inner if isinstance(inner, str) else inner.text if isinstance(inner, Number) else ""
        kept[name] = TOKEN if said and is_volatile(name, said) else _kept(inner, walk)
    return Members(kept, {name: times for name, times in value.times.items() if name in kept})


def shape(value: Value) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Number):
        return of_number(value.text)
    if isinstance(value, str):
        return "token" if value == TOKEN else of_text(value)
    return count(len(value), "item") if isinstance(value, list) else count(len(value.members), "member")


def _text(value: Value) -> str:
    """A value as it is kept: of lists and objects, their shape."""
    return value if isinstance(value, str) else value.text if isinstance(value, Number) else shape(value)
