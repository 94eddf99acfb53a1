"""A line that is cut, a page that is older than its service, text that looks like HTML, clocks that change."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from playwright.sync_api import Route, expect

from models.alarm import Acknowledge
from models.sample import Sample
from models.user import Role
from stores.accounts import Accounts
from stores.records import Records
from stores.telemetry import open_telemetry

if TYPE_CHECKING:
    from tests.web.conftest import Desk, Service, SignIn


def test_page_says_since_when_its_values_are_old_and_comes_back(service: Service, desk: Desk, sign_in: SignIn) -> None:
    page = desk(service.url)
    # The map fetches the last of its parts by itself: a service that goes before that is another bad day.
    with page.expect_request_finished(lambda one: "webgl-device" in one.url):
        sign_in(page)
    expect(page.locator("header .up")).to_be_visible()
    service.stop()
    expect(page.locator("header .lost")).to_contain_text("No contact since")
    expect(page.locator(".banner")).to_contain_text("has not been heard since")
    # What was known stays in sight, and a page that was not fetched yet says that it waits.
    expect(page.locator(".figures dd").first).to_contain_text("%")
    page.locator("nav a").nth(5).click()
    service.start()
    expect(page.locator("header .up")).to_be_visible()
    expect(page.locator(".banner")).to_have_count(0)
    expect(page.locator("tbody tr", has_text="PT-07")).to_be_visible()


def test_page_says_that_the_monitor_is_away_and_since_when(service: Service, desk: Desk, sign_in: SignIn) -> None:
    heard = datetime(2026, 7, 11, 6, 30, tzinfo=UTC)
    with Records(service.site.stores.records_url, wall_clock=lambda: heard) as records:
        records.beat("monitor", service.now)
    page = desk(service.url)
    sign_in(page, Role.VIEWER)
    expect(page.locator(".banner")).to_contain_text("Monitor (since 2026-07-11 14:30)")
    page.locator(".banner a").click()
    expect(page.locator("tr", has_text="Monitor")).to_contain_text("the monitor was last heard")


def test_page_of_who_was_shut_out_is_back_at_the_door(service: Service, desk: Desk, sign_in: SignIn) -> None:
    page = desk(f"{service.url}/#/orders/1")
    sign_in(page, Role.OPERATOR)
    expect(page.locator("header .up")).to_be_visible()
    with Records(service.site.stores.records_url) as records:
        Accounts(records.database).change_user(Role.OPERATOR.value, "test", disabled=True)
    expect(page.locator("input[type=password]")).to_be_visible()


def test_reading_reaches_the_page_by_the_stream(service: Service, desk: Desk, sign_in: SignIn) -> None:
    page = desk(f"{service.url}/#/data")
    sign_in(page)
    row = page.locator("tbody tr", has_text="PT-07")
    row.wait_for()
    telemetry = open_telemetry(service.site.stores)
    telemetry.write([Sample("PT-07", service.now + timedelta(minutes=5), 12.34)])
    telemetry.close()
    expect(row).to_contain_text("12.34")


def test_page_older_than_its_service_asks_to_be_loaded_anew(shared: Service, desk: Desk, sign_in: SignIn) -> None:
    page = desk(shared.url)
    # The upgrade took away a part that this page has not fetched yet.
    page.route("**/parts/Data-*.js", lambda route: route.fulfill(status=404))
    sign_in(page)
    page.locator("nav a").nth(5).click()
    expect(page.locator(".banner")).to_contain_text("upgraded")
    expect(page.get_by_role("button", name="Load it anew")).to_be_visible()


def test_stream_of_another_version_asks_to_be_loaded_anew(shared: Service, desk: Desk, sign_in: SignIn) -> None:
    page = desk(shared.url)
    sign_in(page)
    told = page.request.get(f"{shared.url}/api/v1/session").json()
    page.route("**/api/v1/session", lambda route: route.fulfill(json={**told, "version": "0.0.9"}))
    page.reload()
    expect(page.locator(".banner")).to_contain_text("upgraded")


def test_what_a_crew_does_on_a_poor_line_is_done_once(service: Service, desk: Desk, sign_in: SignIn) -> None:
    page = desk(f"{service.url}/#/orders/1")
    sign_in(page, Role.OPERATOR)
    lost: list[str] = []

    def lose_the_first_answer(route: Route) -> None:
        asked = route.request.url.rpartition("/")[2]
        if asked in lost:
            route.continue_()
            return
        lost.append(asked)
        route.fetch()
        route.abort()

    page.route(re.compile("/orders/1/(dispatch|arrive|findings)$"), lose_the_first_answer)
    page.get_by_role("button", name="Dispatch").click()
    page.get_by_role("button", name="We are on site").click()
    page.get_by_role("button", name="Add finding").click()
    expect(page.get_by_role("button", name="Work is done: close")).to_be_enabled()
    assert lost == ["dispatch", "arrive", "findings"]
    assert page.locator(".notices .bad").count() == 0
    with Records(service.site.stores.records_url) as records:
        order = records.order(1)
    assert len(order.findings) == 1
    assert [step.state for step in order.steps] == ["dispatched", "on_site"]


def test_text_that_looks_like_html_stays_text(shared: Service, desk: Desk, sign_in: SignIn) -> None:
    page = desk(f"{shared.url}/#/diagnosis/1")
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


def test_times_are_the_sites_wherever_the_browser_is(shared: Service, desk: Desk, sign_in: SignIn) -> None:
    page = desk(f"{shared.url}/#/orders/1", timezone_id="America/New_York")
    sign_in(page)
    expect(page.locator("article > header")).to_contain_text("2026-07-11 07:10")


def test_wrong_password_is_told_and_slowed(service: Service, desk: Desk, sign_in: SignIn) -> None:
    page = desk(service.url, "zh")
    told = []
    for _ in range(12):
        page.locator("input[autocomplete=username]").fill("operator")
        page.locator("input[type=password]").fill("wrong wrong")
        with page.expect_response(lambda answer: answer.request.method == "POST") as answered:
            page.locator("button[type=submit]").click()
        expect(page.locator("button[type=submit]")).to_be_enabled()
        told.append((answered.value.status, page.locator(".wrong").inner_text()))
        if answered.value.status == 429:
            break
    assert told[0] == (401, "用户名或密码错误。 (name or password is wrong)")
    assert told[-1][0] == 429, told
    assert "次数过多" in told[-1][1]
    assert "sign-in refused: name 'operator'" in (service.site.folder / "service.log").read_text(encoding="utf-8")


def test_viewer_sees_everything_and_is_offered_nothing_to_change(shared: Service, desk: Desk, sign_in: SignIn) -> None:
    page = desk(f"{shared.url}/#/alarms")
    sign_in(page, Role.VIEWER)
    page.locator("tbody tr", has_text="P-144").wait_for()
    assert page.get_by_role("button", name="Acknowledge").count() == 0
    page.locator("nav a").nth(4).click()
    page.locator(".list li a").first.click()
    page.locator(".valve").wait_for()
    assert page.get_by_role("button", name="Dispatch").count() == 0


def test_answer_given_blind_says_which_boundary_was_old(service: Service, desk: Desk, sign_in: SignIn) -> None:
    tank = {"element": "TANK-E", "points": ["TANK-LEVEL"], "newest": "2026-07-10T22:15:00+00:00", "age_s": 2700.0}
    pump = {"element": "PU-1", "points": ["PU-1-RUNS"], "newest": None, "age_s": None}
    with Records(service.site.stores.records_url) as records:
        odd = {"kind": "frozen", "elements": ["PT-11"], "text": "PT-11: the same value for 9 h, left out as frozen"}
        said = {"stale_boundaries": [tank, pump], "remarks": [odd]}
        number = records.keep_diagnosis({**records.diagnosis(1), **said}, "cycle")
    page = desk(f"{service.url}/#/diagnosis/{number}")
    sign_in(page)
    expect(page.locator(".verdict")).to_contain_text("Blind at TANK-E: its last good reading was 45 min old.")
    expect(page.locator(".verdict")).to_contain_text("Blind at PU-1: it was never read well.")
    expect(page.locator(".verdict")).to_contain_text("Stood still and was left out: PT-11.")
