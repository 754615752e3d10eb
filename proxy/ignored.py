"""Entries of `compare:` that nobody could follow: what is ignored, and the keys of arrays."""

from collections.abc import Iterator
from pathlib import Path

from notation.marked_yaml import Document
from notation.problems import Problem, Refused
from proxy.compare.ignoring import refusals
from proxy.compare.json_paths import json_path
from proxy.model import RoutesSpec


def comparing_is_understood(spec: RoutesSpec, document: Document, folder: Path) -> Iterator[Problem]:
    for name, slice_ in spec.slices.items():
        if slice_.compare is None:
            continue
        place = ("slices", name, "compare")
        for index, wrong in refusals(slice_.compare.ignore):
            what = f"slice '{name}', ignore: {wrong.what}"
            yield Problem(document.where((*place, "ignore", index)), what, wrong.hint)
        for path in slice_.compare.keys:
            try:
                json_path(path)
            except Refused as wrong:
                hint = wrong.hint.replace("json:", "")
                what = f"slice '{name}', keys: '{path}' {wrong.what}"
                yield Problem(document.where((*place, "keys", path)), what, hint)
