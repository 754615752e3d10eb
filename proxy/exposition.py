"""Measurements as Prometheus reads them: its text format, version 0.0.4. Pure.

page([Family("figs_total", "counter", "Figs.", (Sample({"kind": "ripe"}, 3),))])
-> '# HELP figs_total Figs.\\n# TYPE figs_total counter\\nfigs_total{kind="ripe"} 3\\n'
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Sample:
    """One value; `suffix`: what its name has more than its family's."""

    labels: Mapping[str, str]
    value: float
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class Family:
    """All values of one name, and what they mean."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    meaning: str
    samples: Sequence[Sample]


def buckets(
    labels: Mapping[str, str], bounds: Sequence[float], counts: Sequence[int], total: float
) -> Iterator[Sample]:
    """A histogram: how many stayed at each bound or under, in all, and their sum.

    `counts`: how many between each bound and the one before; then, above the last.
    """
    seen = 0
    for bound, count in zip(bounds, counts[:-1], strict=True):
        seen += count
        yield Sample({**labels, "le": repr(bound)}, seen, "_bucket")
    seen += counts[-1]
    yield Sample({**labels, "le": "+Inf"}, seen, "_bucket")
    yield Sample(labels, total, "_sum")
    yield Sample(labels, seen, "_count")


def page(families: Iterable[Family]) -> str:
    """All of it."""
    return "".join(_lines(families))


def _lines(families: Iterable[Family]) -> Iterator[str]:
    for family in families:
        meaning = family.meaning.replace("\\", r"\\").replace("\n", r"\n")
        yield f"# HELP {family.name} {meaning}\n# TYPE {family.name} {family.kind}\n"
        for sample in family.samples:
            labels = ",".join(f'{name}="{_quoted(value)}"' for name, value in sample.labels.items())
            braces = f"{{{labels}}}" if labels else ""
            yield f"{family.name}{sample.suffix}{braces} {sample.value!r}\n"


def _quoted(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
