"""WCAG 2.2 AA by axe on every page, in both languages and themes; a table beside every canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from tests.web.conftest import Desk, Service, SignIn


RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PAGES = {
    "monitor": "#/monitor?sel=J-126",
    "alarms": "#/alarms",
    "diagnosis": "#/diagnosis/1",
    "whatif": "#/whatif?diagnosis=1&cure=0",
    "orders": "#/orders/1",
    "points": "#/data/PT-07",
    "accuracy": "#/data?tab=accuracy",
    "works": "#/data?tab=works",
    "import": "#/data?tab=network",
    "service": "#/data?tab=service",
}
SETTLED = {
    "monitor": ".strip li",
    "alarms": "tbody tr",
    "diagnosis": ".verdict",
    "whatif": ".dispatch .gain",
    "orders": ".valve",
}

WAITING = ".quiet-box[role=status]"


def violations(page: Page, axe: str) -> list[str]:
    """Return what axe finds: rule, and where."""
    page.evaluate(axe + "; undefined")
    found: dict[str, Any] = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


def settle(page: Page, name: str) -> None:
    """Wait until a page has what it shows and waits for nothing more."""
    page.locator(SETTLED.get(name, "main h1")).first.wait_for()
    expect(page.locator(WAITING)).to_have_count(0)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_axe_finds_nothing_on_any_page(
    shared: Service, desk: Desk, sign_in: SignIn, axe: str, language: str, theme: str
) -> None:
    page = desk(shared.url, language, theme)
    page.locator("form").wait_for()
    found = {"sign in": violations(page, axe)}
    sign_in(page)
    for name, place in PAGES.items():
        page.goto(f"{shared.url}/{place}")
        settle(page, name)
        found[name] = violations(page, axe)
    page.keyboard.press("?")
    page.locator("dialog[open]").wait_for()
    found["help"] = violations(page, axe)
    assert {name: told for name, told in found.items() if told} == {}


@pytest.mark.parametrize("name", ["monitor", "diagnosis", "whatif", "orders", "points"])
def test_every_canvas_has_a_table_that_says_the_same(shared: Service, desk: Desk, sign_in: SignIn, name: str) -> None:
    page = desk(f"{shared.url}/{PAGES[name]}")
    sign_in(page)
    settle(page, name)
    canvases = page.locator("canvas:visible")
    expect(canvases.first).to_be_visible()
    drawn = canvases.count()
    buttons = page.locator(".map .tools button, figcaption button").filter(has_text="Table")
    expect(buttons).to_have_count(drawn)
    for left in range(drawn - 1, -1, -1):
        buttons.first.click()
        expect(canvases).to_have_count(left)
    tables = page.locator(".map table, figure .table table")
    expect(tables).to_have_count(drawn)
    for place in range(drawn):
        expect(tables.nth(place).locator("tbody tr").nth(5)).to_be_visible()
