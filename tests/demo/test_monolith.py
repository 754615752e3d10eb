"""The monolith on real sockets: sessions, tokens, forms, tables, uploads, absolute links, volatile pages."""

from __future__ import annotations

import csv
import io
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Start
from tests.demo.anytown import GOOD_REPORT, Monolith, Resident, facts, plain, running_monolith

pytestmark = pytest.mark.once

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


# -- signing in


def test_signing_in_gives_a_new_session_and_goes_back_to_where_one_was(resident: Resident) -> None:
    turned_away = resident.get("/my-account")
    assert (turned_away.status_code, turned_away.headers["Location"]) == (
        303,
        f"{resident.address}/login?next=/my-account",
    )
    before = resident.get("/login").cookies["JSESSIONID"]
    answer = resident.sign_in("resident", back="/my-account")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{resident.address}/my-account")
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    assert resident.session.cookies["JSESSIONID"] != before
    assert "Robin Resident" in resident.get("/my-account").text


def test_a_wrong_password_signs_nobody_in(resident: Resident) -> None:
    answer = resident.sign_in("resident", "guess")
    assert answer.status_code == 403
    assert "The user name or the password is not right." in answer.text
    assert resident.get("/my-account").status_code == 303


def test_an_old_page_signs_nobody_in(resident: Resident) -> None:
    answer = resident.post("/login", {"_csrf": "stale", "username": "resident", "password": "anytown"})
    assert answer.status_code == 403
    assert "Your session has expired. Sign in again." in answer.text


@pytest.mark.parametrize(
    "back", ["https://elsewhere.example", "//elsewhere.example", "/\\elsewhere.example", "login", ""]
)
def test_signing_in_never_leads_to_another_site(resident: Resident, back: str) -> None:
    assert resident.sign_in("resident", back=back).headers["Location"] == f"{resident.address}/my-account"


def test_signing_out_ends_the_session(resident: Resident) -> None:
    resident.sign_in("officer")
    kept = resident.session.cookies["JSESSIONID"]
    answer = resident.post("/logout", {"_csrf": resident.token("/my-account")})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{resident.address}/")
    assert resident.get("/tenants", Cookie=f"JSESSIONID={kept}").status_code == 303


@pytest.mark.parametrize(
    "path", ["/tenants", "/tenants/T000002", "/council-tax/accounts", "/council-tax/accounts/0070010001"]
)
def test_what_is_for_staff_is_for_staff(resident: Resident, path: str) -> None:
    assert resident.get(path).status_code == 303
    resident.sign_in("resident")
    refused = resident.get(path)
    assert refused.status_code == 403
    assert "This part is for council staff." in refused.text
    resident.sign_in("officer")
    assert resident.get(path).status_code == 200


def test_a_resident_sees_their_own_council_tax_account(resident: Resident) -> None:
    resident.sign_in("resident")
    assert facts(resident.get("/council-tax/accounts/0070010000").text)["Account"] == "0070010000"


def test_only_staff_see_who_called(resident: Resident, monolith: Monolith) -> None:
    job = monolith.rows("SELECT * FROM REPAIR_JOBS WHERE CALLER_NAME IS NOT NULL LIMIT 1")[0]
    assert job["CALLER_TEL"] not in resident.get(f"/repairs/{job['JOB_NO']}").text
    resident.sign_in("officer")
    assert job["CALLER_TEL"] in resident.get(f"/repairs/{job['JOB_NO']}").text


# -- reporting a repair


def test_a_report_becomes_a_job(resident: Resident, monolith: Monolith) -> None:
    answer = resident.post("/repairs/report", {**GOOD_REPORT, "_csrf": resident.token("/repairs/report")})
    number = re.fullmatch(re.escape(resident.address) + r"/repairs/(\d+)\?reported=1", answer.headers["Location"])
    assert answer.status_code == 303
    assert number is not None
    row = monolith.rows("SELECT * FROM REPAIR_JOBS WHERE JOB_NO = ?", int(number[1]))[0]
    assert (row["CALLER_NAME"], row["WARD_CD"], row["TRADE_CD"], row["STATUS_CD"]) == (
        "Mrs O'Hara <b>",
        "BRI",
        "GAS",
        "NEW",
    )
    page = resident.get(f"/repairs/{number[1]}?reported=1").text
    assert facts(page)["Problem"] == GOOD_REPORT["description"]
    assert "<i>" not in page


def test_a_report_with_faults_is_shown_again_with_all_of_them(resident: Resident, monolith: Monolith) -> None:
    before = monolith.rows("SELECT count(*) FROM REPAIR_JOBS")[0][0]
    form = {"_csrf": resident.token("/repairs/report"), "name": '"><script>', "telephone": "12", "ward": "Nowhere"}
    answer = resident.post("/repairs/report", form)
    assert answer.status_code == 422
    assert re.findall(r'class="wrong" id="\w+-wrong">([^<]+)<', answer.text) == [
        "Enter a telephone number, like 01632 960 001",
        "Enter the first line of the address",
        "Enter a full UK postcode, like AN1 2BC",
        "Select a ward",
        "Select what needs repairing",
        "Describe the problem in at least 10 characters",
    ]
    assert 'value="&#34;&gt;&lt;script&gt;"' in answer.text
    assert monolith.rows("SELECT count(*) FROM REPAIR_JOBS")[0][0] == before


def test_a_report_without_the_pages_token_is_kept_but_not_taken(resident: Resident, monolith: Monolith) -> None:
    before = monolith.rows("SELECT count(*) FROM REPAIR_JOBS")[0][0]
    answer = resident.post("/repairs/report", GOOD_REPORT)
    assert answer.status_code == 403
    assert "Your session has expired. Check what you typed and send it again." in answer.text
    assert 'value="01632 960001"' in answer.text
    assert monolith.rows("SELECT count(*) FROM REPAIR_JOBS")[0][0] == before


# -- lists


def jobs_on(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'<th scope="row"><a [^>]*>(\d+)</a>', page)]


def test_pages_of_results_hold_every_job_once(resident: Resident, monolith: Monolith) -> None:
    wanted = [row[0] for row in monolith.rows(
        "SELECT JOB_NO FROM REPAIR_JOBS WHERE UPPER(TRIM(WARD_CD)) = 'CAS' ORDER BY JOB_NO DESC"
    )]  # fmt: skip
    shown: list[int] = []
    for page in range(1, len(wanted) // 25 + 2):
        shown += jobs_on(resident.get(f"/repairs/search?ward=Castle&page={page}").text)
    assert shown == wanted


@pytest.mark.parametrize("q", ["' OR 1=1 --", "%", "_", "!"])
def test_what_is_searched_for_is_only_text(resident: Resident, q: str) -> None:
    assert jobs_on(resident.session.get(resident.address + "/repairs/search", params={"q": q}, timeout=20).text) == []


@pytest.mark.parametrize("page", ["0", "-1", "x", "99999999999999999999", "9999"])
def test_a_page_that_is_not_there_is_answered_with_one_that_is(resident: Resident, page: str) -> None:
    assert len(jobs_on(resident.get(f"/repairs?page={page}").text)) > 0


def test_the_report_by_ward_adds_up(resident: Resident, monolith: Monolith) -> None:
    answer = resident.get("/repairs/report.csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    pence, count = monolith.rows("SELECT sum(COST_P), count(*) FROM REPAIR_JOBS")[0]
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert sum(int(row["Jobs"]) for row in rows) == count
    assert sum(int(row["Cost"].replace(".", "")) for row in rows if row["Cost"]) == pence


def test_an_application_is_found_by_its_reference_with_slashes(resident: Resident, monolith: Monolith) -> None:
    reference = monolith.rows("SELECT APP_REF FROM PLAN_APPS")[0][0]
    assert facts(resident.get(f"/planning/applications/{reference}").text)["Reference"] == reference


# -- photos


def test_a_photo_is_kept_and_shown_to_those_who_are_signed_in(resident: Resident, monolith: Monolith) -> None:
    resident.sign_in("resident")
    form = {"_csrf": resident.token("/upload"), "job": "100001", "caption": "The leak"}
    answer = resident.post("/upload", form, {"photo": ("../leak.png", PNG)})
    number = re.search(r"/repairs/100001\?photo=(\d+)$", answer.headers["Location"])
    assert number is not None
    shown = resident.get(f"/upload/{number[1]}")
    assert (shown.headers["Content-Type"], shown.content) == ("image/png", PNG)
    assert monolith.rows("SELECT FILE_NAME FROM PHOTOS WHERE PHOTO_ID = ?", number[1])[0][0] == "leak.png"
    with Resident(monolith.address) as stranger:
        assert stranger.get(f"/upload/{number[1]}").status_code == 303


@pytest.mark.parametrize(
    ("job", "content", "said"),
    [
        ("100001", b"<svg>", "Choose a photo: JPEG, PNG or GIF"),
        ("100001", PNG + b"\0" * (5 * 2**20), "The photo must be 5 MB or smaller"),
        ("7", PNG, "Enter the number of a repair job, like 100001"),
    ],
    ids=["no photo", "too large", "no such job"],
)
def test_a_photo_that_will_not_do_is_refused(resident: Resident, job: str, content: bytes, said: str) -> None:
    resident.sign_in("resident")
    form = {"_csrf": resident.token("/upload"), "job": job, "caption": ""}
    answer = resident.post("/upload", form, {"photo": ("a.png", content)})
    assert answer.status_code == 422
    assert said in answer.text


# -- what makes it a monolith


def test_links_and_redirects_are_built_from_the_host(resident: Resident) -> None:
    page = resident.get("/repairs", Host="www.anytown.example").text
    links = set(re.findall(r'(?:href|action)="([^"#][^"]*)"', page))
    assert {link.split("/", 3)[2] for link in links} == {"www.anytown.example"}
    away = resident.get("/tenants", Host="www.anytown.example", X_Forwarded_Proto="https")
    assert away.headers["Location"] == "https://www.anytown.example/login?next=/tenants"


def test_a_malformed_host_is_refused(resident: Resident) -> None:
    assert resident.get("/", Host="a<b>").status_code == 400


def test_two_looks_at_a_page_differ_in_the_time_and_the_token_only(resident: Resident, monolith: Monolith) -> None:
    with Resident(monolith.address) as other:
        pages = [browser.get("/repairs/report").text.splitlines() for browser in (resident, other)]
    differing = [line for line, twin in zip(*pages, strict=True) if line != twin]
    assert len(differing) == 2
    assert 'name="_csrf"' in differing[0]
    assert "page produced" in plain(differing[1])


def test_what_is_not_there_is_a_page_that_says_so(resident: Resident) -> None:
    for path in ("/repairs/7", "/planning/applications/nothing", "/nowhere"):
        assert resident.get(path).status_code == 404
    assert resident.session.delete(resident.address + "/repairs", timeout=20).headers["Allow"] == "GET,HEAD"


# -- the program


def test_sigterm_ends_it_and_the_data_is_there_the_next_time(tmp_path: Path) -> None:
    with running_monolith(tmp_path) as first:
        with Resident(first.address) as browser:
            browser.post("/repairs/report", {**GOOD_REPORT, "_csrf": browser.token("/repairs/report")})
        first.process.send(signal.SIGTERM)
        assert first.process.wait() == 0
    with running_monolith(tmp_path) as second, Resident(second.address) as browser:
        assert browser.get("/repairs/100601").status_code == 200


def test_a_port_that_is_taken_is_said_with_what_to_do(start: Start, port: Callable[[], int], tmp_path: Path) -> None:
    with running_monolith(tmp_path) as first:
        taken = first.address.rpartition(":")[2]
        command: list[str | Path] = [
            sys.executable,
            "-m",
            "demo.monolith",
            "--port",
            taken,
            "--size",
            "small",
            "--data",
            tmp_path,
        ]
        second = start(command)
        assert second.wait() == 2
        assert second.log == f"port {taken} of 127.0.0.1 is taken\n    choose another: --port {int(taken) + 1}\n"
