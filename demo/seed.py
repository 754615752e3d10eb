"""Fills the sample monolith's database from a seed: the same seed and size give the same rows, to the byte.

`write(path, seed=1, size=FULL)` makes 50,000 repair jobs, 20,000 council-tax accounts, 3,000 planning applications and
9,000 tenants.
The council's last working day is fixed (`LAST_DAY`), so that no row depends on the day it is made.
"""

import hashlib
import random
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TypeVar

from demo import names
from demo.schema import CODES, TABLES, connect

FIRST_DAY = date(2009, 4, 1)
LAST_DAY = date(2026, 10, 30)
FIRST_JOB = 100_001
PASSWORD = "anytown"  # noqa: S105 - the sample council's own; its sign-in page shows it
SPAN = (LAST_DAY - FIRST_DAY).days
WARDS = tuple(CODES["WARD"])
TRADES = tuple(CODES["TRADE"])

Row = tuple[object, ...]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Size:
    """How many rows of each kind."""

    jobs: int
    accounts: int
    applications: int
    tenants: int


FULL = Size(jobs=50_000, accounts=20_000, applications=3_000, tenants=9_000)
SMALL = Size(jobs=600, accounts=200, applications=60, tenants=150)
SIZES = {"full": FULL, "small": SMALL}


class Dice:
    """Draws that are the same on every Python: only `random.random()` is used, whose sequence is stable."""

    def __init__(self, seed: str) -> None:
        self.draw = random.Random(seed).random

    def chance(self, share: float) -> bool:
        """True in `share` (0.0 to 1.0) of the draws."""
        return self.draw() < share

    def below(self, limit: int) -> int:
        """A whole number from 0 to `limit` - 1."""
        return int(self.draw() * limit)

    def one(self, options: Sequence[T]) -> T:
        """One of the options, each as likely as the others."""
        return options[int(self.draw() * len(options))]


def number(day: date) -> int:
    """A date as the supplier keeps it: 2024-02-29 -> 20240229."""
    return day.year * 10_000 + day.month * 100 + day.day


def mangled(text: str) -> str:
    """UTF-8 once read as Windows-1252, as an import did years ago: "doesn't" typed well -> "doesnâ€™t"."""
    return text.encode().decode("cp1252", errors="ignore")


def untidy(dice: Dice, code: str) -> str:
    """A code as different screens stored it: 'ABB', 'ABB   ', 'abb'."""
    drawn = dice.draw()
    if drawn < 0.80:
        return code
    return code + "   " if drawn < 0.93 else code.lower()


def postcode(dice: Dice) -> str:
    """A postcode of the invented area AN, in one of the four ways people typed it."""
    text = f"AN{1 + dice.below(9)} {1 + dice.below(9)}{dice.one('ABDEFGHJ')}{dice.one('LNPQRSTU')}"
    drawn = dice.draw()
    if drawn < 0.85:
        return text
    return text.replace(" ", "") if drawn < 0.92 else text.lower() + "  "


def telephone(dice: Dice) -> str:
    """A number from Ofcom's drama ranges."""
    last = f"{dice.below(1000):03d}"
    return f"07700 900{last}" if dice.chance(0.6) else f"01632960{last}"


def insurance(dice: Dice) -> str | None:
    """A National Insurance number that is never issued, in mixed form."""
    if dice.chance(0.15):
        return None
    text = f"QQ{dice.below(1_000_000):06d}{dice.one('ABCD')}"
    return text if dice.chance(0.8) else f"{text[:2]} {text[2:4]} {text[4:6]} {text[6:8]} {text[8]}".lower()


def birth(dice: Dice) -> int:
    """A date of birth as a number; 0 when it was not asked for."""
    return 0 if dice.chance(0.08) else number(date(1930, 1, 1) + timedelta(days=dice.below(27_000)))


def money_text(dice: Dice, pence: int) -> str:
    """Pence as one of the ways text columns hold money: '1,234.50', '£1234.50', '12.30-', '12.30CR', '.05'."""
    pounds = f"{abs(pence) // 100:,}.{abs(pence) % 100:02d}"
    if pence < 0:
        return pounds + dice.one(("CR", "-"))
    drawn = dice.draw()
    if drawn < 0.6:
        return pounds
    if drawn < 0.8:
        return " £" + pounds
    return pounds.removeprefix("0") if drawn < 0.9 else pounds.replace(",", "") + " "


def uprn(dice: Dice) -> int | None:
    """A property's number; 0 or NULL where nobody looked it up."""
    drawn = dice.draw()
    if drawn < 0.06:
        return 0
    return None if drawn < 0.10 else 10_070_000_000 + dice.below(60_000)


def address(dice: Dice) -> str:
    """A house and a street, sometimes in capitals."""
    text = f"{1 + dice.below(180)} {dice.one(names.STREETS)}"
    return text if dice.chance(0.85) else text.upper() + " "


def tenants(seed: int, count: int) -> Iterator[Row]:
    """Rows of TENANTS."""
    dice = Dice(f"{seed} tenants")
    for n in range(1, count + 1):
        surname, forename = dice.one(names.SURNAMES), dice.one(names.FORENAMES)
        yield (
            f"T{n:06d}  ", dice.one(names.TITLES), surname.upper() if dice.chance(0.3) else surname,
            mangled(forename) if dice.chance(0.05) else forename, birth(dice), insurance(dice), telephone(dice),
            f"{forename}.{n}@example.org".lower() if dice.chance(0.6) else None, uprn(dice), address(dice),
            postcode(dice), untidy(dice, dice.one(WARDS)), 7_500 + dice.below(9_000),
            money_text(dice, dice.below(90_000) - 20_000) if dice.chance(0.4) else ".00",
            number(FIRST_DAY - timedelta(days=dice.below(8_000) - SPAN + 400)),
            dice.one(("Y", "N", "N", "N", " ", None)),
        )  # fmt: skip


def jobs(seed: int, count: int, tenant_count: int) -> Iterator[Row]:
    """Rows of REPAIR_JOBS, oldest first."""
    dice = Dice(f"{seed} jobs")
    for n in range(count):
        reported = FIRST_DAY + timedelta(days=min(SPAN, n * SPAN // max(1, count - 1)))
        trade = dice.one(TRADES)
        age = (LAST_DAY - reported).days
        status, took = job_status(dice, age), dice.below(45)
        finished = reported + timedelta(days=min(took, age))
        done = status == "COM"
        tenant = dice.below(tenant_count) + 1
        person = f"{dice.one(names.TITLES)} {dice.one(names.SURNAMES)}".strip()
        tel, ni = telephone(dice), f"QQ{dice.below(1_000_000):06d}A"
        fault = dice.one(names.FAULTS[trade]).replace("'", "’")
        estimate = 2_500 + dice.below(150_000)
        yield (
            FIRST_JOB + n, f"T{tenant:06d}  " if dice.chance(0.95) else None, uprn(dice), address(dice), postcode(dice),
            untidy(dice, dice.one(WARDS)), untidy(dice, trade),
            None if reported.year < 2012 else untidy(dice, dice.one("EUURRRRP")), untidy(dice, status),
            impossible(reported) if dice.chance(0.0004) else number(reported),
            str(number(finished)) if done else ("00000000" if dice.chance(0.7) else None),
            f"{finished} {8 + dice.below(10):02d}:{dice.below(60):02d}:{dice.below(60):02d}",
            estimate + dice.below(4_000) if done else (0 if status == "CAN" else None),
            "TBC" if dice.chance(0.05) else money_text(dice, estimate),
            mangled(fault) if dice.chance(0.04) else fault + ("   " if dice.chance(0.1) else ""),
            dice.one(names.NOTES).format(name=person, tel=tel, ni=ni), person if dice.chance(0.9) else None, tel,
        )  # fmt: skip


def job_status(dice: Dice, age: int) -> str:
    """A status that suits a job `age` days old."""
    drawn = dice.draw()
    if age > 60:
        return "COM" if drawn < 0.90 else ("CAN" if drawn < 0.96 else "NOA")
    return "COM" if drawn < 0.35 else dice.one(("NEW", "APP", "APP", "WIP", "NOA"))


def impossible(day: date) -> int:
    """A day that does not exist, which some old screen let through: the 31st of February of that year."""
    return day.year * 10_000 + 231


def accounts(seed: int, count: int) -> Iterator[Row]:
    """Rows of CT_ACCOUNTS."""
    dice = Dice(f"{seed} accounts")
    for n in range(count):
        start = FIRST_DAY + timedelta(days=dice.below(SPAN))
        closed = dice.chance(0.3)
        end = min(LAST_DAY, start + timedelta(days=dice.below(2_500)))
        name = f"{dice.one(names.TITLES)} {dice.one(names.FORENAMES)} {dice.one(names.SURNAMES)}".strip()
        yield (
            f"{70_010_000 + n:010d}", uprn(dice), name.upper() if dice.chance(0.2) else name, insurance(dice),
            birth(dice), f"account.{n}@example.org" if dice.chance(0.5) else None, address(dice), postcode(dice),
            untidy(dice, dice.one(WARDS)), untidy(dice, dice.one("AAABBBCCDDEFGH")) if dice.chance(0.99) else None,
            110_000 + dice.below(320_000), money_text(dice, dice.below(260_000) - 30_000),
            untidy(dice, dice.one(("DD", "DD", "DD", "CASH", "SO", "WEB"))), number(start),
            number(end) if closed else dice.one((0, 99_991_231)),
        )  # fmt: skip


def applications(seed: int, count: int) -> Iterator[Row]:
    """Rows of PLAN_APPS."""
    dice = Dice(f"{seed} applications")
    for n in range(count):
        received = FIRST_DAY + timedelta(days=n * SPAN // max(1, count - 1))
        decided = received + timedelta(days=30 + dice.below(70))
        known = decided <= LAST_DAY
        proposal = dice.one(names.PROPOSALS)
        yield (
            f"{received.year % 100:02d}/{n:05d}/{dice.one(('FUL', 'HOU', 'LBC', 'ADV'))}", number(received),
            number(decided) if known else 0,
            untidy(dice, dice.one(("PER", "PER", "PER", "REF", "WDN"))) if known else None,
            mangled(proposal) if dice.chance(0.1) else proposal, f"{address(dice)}, Anytown {postcode(dice)}",
            untidy(dice, dice.one(WARDS)), f"{410_000 + dice.below(9_000)}{dice.one(('', '.00 '))}",
            f"{280_000 + dice.below(9_000)}",
            dice.one(("£206", "206.00", "£462", "96.00", "0.00")),
            f"{dice.one(names.TITLES)} {dice.one(names.SURNAMES)}".strip(),
            telephone(dice) if dice.chance(0.6) else None,
        )  # fmt: skip


def users(seed: int) -> Iterator[Row]:
    """Rows of USERS: a member of staff and a resident, both with the password the sign-in page shows."""
    for name, full_name, staff, tenant, account in (
        ("officer", "Sam Officer", 1, None, None),
        ("resident", "Robin Resident", 0, "T000001  ", "0070010000"),
    ):
        salt = hashlib.sha256(f"{seed} {name}".encode()).digest()[:16]
        yield name, salt, password_hash(PASSWORD, salt), full_name, staff, tenant, account


def password_hash(password: str, salt: bytes) -> bytes:
    """scrypt with the parameters OWASP gives for interactive sign-in at 16 MiB (N=2^14, r=8, p=5)."""
    return hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=5, maxmem=64 * 2**20)


def write(path: Path, seed: int = 1, size: Size = FULL) -> None:
    """Makes the database at `path`, which must not exist yet."""
    connection = connect(path)
    try:
        connection.executescript(TABLES)
        connection.execute("BEGIN")
        codes = ((kind, code, text) for kind, known in CODES.items() for code, text in known.items())
        fill(connection, "CODES", codes)
        fill(connection, "TENANTS", tenants(seed, size.tenants))
        fill(connection, "REPAIR_JOBS", jobs(seed, size.jobs, size.tenants))
        fill(connection, "CT_ACCOUNTS", accounts(seed, size.accounts))
        fill(connection, "PLAN_APPS", applications(seed, size.applications))
        fill(connection, "USERS", users(seed))
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()


def fill(connection: sqlite3.Connection, table: str, rows: Iterator[Row]) -> None:
    """Inserts all rows; `table` is a name written in this file."""
    width = len(connection.execute(f"PRAGMA table_info({table})").fetchall())
    connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * width)})", rows)  # noqa: S608 - our own name
