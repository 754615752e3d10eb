"""Who is let in at the admin address, over real sockets: names, forms of other pages, tokens, markup."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
import requests

from proxy.admin import tokens
from proxy.admin.attempts import WRONG
from tests.conftest import Start
from tests.proxy.admin.conftest import LIVE, ROUTES, Admin, Browser, Make

HOLD = {"stage": "legacy", "why": "wrong wards"}
BACK = {"repairs": "legacy", "planning": "shadow"}


def changes(admin: Admin) -> list[dict[str, str]]:
    file = admin.home / "data" / "changes.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_another_name_is_refused_whatever_is_asked_for(admin: Admin) -> None:
    """DNS rebinding: a page elsewhere has its own name lead here, and a browser believes it to be one site."""
    port = admin.address.partition(":")[2]
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1", "localhost:1", ""):
        for path in ("/", "/api/v1/status", "/metrics", "/style.css", "/nowhere"):
            assert admin.get(path, Host=host).status_code == 421, (host, path)
        assert admin.post("/api/v1/bypass", {"on": True, "why": "x"}, token=admin.token, Host=host).status_code == 421
    for host in (f"localhost:{port}", f"LOCALHOST:{port}", f"127.0.0.1:{port}"):
        assert admin.get("/", Host=host).status_code == 200, host


def test_a_citizen_never_arrives_here_through_the_proxy(make: Make) -> None:
    """A name that leads back here cannot be told when the file is checked; by what the proxy says it is known."""
    admin = make(ROUTES)
    backend = ROUTES.replace(
        "http://127.0.0.1:9}", f"http://localhost:{admin.address.rpartition(':')[2]}, host: backend}}"
    )
    (admin.home / "routes.yaml").write_text("hosts: [localhost, 127.0.0.1]\n" + backend)
    admin.process.wait_for(r"as generation 2", seconds=20)
    citizens = admin.process.wait_for(r"serving (http://\S+)")[1]
    answer = requests.get(f"{citizens}/", timeout=30)
    assert (answer.status_code, answer.text) == (421, "The admin pages are not reached through the proxy itself.\n")


def test_every_answer_says_what_browsers_may_do_with_it(admin: Admin) -> None:
    for path in ("/", "/slices/repairs", "/routes", "/health", "/sign-in", "/style.css", "/api/v1/status", "/nowhere",
                 "/status.json", "/metrics", "/bypass"):  # fmt: skip
        answer = admin.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy, path
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            assert "<script>" not in answer.text
            assert " style=" not in answer.text


def test_markup_in_any_text_is_text(admin: Admin, browser: Browser) -> None:
    browser.sign_in()
    nasty = "</title><script>alert(3)</script>\"'"
    assert admin.post("/api/v1/slices/repairs/hold", {"stage": "shadow", "why": nasty}, token=admin.token).ok
    for path in ("/", "/slices/repairs", "/routes", f"/routes?search={nasty}&url=/{nasty}&headers=X: {nasty}",
                 f"/sign-in?next={nasty}", f"/slices/{nasty}", f"/slices/repairs/move?to={nasty}", f"/{nasty}",
                 f"/slices/repairs/move?to=legacy&why={nasty}"):  # fmt: skip
        page = browser.get(path).text
        assert "<script>alert" not in page, path
        assert "<img" not in page, path
    assert "&lt;script&gt;alert(1)&lt;/script&gt;@anytown" in browser.get("/slices/repairs").text
    assert "&lt;script&gt;alert(3)&lt;/script&gt;" in browser.get("/slices/repairs").text


def test_without_a_token_nothing_is_changed(admin: Admin) -> None:
    for path, body in (
        ("/api/v1/slices/repairs/hold", HOLD),
        ("/api/v1/slices/repairs/resume", {"why": "x"}),
        ("/api/v1/bypass", {"on": True, "why": "x"}),
    ):
        answer = admin.post(path, body)
        assert answer.status_code == 401, path
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert answer.json()["problems"] == [
            "This needs a token: Authorization: Bearer and what fig admin add NAME printed"
        ]
        assert admin.post(path, body, token="fig_wrong").json()["problems"] == ["Nobody has this token"]
    assert admin.stages() == LIVE
    assert changes(admin) == []


def test_a_token_changes_a_stage_says_who_and_never_edits_the_file(admin: Admin) -> None:
    before = (admin.home / "routes.yaml").read_bytes()
    answer = admin.post("/api/v1/slices/repairs/hold", HOLD, token=admin.token)
    assert (answer.status_code, answer.json()["change"]["after"]) == (200, "legacy")
    assert admin.stages() == BACK
    assert admin.get("/api/v1/slices/repairs").json()["hold"]["who"] == "ann"
    assert admin.post("/api/v1/slices/repairs/resume", {"why": "mended"}, token=admin.token).ok
    assert admin.stages() == LIVE
    assert [(each["by"], each["who"], each["why"]) for each in changes(admin)] == [
        ("rollback", "ann", "wrong wards"), ("resume", "ann", "mended"),
    ]  # fmt: skip
    assert (admin.home / "routes.yaml").read_bytes() == before


def test_a_token_that_was_taken_away_is_worth_nothing_at_once(admin: Admin, browser: Browser) -> None:
    browser.sign_in()
    tokens.remove(admin.home, "ann")
    assert admin.post("/api/v1/slices/repairs/hold", HOLD, token=admin.token).status_code == 401
    assert browser.get("/slices/repairs/move?to=legacy").headers["Location"].startswith("/sign-in")


def test_a_cookie_changes_nothing_by_the_api(admin: Admin, browser: Browser) -> None:
    assert browser.sign_in().status_code == 303
    answer = admin.post("/api/v1/slices/repairs/hold", HOLD, Cookie=browser.cookie)
    assert answer.status_code == 401
    assert admin.stages() == LIVE


def test_signing_in_sets_a_cookie_for_this_host_and_this_site_alone(browser: Browser) -> None:
    answer = browser.sign_in()
    assert (answer.status_code, answer.headers["Location"]) == (303, "/slices/repairs")
    name, _, rest = answer.headers["Set-Cookie"].partition("=")
    assert name == "__Host-fig-admin"
    assert {"HttpOnly", "Secure", "SameSite=Strict", "Path=/", "Max-Age=43200"} <= set(rest.split("; "))
    assert "Domain" not in rest
    assert "Signed in as ann" in browser.get("/").text


@pytest.mark.parametrize("path", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_signing_in_leads_to_a_page_of_ours(admin: Admin, browser: Browser, path: str) -> None:
    answer = browser.post("/sign-in", {"token": admin.token, "next": path})
    assert answer.headers["Location"] == "/"


def test_a_slice_is_moved_by_a_form_that_was_confirmed(admin: Admin, browser: Browser) -> None:
    assert browser.get("/slices/repairs/move?to=legacy").headers["Location"].startswith("/sign-in?next=%2Fslices")
    browser.sign_in()
    form = browser.form_of("/slices/repairs/move?to=legacy")
    empty = browser.post("/slices/repairs/move", {**form, "why": " "})
    assert (empty.status_code, admin.stages()) == (400, LIVE)
    assert "a change needs a reason" in empty.text
    done = browser.post("/slices/repairs/move", {**form, "why": "wrong wards"})
    assert (done.status_code, admin.stages()) == (303, BACK)
    page = browser.get("/slices/repairs?done").text
    assert "live → legacy, by ann: wrong wards" in page
    again = browser.post("/slices/repairs/move", {**form, "why": "twice"})
    assert again.status_code == 409
    assert "slice &#39;repairs&#39; is at legacy already" in again.text


def test_the_bypass_is_turned_on_and_off_by_forms(admin: Admin, browser: Browser) -> None:
    browser.sign_in()
    for switch, stages in (("on", {"repairs": "legacy", "planning": "legacy"}), ("off", LIVE)):
        form = browser.form_of("/bypass")
        assert form["on"] == switch
        assert browser.post("/bypass", {**form, "why": "storm"}).status_code == 303
        assert admin.stages() == stages
    assert [each["by"] for each in changes(admin)] == ["bypass", "bypass"]


FORGED: list[tuple[str, dict[str, str], dict[str, str]]] = [
    ("no form token", {"form": ""}, {}),
    ("another form token", {"form": "0" * 64}, {}),
    ("sent by a page of another site", {}, {"Sec-Fetch-Site": "cross-site"}),
    ("sent by a page of another port", {}, {"Sec-Fetch-Site": "same-site"}),
    ("typed into the address bar", {}, {"Sec-Fetch-Site": "none"}),
    ("an old browser, another origin", {}, {"Sec-Fetch-Site": "", "Origin": "http://evil.example"}),
    ("an old browser, no origin it will name", {}, {"Sec-Fetch-Site": "", "Origin": "null"}),
]


def test_a_form_of_another_page_changes_nothing(admin: Admin, browser: Browser) -> None:
    browser.sign_in()
    form = browser.form_of("/slices/repairs/move?to=legacy") | {"why": "x"}
    for law, fields, headers in FORGED:
        assert browser.post("/slices/repairs/move", form | fields, **headers).status_code == 403, law
        assert browser.post("/bypass", form | {"on": "on"} | fields, **headers).status_code == 403, law
    assert admin.stages() == LIVE
    other = Browser(admin)
    other.sign_in()
    assert other.post("/slices/repairs/move", form).status_code == 403  # the form of another session
    own = browser.post("/slices/repairs/move", form, **{"Sec-Fetch-Site": "", "Origin": admin.url})
    assert (own.status_code, admin.stages()) == (303, BACK)


def test_who_signs_out_is_out_even_with_a_copy_of_the_cookie(browser: Browser) -> None:
    browser.sign_in()
    copied, form = browser.cookie, browser.form_of("/bypass")
    page = browser.get("/").text
    assert 'action="/sign-out"' in page
    assert browser.post("/sign-out", {"form": form["form"]}).status_code == 303
    browser.cookie = copied
    assert browser.get("/bypass").headers["Location"].startswith("/sign-in")


def test_wrong_tokens_are_looked_at_a_few_times_only(make: Make) -> None:
    admin = make(ROUTES)
    browser = Browser(admin)
    for _ in range(WRONG):
        assert browser.post("/sign-in", {"token": "fig_guess"}).status_code == 403
    blocked = browser.sign_in()
    assert blocked.status_code == 429
    assert "Too many wrong tokens; try again in" in blocked.text
    answer = admin.get("/api/v1/status", token=admin.token)
    assert (answer.status_code, int(answer.headers["Retry-After"]) > 0) == (429, True)
    assert admin.get("/").status_code == 200


def test_from_elsewhere_even_reading_needs_to_be_signed_in(admin: Admin) -> None:
    for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"):
        from_elsewhere = {name: "203.0.113.9"}
        assert (
            admin.get("/routes?search=a", **from_elsewhere).headers["Location"]
            == "/sign-in?next=%2Froutes%3Fsearch%3Da"
        )
        assert admin.get("/api/v1/status", **from_elsewhere).status_code == 401
        assert admin.get("/status.json", **from_elsewhere).status_code == 401
        assert admin.get("/events", **from_elsewhere).status_code == 303
        assert admin.get("/api/v1/status", token=admin.token, **from_elsewhere).status_code == 200
        for path in ("/healthz", "/metrics", "/sign-in", "/style.css"):
            assert admin.get(path, **from_elsewhere).status_code == 200, path


def test_a_body_that_is_too_long_is_not_read(admin: Admin) -> None:
    answer = admin.post("/api/v1/bypass", {"on": True, "why": "x" * 100_000}, token=admin.token)
    assert (answer.status_code, answer.json()["ok"]) == (413, False)


def test_a_method_that_is_none_of_a_pages_is_answered(admin: Admin) -> None:
    answer = admin.post("/api/v1/status", {}, token=admin.token)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET,HEAD")
    assert requests.request("DELETE", admin.url + "/health", timeout=30).status_code == 405


def test_broken_names_let_nobody_in_and_are_said(admin: Admin) -> None:
    (admin.home / "data" / "admin.json").write_text("{")
    assert admin.post("/api/v1/bypass", {"on": True, "why": "x"}, token=admin.token).status_code == 401
    assert "data/admin.json:1: the admins cannot be read" in admin.get("/health").text


def test_a_listener_or_backend_at_the_admin_address_is_refused(fig: Path, start: Start, tmp_path: Path) -> None:
    for admin, said in (
        ("127.0.0.1:8080", "the admin pages and citizens would share 127.0.0.1:8080"),
        ("0.0.0.0:8080", "the admin pages and citizens would share 0.0.0.0:8080"),
        ("127.0.0.1:9", "backend 'legacy' leads to 127.0.0.1:9, where the proxy's admin pages are"),
        ("0.0.0.0:9", "backend 'legacy' leads to 0.0.0.0:9, where the proxy's admin pages are"),
    ):
        text = ROUTES.replace("listen: 127.0.0.1:0", "listen: 127.0.0.1:8080").replace(
            "admin: 127.0.0.1:0", f"admin: {admin}"
        )
        (tmp_path / "routes.yaml").write_text(text)
        checked = start([fig, "check"], folder=tmp_path)
        assert checked.wait() == 1
        assert said in checked.log


def test_a_head_that_is_no_http_hurts_nobody(admin: Admin) -> None:
    host, port = admin.address.split(":")
    for sent in (b"\x16\x03\x01\x02\x00", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"\r\n" * 1000):
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
    assert admin.get("/healthz").status_code == 200
