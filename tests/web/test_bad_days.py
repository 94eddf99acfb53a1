"""A line that is cut, a page that is older than its service, text that looks like HTML, clocks that change."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from models.alarm import Acknowledge
from models.sample import Sample
from models.user import Role
from stores.records import Records
from stores.telemetry import open_telemetry

if TYPE_CHECKING:
    from tests.web.conftest import Desk, Service, SignIn


def test_page_says_since_when_its_values_are_old_and_comes_back(service: Service, desk: Desk, sign_in: SignIn) -> None:
    page = desk(service.url)
    sign_in(page)
    expect(page.locator("header .up")).to_be_visible()
    service.stop()
    expect(page.locator("header .lost")).to_contain_text("No contact since")
    expect(page.locator(".banner")).to_contain_text("has not been heard since")
    service.start()
    expect(page.locator("header .up")).to_be_visible()
    expect(page.locator(".banner")).to_have_count(0)


def test_reading_reaches_the_page_by_the_stream(service: Service, desk: Desk, sign_in: SignIn) -> None:
    page = desk(f"{service.url}/#/data")
    sign_in(page)
    row = page.locator("tbody tr", has_text="PT-07")
    expect(row).to_contain_text("30.00")
    telemetry = open_telemetry(service.site.stores)
    telemetry.write([Sample("PT-07", service.now + timedelta(minutes=5), 12.34)])
    telemetry.close()
    expect(row).to_contain_text("12.34")


def test_page_older_than_its_service_asks_to_be_loaded_anew(service: Service, desk: Desk, sign_in: SignIn) -> None:
    page = desk(service.url)
    # The upgrade took away a part that this page has not fetched yet.
    page.route("**/parts/Data-*.js", lambda route: route.fulfill(status=404))
    sign_in(page)
    page.locator("nav a").nth(5).click()
    expect(page.locator(".banner")).to_contain_text("upgraded")
    expect(page.get_by_role("button", name="Load it anew")).to_be_visible()


def test_stream_of_another_version_asks_to_be_loaded_anew(service: Service, desk: Desk, sign_in: SignIn) -> None:
    page = desk(service.url)
    page.route(
        "**/api/v1/session",
        lambda route: (
            route.fulfill(json={**route.fetch().json(), "version": "0.0.9"})
            if route.request.method == "GET"
            else route.continue_()
        ),
    )
    page.reload()
    sign_in(page)
    expect(page.locator(".banner")).to_contain_text("upgraded")


def test_text_that_looks_like_html_stays_text(service: Service, desk: Desk, sign_in: SignIn) -> None:
    page = desk(f"{service.url}/#/diagnosis/1")
    sign_in(page)
    expect(page.locator("header .person")).to_have_text("Engineer <b>Wang</b>")
    assert page.locator("img[src=x]").count() == 0


def test_who_is_slower_is_told_who_was_first(service: Service, desk: Desk, sign_in: SignIn) -> None:
    page = desk(f"{service.url}/#/alarms")
    sign_in(page, Role.OPERATOR)
    row = page.locator("tbody tr", has_text="P-144")
    row.get_by_role("button", name="Acknowledge").wait_for()
    page.route("**/api/v1/alarms?*", lambda route: route.abort())
    with Records(service.site.stores.records_url) as records:
        alarm = records.alarm("diagnosis/blocked_link/P-144")
        assert alarm is not None
        records.apply(alarm, Acknowledge(service.now, "Li Wei"))
    row.get_by_role("button", name="Acknowledge").click()
    expect(page.locator(".notices .bad")).to_contain_text("Li Wei")


def test_times_are_the_sites_wherever_the_browser_is(service: Service, desk: Desk, sign_in: SignIn) -> None:
    page = desk(f"{service.url}/#/orders/1", timezone_id="America/New_York")
    sign_in(page)
    expect(page.locator("article > header")).to_contain_text("2026-07-11 07:10")


def test_wrong_password_is_told_and_slowed(service: Service, desk: Desk, sign_in: SignIn) -> None:
    page = desk(service.url, "zh")
    for _ in range(12):
        page.locator("input[autocomplete=username]").fill("operator")
        page.locator("input[type=password]").fill("wrong wrong")
        with page.expect_response("**/api/v1/session"):
            page.locator("button[type=submit]").click()
        expect(page.locator(".wrong")).to_be_visible()
        if "次数过多" in page.locator(".wrong").inner_text():
            return
    raise AssertionError("twelve wrong passwords and nobody was slowed")


def test_viewer_sees_everything_and_is_offered_nothing_to_change(service: Service, desk: Desk, sign_in: SignIn) -> None:
    page = desk(f"{service.url}/#/alarms")
    sign_in(page, Role.VIEWER)
    page.locator("tbody tr", has_text="P-144").wait_for()
    assert page.get_by_role("button", name="Acknowledge").count() == 0
    page.locator("nav a").nth(4).click()
    page.locator(".list li a").first.click()
    page.locator(".valve").wait_for()
    assert page.get_by_role("button", name="Dispatch").count() == 0
