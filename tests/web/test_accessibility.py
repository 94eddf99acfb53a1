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


def violations(page: Page, axe: str) -> list[str]:
    """Return what axe finds: rule, and where."""
    page.evaluate(axe + "; undefined")
    found: dict[str, Any] = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_axe_finds_nothing_on_any_page(
    service: Service, desk: Desk, sign_in: SignIn, axe: str, language: str, theme: str
) -> None:
    page = desk(service.url, language, theme)
    page.locator("form").wait_for()
    found = {"sign in": violations(page, axe)}
    sign_in(page)
    for name, place in PAGES.items():
        page.goto(f"{service.url}/{place}")
        page.locator(SETTLED.get(name, "main h1")).first.wait_for()
        page.wait_for_timeout(800)
        found[name] = violations(page, axe)
    page.keyboard.press("?")
    page.locator("dialog[open]").wait_for()
    found["help"] = violations(page, axe)
    assert {name: told for name, told in found.items() if told} == {}


def test_every_canvas_has_a_table_that_says_the_same(service: Service, desk: Desk, sign_in: SignIn) -> None:
    page = desk(f"{service.url}/#/diagnosis/1")
    sign_in(page)
    page.locator(".verdict").wait_for()
    page.locator(".map .tools button", has_text="Table").click()
    expect(page.locator(".map table tbody tr").first).to_be_visible()
    charts = page.locator("figure", has=page.get_by_role("button", name="Table"))
    charts.last.get_by_role("button", name="Table").click()
    assert charts.last.locator("tbody tr").count() >= 24
