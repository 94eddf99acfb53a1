"""``hydro import``, ``export``, ``move`` and ``store`` on a site."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.main import main
from models.sample import Sample
from stores.embedded import EmbeddedStore
from stores.spool import Spool

START = datetime(2026, 7, 11, 7, tzinfo=UTC)
SERVER = ("--url", "http://127.0.0.1:9", "--org", "o", "--bucket", "b", "--token-env", "MOVED_TOKEN")
ROWS = "time,point,value\n" + "".join(f"2026-07-11T07:{minute:02}:00Z,A,{minute}.5\n" for minute in range(60))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "site.toml").write_text(
        'name = "Box"\ntime_zone = "Asia/Shanghai"\n\n[[devices]]\nname = "rtu"\nprotocol = "modbus-tcp"\n',
        encoding="utf-8",
    )
    (folder / "points.csv").write_text(
        "name,element,quantity,unit,device,address,data_type,period_s\nA,J1,pressure,m,rtu,holding/0,uint16,60\n",
        encoding="utf-8",
    )
    (folder / "network.inp").write_text("[END]\n", encoding="utf-8")
    (folder / "rows.csv").write_text(ROWS, encoding="utf-8")
    return folder


def embedded(folder: Path) -> EmbeddedStore:
    return EmbeddedStore(folder / "data" / "telemetry.sqlite")


def test_what_is_imported_is_exported(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", str(folder), str(folder / "rows.csv"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"samples": {str(folder / "rows.csv"): 60}}
    out = folder / "out.parquet"
    half = "2026-07-11T15:30:00+08:00"
    assert main(["export", str(folder), str(out), "--start", half, "--point", "A"]) == 0
    assert capsys.readouterr().out == f"{out}: 30 samples\n"
    assert main(["export", str(folder), str(out)]) == 0
    assert "60 samples" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        (["import", "SITE", "SITE/missing.csv"], 3, "missing.csv: is not there"),
        (["import", "SITE", "SITE/site.toml"], 3, 'ends in ".toml"'),
        (["export", "SITE", "SITE/out.csv"], 3, "the store holds no samples"),
        (["export", "SITE", "SITE/out.csv", "--point", "B"], 3, "no sample of point B"),
        (["export", "SITE", "SITE/out.csv", "--start", "2026-07-11"], 3, "naive"),
        (["store", "SITE", "--prepare"], 3, "the embedded store needs no preparing"),
        (["move", "SITE", *SERVER], 3, "is not there: the site has no samples"),
    ],
)
def test_what_is_wrong_is_one_clear_line(
    folder: Path, capsys: pytest.CaptureFixture[str], command: list[str], status: int, said: str
) -> None:
    assert main([word.replace("SITE", str(folder)) for word in command]) == status
    told = capsys.readouterr().err
    assert said in told
    assert len(told.strip().splitlines()) == 1


@pytest.mark.parametrize("command", [["export", "SITE", "SITE/out.csv"], ["import", "SITE", "SITE/rows.csv"]])
def test_damaged_store_is_bad_input(folder: Path, capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    path = folder / "data" / "telemetry.sqlite"
    path.parent.mkdir()
    path.write_bytes(b"no database at all, " * 1000)
    assert main([word.replace("SITE", str(folder)) for word in command]) == 3
    assert capsys.readouterr().err.startswith(f"{path}: is damaged")


def test_store_tells_what_waits_what_was_refused_and_what_is_lost(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spool = Spool(folder / "data" / "spool.sqlite")
    spool.append([Sample("A", START, 1.0)])
    spool.refuse([Sample("A", START, 2.0)], "the server will not have it")
    spool.close()
    assert main(["store", str(folder), "--refused", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["waiting"], answer["set_aside"], answer["lost"]) == (1, 1, [])
    assert answer["refused"][0]["why"] == "the server will not have it"
    assert main(["store", str(folder)]) == 0
    assert "spool: 1 samples wait" in capsys.readouterr().out


def test_move_to_a_server_that_is_away_leaves_the_site_as_it_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = embedded(folder)
    store.write([Sample("A", START, 1.0)])
    store.close()
    monkeypatch.setenv("MOVED_TOKEN", "x")
    before = (folder / "site.toml").read_text(encoding="utf-8")
    assert main(["move", str(folder), *SERVER]) == 5
    assert "InfluxDB at http://127.0.0.1:9: does not answer" in capsys.readouterr().err
    assert (folder / "site.toml").read_text(encoding="utf-8") == before
