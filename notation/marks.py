"""Where each value of a YAML file stands. Of values in long lists this is found out when somebody asks. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from notation.long_lists import Item, Run, Scalar, item_at, line_starts
from notation.plain import is_surprising

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """Where one value stands: its line (its key's, in a mapping), its characters, how it was written."""

    line: int
    start: int
    end: int
    surprising: bool = False  # plain text that another reader would take for a truth value, number or date
    surprising_key: bool = False
    block: bool = False  # a mapping or list that is written on lines of its own


@dataclass(slots=True)
class _Stretch:
    """What the parser was spared: items of the list at `path` from number `first` on."""

    path: Path
    first: int
    run: Run
    surprising: tuple[int, ...]  # which of them hold what others would read otherwise, from 0
    starts: list[int] = field(default_factory=list)


class Marks(Mapping[Path, Mark]):
    """A mark for every value, in the order of the file, parents first. Grows while the file is read."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._written: dict[Path, Mark] = {}
        self._stretches: dict[Path, list[_Stretch]] = {}  # by their list
        self._before: dict[Path, _Stretch] = {}  # by the item that follows: there always is one

    def put(self, path: Path, mark: Mark) -> None:
        """Where a value stands that the parser has read."""
        self._written[path] = mark

    def stretch(self, path: Path, first: int, run: Run, surprising: tuple[int, ...]) -> None:
        """Items of the list at `path` that the parser was spared, from number `first` on."""
        stretch = _Stretch(path, first, run, surprising)
        self._stretches.setdefault(path, []).append(stretch)
        self._before[(*path, first + run.lines)] = stretch

    def surprising(self) -> Iterator[tuple[Path, Mark]]:
        """Every value that others would read otherwise, or that has such a key."""
        for path, mark in self._written.items():
            if mark.surprising or mark.surprising_key:
                yield path, mark
        for stretches in self._stretches.values():
            for stretch in stretches:
                for number in stretch.surprising:
                    marks = self._of(stretch, number)
                    yield from ((path, mark) for path, mark in marks if mark.surprising or mark.surprising_key)

    def __getitem__(self, path: Path) -> Mark:
        mark = self._written.get(path)
        return self._in_a_list(path) if mark is None else mark

    def _in_a_list(self, path: Path) -> Mark:
        for depth, step in enumerate(path):
            if isinstance(step, int):
                for stretch in self._stretches.get(path[:depth], ()):
                    if 0 <= step - stretch.first < stretch.run.lines:
                        return dict(self._of(stretch, step - stretch.first))[path]
        raise KeyError(path)

    def __iter__(self) -> Iterator[Path]:
        for path in self._written:
            if stretch := self._before.get(path):
                for number in range(stretch.run.lines):
                    yield from (inner for inner, _ in self._of(stretch, number))
            yield path

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __bool__(self) -> bool:
        return bool(self._written)

    def _of(self, stretch: _Stretch, number: int) -> Iterator[tuple[Path, Mark]]:
        stretch.starts = stretch.starts or line_starts(self._text, stretch.run)
        item = item_at(self._text, stretch.starts[number])
        return _marks(item, stretch.run.line + number + 1, (*stretch.path, stretch.first + number))


def _marks(item: Item, line: int, place: Path) -> Iterator[tuple[Path, Mark]]:
    if isinstance(item, Scalar):
        yield place, _of_scalar(item, line)
        return
    yield place, Mark(line, item.start, item.end)
    for key, inner in item.items:
        surprising_key = is_surprising(key)
        if isinstance(inner, Scalar):
            yield (*place, key), _of_scalar(inner, line, surprising_key=surprising_key)
        else:
            yield (*place, key), Mark(line, inner.start, inner.end, surprising_key=surprising_key)
            for index, each in enumerate(inner.items):
                yield (*place, key, index), _of_scalar(each, line)


def _of_scalar(item: Scalar, line: int, *, surprising_key: bool = False) -> Mark:
    return Mark(line, item.start, item.end, not item.quoted and is_surprising(item.text), surprising_key)
