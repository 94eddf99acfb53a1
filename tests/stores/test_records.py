from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from importlib.util import find_spec
from pathlib import Path
from socket import socket
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from models.alarm import Acknowledge, Alarm, AlarmKind, AlarmState, Clear, Comment, Raise, Shelve
from models.complaint import Complaint, ComplaintStatus
from models.notice import Notice, NoticeCode
from models.order import (
    Cure,
    Finding,
    FindingKind,
    Gain,
    Item,
    Measurement,
    Order,
    OrderState,
    Place,
    SuspectedCause,
)
from models.problem import BadInput, Missing, Refused, Unavailable
from simulator.port import free_port
from stores.records import Records

SEVEN = datetime(2026, 7, 11, 7, tzinfo=timezone(timedelta(hours=8)))
LOW = Alarm("limit/PT-07/low", AlarmKind.LIMIT, "PT-07", "low_limit")
COMPLAINT = Complaint("C-017", "J-112", SEVEN, "压力太低，无法生产", 6.5, "Wang")
DOCUMENT: dict[str, Any] = {
    "schema": 1,
    "window": {"start": "2026-07-10T07:00:00+08:00", "end": "2026-07-11T07:00:00+08:00", "samples": 960},
    "causes": [{"kind": "blocked_link", "elements": ["P-88"], "probability": 0.91}],
}
ORDER = Order(
    created=SEVEN,
    place=Place("P-88", "J-112", "V-031", "gate", 75.0, "桂花路", 12.5, 80.0, 14.0, "ccw"),
    causes=(SuspectedCause("blocked_link", ("P-88",), 0.91, ("V-031",), 6.2, (4.1, 8.0), "C-017"),),
    isolation=(Place("P-87", "J-110", "V-030", closes="cw"),),
    measurements=(Measurement("J-111", "pressure", "2026-07-11T08:00:00+08:00", 0.8),),
    bring=(Item("gate_valve", 1, 75.0),),
    cures=(Cure("P-88=PE100 SDR11 DN110", 7.9, "C-017"),),
    gain=Gain("C-017", 7.9),
)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Run a real PostgreSQL server of its own on a free port and give its URL."""
    found = shutil.which("initdb") or max(map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb")), default=None)
    if found is None or find_spec("psycopg") is None:
        pytest.skip("needs PostgreSQL's initdb and the Python package psycopg")
    programs = Path(found).resolve().parent
    port = free_port()
    user = "nobody" if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
    folder = Path(tempfile.mkdtemp(prefix="hydro-pg-"))
    if user:
        shutil.chown(folder, user)
    subprocess.run(
        [programs / "initdb", "-D", folder, "-U", "hydro", "-E", "UTF8"], user=user, check=True, capture_output=True
    )
    server = subprocess.Popen(
        [programs / "postgres", "-D", folder, "-p", str(port), "-k", folder, "-c", "fsync=off"],
        user=user,
        stderr=subprocess.DEVNULL,
    )
    try:
        ready = [str(programs / "pg_isready"), "-h", "127.0.0.1", "-p", str(port), "-q"]
        while server.poll() is None and subprocess.run(ready, check=False).returncode != 0:
            time.sleep(0.05)
        yield f"postgresql+psycopg://hydro@127.0.0.1:{port}/postgres"
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "data" / "records.sqlite")
    server = str(request.getfixturevalue("postgres"))
    name = f"test_{uuid4().hex}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.replace("/postgres", f"/{name}")


@pytest.fixture
def records(url: str) -> Iterator[Records]:
    with Records(url) as opened:
        yield opened


@pytest.fixture
def second(url: str, records: Records) -> Iterator[Records]:
    with Records(url) as opened:
        yield opened


def raised(records: Records, minute: int = 0) -> Alarm:
    return records.apply(LOW, Raise(SEVEN + timedelta(minutes=minute), {"value": 9.5, "unit": "m"}))


def test_raised_alarm_is_open_and_seen_by_another_process(records: Records, second: Records) -> None:
    alarm = raised(records)
    assert second.open_alarms() == (alarm,)
    assert alarm.state is AlarmState.UNACKNOWLEDGED
    assert alarm.raised == SEVEN


def test_alarm_that_went_normal_is_no_longer_open_but_known(records: Records) -> None:
    alarm = records.apply(raised(records), Acknowledge(SEVEN, "Li"))
    records.apply(alarm, Clear(SEVEN))
    assert records.open_alarms() == ()
    known = records.alarm(LOW.key)
    assert known is not None
    assert known.state is AlarmState.NORMAL


def test_continuing_condition_is_one_alarm_with_its_present_details(records: Records) -> None:
    first = raised(records)
    records.apply(LOW, Raise(SEVEN, {"value": 8.0, "unit": "m"}))
    (alarm,) = records.open_alarms()
    assert alarm == replace(first, details={"value": 8.0, "unit": "m"})
    assert [entry.event for entry in records.alarm_entries()] == ["raise"]


def test_of_two_who_acknowledge_at_once_one_wins_and_the_other_is_told(records: Records, second: Records) -> None:
    seen = raised(records)
    records.apply(seen, Acknowledge(SEVEN, "Li"))
    with pytest.raises(Refused, match="now acknowledged by Li since 2026-07-10T23:00:00"):
        second.apply(seen, Acknowledge(SEVEN, "Wang"))
    assert [entry.by for entry in records.alarm_entries()] == ["", "Li"]


def test_of_many_threads_that_acknowledge_exactly_one_wins(records: Records, second: Records) -> None:
    seen = raised(records)

    def acknowledge(number: int) -> bool:
        try:
            (records if number % 2 else second).apply(seen, Acknowledge(SEVEN, f"operator {number}"))
        except Refused:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(acknowledge, range(16))) == 1


def test_person_who_saw_an_earlier_occurrence_is_told(records: Records) -> None:
    seen = raised(records)
    records.apply(LOW, Clear(SEVEN))
    raised(records, minute=5)
    with pytest.raises(Refused, match="has changed meanwhile, it is now unacknowledged"):
        records.apply(seen, Acknowledge(SEVEN, "Li"))


def test_refreshed_details_do_not_disturb_a_person(records: Records) -> None:
    seen = raised(records)
    raised(records, minute=1)
    assert records.apply(seen, Acknowledge(SEVEN, "Li")).acknowledged_by == "Li"


def test_several_changes_are_kept_all_or_none(records: Records) -> None:
    other = replace(LOW, key="limit/PT-08/low", source="PT-08")
    with pytest.raises(Missing):
        records.apply_all([(LOW, Raise(SEVEN)), (other, Acknowledge(SEVEN, "Li"))])
    assert records.open_alarms() == ()


def test_clear_of_an_alarm_that_never_was_changes_nothing(records: Records) -> None:
    records.apply(LOW, Clear(SEVEN))
    assert records.alarm(LOW.key) is None
    assert records.alarm_entries() == ()


def test_log_and_trail_tell_what_people_did(records: Records) -> None:
    alarm = records.apply(raised(records), Comment(SEVEN, "Li", "crew called"))
    records.apply(alarm, Shelve(SEVEN, "Li", "flushing", SEVEN + timedelta(hours=2)))
    shelved = records.open_alarms()[0]
    assert shelved.hold is not None
    assert shelved.hold.until == SEVEN + timedelta(hours=2)
    entries = records.alarm_entries(LOW.key, after=1)
    assert [(entry.event, entry.state) for entry in entries] == [
        ("comment", AlarmState.UNACKNOWLEDGED),
        ("shelve", AlarmState.SHELVED),
    ]
    assert entries[1].details == {"reason": "flushing", "until": "2026-07-11T09:00:00+08:00"}
    trail = records.audit_trail(f"alarm/{LOW.key}")
    assert [(entry.by, entry.action) for entry in trail] == [("Li", "comment"), ("Li", "shelve")]


def test_times_come_back_aware_and_in_utc(records: Records) -> None:
    kept = records.register_complaint(COMPLAINT)
    again = records.complaint(kept.id)
    assert again.time == SEVEN
    assert again.time.tzinfo is UTC
    assert again == kept


def test_complaint_waits_until_a_diagnosis_answers_it(records: Records) -> None:
    complaint = records.register_complaint(COMPLAINT)
    assert records.unanswered_complaints() == (complaint,)
    number = records.keep_diagnosis(DOCUMENT, f"complaint/{complaint.id}", complaint.id)
    assert records.unanswered_complaints() == ()
    assert records.complaint(complaint.id).diagnosis_id == number
    records.close_complaint(complaint.id, "Wang", SEVEN)
    records.close_complaint(complaint.id, "Li", SEVEN)
    assert records.complaint(complaint.id).status is ComplaintStatus.CLOSED
    assert [entry.action for entry in records.audit_trail(f"complaint/{complaint.id}")] == ["register", "close"]


def test_diagnosis_comes_back_as_it_was_kept(records: Records) -> None:
    first = records.keep_diagnosis(DOCUMENT, "cycle")
    second = records.keep_diagnosis({**DOCUMENT, "causes": []}, "command")
    assert records.diagnosis(first) == DOCUMENT
    assert [(entry.id, entry.trigger) for entry in records.diagnoses()] == [(second, "command"), (first, "cycle")]
    assert records.diagnoses()[0].window_end == SEVEN


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        ({"schema": 2}, "schema 2, expected 1"),
        ({"window": {}}, "window without start and end"),
        ({"window": {"start": "2026-07-10T07:00:00", "end": "2026-07-11T07:00:00Z"}}, "start .* is naive"),
        ({"elapsed_s": float("nan")}, "no JSON document"),
        ({"elapsed_s": {1, 2}}, "no JSON document"),
    ],
)
def test_document_that_nobody_could_read_later_is_not_kept(records: Records, change: dict[str, Any], fact: str) -> None:
    with pytest.raises(BadInput, match=fact):
        records.keep_diagnosis({**DOCUMENT, **change}, "cycle")
    assert records.diagnoses() == ()


def test_order_comes_back_as_it_was_drafted(records: Records) -> None:
    order = records.draft_order(ORDER)
    assert records.order(order.id) == order == replace(ORDER, id=order.id, version=1)
    assert records.open_orders() == (order,)


def test_draft_is_revised_until_it_is_dispatched(records: Records) -> None:
    draft = records.draft_order(ORDER)
    better = records.revise_order(replace(draft, cures=()))
    assert records.order(draft.id).cures == ()
    sent = records.advance_order(better, OrderState.DISPATCHED, "Li", SEVEN, crew="north")
    assert records.order(draft.id).crew == "north"
    with pytest.raises(Refused, match="cannot be revised, it is dispatched by Li"):
        records.revise_order(sent)


def test_order_changed_meanwhile_is_not_overwritten(records: Records, second: Records) -> None:
    draft = records.draft_order(ORDER)
    records.advance_order(draft, OrderState.DISPATCHED, "Li", SEVEN)
    with pytest.raises(Refused, match="now dispatched by Li"):
        second.advance_order(draft, OrderState.CANCELLED, "Wang", SEVEN)


def test_findings_only_grow_and_carry_their_finder(records: Records) -> None:
    order = records.advance_order(records.draft_order(ORDER), OrderState.DISPATCHED, "Li", SEVEN)
    records.record_finding(order.id, Finding(FindingKind.DEBRIS, "Zhao", SEVEN))
    pipe = Finding(FindingKind.PIPE_REPLACED, "Zhao", SEVEN, "PE100 SDR11 DN110")
    found = records.record_finding(order.id, [pipe]).findings
    assert [str(finding) for finding in found] == ["debris", "pipe replaced by PE100 SDR11 DN110"]
    with pytest.raises(Refused, match="no name"):
        records.record_finding(order.id, Finding(FindingKind.DEBRIS, " ", SEVEN))


def test_draft_and_done_orders_take_no_findings(records: Records) -> None:
    order = records.draft_order(ORDER)
    with pytest.raises(Refused, match="takes no findings, it is draft"):
        records.record_finding(order.id, Finding(FindingKind.DEBRIS, "Zhao", SEVEN))


def test_measured_gain_is_kept_beside_the_predicted(records: Records) -> None:
    order = records.draft_order(ORDER)
    records.record_gain(order.id, Gain("C-017", 7.9, before_m=8.8, after_m=16.4), "Zhao", SEVEN)
    gain = records.order(order.id).gain
    assert gain is not None
    assert gain.measured_m == pytest.approx(7.6)


def test_notices_keep_codes_and_parameters(records: Records) -> None:
    order = records.draft_order(ORDER)
    notice = Notice(
        "C-017", "风机厂", "zh", NoticeCode.PRESSURE_RESTORED, SEVEN, {"street": "桂花路"}, order_id=order.id
    )
    (kept,) = records.keep_notices([notice])
    assert records.notices(order_id=order.id) == (kept,)
    assert records.notices(order_id=order.id + 1) == ()


@pytest.mark.parametrize("noun", ["complaint", "diagnosis", "order"])
def test_unknown_id_is_said(records: Records, noun: str) -> None:
    with pytest.raises(BadInput, match=f"{noun} 9: there is none"):
        getattr(records, noun)(9)


def test_plant_time_is_the_newest_any_process_said(records: Records, second: Records) -> None:
    assert records.plant_time() is None
    second.beat("serve", SEVEN)
    second.beat("serve", SEVEN + timedelta(minutes=1))
    assert records.plant_time() == SEVEN + timedelta(minutes=1)


def test_logs_only_grow(url: str, records: Records) -> None:
    raised(records)
    engine = create_engine(url if "://" in url else f"sqlite:///{url}")
    with engine.connect() as connection, pytest.raises(DBAPIError, match="alarm_events only grows"):
        connection.execute(text("DELETE FROM alarm_events"))
    engine.dispose()


@pytest.mark.skipif(find_spec("psycopg") is None, reason="needs the Python package psycopg")
def test_server_that_is_not_there_is_said_without_its_password() -> None:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"postgresql+psycopg://hydro:secret@127.0.0.1:{probe.getsockname()[1]}/hydro"
        with pytest.raises(Unavailable, match="records postgresql") as caught:
            Records(url)
    assert "secret" not in str(caught.value)
