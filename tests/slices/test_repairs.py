"""The repairs slice beside the monolith: the same URLs, the same facts, nothing personal."""

from __future__ import annotations

import re
from calendar import month_name
from pathlib import Path

import pytest

from notation import marked_yaml
from slices import manifest
from slices.kit import Kit
from tests.demo.anytown import Monolith, Resident, facts
from tests.slices.conftest import ROOT, liberate

MONTHS = list(month_name)
EMPTY = {"", "Not recorded", "Not yet", "Not yet known", "Not known"}


def settled(said: dict[str, str]) -> dict[str, str | None]:
    """A page's facts in one spelling: dates as the monolith writes them, nothing for every way of saying nothing."""
    found: dict[str, str | None] = {}
    for heading, text in said.items():
        day = re.fullmatch(r"(\d{1,2}) ([A-Z][a-z]+) (\d{4})", text)
        written = f"{int(day[1]):02}/{MONTHS.index(day[2]):02}/{day[3]}" if day and day[2] in MONTHS else text
        found[heading] = None if text in EMPTY else written
    return found


def real_jobs(monolith: Monolith, every: int) -> list[int]:
    """Every so-many-th job whose days exist; for the others see the test below."""
    rows = monolith.rows(
        "SELECT JOB_NO FROM REPAIR_JOBS WHERE REPORTED % 10000 <> 231 AND JOB_NO <= 100600 ORDER BY JOB_NO"
    )
    return [row[0] for row in rows][::every]


def test_thirty_jobs_are_the_same_on_both_pages(old: Resident, new: Resident, monolith: Monolith) -> None:
    jobs = real_jobs(monolith, 20)
    assert len(jobs) >= 29
    for job in jobs:
        ours, theirs = facts(new.get(f"/repairs/{job}").text), facts(old.get(f"/repairs/{job}").text)
        assert settled(ours) == settled(theirs), f"job {job}"
        assert set(ours) >= {"Reported", "Status", "Completed", "Cost", "Ward", "Trade"}


def test_the_json_is_the_same_but_for_the_moment_it_was_made(old: Resident, new: Resident, monolith: Monolith) -> None:
    for job in real_jobs(monolith, 13):
        ours, theirs = (at.get(f"/api/repairs/{job}.json").json() for at in (new, old))
        assert ours.pop("generated") != theirs.pop("generated")
        assert list(ours.items()) == list(theirs.items())


def test_the_report_by_ward_is_the_same_to_the_byte(old: Resident, new: Resident) -> None:
    ours, theirs = new.get("/repairs/report.csv"), old.get("/repairs/report.csv")
    assert ours.content == theirs.content
    for field in ("Content-Type", "Content-Disposition"):
        assert ours.headers[field] == theirs.headers[field]


def jobs_on(page: str) -> list[str]:
    return re.findall(r'<th scope="row"><a [^>]*>(\d+)</a>', page)


@pytest.mark.parametrize(
    "query",
    [
        "", "?page=2", "?page=9999", "?page=x", "?q=leak", "?q=LEAK&page=1", "?q=100007", "?q=%25", "?q=_", "?q='--",
        "?ward=Castle", "?status=Completed&page=3", "?ward=Docks&status=Cancelled", "?ward=Nowhere",
        "?q=doesn%E2%80%99t",
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/repairs", "/repairs/search"])
def test_a_list_has_the_same_jobs_in_the_same_order(old: Resident, new: Resident, path: str, query: str) -> None:
    assert jobs_on(new.get(path + query).text) == jobs_on(old.get(path + query).text)


def test_the_links_between_pages_keep_what_was_asked(new: Resident) -> None:
    page = new.get("/repairs/search?ward=Bridge+End&page=1").text
    following = re.search(r'rel="next" href="([^"]+)"', page)
    assert following is not None
    assert following[1] == "/repairs/search?q=&amp;ward=Bridge+End&amp;status=&amp;page=2"


def test_what_is_typed_is_shown_as_text(new: Resident) -> None:
    assert 'value="&#34;&gt;&lt;script&gt;"' in new.get("/repairs/search?q=%22%3E%3Cscript%3E").text


def test_nothing_personal_leaves_with_a_page(new: Resident, monolith: Monolith) -> None:
    """Every list page, every job's page and JSON, against everything personal the monolith has."""
    pages = [new.get(f"/repairs?page={page}").text for page in range(1, 26)]
    pages += [new.get(f"/repairs/{job}").text for job in range(100_001, 100_601, 7)]
    pages += [new.get(f"/api/repairs/{job}.json").text for job in range(100_001, 100_601, 7)]
    pages += [new.get(path).text for path in ("/repairs/report", "/repairs/report.csv", "/healthz")]
    said = "\n".join(pages)
    personal = {
        str(value).strip()
        for table, columns in (
            ("REPAIR_JOBS", "TENANT_NO, ADDR1, POSTCODE, CALLER_NAME, CALLER_TEL, NOTES"),
            ("TENANTS", "TENANT_NO, NI_NO, TEL, EMAIL, ADDR1, POSTCODE"),
            ("CT_ACCOUNTS", "ACC_NO, LIAB_NAME, NI_NO, EMAIL"),
        )
        for row in monolith.rows(f"SELECT {columns} FROM {table}")
        for value in row
        if value and len(str(value).strip()) > 4 and value not in ("Key with neighbour", "No reply to card")
    }
    assert len(personal) > 1_000
    assert [value for value in personal if value in said] == []


def test_a_day_that_does_not_exist_is_not_known(new: Resident, kit: Kit) -> None:
    unknown = kit.shelves["housing-repairs"].held.ask("SELECT reference FROM data WHERE reported_on IS NULL", {})
    for row in unknown:
        assert facts(new.get(f"/repairs/{row['reference']}").text)["Reported"] == "Not known"


def test_a_job_that_never_was_is_not_found(new: Resident) -> None:
    for path in ("/repairs/7", "/repairs/0", "/repairs/" + "9" * 40, "/repairs/x", "/repairs/assets/other.css"):
        answer = new.get(path)
        assert answer.status_code == 404, path
        assert "Page not found" in answer.text
    assert new.get("/api/repairs/7.json").json() == {"error": "no such job"}


def test_a_job_that_is_newer_than_the_data_is_said_to_come(new: Resident) -> None:
    answer = new.get("/repairs/900000")
    assert answer.status_code == 404
    assert "We cannot show job 900000 yet" in answer.text
    assert "it appears when the information here is next updated" in answer.text


def test_a_method_that_is_not_meant_is_refused_with_those_that_are(new: Resident) -> None:
    answer = new.session.delete(new.address + "/repairs/report", timeout=20)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET,HEAD,POST")


def test_the_pages_may_run_nothing_and_say_who_answered(new: Resident) -> None:
    answer = new.get("/repairs")
    assert answer.headers["Server"] == "slice-repairs"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self';")
    assert "Answered by the repairs service." in answer.text
    assert "<script" not in answer.text


def test_health_says_which_version_answers_and_how_old_it_is(new: Resident) -> None:
    health = new.get("/healthz").json()
    dataset = health["datasets"]["housing-repairs"]
    assert (health["status"], health["slice"], dataset["rows"]) == ("ok", "repairs", 600)
    assert dataset["version"] == 0
    assert 0 <= dataset["age_seconds"] < 600


def test_a_newer_version_is_taken_in_while_it_serves(new: Resident, old: Resident, kit: Kit, home: Path) -> None:
    """Last in this file: it changes the dataset the others read."""
    shelf = kit.shelves["housing-repairs"]
    assert shelf.refresh() is False
    liberate(home)
    assert shelf.refresh() is True
    assert new.get("/healthz").json()["datasets"]["housing-repairs"]["version"] == 1
    form = {"_csrf": old.token("/repairs/report"), "name": "A", "telephone": "01632 960001", "address": "1 High Street"}
    form |= {"postcode": "AN1 2BC", "ward": "Docks", "trade": "Glazing", "description": "A cracked window"}
    assert old.post("/repairs/report", form).headers["Location"].endswith("/repairs/100601?reported=1")
    assert new.get("/repairs/100601").status_code == 404
    liberate(home)
    assert shelf.refresh() is True
    assert facts(new.get("/repairs/100601").text)["Problem"] == "A cracked window"
    assert new.get("/healthz").json()["datasets"]["housing-repairs"]["rows"] == 601


def test_the_councils_routes_send_it_what_it_answers() -> None:
    wanted = [(route.path, route.methods) for route in manifest.load("repairs").routes]
    written = marked_yaml.parse((ROOT / "routes.yaml").read_text(), "routes.yaml").value
    assert isinstance(written, dict)
    given = [
        (route, ()) if isinstance(route, str) else (route["path"], tuple(route.get("methods", ())))
        for route in written["slices"]["repairs"]["routes"]
    ]
    assert sorted(given) == sorted(wanted)
