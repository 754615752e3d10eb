"""django-helpdesk beside a second instance of itself: no mismatch; with five changed templates, those five alone.

A person signs in through the proxy and uses it; then it is copied, database and files, and the copy is the candidate of
a slice at stage shadow that is `repeatable`. The copy's templates change while all runs, so that what is known of noise
by then stays known. Legacy is read a second time once a second, as anywhere: that is what takes the time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.request import urlopen

import pytest

from proxy.control import ask
from proxy.noise import ENOUGH
from tests.conftest import Start
from tests.live.citizen import Citizen
from tests.live.conftest import Helpdesk, Proxy, run_copy

pytestmark = [pytest.mark.live, pytest.mark.slow]

PATTERNS = ("/tickets/*", "/reports/*", "/rss/*", "/ignore/*", "/api/*", "/*")
PHOTO = bytes(range(256)) * 400
TABLE = "draw=1&start=0&length=25&order[0][column]=0&order[0][dir]=asc&search[value]="  # as the list's script asks
AT_ONCE = 12  # fewer than the keeper asks of a candidate at once, so that none is dropped
ENOUGH_JUDGED = 0.95  # a machine that does much else may keep the jury from some
WITHHELD = "/tickets/submit/"  # it reads like an act, though it is the form for a new ticket


def routes(helpdesk: Helpdesk, candidate: Helpdesk | None = None) -> str:
    return f"""\
version: 1
listen: 127.0.0.1:8080
backends:
  legacy: {{url: "{helpdesk.address}"}}
  candidate: {{url: "{(candidate or helpdesk).address}", cookies: [sessionid, csrftoken]}}
default: legacy
slices:
  helpdesk:
    backend: candidate
    stage: {"shadow" if candidate else "legacy"}
    routes: {json.dumps(PATTERNS)}
    repeatable: true
    shadow: {{sample: 100%}}
"""


@dataclass(frozen=True, slots=True)
class Change:
    """What is done to a template (`old`: a regular expression), on how many of the pages it is seen, and as what."""

    what: str
    template: str
    old: str
    new: str
    pages: int
    found: tuple[str, str, str]  # the route pattern, the place, the kind


CHANGES = [
    Change(
        "a changed label", "include/ticket_respond_form.html", "Comment / Resolution", "Your answer", 2,
        ("/tickets/*", "css:div.row label.form-label", "value"),
    ),
    Change(
        "a lost form field", "ticket_list.html", r'<input[^>]* name="shared"[^>]*>', "", 3,
        ("/tickets/*", "css:div.form-check input[name=shared]", "missing"),
    ),
    Change(
        "a missing column", "email_ignore_list.html",
        r'<td class="text-body-secondary">{% translate "Queues" %}</td>|<td>\s*{% for queue.*?endfor %}\s*</td>', "", 1,
        ("/ignore/*", "css:table.table td:nth-child(4)", "missing"),
    ),
    Change(
        "a changed link", "rss_list.html", "{% url 'helpdesk:rss_activity' %}", "/rss/activity/", 1,
        ("/rss/*", "css:div.container-fluid dl a[href]", "value"),
    ),
    Change(
        "a missing section", "report_index.html", r'<span[^>]*>{{ customers }}</span>\s*<span.*?</span>', "", 1,
        ("/reports/*", "css:div.row div.col", "missing"),
    ),
]  # fmt: skip


def change(candidate: Helpdesk) -> None:
    """The candidate's own templates in place of those it came with."""
    for each in CHANGES:
        text = (files("helpdesk") / "templates" / "helpdesk" / each.template).read_text(encoding="utf-8")
        changed, count = re.subn(each.old, each.new, text, flags=re.DOTALL)
        assert count in (1, 2), each.what
        file = candidate.database.parent / "templates" / "helpdesk" / each.template
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(changed, encoding="utf-8")


def fill(citizen: Citizen) -> list[str]:
    """Some days in a helpdesk. -> the pages to look at then."""
    titles = ("Damp in the hall, £5 & more", "No hot water", "Drws wedi torri")
    (damp, page), (water, _), _ = (
        citizen.create_ticket(title, f"{title}.\nSince Monday.", ("damp.pdf", PHOTO)) for title in titles
    )
    (file,) = set(re.findall(r'href="(/media/[^"]+)"', page.text))
    first, second = f"/tickets/{damp}", f"/tickets/{water}"
    as_it_is = {"queue": "1", "title": "No hot water", "priority": "2"}
    citizen.follow_up(water, {**as_it_is, "comment": "Mended.", "new_status": "3", "public": "1"})
    citizen.send(f"{first}/cc/add/", {"email": "ffrind@example.test", "can_view": "on"})
    citizen.send("/admin/helpdesk/kbcategory/add/", {
        "name": "Heating", "title": "Heating", "slug": "heating", "description": "Warm homes.", "public": "on",
    })  # fmt: skip
    citizen.send("/admin/helpdesk/kbitem/add/", {
        "category": "1", "title": "Bleeding a radiator", "question": "How?", "answer": "With a *key*.", "votes": "3",
        "recommendations": "2", "order": "0", "enabled": "on", "kbiattachment_set-TOTAL_FORMS": "0",
        "kbiattachment_set-INITIAL_FORMS": "0",
    })  # fmt: skip
    citizen.send("/admin/helpdesk/ignoreemail/add/", {
        "name": "Spam", "date": "2020-12-31", "email_address": "*@example.test", "queues": "1",
    })  # fmt: skip
    (query,) = set(re.findall(r'name="query_encoded" value="([^"]*)"', citizen.get("/tickets/").text))
    citizen.send("/save_query/", {"title": "Fy chwiliad", "query_encoded": query})
    return [
        "/dashboard/", "/tickets/", f"{first}/", f"{second}/", f"{first}/edit/", f"{first}/cc/",
        "/tickets/?q=damp", "/tickets/?saved_query=1", "/reports/", "/reports/userpriority/", "/reports/queuestatus/",
        "/kb/", "/kb/heating/", "/rss/", "/rss/queue/demo/", "/rss/recent_activity/", "/ignore/", "/ignore/add/",
        "/api/tickets/", f"/api{second}/", "/api/followups/", "/settings/", "/saved-searches/",
        "/checklist-templates/", "/system_settings/", "/help/context/", "/password_change/", file,
        f"/datatables_ticket_list/{query}?{TABLE}", f"/timeline_ticket_list/{query}", WITHHELD,
    ]  # fmt: skip


Findings = dict[tuple[str, str, str], int]  # of each route pattern, place and kind, how often it differed


class Scene:
    """The proxy at stage shadow, and a person who is signed in."""

    def __init__(self, proxy: Proxy, citizen: Citizen, pages: list[str]) -> None:
        self.proxy, self.citizen, self.pages = proxy, citizen, pages
        self.asked = 0
        self.seen = 0  # times that all pages were looked at
        self.admin = proxy.process.wait_for(r"admin (http://\S+)")[1]

    def verdicts(self) -> Mapping[str, Any]:
        said: Any = ask(self.proxy.routes.parent, {"do": "status"})
        assert said["ok"], said
        (row,) = said["slices"]
        return dict(row["verdicts"])

    def findings(self) -> Findings:
        """As the admin API tells them."""
        with urlopen(f"{self.admin}/api/v1/slices/helpdesk/differences") as reply:
            told = json.load(reply)["differences"]
        return {(each["pattern"], each["path"], each["kind"]): each["count"] for each in told}

    def findings_once(self, condition: Callable[[Findings], bool], *, seconds: float = 30.0) -> Findings:
        """The ledger is written each second, and read every five."""
        until = monotonic() + seconds
        while not condition(found := self.findings()) and monotonic() < until:
            sleep(0.1)  # what is waited for happens in another process
        return found

    def rounds(self, *, seconds: float = 90.0) -> Iterator[Mapping[str, Any]]:
        """All pages, time after time, no faster than they are judged; the verdicts when those of a round are there."""
        until = monotonic() + seconds
        while True:
            for page in self.pages:
                assert self.citizen.get(page).status_code == 200, page
                self.asked += 1
                if self.asked % AT_ONCE == 0:
                    self._judged(until)
            self.seen += 1
            yield self._judged(until)

    def _judged(self, until: float) -> Mapping[str, Any]:
        while (said := self.verdicts())["judged"] + said["unjudged"] < self.asked:
            assert monotonic() < until, (said, self.findings())
            sleep(0.05)  # the jury's work is waited for
        return said


def test_it_matches_itself_and_five_changed_templates_are_found_and_nothing_else(
    helpdesk: Helpdesk, serve: Callable[[str], Proxy], start: Start, tmp_path: Path
) -> None:
    proxy = serve(routes(helpdesk))
    with Citizen(proxy.address) as citizen:
        citizen.sign_in()
        pages = fill(citizen)
        candidate = run_copy(start, helpdesk, tmp_path / "candidate")
        proxy.write(routes(helpdesk, candidate))
        proxy.process.wait_for("as generation 2")
        scene = Scene(proxy, citizen, pages)
        began = monotonic()

        # Itself: the pages are judged, but for one that is not copied, and none mismatches or waits to be judged.
        for said in scene.rounds():
            if said["second_reads"] >= ENOUGH * len(PATTERNS):
                break
        print(f"itself: {len(pages)} pages, {scene.seen} times, in {monotonic() - began:.0f} s: {said}")
        assert said["causes"]["withheld"] == scene.seen
        assert said["judged"] >= ENOUGH_JUDGED * scene.seen * (len(pages) - 1)
        assert (said["mismatched"], said["waiting"]) == (0, {"learning": 0, "stale": 0})
        assert said["matched"] >= ENOUGH_JUDGED * said["judged"], "legacy's noise excuses next to nothing"
        assert scene.findings() == {}

        # Five templates change: each is found, as one difference, on each page that has it, and nothing else is.
        change(candidate)
        before = scene.seen
        for said in scene.rounds():
            times = scene.seen - before
            if times >= 2 and not said["waiting"]["learning"]:
                break
        found = scene.findings_once(lambda found: sum(found.values()) >= said["mismatched"])
        print(f"changed: {times} times, in {monotonic() - began:.0f} s: {said}, {found}")
        assert set(found) == {each.found for each in CHANGES}
        assert sum(found.values()) == said["mismatched"]
        assert said["mismatched"] <= times * sum(each.pages for each in CHANGES)
