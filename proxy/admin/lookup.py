"""The table for those who look: its claims in match order, searched, and where a request would go, and why.

A process of its own, started when somebody first asks and ended when nobody does: a table of 100,000 routes takes
seconds to compile and 200 MB, which the keeper must not feel. It reads a question a line and answers each by a line:

    {"ask": "routes", "search": "repairs", "slice": "", "page": 1, "held": {...}} -> {"ok": true, "total": 3, ...}
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from notation.problems import ConfigError
from proxy.compiler import Held, rules_of
from proxy.config import Loaded, load
from proxy.explain import asked_for, explain_among
from proxy.plan import Rules
from proxy.stages import parse
from proxy.table import Claim, Redirect, Route

# Claims of a page: what a person looks through, and half a millisecond of rendering each hundred.
A_PAGE = 100


@dataclass(frozen=True, slots=True)
class Row:
    """One claim as it is shown. `leads_to`: `slice repairs`, `301 to /repairs/*`, `gone`."""

    at: str
    pattern: str
    kind: str  # exact, prefix or regex
    methods: str
    asks: str
    priority: int
    slice: str
    stage: str
    leads_to: str


def row_of(claim: Claim) -> Row:
    """A claim in words."""
    kind = "regex" if not hasattr(claim.pattern, "is_prefix") else "prefix" if claim.pattern.is_prefix else "exact"
    methods = ", ".join(sorted(method.decode() for method in claim.methods)) if claim.methods else ""
    needs = str(claim.needs) if claim.needs else ""
    slice_name = stage = ""
    match claim.leads_to:
        case Route() as route:
            slice_name, stage = route.slice, str(route.stage)
            leads_to = f"slice {route.slice}" + (f", as {route.rewrite}" if route.rewrite else "")
        case Redirect(to, status):
            leads_to = f"{status} to {to}"
        case _:
            leads_to = "gone"
    return Row(claim.at, str(claim.pattern) or "/*", kind, methods, needs, claim.priority, slice_name, stage, leads_to)


class Lookup:
    """The table of one routes.yaml, compiled again when the file, or what is held, has changed."""

    def __init__(self, path: Path, environ: Mapping[str, str]) -> None:
        self._path = path
        self._environ = environ
        self._made_from: object = None
        self._loaded: Loaded | None = None
        self._rules: Rules | None = None
        self._rows: list[tuple[str, Row]] = []

    def answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """What one line asks. A file that is broken is answered with its problems."""
        try:
            held = held_of(question["held"])
            self._take_in(held)
            if question["ask"] == "routes":
                return self._page(question)
            return self._explain(question)
        except ConfigError as error:
            return {"ok": False, "problems": [str(problem) for problem in error.problems]}

    def _take_in(self, held: Held) -> None:
        stat = self._path.stat() if self._path.exists() else None
        made_from = (stat and (stat.st_mtime_ns, stat.st_size, stat.st_ino), held)
        if made_from == self._made_from:
            return
        self._made_from = None
        loaded = load(self._path, self._environ)
        self._loaded, self._rules = loaded, rules_of(loaded.spec, loaded.document.where, held)
        rows = map(row_of, self._rules.table)
        self._rows = [(" ".join((r.at, r.pattern, r.methods, r.asks, r.leads_to)).lower(), r) for r in rows]
        self._made_from = made_from

    def _page(self, question: Mapping[str, Any]) -> dict[str, Any]:
        words = question["search"].lower().split()
        slice_name = question["slice"]
        found = [
            (number, row)
            for number, (text, row) in enumerate(self._rows, 1)
            if (not slice_name or row.slice == slice_name) and all(word in text for word in words)
        ]
        pages = max(1, -(-len(found) // A_PAGE))
        page = min(max(1, question["page"]), pages)
        shown = found[(page - 1) * A_PAGE : page * A_PAGE]
        return {
            "ok": True,
            "total": len(self._rows),
            "found": len(found),
            "page": page,
            "pages": pages,
            "routes": [{"number": number, **_values(row)} for number, row in shown],
        }

    def _explain(self, question: Mapping[str, Any]) -> dict[str, Any]:
        assert self._loaded is not None
        assert self._rules is not None
        spec = self._loaded.spec
        asked = asked_for(question["method"], question["url"], spec.hosts, question["headers"])
        explained = explain_among(self._rules, asked, spec)
        return {"ok": True, **explained.as_json(), "said": str(explained)}


def _values(row: Row) -> dict[str, object]:
    return {name: getattr(row, name) for name in Row.__slots__}


def held_of(told: Mapping[str, Any]) -> Held:
    """What the keeper says is held: `{"bypass": false, "stages": {"repairs": "legacy"}}`."""
    return Held(bool(told["bypass"]), {name: parse(stage) for name, stage in told["stages"].items()})


def main() -> None:
    """Started by the keeper."""
    parser = argparse.ArgumentParser(prog="proxy.admin.lookup", description=__doc__)
    parser.add_argument("--routes", type=Path, required=True)
    lookup = Lookup(parser.parse_args().routes, os.environ)
    for line in sys.stdin.buffer:
        sys.stdout.buffer.write(json.dumps(lookup.answer(json.loads(line))).encode() + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
