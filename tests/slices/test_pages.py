"""The pages in a real browser: axe finds nothing, a keyboard is enough, nothing needs a script."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.demo.anytown import GOOD_REPORT, Monolith

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.live

CHROMIUM = Path("/usr/bin/chromium")
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    if not CHROMIUM.exists():
        pytest.skip("Chromium is not installed: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser.new_page(viewport={"width": 900, "height": 700})
        browser.close()


def violations(page: Page) -> list[tuple[str, str]]:
    """What axe says against the page: rule, and the first element."""
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it has none

    found = Axe().run(page, options=RULES).response["violations"]
    return [(one["id"], one["nodes"][0]["html"]) for one in found]


@pytest.mark.parametrize(
    "path",
    [
        "/repairs", "/repairs/search?q=zzz", "/repairs/100042", "/repairs/900000",
        "/repairs/report", "/repairs/x",
    ],
)  # fmt: skip
def test_a_page_of_the_slice_is_accessible(page: Page, slice_address: str, path: str) -> None:
    page.goto(slice_address + path)
    assert violations(page) == []


@pytest.mark.parametrize(
    "path",
    [
        "/", "/login", "/repairs", "/repairs/100042", "/repairs/report", "/planning/applications", "/council-tax",
        "/nowhere",
    ],
)  # fmt: skip
def test_a_page_of_the_monolith_is_accessible(page: Page, monolith: Monolith, path: str) -> None:
    page.goto(monolith.address + path)
    assert violations(page) == []


def test_staff_pages_of_the_monolith_are_accessible(page: Page, monolith: Monolith) -> None:
    page.goto(monolith.address + "/login")
    page.fill("#username", "officer")
    page.fill("#password", "anytown")
    page.click("main button")
    for path in (
        "/tenants",
        "/tenants/T000001",
        "/council-tax/accounts",
        "/repairs/100042",
        "/upload?job=100042",
        "/my-account",
    ):
        page.goto(monolith.address + path)
        assert violations(page) == [], path
    page.context.clear_cookies()


def test_a_repair_is_reported_with_the_keyboard_alone(page: Page, slice_address: str, monolith: Monolith) -> None:
    page.goto(slice_address + "/repairs/report")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to main content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    for name, typed in GOOD_REPORT.items():
        assert page.evaluate("document.activeElement.id") == name
        page.keyboard.type("AN" if name == "postcode" else typed)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(".summary")
    assert page.title().startswith("Error: ")
    assert violations(page) == []
    page.click(".summary a")
    assert page.evaluate("document.activeElement.id") == "postcode"
    page.keyboard.press("Control+A")
    page.keyboard.type(GOOD_REPORT["postcode"])
    page.keyboard.press("Enter")
    page.wait_for_selector(".panel")
    assert violations(page) == []
    number = page.inner_text(".panel b")
    row = monolith.rows("SELECT * FROM REPAIR_JOBS WHERE JOB_NO = ?", number)[0]
    assert (row["DESCR"], row["CALLER_NAME"], row["WARD_CD"]) == (
        GOOD_REPORT["description"],
        GOOD_REPORT["name"],
        "BRI",
    )


def test_nothing_is_wider_than_a_telephone(page: Page, slice_address: str) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    for path in ("/repairs/100042", "/repairs/report", "/repairs"):
        page.goto(slice_address + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
