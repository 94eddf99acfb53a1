"""``hydro complain``, ``hydro order`` and ``hydro alarms`` on a real site folder, against the real records."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from cli import alarms, complain, order
from models.alarm import Alarm, AlarmKind, Raise
from models.problem import BadInput, Refused
from models.site_file import load_site
from service.dispatch import open_order
from stores.records import Records

NOW = datetime(2026, 7, 11, 0, 30, tzinfo=UTC)
SITE_TOML = """
name = "Street"
time_zone = "Asia/Shanghai"
crs = "local"
network = "network.inp"
clock = "device"
[stores]
telemetry = "embedded"
telemetry_file = "data/telemetry.sqlite"
spool_file = "data/spool.sqlite"
records = "data/records.sqlite"
"""
POINTS = "name,element,quantity,unit,device,address,data_type,byte_order,scale,offset,period_s,valid_min,valid_max\n"
CUSTOMERS = (
    "customer_id,name,kind,address,node,contact,required_pressure_m,design_demand_l_s,language\n"
    "C-FAN,Fan factory,factory,Guihua Road 8,J-4,,20,2.5,zh\n"
)
VALVES = (
    "valve_id,link,end,kind,diameter_mm,installed,last_operated,turns,closes,x,y,street\n"
    "V-2,P-2,start,gate,75,1998-05-01,,14,ccw,10,0.5,Guihua Road\n"
)
DOCUMENT: dict[str, Any] = {
    "schema": 1,
    "window": {"start": "2026-07-10T00:30:00+00:00", "end": "2026-07-11T00:30:00+00:00"},
    "causes": [
        {
            "kind": "blocked_link",
            "elements": ["P-2"],
            "valve_ids": ["V-2"],
            "probability": 0.88,
            "severity": {"head_lost_m": 6.2, "at": "J-4", "interval90": [4.1, 8.0]},
        }
    ],
    "next_measurements": [{"node": "J-3", "quantity": "pressure", "time": "2026-07-11T02:00:00+00:00", "bits": 0.8}],
    "cures": [
        {
            "change": "lay P-2 as PE100 SDR11 DN110 (240 m)",
            "faults": [],
            "replace": [{"links": ["P-2"], "size": "PE100 SDR11 DN110", "inner_mm": 90.0}],
            "regained_m": 7.8,
            "pressure_m": 15.9,
            "at": "J-4",
        }
    ],
    "affected_customers": [{"customer_id": "C-FAN", "head_lost_m": 9.1}],
    "complaint": None,
    "can_say": True,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = {
        "site.toml": SITE_TOML,
        "network.inp": "[JUNCTIONS]\n",
        "points.csv": POINTS,
        "customers.csv": CUSTOMERS,
        "valves.csv": VALVES,
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    with Records(load_site(tmp_path).stores.records_url) as records:
        records.beat("monitor", NOW)
    return tmp_path


Ask = Callable[..., Any]


@pytest.fixture
def ask(folder: Path, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Run a command on the site and return its JSON, or its text when ``text`` is set."""

    def run(command: ModuleType, *arguments: str, text: bool = False) -> Any:
        parser = argparse.ArgumentParser()
        command.add_arguments(parser)
        assert command.run(parser.parse_args([str(folder), *arguments, *([] if text else ["--json"])])) == 0
        said = capsys.readouterr().out
        assert text or said.count("\n") == 1
        return said if text else json.loads(said)

    return run


@pytest.fixture
def drafted(folder: Path) -> int:
    site = load_site(folder)
    with Records(site.stores.records_url) as records:
        records.apply(Alarm("diagnosis/blocked_link/P-2", AlarmKind.DIAGNOSIS, "P-2", "blocked_link"), Raise(NOW))
        draft = open_order(records, site, records.keep_diagnosis(DOCUMENT, "cycle"), NOW)
    assert draft is not None
    return draft.id


def test_complaint_is_kept_at_the_plants_time(ask: Ask) -> None:
    said = ask(complain, "--customer", "C-FAN", "--words", "压力太低", "--reading-m", "6.5", "--by", "Wang")
    assert (said["node"], said["reading_m"], said["status"]) == ("J-4", 6.5, "registered")
    assert said["time"] == "2026-07-11T00:30:00Z"


def test_complaint_says_who_where_and_what_follows(ask: Ask) -> None:
    said = ask(complain, "--customer", "C-FAN", "--words", "low", "--time", "2026-07-11T07:00:00+08:00", text=True)
    assert said.startswith("complaint 1 of C-FAN (Fan factory) at node J-4 is kept")


@pytest.mark.parametrize(("time", "fact"), [("2026-07-11T07:00:00", "is naive"), ("seven", "no ISO 8601 time")])
def test_time_without_offset_is_refused(ask: Ask, time: str, fact: str) -> None:
    with pytest.raises(BadInput, match=fact):
        ask(complain, "--customer", "C-FAN", "--words", "low", "--time", time)


def test_order_goes_from_draft_to_done(ask: Ask, drafted: int) -> None:
    number = str(drafted)
    assert [one["state"] for one in ask(order)["orders"]] == ["draft"]
    sent = ask(order, "dispatch", number, "--by", "Li", "--crew", "north")
    assert (sent["state"], sent["crew"], sent["steps"][0]["by"]) == ("dispatched", "north", "Li")
    assert "您处的供水压力低于平时" in sent["notices"][0]["text"]
    found = ask(
        order, "find", number, "--found", "debris", "--found", "pipe replaced by PE100 SDR11 DN110", "--by", "Zhao",
        "--pressure-before-m", "8.1",
    )  # fmt: skip
    assert [one["kind"] for one in found["findings"]] == ["debris", "pipe replaced by"]
    done = ask(order, "close", number, "--by", "Zhao", "--pressure-after-m", "15.7")
    assert done["state"] == "done"
    assert done["gain"]["holds"] is True
    assert done["gain"]["measured_m"] == pytest.approx(7.6)
    assert ask(order)["orders"] == []
    assert ask(alarms)["alarms"][0]["acknowledged_by"] == "Zhao"


def test_order_tells_the_crew_what_it_needs(ask: Ask, drafted: int) -> None:
    said = ask(order, "show", str(drafted), text=True)
    for words in (
        "valve V-2 link P-2 in Guihua Road at x 10 y 0.5 DN 75 turns 14 closes ccw",
        "cause: blocked_link P-2, probability 0.88, costs 6.2 m at J-4 (90 %: 4.1 to 8.0 m)",
        "measure: pressure at J-3 2026-07-11T02:00:00+00:00, tells 0.8 bit",
        "bring: 1 × gate valve DN75",
        "cure: lay P-2 as PE100 SDR11 DN110 (240 m) regains 7.8 m at J-4",
    ):
        assert words in said


def test_order_that_is_not_there_is_said(ask: Ask) -> None:
    with pytest.raises(BadInput, match="order 7: there is none"):
        ask(order, "show", "7")
    assert ask(order, text=True) == "no orders\n"


def test_alarm_is_found_by_a_part_of_its_key_and_acknowledged_once(ask: Ask, drafted: int) -> None:
    assert ask(alarms, "ack", "P-2", "--by", "Li")["state"] == "acknowledged"
    with pytest.raises(Refused, match="acknowledged by Li"):
        ask(alarms, "ack", "P-2", "--by", "Wang")
    assert "acknowledged by Li" in ask(alarms, "list", text=True)
    assert [entry["event"] for entry in ask(alarms, "log")["entries"]] == ["raise", "acknowledge"]


def test_alarm_is_shelved_for_some_hours_with_a_reason(ask: Ask, drafted: int) -> None:
    shelved = ask(alarms, "shelve", "P-2", "--by", "Li", "--reason", "works", "--hours", "2")
    assert shelved["state"] == "shelved"
    assert shelved["hold"]["until"] == "2026-07-11T02:30:00Z"
    assert ask(alarms, "unshelve", "P-2", "--by", "Li")["state"] == "unacknowledged"


def test_alarm_that_is_not_clear_is_asked_for(ask: Ask, folder: Path, drafted: int) -> None:
    with Records(load_site(folder).stores.records_url) as records:
        records.apply(Alarm("limit/P-2/low", AlarmKind.LIMIT, "P-2", "low_limit"), Raise(NOW))
    with pytest.raises(BadInput, match="one of several"):
        ask(alarms, "ack", "P-2", "--by", "Li")
    with pytest.raises(BadInput, match="no open alarm"):
        ask(alarms, "ack", "P-3", "--by", "Li")
