"""The tour: legacy, extraction, slice, proxy; what is written meanwhile; what differs; one URL promoted; one query."""

import difflib
import json
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from demo.asking import Answer, answers, ask
from demo.children import FIG, Children, hold
from demo.comparing import JOBS, differences, slip
from demo.following import follow
from demo.ports import Ports
from demo.show import Show

JOB = "100042"
SQL = "SELECT ward, count(*) AS jobs, sum(cost) AS cost FROM housing_repairs GROUP BY ward ORDER BY cost DESC LIMIT 5"
REPORT = {
    "name": "Robin Resident",
    "telephone": "01632 960001",
    "address": "1 High Street",
    "postcode": "AN1 2BC",
    "ward": "Castle",
    "trade": "Plumbing",
    "description": "The kitchen tap drips, seen on the demo's tour",
}
SOON = 10.0  # seconds in which a change of routes.yaml must be felt


@dataclass(frozen=True, slots=True)
class Tour:
    """The steps, over one work folder. Each raises Failed when what it shows does not hold."""

    folder: Path
    ports: Ports
    size: str
    children: Children
    show: Show

    def start(self) -> None:
        """Legacy, extraction, slice, proxy."""
        ports = self.ports
        with self.show.step("Starting legacy") as said:
            command = (sys.executable, "-P", "-m", "demo.monolith", "--port", str(ports.legacy), "--size", self.size)
            self.children.start("legacy", command, lambda: answers(ports.legacy, "/"))
            said.append(f"Legacy, the supplier's monolith, answers at http://127.0.0.1:{ports.legacy}")
        with self.show.step("Extracting its data") as said:
            said += self._extract()
        with self.show.step("Starting the repairs slice") as said:
            legacy = f"http://127.0.0.1:{ports.legacy}"
            serving = (*FIG, "slice", "serve", "repairs", "--port", str(ports.slice), "--legacy", legacy)
            self.children.start("slice", serving, lambda: answers(ports.slice, "/healthz"))
            rows = json.loads(ask(ports.slice, "/healthz").text)["datasets"]["housing-repairs"]["rows"]
            said.append(f"The repairs slice answers at http://127.0.0.1:{ports.slice} from {rows:,} jobs")
        with self.show.step("Starting the proxy") as said:
            self.children.start("proxy", (*FIG, "serve", "-c", "routes.yaml"), lambda: answers(ports.proxy, "/"))
            said.append(f"The proxy stands in front of both at http://127.0.0.1:{ports.proxy}")

    def _extract(self) -> list[str]:
        done = json.loads(self.children.run("extract", "--json"))["datasets"]
        lines = []
        for one in done:
            hold(one["rows_in"] == one["rows_out"] + one["set_aside"], f"{one['dataset']}: rows in are not rows out")
            lines.append(f"{one['dataset']}: {one['rows_out']:,} rows, {one['faults']:,} faults")
        rows = sum(one["rows_out"] for one in done)
        return [f"{rows:,} rows are out of its database, in {len(done)} datasets under data/lake", *lines]

    def follow(self) -> None:
        """What citizens report while it is extracted is in the dataset, once."""
        with self.show.step("Extracting while citizens report repairs") as said:
            database = self.folder / "data" / "anytown" / "anytown.sqlite"
            said += follow(self.children.run, self.ports.proxy, database, REPORT)

    def shadow(self) -> None:
        """What the slice answers otherwise than legacy, found while legacy still answers everybody."""
        with self.show.step("Comparing the slice with legacy") as said:
            self.children.run("promote", "repairs", "--to", "shadow")
            job = slip(self.folder / "data" / "anytown" / "anytown.sqlite")
            (found, *more) = differences(self.ports.proxy, self.ports.admin, job)
            hold(not more and found.path == "json:$.cost", f"the slice differs from legacy otherwise: {found, *more}")
            said += [
                f"At stage shadow legacy answers, and the slice is asked the same: {JOBS} jobs, one of them differs",
                f"  {found.path}   legacy: {found.control}   the slice: {found.candidate}   {found.example}",
                "Somebody changed it in legacy's database, past the screens: no extraction of what is new can see that",
                f"Both answers, side by side: http://127.0.0.1:{self.ports.admin}/slices/repairs",
            ]

    def promote(self) -> None:
        """One URL before and after, and the line of routes.yaml that made the difference."""
        url = f"/repairs/{JOB}"
        with self.show.step(f"Asking for {url}") as said:
            before = self._expect(url, "legacy")
            said.append(f"GET {url} is answered by {before.who}")
        with self.show.step("Promoting the slice") as said:
            old = (self.folder / "routes.yaml").read_text(encoding="utf-8")
            self.children.run("promote", "repairs", "--to", "live")
            new = (self.folder / "routes.yaml").read_text(encoding="utf-8")
            changed = [line for line in difflib.ndiff(old.splitlines(), new.splitlines()) if line[:2] in ("- ", "+ ")]
            hold([line.split() for line in changed] == _PROMOTED, "promoting changed other lines of routes.yaml too")
            said += ["fig promote repairs --to live changed one line of routes.yaml, in place:", *changed]
        with self.show.step(f"Asking for {url} again") as said:
            after = self._expect(url, "the repairs slice")
            same = _facts(ask(self.ports.legacy, f"/api{url}.json")) == _facts(ask(self.ports.proxy, f"/api{url}.json"))
            hold(same, f"the slice's facts of job {JOB} are not legacy's")
            said.append(f"GET {url} is answered by {after.who}, with the same facts")

    def query(self) -> None:
        """One question to the liberated data."""
        with self.show.step("Asking the data") as said:
            table = self.children.run("query", SQL)
            hold("jobs" in table, "the answer to the query has no column jobs")
            said += [f'fig query "{SQL}"', *table.rstrip().splitlines()]

    def undo(self) -> None:
        """A report through the slice is still there after rolling back."""
        with self.show.step("Reporting a repair through the slice") as said:
            hold(ask(self.ports.proxy, "/repairs/report").who == "the repairs slice", "the form is not the slice's")
            sent = ask(self.ports.proxy, "/repairs/report", REPORT)
            found = re.fullmatch(r"/repairs/([0-9]+)\?reported=1(?:&.*)?", sent.location)
            hold(
                sent.who == "the repairs slice" and sent.status == 303,
                f"the report was answered {sent.status} by {sent.who}",
            )
            number = found[1] if found else ""
            hold(number.isdigit(), f"the report led to '{sent.location}', which is no job")
            said.append(f"A repair reported through the slice has legacy's job number {number}")
        with self.show.step("Rolling back") as said:
            self.children.run("rollback", "repairs")
            answer = self._expect(f"/repairs/{number}", "legacy")
            known = REPORT["description"].replace("'", "&#39;") in answer.text
            hold(known, f"legacy's page of job {number} does not show the report")
            said.append(f"After fig rollback repairs, legacy answers, and knows job {number}")

    def _expect(self, path: str, who: str) -> Answer:
        """The answer once it comes from `who`; a change of routes.yaml may take a moment."""
        self.children.check()
        answer = ask(self.ports.proxy, path)
        end = time.monotonic() + SOON
        while (answer.who, answer.status) != (who, 200) and time.monotonic() < end:
            time.sleep(0.05)
            answer = ask(self.ports.proxy, path)
        hold(
            (answer.who, answer.status) == (who, 200),
            f"GET {path} was answered {answer.status} by {answer.who}, not {who}",
        )
        return answer


_PROMOTED = [["-", "stage:", "shadow"], ["+", "stage:", "live"]]


def _facts(answer: Answer) -> dict[str, object]:
    """A job's JSON without the moment it was made."""
    facts: dict[str, object] = json.loads(answer.text)
    hold("job" in facts and "generated" in facts, f"no job in {answer.text[:80]}")
    del facts["generated"]
    return facts


Step = Callable[[Tour], None]
ONCE: tuple[Step, ...] = (Tour.start, Tour.follow, Tour.shadow, Tour.promote, Tour.query, Tour.undo)
STAY: tuple[Step, ...] = (Tour.start, Tour.follow, Tour.shadow, Tour.promote, Tour.query)
