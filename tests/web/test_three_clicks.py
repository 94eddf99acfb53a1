"""Alarm → why → test fix → dispatch, in both languages, from the keyboard alone, and the crew's phone after it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from models.order import OrderState
from models.user import Role
from stores.records import Records

if TYPE_CHECKING:
    from tests.web.conftest import Desk, Service, SignIn

WORDS = {
    "en": {
        "why": "Why",
        "test": "Test fix",
        "dispatch": "Dispatch",
        "blocked": "Blocked main P-144",
        "thin": "Main too thin",
    },
    "zh": {"why": "原因", "test": "试算方案", "dispatch": "派单", "blocked": "管道堵塞 P-144", "thin": "管径过小"},
}


def order_of(service: Service) -> tuple[OrderState, str]:
    with Records(service.site.stores.records_url) as records:
        order = records.order(1)
        return order.state, order.crew


def promised(service: Service) -> float:
    with Records(service.site.stores.records_url) as records:
        return float(records.diagnosis(1)["cures"][0]["regained_m"])


def gain_told(page: Page) -> float:
    return float(page.locator(".gain em").inner_text().split()[0].replace("+", "").replace("\u2212", "-"))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_three_clicks_send_the_crew(service: Service, desk: Desk, sign_in: SignIn, language: str) -> None:
    words = WORDS[language]
    page = desk(service.url, language)
    sign_in(page, Role.OPERATOR)
    page.locator(".strip li", has_text="P-144").get_by_role("button", name=words["why"]).click()
    expect(page.locator(".verdict")).to_contain_text(words["blocked"])
    expect(page.locator(".verdict")).to_contain_text(words["thin"])
    page.locator(".verdict").get_by_role("button", name=words["test"]).click()
    dispatch = page.get_by_role("button", name=words["dispatch"])
    expect(dispatch).to_be_visible()
    # What the diagnosis promised and what the what-if solves are the same cure at the same instant.
    assert gain_told(page) == pytest.approx(promised(service), abs=0.06)
    dispatch.click()
    page.wait_for_url(re.compile("#/orders/1"))
    state, crew = order_of(service)
    assert state is OrderState.DISPATCHED
    assert crew
    expect(page.locator(".valve")).to_contain_text("V-095")


def test_keyboard_alone_sends_the_crew(service: Service, desk: Desk, sign_in: SignIn) -> None:
    page = desk(service.url)
    page.keyboard.press("Tab")
    page.locator("input[autocomplete=username]").focus()
    page.keyboard.type("operator")
    page.keyboard.press("Tab")
    page.keyboard.type("correct horse")
    page.keyboard.press("Enter")
    page.locator(".strip li.current").wait_for()
    while "P-144" not in page.locator(".strip li.current").inner_text():
        page.keyboard.press("j")
    page.keyboard.press("a")
    expect(page.locator(".strip li", has_text="P-144")).to_contain_text("acknowledged")
    page.keyboard.press("Enter")
    expect(page.locator(".verdict .fix")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator(".dispatch .gain")).to_be_visible()
    page.keyboard.press("d")
    page.wait_for_url(re.compile("#/orders/1"))
    assert order_of(service)[0] is OrderState.DISPATCHED


def test_crew_works_from_a_phone(service: Service, desk: Desk, sign_in: SignIn) -> None:
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
    page = desk(service.url, "zh", **phone)
    sign_in(page, Role.OPERATOR)
    page.get_by_role("link", name="工单").click()
    page.locator(".list li a").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    expect(page.locator(".valve")).to_contain_text("闸阀")
    expect(page.locator(".turn")).to_contain_text("14 圈")
    expect(page.locator(".turn")).to_contain_text("逆时针关")
    page.get_by_role("button", name="派单").click()
    page.get_by_role("button", name="已到现场").click()
    close = page.get_by_role("button", name="完工，关闭工单")
    expect(close).to_be_disabled()
    page.get_by_label("发现").select_option("pipe replaced by")
    page.get_by_label("换成什么").fill("PE100 SDR11 DN110")
    page.get_by_role("button", name="添加发现").click()
    expect(page.locator(".rows")).to_contain_text(["更换管道为"])
    page.get_by_label("施工前（m）").fill("4,1")
    page.get_by_label("施工后（m）").fill("32.8")
    page.get_by_role("button", name="录入压力").click()
    expect(page.locator("dl.gain")).to_contain_text("28.7")
    close.click()
    expect(page.locator("article > header")).to_contain_text("已完成")
    assert order_of(service)[0] is OrderState.DONE
