"""A slice at stage shadow: one job is made to differ, citizens ask, and the proxy says what differs."""

import json
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass, fields
from pathlib import Path

from demo.asking import ask
from demo.children import Failed

FIRST, JOBS = 100_001, 24  # the jobs that are asked for; more than the second reads that a route needs
WITHIN = 60.0  # seconds; five second reads of legacy, a second apart, come first


@dataclass(frozen=True, slots=True)
class Found:
    """Answers that differ alike, as the proxy tells of them: where, how, and what both sides look like."""

    pattern: str
    path: str
    kind: str
    control: str
    candidate: str
    example: str


def slip(database: Path) -> str:
    """Puts ten times its cost into one of legacy's jobs, and not that it was changed. -> its number."""
    with closing(sqlite3.connect(database, timeout=10)) as connection, connection:
        asked = (FIRST, FIRST + JOBS - 1)
        row = connection.execute(
            "SELECT min(JOB_NO) FROM REPAIR_JOBS WHERE COST_P > 0 AND JOB_NO BETWEEN ? AND ?", asked
        ).fetchone()
        connection.execute("UPDATE REPAIR_JOBS SET COST_P = COST_P * 10 WHERE JOB_NO = ?", row)
        return str(row[0])


def differences(proxy: int, admin: int, job: str) -> list[Found]:
    """Asks for all jobs, and for this one until its difference is told. Raises Failed, OSError."""
    for number in range(FIRST, FIRST + JOBS):
        ask(proxy, f"/api/repairs/{number}.json")
    end = time.monotonic() + WITHIN
    while not (found := _told(admin)):
        if time.monotonic() > end:
            raise Failed(f"the difference of job {job} was not told within {WITHIN:.0f} seconds")
        time.sleep(0.25)
        ask(proxy, f"/api/repairs/{job}.json")  # a copy may be lost where the machine is busy
    return found


def _told(admin: int) -> list[Found]:
    told = json.loads(ask(admin, "/api/v1/slices/repairs/differences").text)["differences"]
    return [Found(**{each.name: one[each.name] for each in fields(Found)}) for one in told]
