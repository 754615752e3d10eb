"""The monolith's form for reporting a repair."""

import re
from datetime import UTC, datetime

from aiohttp import web

from demo.monolith import visit
from demo.monolith.repairs import names
from demo.monolith.visit import Visit

FIELDS = ("name", "telephone", "address", "postcode", "ward", "trade", "description")
LONGEST = {"name": 80, "telephone": 30, "address": 120, "postcode": 10, "ward": 60, "trade": 60, "description": 500}
EXPIRED = "Your session has expired. Check what you typed and send it again."


async def form(request: web.Request) -> web.Response:
    """GET /repairs/report"""
    return _page(visit.of(request), dict.fromkeys(FIELDS, ""), {})


def _page(at: Visit, typed: dict[str, str], problems: dict[str, str], status: int = 200) -> web.Response:
    return at.page(
        "report.html", status, token=at.session.token, typed=typed, problems=problems,
        wards=names(at, "WARD"), trades=names(at, "TRADE"), longest=LONGEST,
    )  # fmt: skip


async def submit(request: web.Request) -> web.Response:
    """POST /repairs/report: a new job, or the form again with what is wrong."""
    at, sent = visit.of(request), await request.post()
    typed = {name: re.sub(r"\r\n?", "\n", str(sent.get(name, ""))).strip() for name in FIELDS}
    if not at.session.owns(str(sent.get("_csrf", ""))):
        return _page(at, typed, {"": EXPIRED}, 403)
    problems = faults(typed, names(at, "WARD"), names(at, "TRADE"))
    if problems:
        return _page(at, typed, problems, 422)
    return at.redirect(f"/repairs/{_new_job(at, typed)}", reported=1)


def faults(typed: dict[str, str], wards: list[str], trades: list[str]) -> dict[str, str]:
    """What is wrong with a report, by field; empty when nothing is."""
    found = {
        name: f"{name.capitalize()} must be {most} characters or fewer"
        for name, most in LONGEST.items()
        if len(typed[name]) > most
    }
    if not typed["name"]:
        found["name"] = "Enter your name"
    if len(re.sub(r"[^0-9]", "", typed["telephone"])) < 10:
        found["telephone"] = "Enter a telephone number, like 01632 960 001"
    if not typed["address"]:
        found["address"] = "Enter the first line of the address"
    if not re.fullmatch(r"[A-Za-z]{1,2}[0-9][A-Za-z0-9]? ?[0-9][A-Za-z]{2}", typed["postcode"]):
        found["postcode"] = "Enter a full UK postcode, like AN1 2BC"
    if typed["ward"] not in wards:
        found["ward"] = "Select a ward"
    if typed["trade"] not in trades:
        found["trade"] = "Select what needs repairing"
    if len(typed["description"]) < 10:
        found["description"] = "Describe the problem in at least 10 characters"
    return found


def _new_job(at: Visit, typed: dict[str, str]) -> int:
    """Writes the job and gives its number: the next after the highest."""
    now = datetime.now(UTC)
    codes = {
        kind: at.row("SELECT CODE FROM CODES WHERE CODE_TYPE = :kind AND DESCR = :text", {"kind": kind, "text": text})
        for kind, text in (("WARD", typed["ward"]), ("TRADE", typed["trade"]))
    }
    made = at.database.execute(
        """INSERT INTO REPAIR_JOBS (ADDR1, POSTCODE, WARD_CD, TRADE_CD, PRIORITY_CD, STATUS_CD, REPORTED, COMPLETED,
                                    LAST_MOD, EST_COST, DESCR, NOTES, CALLER_NAME, CALLER_TEL)
           VALUES (:address, :postcode, :ward, :trade, 'R', 'NEW', :day, '00000000', :now, 'TBC', :description,
                   'Reported on the web', :name, :telephone)""",
        {
            **typed,
            "ward": row["CODE"] if (row := codes["WARD"]) else None,
            "trade": row["CODE"] if (row := codes["TRADE"]) else None,
            "day": int(now.strftime("%Y%m%d")),
            "now": now.strftime("%Y-%m-%d %H:%M:%S"),
        },
    )
    return int(made.lastrowid or 0)
