"""The repairs slice's URLs: the monolith's own, so that a citizen's links and bookmarks stay good."""

import asyncio
import csv
import io
import logging
import re
import secrets
import time
from datetime import UTC, date, datetime
from decimal import Decimal

from aiohttp import web

from slices.kit import Kit
from slices.library.repairs import register
from slices.library.repairs.receipt import is_sealed, seal
from slices.library.repairs.report import FIELDS, PATH, TOKEN, Confirmed, ShowAgain, judged
from slices.shelf import Shelf

LOG = logging.getLogger("slices.repairs")


def build(kit: Kit) -> None:
    """Puts the slice into the kit."""
    Repairs(kit, kit.shelf("housing-repairs", register.SELECT, register.INDEX))


def day(value: object) -> str:
    """2024-02-29 -> '29 February 2024'; None -> ''."""
    return f"{value.day} {value:%B %Y}" if isinstance(value, date) else ""


def pounds(value: object) -> str:
    """1045.50 -> '£1,045.50'; None -> ''."""
    return f"£{value:,.2f}" if isinstance(value, Decimal) else ""


class Repairs:
    """The handlers, over one dataset and legacy's form."""

    def __init__(self, kit: Kit, shelf: Shelf) -> None:
        self.kit, self.shelf = kit, shelf
        self._key = secrets.token_bytes(32)  # of this process alone: after a restart a reload confirms no more
        kit.filters({"day": day, "pounds": pounds})
        kit.style_at("/repairs/assets/page.css")
        kit.route("GET", "/repairs", self.find)
        kit.route("GET", "/repairs/search", self.find)
        kit.route("GET", PATH, self.form)
        kit.route("POST", PATH, self.submit)
        kit.route("GET", "/repairs/report.csv", self.by_ward)
        kit.route("GET", "/repairs/{number:[0-9]+}", self.one)
        kit.route("GET", "/api/repairs/{number:[0-9]+}.json", self.as_json)

    async def find(self, request: web.Request) -> web.Response:
        """GET /repairs and GET /repairs/search?q=&ward=&status=&page="""
        held, asked = (
            self.shelf.held,
            {name: request.query.get(name, "").strip()[:100] for name in ("q", "ward", "status")},
        )
        number = request.query.get("page", "1")
        page = max(1, int(number)) if re.fullmatch(r"[0-9]{1,7}", number) else 1
        found = await asyncio.to_thread(register.find, held, asked, page)
        wards, statuses = [await asyncio.to_thread(register.words, held, column) for column in ("ward", "status")]
        return self.kit.page("find.html", asked=asked, found=found, wards=wards, statuses=statuses)

    async def one(self, request: web.Request) -> web.Response:
        """GET /repairs/<job number>; with a seal of ours it confirms a report that the dataset cannot have yet."""
        held, number = self.shelf.held, request.match_info["number"]
        reported = is_sealed(self._key, number, request.query.get("seal", ""), int(time.time()))
        job = await asyncio.to_thread(register.one, held, number)
        if job is not None:
            return self.kit.page("one.html", job=job, reported=reported)
        if await asyncio.to_thread(register.is_newer, held, number):
            return self.kit.page("not_yet.html", 200 if reported else 404, number=number, reported=reported)
        raise web.HTTPNotFound

    async def as_json(self, request: web.Request) -> web.Response:
        """GET /api/repairs/<n>.json, with the monolith's own keys."""
        job = await asyncio.to_thread(register.one, self.shelf.held, request.match_info["number"])
        if job is None:
            return web.json_response({"error": "no such job"}, status=404)
        facts = {
            "job": int(str(job["reference"])),
            "reported": _text(job["reported_on"]),
            "completed": _text(job["completed_on"]),
            "status": job["status"],
            "trade": job["trade"],
            "priority": job["priority"],
            "ward": job["ward"],
            "uprn": job["uprn"],
            "description": job["description"] or "",
            "cost": _text(job["cost"]),
            "generated": datetime.now(UTC).isoformat(),
        }
        return web.json_response(facts)

    async def by_ward(self, _request: web.Request) -> web.Response:
        """GET /repairs/report.csv: jobs and cost by ward and status."""
        rows = await asyncio.to_thread(register.by_ward, self.shelf.held)
        text = io.StringIO()
        sheet = csv.writer(text)
        sheet.writerow(["Ward", "Status", "Jobs", "Cost"])
        sheet.writerows([row["ward"], row["status"], row["jobs"], _text(row["cost"])] for row in rows)
        return web.Response(
            text=text.getvalue(),
            content_type="text/csv",
            charset="utf-8",
            headers={"Content-Disposition": 'attachment; filename="repairs-by-ward.csv"', "Cache-Control": "no-store"},
        )

    async def form(self, _request: web.Request) -> web.Response:
        """GET /repairs/report"""
        return await self._form(dict.fromkeys(FIELDS, ""), ShowAgain(200, {}))

    async def _form(self, typed: dict[str, str], shown: ShowAgain) -> web.Response:
        held, choices = self.shelf.held, {}
        for column in ("ward", "trade"):
            known = await asyncio.to_thread(register.words, held, column)
            # What was chosen stays chosen, even if no job in the dataset has it yet.
            choices[column] = known if typed[column] in ("", *known) else sorted([*known, typed[column]])
        problems = dict(shown.problems)
        return self.kit.page("report.html", shown.status, typed=typed, problems=problems, choices=choices)

    async def submit(self, request: web.Request) -> web.Response:
        """POST /repairs/report: through legacy's form; then the page of the new job, whichever side shows it."""
        if request.headers.get("Sec-Fetch-Site") == "cross-site":
            raise web.HTTPForbidden
        typed = await self.kit.form(request, FIELDS)
        outcome = await self.kit.legacy.submit(PATH, typed, TOKEN)
        match judged(outcome):
            case Confirmed(number):
                # `reported` is legacy's own word, for the page it shows if the slice is rolled back meanwhile.
                to = f"/repairs/{number}?reported=1&seal={seal(self._key, number, int(time.time()))}"
                return web.Response(status=303, headers={"Location": to, "Cache-Control": "no-store"})
            case ShowAgain() as again:
                # The class and the reason only: what was typed is personal and does not go to a log.
                LOG.warning("a report was not confirmed: %s %s", type(outcome).__name__, getattr(outcome, "why", ""))
                return await self._form(typed, again)


def _text(value: object) -> str | None:
    return None if value is None else str(value)
