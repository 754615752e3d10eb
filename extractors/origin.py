"""What a dataset's rows come from, as one relation in its source's SQL. Pure."""

from __future__ import annotations

from extractors.compiled import Dataset
from extractors.dialects import Dialect, Relation
from notation.problems import ConfigError, Problem, Refused


def relation_of(dataset: Dataset, dialect: Dialect) -> Relation:
    """Raises ConfigError if its query is no single SELECT."""
    if dataset.table:
        return dialect.table(dataset.table)
    from extractors import queries  # sqlglot takes a quarter of a second and 10 MiB: only who writes a query pays

    try:
        return queries.relation_of(dataset.query, dialect)
    except Refused as exc:
        what = f"dataset '{dataset.name}': query: {exc.what}"
        raise ConfigError([Problem(dataset.where, what, exc.hint)]) from exc
