"""Why a run stops: one exception for each thing the caller can do about it."""

from __future__ import annotations

from notation.problems import Problem, in_order


class SourceRefused(Exception):
    """The source cannot be read now: try later, or ask whoever runs it."""


class NoSuchTable(SourceRefused):
    """The source has no table or view of that name, or this login may not see it: a person looks at `table:`."""


class SchemaDrift(Exception):
    """The source no longer is what datasets.yaml says: a person looks at the lines named, and decides."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = in_order(problems)
        super().__init__("\n".join(map(str, self.problems)))


class Unproven(Exception):
    """The rows taken out are not shown to be the rows of the source: nothing was committed."""


class NativeFailed(Exception):
    """The engine met a value it has no way to hold. `columns`, by their names in the source, are to be read as text."""

    def __init__(self, columns: frozenset[str], why: str) -> None:
        self.columns = columns
        super().__init__(why)


class DriverMissing(Exception):
    """A source needs a driver that is not installed; the message says which extra brings it."""
