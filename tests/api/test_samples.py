"""What a point said over a span: sample by sample in pages, or over steps."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest

from api.routes import points
from models.sample import Quality, Sample
from stores.telemetry import open_telemetry
from tests.api.conftest import NOW, House

SAMPLES = "/api/v1/points/PT-07/samples"


def test_samples_come_in_pages_each_once_and_in_order(house: House) -> None:
    client, asked, pages = house.client("viewer"), {"limit": 100}, []
    answer = client.get(SAMPLES, params=asked).json()
    pages.append(answer)
    while answer["next"]:
        answer = client.get(SAMPLES, params={**asked, "cursor": answer["next"]}).json()
        pages.append(answer)
    assert [len(page["time"]) for page in pages] == [100, 100, 88]
    times = [time for page in pages for time in page["time"]]
    first = round(1e3 * (NOW - timedelta(minutes=5 * 287)).timestamp())
    assert times == [first + 300_000 * step for step in range(288)]
    assert {value for page in pages for value in page["value"]} == {30.0}
    assert {quality for page in pages for quality in page["quality"]} == {"good"}


def test_sample_without_a_number_has_none(house: House) -> None:
    store = open_telemetry(house.context.site.stores)
    store.write([Sample("PT-07", NOW, math.nan, Quality.BAD, "device does not answer")])
    store.close()
    answer = house.client("viewer").get(SAMPLES).json()
    assert (answer["value"][-1], answer["quality"][-1]) == (None, "bad")


def test_steps_are_means_of_good_samples_with_their_lowest_and_highest(house: House) -> None:
    begin = NOW - timedelta(hours=2)
    store = open_telemetry(house.context.site.stores)
    store.write([Sample("PT-07", begin + timedelta(minutes=7), 45.0), Sample("PT-07", NOW, 99.0, Quality.BAD, "stuck")])
    store.close()
    span: dict[str, str | int] = {
        "start": begin.isoformat(),
        "end": (NOW + timedelta(seconds=1)).isoformat(),
        "step_s": 3600,
    }
    answer = house.client("viewer").get(SAMPLES, params=span).json()
    assert answer["time"] == [round(1e3 * (begin + timedelta(hours=hour)).timestamp()) for hour in range(2)]
    assert answer["low"] == [30.0, 30.0]
    assert answer["high"] == [45.0, 30.0]
    assert answer["value"] == [(12 * 30.0 + 45.0) / 13, 30.0]


def test_a_table_holds_every_reading_of_the_span_or_says_that_it_would_be_too_long(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = house.client("viewer").get(f"{SAMPLES}.csv").text.splitlines()
    assert len(table) == 1 + 288
    assert table[-1] == f"{NOW.isoformat()},30.0,good,"
    monkeypatch.setattr(points, "MOST_EXPORTED", 287)
    refused = house.client("viewer").get(f"{SAMPLES}.csv")
    assert refused.status_code == 422
    assert "288 readings in this span, expected at most 287" in refused.json()["detail"]
