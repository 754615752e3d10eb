"""Whether older versions of a dataset still hold in the clear what is now dropped or pseudonymised."""

from collections import defaultdict
from pathlib import Path

from extractors.compiled import Dataset
from notation import lake
from notation.problems import Problem


def exposed(dataset: Dataset, home: Path) -> tuple[Problem, ...]:
    """A problem for each column whose rule has become stricter than a version that can still be read."""
    strict = {column.source: column for column in dataset.columns if column.privacy != "keep"}
    if not strict or dataset.name not in lake.names(home):
        return ()
    in_the_clear: dict[str, list[int]] = defaultdict(list)
    for version in reversed(lake.history(home, dataset.name)):
        for field in lake.open_dataset(home, dataset.name, version.number).schema:
            notes = field.metadata or {}
            source = notes.get(b"fig.source", b"").decode()
            if source in strict and b"fig.privacy" not in notes:
                in_the_clear[source].append(version.number)
    return tuple(_problem(dataset, source, versions) for source, versions in in_the_clear.items())


def _problem(dataset: Dataset, source: str, versions: list[int]) -> Problem:
    column = next(each for each in dataset.columns if each.source == source)
    now = "dropped" if column.privacy == "drop" else "a pseudonym"
    shown = f"version {versions[0]}" if len(versions) == 1 else f"versions {versions[0]} to {versions[-1]}"
    what = f"column {source} is {now} now, but {shown} of '{dataset.name}' in data/lake still hold it in the clear"
    hint = f"remove the folder data/lake/{dataset.name}, its older versions with it, and extract again"
    return Problem(column.where or dataset.where, what, hint)
