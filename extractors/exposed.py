"""Whether older versions of a dataset still hold more of a column than its privacy rule now leaves."""

from collections import defaultdict
from pathlib import Path

from extractors.coarser import tells_no_more
from extractors.compiled import Column, Dataset
from notation import lake
from notation.problems import Problem


def exposed(dataset: Dataset, home: Path) -> tuple[Problem, ...]:
    """A problem for each column of which a version that can still be read tells what its rule no longer does."""
    strict = {column.source: column for column in dataset.columns if column.privacy != "keep"}
    if not strict or dataset.name not in lake.names(home):
        return ()
    more: dict[tuple[str, str], list[int]] = defaultdict(list)
    for versions, schema in lake.schemas(home, dataset.name):
        for field in schema:
            notes = field.metadata or {}
            source, rule = notes.get(b"fig.source", b"").decode(), notes.get(b"fig.privacy", b"keep").decode()
            if source in strict and not tells_no_more(rule, strict[source].rule):
                more[source, rule] += versions
    return tuple(_problem(dataset, strict[source], rule, versions) for (source, rule), versions in more.items())


def _problem(dataset: Dataset, column: Column, was: str, versions: list[int]) -> Problem:
    held = "in the clear" if was == "keep" else f"as {was}"
    shown = f"version {versions[0]}" if len(versions) == 1 else f"versions {versions[0]} to {versions[-1]}"
    verb = "holds" if len(versions) == 1 else "hold"
    what = (
        f"column {column.source} is {_NOW[column.privacy]} now, but {shown} of '{dataset.name}' in data/lake still "
        f"{verb} it {held}"
    )
    hint = f"remove the folder data/lake/{dataset.name}, its older versions with it, and extract again"
    return Problem(column.where or dataset.where, what, hint)


_NOW = {
    "drop": "dropped", "pseudonym": "a pseudonym", "mask": "a mask", "year": "a year", "month": "a month",
    "outcode": "an outcode", "band": "a band",
}  # fmt: skip
