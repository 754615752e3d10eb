"""The source's columns against datasets.yaml and the last run: what stops, what is only told. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from extractors.compiled import Column, Dataset
from notation.problems import ConfigError, Problem, one_of


@dataclass(frozen=True, slots=True)
class Drift:
    """`problems` stop the run; `new` columns, neither listed nor there in the last run, are reported."""

    problems: tuple[Problem, ...]
    new: tuple[str, ...]


def compare(dataset: Dataset, now: Mapping[str, str], last: Mapping[str, Any], *, accept: bool) -> Drift:
    """`now`: column -> the type the source gives it; `last`: what the last run said of itself, or nothing.

    A column whose line in datasets.yaml changed since has been looked at; so has every column with `accept`.
    """
    before, read_before = last.get("source_types", {}), last.get("read_as", {})
    problems = []
    for column in dataset.columns:
        what = hint = ""
        if column.source not in now:
            what = f"dataset '{dataset.name}' lists column '{column.source}', which {dataset.origin} no longer has"
            if column.source not in before:
                what = f"dataset '{dataset.name}' lists column '{column.source}', which {dataset.origin} does not have"
            hint = f"remove or rename the line; {one_of('columns of the source', column.source, now)}"
        elif _is_retyped(column, now, before) and not accept and not _looked_at(column, dataset, read_before):
            was, now_is = before[column.source] or "untyped", now[column.source] or "untyped"
            what = f"column '{column.source}' of {dataset.origin} was {was} and is now {now_is}"
            hint = f"change the line, or keep it (type: {column.type}) with: fig extract {dataset.name} --full"
        if what:
            problems.append(Problem(column.where, what, hint))
    known = {column.source for column in dataset.columns} | set(last.get("source_columns", now))
    return Drift(tuple(problems), tuple(name for name in now if name not in known))


def _is_retyped(column: Column, now: Mapping[str, str], before: Mapping[str, str]) -> bool:
    return (
        column.privacy != "drop"
        and column.source in before
        and now[column.source].upper() != before[column.source].upper()
    )


def _looked_at(column: Column, dataset: Dataset, read_before: Mapping[str, str]) -> bool:
    return read_before.get(column.source) not in (None, dataset.fingerprints[column.source])


def _refuse_one_column_twice(written: Sequence[Column], meant: Sequence[Column]) -> None:
    """Two lines for one column of the source would let the one keep what the other drops."""
    first: dict[str, Column] = {}
    problems = []
    for line, column in zip(written, meant, strict=True):
        other = first.setdefault(column.source, line)
        if other is not line:
            what = f"'{line.source}' and '{other.source}' ({other.where}) are one column of the source, {column.source}"
            problems.append(Problem(line.where, what, "keep one of the two lines"))
    if problems:
        raise ConfigError(problems)


def as_the_source_writes_them(dataset: Dataset, now: Mapping[str, str]) -> Dataset:
    """SQL's names mostly know no case: `job_no` in the file is the source's JOB_NO, if no other can be meant."""
    folded: dict[str, list[str]] = {}
    for name in now:
        folded.setdefault(name.casefold(), []).append(name)

    def actual(name: str) -> str:
        matches = folded.get(name.casefold(), [])
        return name if name in now or len(matches) != 1 else matches[0]

    columns = tuple(replace(column, source=actual(column.source)) for column in dataset.columns)
    _refuse_one_column_twice(dataset.columns, columns)
    cursor = replace(dataset.cursor, column=actual(dataset.cursor.column)) if dataset.cursor else None
    return replace(dataset, columns=columns, key=tuple(map(actual, dataset.key)), cursor=cursor)
