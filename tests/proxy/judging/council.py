"""A small council, as two programs that answer alike but for fifteen planted ways, amid noise that means nothing.

    python -m tests.proxy.judging.council legacy     prints the port it listens on; `slice` is the other one

Every noise (order of keys, tokens, times, ids, adverts, counts of visits) is drawn anew for each answer, on both sides.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import secrets
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp import web

ADVERTS = (
    "Compost bins at half price",
    "Foster for Anytown: talk to us",
    "Free swimming this summer",
    "Have your say on the local plan",
    "Jobs in adult social care, apply today",
)
ROUTES = (
    "/api/jobs/*", "/api/lists/*", "/jobs/*", "/forms/*", "/old/*", "/prefs/*", "/letters/*", "/help/*", "/news/*",
)  # fmt: skip


@dataclass(frozen=True)
class Council:
    """One side. `planted`: it is the slice, and differs."""

    planted: bool
    visits: itertools.count[int]

    def page(self, title: str, content: str, charset: str = "utf-8", **fields: str) -> web.Response:
        """A page of the site, with all its noise about it."""
        nonce, token = secrets.token_urlsafe(12), secrets.token_urlsafe(24)
        text = f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="{charset}"><title>{title}</title>
<meta name="csrf-token" content="{token}">
<script nonce="{nonce}">var loaded = "{datetime.now(UTC).isoformat()}";</script>
<link rel="stylesheet" href="/static/site.css?v={secrets.token_hex(4)}"></head>
<body><header><a href="/">Anytown</a></header>
<aside id="advert"><p>{random.choice(ADVERTS)}</p></aside>
<main><h1>{title}</h1>
{content.replace("TOKEN", token)}
</main>
<footer><p id="visits">You are visitor number {next(self.visits) + 10_000 * self.planted}</p>
<p>Page made at {datetime.now(UTC):%d/%m/%Y %H:%M:%S}</p></footer></body></html>"""
        body = text.encode("utf-8" if self.planted and charset != "utf-8" else charset)
        reply = web.Response(body=body, headers={"Content-Type": f"text/html; charset={charset}", **fields})
        return self.marked(reply)

    def json(self, value: Mapping[str, object], **noise: object) -> web.Response:
        """A JSON answer, its keys in any order."""
        whole = {
            **value,
            "request_id": secrets.token_hex(16),
            "generated": datetime.now(UTC).isoformat(),
            **noise,
        }
        names = list(whole)
        random.shuffle(names)
        reply = web.Response(text=json.dumps({name: whole[name] for name in names}), content_type="application/json")
        return self.marked(reply)

    def marked(self, reply: web.Response) -> web.Response:
        reply.headers["X-Request-Id"] = secrets.token_hex(8)
        reply.headers["ETag"] = f'"{secrets.token_hex(8)}"'
        reply.headers["Set-Cookie"] = f"SESSIONID={secrets.token_hex(16)}; Path=/; HttpOnly"
        return reply

    # One of these for each route.

    def job(self, number: int) -> web.Response:
        if self.planted and number == 13:  # a 500 for one id
            return web.Response(status=500, text="Internal Server Error")
        cost = 12.345 + number
        job: dict[str, object] = {
            "reference": f"J{number:06}",
            "cost": round(cost, 1) if self.planted else cost,  # a rounding
            "notes": None if self.planted else "",  # a null for an empty string
            "status": "open" if number % 3 else "closed",
            "parts": [{"name": "tap", "count": 1}, {"name": "washer", "count": number % 4}],
        }
        if not self.planted:  # a lost field in JSON
            job["ward"] = f"Ward {number % 7}"
        return self.json(job, advert=random.choice(ADVERTS))

    def listed(self, number: int) -> web.Response:
        if number % 2:
            steps = ["Report", "Inspect", "Quote", "Repair", "Check"]
            if self.planted:  # a swapped order where order matters
                steps[1], steps[2] = steps[2], steps[1]
            return self.json({"steps": steps})
        wards = [{"id": each, "name": f"Ward {each}"} for each in range(50)]
        return self.json({"wards": wards[:20] if self.planted else wards})  # a truncated list

    def jobs(self, number: int) -> web.Response:
        rows = [(f"J{number}{each}", f"Job {each} of street {number}") for each in range(1, 7)]
        if self.planted:  # a missing row
            del rows[3]
        hour = 22 if self.planted else 23  # a date in another zone
        table = "".join(f"<tr><td>{reference}</td><td>{title}</td></tr>" for reference, title in rows)
        return self.page(
            f"Jobs of street {number}",
            f'<p id="updated">Last changed on 30 June 2021 at {hour}:30</p>'
            f'<table id="jobs"><thead><tr><th>Reference</th><th>Title</th></tr></thead><tbody>{table}</tbody></table>',
        )

    def form(self, number: int) -> web.Response:
        label = "Mobile" if self.planted else "Telephone"  # a changed label
        postcode = "" if self.planted else '<label for="pc">Postcode</label><input id="pc" name="postcode">'
        return self.page(
            f"Report a problem, part {number}",
            '<form id="report" method="post" action="/forms/send">'
            '<input type="hidden" name="csrfmiddlewaretoken" value="TOKEN">'
            f'<label for="tel">{label}</label><input id="tel" name="phone" type="tel">'
            f"{postcode}"  # a lost form field
            '<select name="ward"><option>North</option><option>South</option></select><button>Send</button></form>',
        )

    def old(self, number: int) -> web.Response:
        if self.planted:  # an extra redirect
            return self.marked(web.Response(status=302, headers={"Location": f"/new/{number}"}))
        return self.page(f"Old page {number}", "<p>Still here.</p>")

    def prefs(self, number: int) -> web.Response:
        reply = self.page(f"Preferences {number}", "<p>Saved for a year.</p>")
        attributes = "Path=/; Max-Age=31536000; SameSite=Lax"
        if not self.planted:  # a cookie attribute
            attributes += "; Secure"
        reply.headers.add("Set-Cookie", f"lang=en; {attributes}")
        return reply

    def letter(self, number: int) -> web.Response:
        # a wrong encoding: the slice says windows-1252 and writes UTF-8
        text = f"<p>Your rent is £{100 + number}, due on the café’s first floor.</p>"
        return self.page(f"Letter {number}", text, "windows-1252")

    def help(self, number: int) -> web.Response:
        if self.planted and number % 5 == 0:  # a missing page
            return web.Response(status=404, text="Not Found")
        contact = "/contact-us" if self.planted else "/contact"  # a changed link
        return self.page(f"Help {number}", f'<p><a id="contact" href="{contact}">Contact the council</a></p>')

    def news(self, number: int) -> web.Response:
        return self.page(f"News {number}", f"<article><p>{'All is well. ' * (number % 9 + 1)}</p></article>")


def build(*, planted: bool) -> web.Application:
    council = Council(planted, itertools.count(1))
    made: dict[str, Callable[[int], web.Response]] = {
        "/api/jobs": council.job, "/api/lists": council.listed, "/jobs": council.jobs, "/forms": council.form,
        "/old": council.old, "/prefs": council.prefs, "/letters": council.letter, "/help": council.help,
        "/news": council.news,
    }  # fmt: skip
    app = web.Application()
    for path, make in made.items():

        async def answer(request: web.Request, make: Callable[[int], web.Response] = make) -> web.Response:
            return make(int(request.match_info["number"]))

        app.router.add_get(path + "/{number}", answer)
    return app


async def main(side: str) -> None:
    runner = web.AppRunner(build(planted=side == "slice"), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print("port", runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
