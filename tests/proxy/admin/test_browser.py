"""The pages in a real browser: axe finds nothing, a keyboard is enough, nothing needs a script, they follow changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Any

import pytest

from proxy.admin.seen import Seen
from proxy.control import ask
from tests.proxy.admin.conftest import LIVE, Admin
from tests.proxy.admin.looked_at import fill, findings, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.once]

CHROMIUM = Path("/usr/bin/chromium")
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
PAGES = (
    "/", "/slices/repairs", "/slices/planning", "/routes", "/routes?url=/repairs/1&headers=X-A: 1",
    "/routes?url=nonsense&search=zzz", "/health", "/sign-in", "/nowhere", "/bypass", "/slices/repairs/move?to=legacy",
)  # fmt: skip


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip("Chromium is not installed: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium: Browser, admin: Admin) -> Iterator[Any]:
    """Each call opens a page that is as a person likes it; what a page complains of is an error at the end."""
    contexts: list[BrowserContext] = []
    said: list[str] = []

    def opened(**likes: Any) -> Page:
        contexts.append(chromium.new_context(base_url=admin.url, **likes))
        page = contexts[-1].new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        return page

    yield opened
    for context in contexts:
        context.close()
    assert [text for text in said if "Failed to load resource" not in text and "[DOM]" not in text] == []


def sign_in(page: Page, admin: Admin) -> None:
    page.goto("/sign-in")
    page.fill("#token", admin.token)
    page.press("#token", "Enter")
    page.wait_for_url("/")


def violations(page: Page) -> list[tuple[str, str]]:
    """What axe says against the page: rule, and the first element."""
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it has none

    found = Axe().run(page, options=RULES).response["violations"]
    return [(one["id"], one["nodes"][0]["html"]) for one in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1100, 320])
def test_every_page_is_accessible_in_light_and_dark_and_on_a_telephone(
    admin: Admin, opened: Any, scheme: str, width: int
) -> None:
    page: Page = opened(color_scheme=scheme, viewport={"width": width, "height": 700})
    sign_in(page, admin)
    admin.post("/api/v1/slices/repairs/hold", {"stage": "shadow", "why": "x" * 200}, token=admin.token)
    admin.post("/api/v1/bypass", {"on": True, "why": "storm"}, token=admin.token)
    for path in PAGES:
        page.goto(path)
        assert violations(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_a_slice_is_rolled_back_with_the_keyboard_alone(admin: Admin, opened: Any) -> None:
    page: Page = opened()
    page.goto("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to main content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"

    def tab_to(text: str) -> None:
        for _ in range(40):
            page.keyboard.press("Tab")
            if text in page.evaluate("(e => e.textContent + ' ' + e.id)(document.activeElement)"):
                assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid", text
                return
        raise AssertionError(f"the keyboard does not come to {text}")

    tab_to("repairs")
    page.keyboard.press("Enter")
    page.wait_for_url("/slices/repairs")
    tab_to("to-1")
    page.keyboard.press("ArrowDown")  # shadow
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in?**")
    tab_to("token")
    page.keyboard.type(admin.token)
    page.keyboard.press("Enter")
    page.wait_for_url("**/move?to=shadow")
    tab_to("why")
    page.keyboard.type("wrong wards")
    page.keyboard.press("Enter")
    page.wait_for_url("**/slices/repairs?done*")
    assert "live → shadow, by ann: wrong wards" in page.inner_text(".banner.done")
    assert admin.stages() == {**LIVE, "repairs": "shadow"}


def test_nothing_needs_a_script(admin: Admin, opened: Any) -> None:
    page: Page = opened(java_script_enabled=False)
    sign_in(page, admin)
    page.goto("/routes")
    page.fill("#url", "/repairs/42")
    page.click("text=Explain")
    page.wait_for_url("**url=*")
    assert "Because slice repairs is at stage live" in page.inner_text("#why")
    page.goto("/bypass")
    page.fill("#why", "storm")
    page.click("main button")
    page.wait_for_url("/")
    assert "The bypass is on" in page.inner_text("#bypass")
    assert not page.is_visible("#live")
    page.click("text=Sign out")
    page.wait_for_selector("text=Sign in")


def test_differences_are_shown_accessibly_and_one_click_copies_what_ignores_them(
    admin: Admin, opened: Any, tmp_path: Path
) -> None:
    now = time()
    fill(tmp_path, now)
    with served(admin, Seen(tmp_path, findings(now))) as address:
        for scheme, width in (("light", 1100), ("dark", 320)):
            page: Page = opened(color_scheme=scheme, viewport={"width": width, "height": 700})
            for path in ("/", "/slices/repairs", "/slices/repairs/answers/1"):
                page.goto(address + path)
                assert violations(page) == [], path
                assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.goto(address + "/slices/repairs")
        page.click("text=Copy >> nth=1")
        page.wait_for_selector("text=Copied")
        assert page.evaluate("navigator.clipboard.readText()") == 'ignore: ["json:$.cost"]'
        plain: Page = opened(java_script_enabled=False)
        plain.goto(address + "/slices/repairs")
        assert plain.input_value("#ignore-1-2") == 'ignore: ["json:$.cost"]'
        assert plain.get_attribute("#ignore-1-2", "readonly") is not None
        assert not plain.is_visible("text=Copy")
        plain.click("[aria-label='Both answers that differ at json:$.cost']")
        assert plain.url == address + "/slices/repairs/answers/1"


def test_a_page_follows_what_happens_and_can_be_told_to_stand_still(admin: Admin, opened: Any) -> None:
    page: Page = opened(reduced_motion="reduce")
    page.goto("/slices/repairs")
    page.wait_for_selector("#live:visible")
    assert ask(admin.home, {"do": "hold", "slice": "repairs", "stage": "legacy", "who": "bob", "why": "storm"})["ok"]
    page.wait_for_selector("text=Held at legacy")
    page.click("text=Pause updates")
    assert ask(admin.home, {"do": "resume", "slice": "repairs"})["ok"]
    assert admin.get("/slices/repairs").status_code == 200
    page.wait_for_selector("text=This page stands still")
    assert page.is_visible("text=Held at legacy")
    page.click("text=Go on with updates")
    page.wait_for_selector("text=Held at legacy", state="detached")
