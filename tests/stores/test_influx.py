from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from models.problem import BadInput, Unavailable
from models.sample import Quality, Sample
from models.site import InfluxSettings
from stores.columns import Columns
from stores.influx import InfluxStore
from stores.line_protocol import lines_of
from tests.stores.influx_server import InfluxServer

START = datetime(2026, 7, 11, 7, tzinfo=UTC)


@pytest.fixture
def open_influx() -> Iterator[Callable[[InfluxSettings], InfluxStore]]:
    opened: list[InfluxStore] = []

    def open_one(settings: InfluxSettings) -> InfluxStore:
        opened.append(InfluxStore(settings))
        return opened[-1]

    yield open_one
    for store in opened:
        store.close()


@pytest.mark.parametrize(
    ("sample", "line"),
    [
        (Sample("PT-1", START, 1), "samples,point=PT-1 value=1,quality=192i 1783753200000000"),
        (
            Sample("a b,c=d", START, 2.5, Quality.UNCERTAIN, 'say "x\\"'),
            r'samples,point=a\ b\,c\=d doubtful=2.5,quality=64i,reason="say \"x\\\"" 1783753200000000',
        ),
        (
            Sample("P", START, math.nan, Quality.BAD, "timeout"),
            'samples,point=P quality=-1i,reason="timeout" 1783753200000000',
        ),
        (
            Sample("P", START, 7.0, Quality.BAD, "outside valid range"),
            'samples,point=P doubtful=7,quality=0i,reason="outside valid range" 1783753200000000',
        ),
        (Sample("P", START, math.nan), 'samples,point=P quality=192i,reason="" 1783753200000000'),
        (
            Sample("P", START, math.inf, Quality.BAD, "not a number"),
            'samples,point=P quality=-1i,reason="not a number" 1783753200000000',
        ),
    ],
)
def test_line_protocol(sample: Sample, line: str) -> None:
    other = Sample("Z", START, -0.5)
    body = lines_of(Columns.of([other, sample, other])).decode()
    said = "samples,point=Z value=-0.5,quality=192i 1783753200000000"
    assert body.splitlines(keepends=True) == [f"{one}\n" for one in (said, line, said)]


@pytest.mark.influxdb
def test_every_number_comes_back_bit_by_bit(
    influxdb: InfluxServer, open_influx: Callable[[InfluxSettings], InfluxStore]
) -> None:
    chance = random.Random(3)
    values = [0.0, -0.0, 1.0, 1e16, 1e22, 1e300, 5e-324, 1.7976931348623157e308, 0.1, 123456789012.5, 2.0**53 + 2.0]
    values += [chance.uniform(-1.0, 1.0) * 10.0 ** chance.randint(-20, 20) for _ in range(500)]
    samples = [Sample("P", START + timedelta(seconds=one), value) for one, value in enumerate(values)]
    store = open_influx(influxdb.bucket())
    store.write(samples)
    found = [one.value for one in store.range(["P"], START, START + timedelta(hours=1))]
    assert [one.hex() for one in found] == [one.hex() for one in values]


def test_server_that_is_away_is_said_with_its_address(open_influx: Callable[[InfluxSettings], InfluxStore]) -> None:
    store = open_influx(InfluxSettings("http://127.0.0.1:9", "hydro", "bucket", "token"))
    with pytest.raises(Unavailable, match=r"^InfluxDB at http://127\.0\.0\.1:9: does not answer \(.*refused\)$"):
        store.write([Sample("P", START, 1.0)])
    with pytest.raises(Unavailable, match=r"does not answer"):
        store.newest()


@pytest.mark.influxdb
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"token": "wrong"}, r"the token may not use bucket .* \(401: unauthorized access\)"),
        ({"bucket": "missing"}, r"404: .*\"missing\" not found"),
        ({"org": "missing"}, r"404: .*organization name \"missing\" not found"),
    ],
)
def test_wrong_settings_are_said_and_block_nothing_for_good(
    influxdb: InfluxServer, open_influx: Callable[[InfluxSettings], InfluxStore], change: dict[str, str], said: str
) -> None:
    store = open_influx(replace(influxdb.bucket(), **change))
    with pytest.raises(Unavailable, match=said):
        store.write([Sample("P", START, 1.0)])


@pytest.mark.influxdb
def test_what_the_server_will_never_take_is_bad_input_and_the_rest_is_kept(
    influxdb: InfluxServer, open_influx: Callable[[InfluxSettings], InfluxStore]
) -> None:
    store = open_influx(influxdb.bucket())
    with pytest.raises(BadInput, match=r"refuses \(400\)"):
        store.write([Sample("P", START, 1.0), Sample("a line\nbreak", START, 1.0)])
    store.write([Sample("P", START, 2.0)])
    assert store.latest(["P"])["P"].value == 2.0


@pytest.mark.influxdb
def test_server_that_was_killed_has_what_it_said_yes_to(
    start_influxd: Callable[[], InfluxServer], open_influx: Callable[[InfluxSettings], InfluxStore], tmp_path: Path
) -> None:
    server = start_influxd()
    settings = server.bucket()
    store = open_influx(settings)
    samples = [Sample("P", START + timedelta(seconds=second), float(second)) for second in range(1000)]
    store.write(samples)
    server.kill()
    with pytest.raises(Unavailable):
        store.write(samples)
    server.begin()
    assert store.range(["P"], START, START + timedelta(hours=1)) == samples
