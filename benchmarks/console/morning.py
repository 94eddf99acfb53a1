"""The documented morning as a folder that the service runs: readings, complaint, diagnosis, alarms and draft.

The plant's episode is played straight into the stores, so that it is the same morning every time. The diagnosis takes
half a minute and is kept in ``tests/cases/documented-morning``; ``python -m benchmarks.console.morning`` works it out
anew.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from api.passwords import hash_password
from benchmarks.monitor.plant import JIAOZHOU, calibrated, play
from models.alarm import Alarm, AlarmKind, Priority, Raise, diagnosis_key
from models.complaint import Complaint
from models.site import Site
from models.site_file import load_site
from models.user import Role, User
from monitor.baseline_file import save_baseline
from monitor.diagnoser import Asked
from monitor.monitor import COMPLAINED
from service.dispatch import open_order
from stores.accounts import Accounts
from stores.records import Records
from stores.telemetry import open_telemetry

CASE = Path(__file__).parents[2] / "tests" / "cases" / "documented-morning" / "diagnosis.json"
SEED, HOURS = 2, 9.0
MORNING = datetime(2026, 7, 10, 23, 10, tzinfo=UTC)
"""10 past 7 on the site's clocks."""
CUSTOMER = "C-FAN"
WORDS = "今天早上水压太低, 没法用水。The pressure has been far too low this morning; we cannot work."
PASSWORD = "correct horse"
PEOPLE: Mapping[Role, str] = {
    Role.VIEWER: "Sun Li",
    Role.OPERATOR: "Wang Fang",
    Role.ENGINEER: "Li Wei",
    Role.ADMIN: "Zhao Min",
}


def set_up(folder: Path, people: Mapping[Role, str] = PEOPLE, words: str = WORDS) -> Site:
    """Make the site's folder with the morning in its stores; everyone signs in by the role's name."""
    shutil.copytree(JIAOZHOU, folder, ignore=shutil.ignore_patterns("plant", "data", "history.csv", "__pycache__"))
    site = load_site(folder)
    assert site.monitor.baseline_file is not None
    site.monitor.baseline_file.parent.mkdir(exist_ok=True)
    with calibrated() as (whole, diagnoser):
        assert diagnoser.baseline is not None
        save_baseline(diagnoser.baseline, site.monitor.baseline_file)
        tape, _, _ = play(whole, "documented", SEED, None, HOURS)
    telemetry = open_telemetry(site.stores)
    telemetry.write([sample for sample in tape.samples if sample.time <= MORNING])
    telemetry.close()
    with Records(site.stores.records_url) as records:
        accounts, hashed = Accounts(records.database), hash_password(PASSWORD)
        for role, name in people.items():
            accounts.add_user(User(role.value, name, role, MORNING), hashed, "set-up")
        _complain(records, site, words)
    # The site is shown without its monitor, which is taken to be at work all the while.
    with Records(site.stores.records_url, wall_clock=lambda: datetime.now(UTC) + timedelta(days=1)) as records:
        records.beat("monitor", MORNING)
    return site


def _complain(records: Records, site: Site, words: str) -> None:
    """Keep the complaint, what the diagnosis says of it, the alarms and the draft of an order."""
    document = json.loads(CASE.read_text(encoding="utf-8"))
    told = document["complaint"]
    complaint = records.register_complaint(
        Complaint(CUSTOMER, told["node"], datetime.fromisoformat(told["time"]), words, told["reading_m"], "hotline")
    )
    number = records.keep_diagnosis(document, f"complaint/{complaint.id}", complaint.id)
    for cause in document["causes"][:2]:
        key = diagnosis_key(cause["kind"], cause["elements"])
        alarm = Alarm(key, AlarmKind.DIAGNOSIS, cause["elements"][0], cause["kind"], Priority.HIGH)
        details = {
            "elements": cause["elements"],
            "valve_ids": cause["valve_ids"],
            "probability": cause["probability"],
            "head_lost_m": cause["severity"]["head_lost_m"],
            "at": cause["severity"]["at"],
        }
        records.apply(alarm, Raise(MORNING, details))
    open_order(records, site, number, MORNING, None, complaint.id)


def diagnosis() -> dict[str, Any]:
    """Return what the diagnosis says of the morning, five minutes after the complaint."""
    with calibrated() as (site, diagnoser):
        tape, complained, customer = play(site, "documented", SEED, None, HOURS)
        assert complained is not None and customer == CUSTOMER
        complaint = Complaint(customer, site.customer(customer).node, complained, WORDS, 3.5, "hotline", id=1)
        start, end = complained - timedelta(hours=24), complained + timedelta(minutes=5)
        samples = tape.range([point.name for point in site.points], start, end)
        return diagnoser.diagnose(samples, Asked(start.timestamp(), end.timestamp(), complaint, ()), COMPLAINED)


if __name__ == "__main__":
    CASE.write_text(json.dumps(diagnosis(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"{CASE}\n")
