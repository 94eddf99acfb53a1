"""``hydro move``: from the embedded store to a real InfluxDB."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli.main import main
from models.problem import BadInput
from models.sample import Quality, Sample
from models.site_file import load_site
from stores.embedded import EmbeddedStore
from stores.influx import InfluxStore
from stores.move import named_in_site_file
from tests.stores.influx_server import InfluxServer

SITE = """# ours
name = "Box"
time_zone = "Asia/Shanghai"

[stores]
telemetry = "embedded"  # for now

[stores.retention]
samples_days = 10
means_step_s = 60

[[devices]]
name = "rtu"
protocol = "modbus-tcp"
"""
POINTS = """name,element,quantity,unit,device,address,data_type,period_s
A,J1,pressure,m,rtu,holding/0,uint16,60
B,J1,pressure,m,rtu,holding/1,uint16,60
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "site.toml").write_text(SITE, encoding="utf-8")
    (tmp_path / "points.csv").write_text(POINTS, encoding="utf-8")
    (tmp_path / "network.inp").write_text("[END]\n", encoding="utf-8")
    return tmp_path


@pytest.mark.influxdb
def test_site_moves_with_everything_it_holds_and_only_once(
    folder: Path, influxdb: InfluxServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    store = EmbeddedStore(folder / "data" / "telemetry.sqlite", load_site(folder).stores.retention)
    old = [Sample("A", now - timedelta(days=20, seconds=one), 5.0) for one in range(100)]
    fresh = [Sample("A", now - timedelta(hours=one), one + 0.5) for one in range(100)]
    store.write([*old, *fresh, Sample("B", now, 7.0, Quality.BAD, "outside valid range")])
    store.keep(now)
    span = (now - timedelta(days=30), now + timedelta(seconds=1))
    kept, means = store.range(["A", "B"], *span), store.means(["A"], *span, 86400.0)
    store.close()
    assert len(kept) == 101
    assert sum(mean.count for mean in means) == 200
    monkeypatch.setenv("MOVED_TOKEN", influxdb.token)
    command = ["move", str(folder), "--url", influxdb.url, "--org", "hydro", "--bucket", "moved"]
    assert main([*command, "--token-env", "MOVED_TOKEN", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["samples"] == 101
    settings = load_site(folder).stores
    assert settings.influxdb is not None
    assert influxdb.token not in (folder / "site.toml").read_text(encoding="utf-8")
    moved = InfluxStore(settings.influxdb, settings.retention)
    assert sorted(moved.range(["A", "B"], *span), key=repr) == sorted(kept, key=repr)
    assert moved.means(["A"], *span, 86400.0) == means
    moved.close()
    assert main([*command, "--token-env", "MOVED_TOKEN"]) == 3
    assert "keeps its samples in InfluxDB already" in capsys.readouterr().err


@pytest.mark.influxdb
def test_site_that_somebody_collects_meanwhile_is_left_as_it_is(
    folder: Path, influxdb: InfluxServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now, prepare = datetime.now(UTC).replace(microsecond=0), InfluxStore.prepare
    store = EmbeddedStore(folder / "data" / "telemetry.sqlite")
    store.write([Sample("A", now, 1.0)])

    def collecting(target: InfluxStore) -> None:
        prepare(target)
        store.write([Sample("A", now + timedelta(seconds=1), 2.0)])

    monkeypatch.setattr(InfluxStore, "prepare", collecting)
    monkeypatch.setenv("MOVED_TOKEN", influxdb.token)
    command = ["move", str(folder), "--url", influxdb.url, "--org", "hydro", "--bucket", "busy"]
    assert main([*command, "--token-env", "MOVED_TOKEN"]) == 3
    assert "somebody has written to it meanwhile, expected that nobody collects" in capsys.readouterr().err
    assert (folder / "site.toml").read_text(encoding="utf-8") == SITE
    store.close()


def test_site_file_keeps_every_other_line(folder: Path) -> None:
    changed = named_in_site_file(folder / "site.toml", "http://x:1", "o", "b", None, "secrets/token")
    lines = changed.splitlines()
    assert [line for line in SITE.splitlines() if line not in lines] == ['telemetry = "embedded"  # for now']
    assert lines[-5:] == [
        "[stores.influxdb]",
        'url = "http://x:1"',
        'org = "o"',
        'bucket = "b"',
        'token_file = "secrets/token"',
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[stores.influxdb]\nurl = "http://x:1"\n', "has a table stores.influxdb already"),
        ('stores = { telemetry = "embedded" }\n', "cannot be changed line by line"),
    ],
)
def test_site_file_that_cannot_be_changed_is_said(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "site.toml").write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=said):
        named_in_site_file(tmp_path / "site.toml", "http://x:1", "o", "b", "TOKEN", None)
