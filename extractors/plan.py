"""The column plan: how each column of a dataset is read, from the source's own catalogue. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from extractors.compiled import Dataset
from extractors.dialects import Dialect, Planned
from extractors.refused import SchemaDrift
from notation.problems import Problem, Refused


def plan(
    dataset: Dataset, types: Mapping[str, str], dialect: Dialect, as_text: frozenset[str] = frozenset()
) -> tuple[Planned, ...]:
    """One entry for each of `dataset.kept`; `as_text` names columns whose native reading has failed before.

    Raises SchemaDrift with every column that cannot be read exactly.
    """
    planned, problems = [], []
    for column in dataset.kept:
        try:
            planned.append(dialect.plan(column, types[column.source], as_text=column.source in as_text))
        except Refused as exc:
            what = f"dataset '{dataset.name}': column '{column.source}' ({types[column.source]}): {exc.what}"
            problems.append(Problem(column.where or dataset.where, what, exc.hint))
    if problems:
        raise SchemaDrift(problems)
    return tuple(planned)
