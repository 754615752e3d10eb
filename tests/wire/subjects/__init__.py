"""The subjects: every case of the wire, in the order of a message's life."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import ModuleType

from tests.wire.case import Case
from tests.wire.subjects import (
    chunks,
    codings,
    connections,
    fields,
    hops,
    hosts,
    interims,
    lengths,
    methods,
    passing,
    reply_bodies,
    reply_ends,
    reply_heads,
    request_lines,
    targets,
    upgrades,
)

# What a subject is called, and the file of its cases. One more subject is one more line.
SUBJECTS: tuple[tuple[str, ModuleType], ...] = (
    ("request lines", request_lines),
    ("targets", targets),
    ("hosts", hosts),
    ("methods", methods),
    ("fields", fields),
    ("lengths", lengths),
    ("transfer codings", codings),
    ("chunks", chunks),
    ("hop-by-hop", hops),
    ("what passes", passing),
    ("connections", connections),
    ("interim and early replies", interims),
    ("upgrades", upgrades),
    ("heads of replies", reply_heads),
    ("bodies of replies", reply_bodies),
    ("ends of replies", reply_ends),
)


def cases_of(name: str, module: ModuleType) -> Sequence[Case]:
    return [replace(case, subject=name) for case in module.CASES]


CASES: tuple[Case, ...] = tuple(case for name, module in SUBJECTS for case in cases_of(name, module))
