"""The monolith's repairs pages: the register, its search, one job, the JSON of an app, and the report by ward."""

import csv
import io
import sqlite3
from datetime import UTC, datetime

from aiohttp import web

from demo.monolith import formats, visit
from demo.monolith.visit import Visit, page_number

PAGE = 25  # rows on a page
_FROM = """
    FROM REPAIR_JOBS J
    LEFT JOIN CODES S ON S.CODE_TYPE = 'STATUS' AND S.CODE = UPPER(TRIM(J.STATUS_CD))
    LEFT JOIN CODES T ON T.CODE_TYPE = 'TRADE' AND T.CODE = UPPER(TRIM(J.TRADE_CD))
    LEFT JOIN CODES P ON P.CODE_TYPE = 'PRIORITY' AND P.CODE = UPPER(TRIM(J.PRIORITY_CD))
    LEFT JOIN CODES W ON W.CODE_TYPE = 'WARD' AND W.CODE = UPPER(TRIM(J.WARD_CD))
"""
_SELECT = "SELECT J.*, S.DESCR AS STATUS, T.DESCR AS TRADE, P.DESCR AS PRIORITY, W.DESCR AS WARD" + _FROM
_WHERE = """
    WHERE (:q = '' OR CAST(J.JOB_NO AS TEXT) = :q OR J.DESCR LIKE :like ESCAPE '!')
      AND (:ward = '' OR W.DESCR = :ward) AND (:status = '' OR S.DESCR = :status)
"""


async def register(request: web.Request) -> web.Response:
    """GET /repairs and GET /repairs/search?q=&ward=&status=&page="""
    at = visit.of(request)
    asked = {name: request.query.get(name, "").strip()[:100] for name in ("q", "ward", "status")}
    escaped = asked["q"].replace("!", "!!").replace("%", "!%").replace("_", "!_")
    values: dict[str, object] = {**asked, "like": f"%{escaped}%"}
    count = _count(at, values)
    last = max(1, -(-count // PAGE))
    page = min(page_number(request), last)
    found = at.rows(
        f"{_SELECT} {_WHERE} ORDER BY J.JOB_NO DESC LIMIT {PAGE} OFFSET :skip",
        {**values, "skip": (page - 1) * PAGE},
    )
    return at.page(
        "repairs.html", jobs=found, asked=asked, count=count, page=page, last=last,
        wards=names(at, "WARD"), statuses=names(at, "STATUS"),
    )  # fmt: skip


def _count(at: Visit, values: dict[str, object]) -> int:
    row = at.row(f"SELECT COUNT(*) AS N {_FROM} {_WHERE}", values)
    return int(row["N"]) if row else 0


def names(at: Visit, kind: str) -> list[str]:
    """The names of one kind of code, in order: 'WARD' -> ['Abbey', 'Bridge End', ...]."""
    rows = at.rows("SELECT DESCR FROM CODES WHERE CODE_TYPE = :kind ORDER BY DESCR", {"kind": kind})
    return [row["DESCR"] for row in rows]


def find(at: Visit, number: str) -> sqlite3.Row | None:
    """One job, by the number in a URL."""
    return at.row(f"{_SELECT} WHERE J.JOB_NO = :no", {"no": int(number)}) if len(number) < 16 else None


async def one(request: web.Request) -> web.Response:
    """GET /repairs/<job number>; staff also see who called."""
    at = visit.of(request)
    job = find(at, request.match_info["number"])
    if job is None:
        raise web.HTTPNotFound(text="There is no repair job of that number.")
    photos = at.rows("SELECT * FROM PHOTOS WHERE JOB_NO = :no ORDER BY PHOTO_ID", {"no": job["JOB_NO"]})
    return at.page("repair.html", job=job, photos=photos, reported="reported" in request.query)


async def as_json(request: web.Request) -> web.Response:
    """GET /api/repairs/<n>.json"""
    job = find(visit.of(request), request.match_info["number"])
    if job is None:
        return web.json_response({"error": "no such job"}, status=404)
    facts = {
        "job": job["JOB_NO"],
        "reported": formats.iso_day(job["REPORTED"]),
        "completed": formats.iso_day(job["COMPLETED"]),
        "status": job["STATUS"],
        "trade": job["TRADE"],
        "priority": job["PRIORITY"],
        "ward": job["WARD"],
        "uprn": str(job["UPRN"]) if job["UPRN"] else None,
        "description": formats.tidy(job["DESCR"]),
        "cost": formats.plain_pounds(job["COST_P"]),
        "generated": datetime.now(UTC).isoformat(),
    }
    return web.json_response(facts)


async def by_ward(request: web.Request) -> web.Response:
    """GET /repairs/report.csv: jobs and cost by ward and status, as the supplier's reporting module has it."""
    rows = visit.of(request).rows(
        f"SELECT W.DESCR AS WARD, S.DESCR AS STATUS, COUNT(*) AS JOBS, SUM(J.COST_P) AS COST {_FROM} "
        "GROUP BY W.DESCR, S.DESCR ORDER BY W.DESCR, S.DESCR"
    )
    text = io.StringIO()
    sheet = csv.writer(text)
    sheet.writerow(["Ward", "Status", "Jobs", "Cost"])
    sheet.writerows([row["WARD"], row["STATUS"], row["JOBS"], formats.plain_pounds(row["COST"])] for row in rows)
    return web.Response(
        text=text.getvalue(),
        content_type="text/csv",
        charset="utf-8",
        headers={"Content-Disposition": 'attachment; filename="repairs-by-ward.csv"', "Cache-Control": "no-store"},
    )
