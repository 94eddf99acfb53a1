"""The monitor as a site runs it, over a tape: a cycle and an examination every minute of plant time, real stores."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.monitor.plant import Tape
from models.alarm import AlarmEntry, AlarmKind
from models.site import Site
from monitor.diagnoser import Diagnoser
from monitor.monitor import Monitor
from stores.embedded import EmbeddedStore
from stores.records import Records

SOURCES = ("hydro", "monitor", "models", "stores", "simulator", "sample_networks", "benchmarks/monitor")
"""Where a change may move what these benchmarks measure."""
BLAMING = frozenset({"blocked_link", "closed_link", "open_boundary", "roughness_growth", "leak", "demand_growth"})
"""Causes that blame a pipe, a valve or a customer; a gauge or a source is none of them."""


@dataclass(frozen=True, slots=True)
class Raised:
    """An alarm of the diagnosis: when, which cause, and what it and those alike may be."""

    time: datetime
    cause: str
    elements: tuple[str, ...]
    alike: tuple[str, ...]
    probability: float

    @property
    def blames(self) -> bool:
        """Whether a pipe, a valve or a customer is blamed."""
        return self.cause in BLAMING

    def row(self) -> dict[str, Any]:
        """Return it as a row of the ledger."""
        return {
            "time": self.time.isoformat(),
            "cause": self.cause,
            "elements": list(self.elements),
            "alike": list(self.alike),
            "probability": self.probability,
        }


@dataclass(frozen=True, slots=True)
class Watched:
    """What came of a watch."""

    raised: tuple[Raised, ...]
    others: dict[str, int]
    """Alarms of other kinds that were raised."""
    diagnoses: int


def watch(site: Site, diagnoser: Diagnoser, tape: Tape, start: datetime, end: datetime) -> Watched:
    """Return what the monitor raised between two instants that the tape covers."""
    with _stores() as (telemetry, records):
        telemetry.write(tape.samples)
        monitor = Monitor(site, telemetry, records, diagnoser)
        now, interval = start, timedelta(seconds=site.monitor.interval_s)
        while now <= end:
            monitor.cycle(now)
            monitor.examine(now)
            now += interval
        entries = [one for one in records.alarm_entries(limit=10**6) if one.event == "raise"]
        kinds = [AlarmKind(one.key.partition("/")[0]) for one in entries]
        return Watched(
            raised=tuple(_raised(one) for one, kind in zip(entries, kinds, strict=True) if kind is AlarmKind.DIAGNOSIS),
            others={kind: kinds.count(kind) for kind in set(kinds) if kind is not AlarmKind.DIAGNOSIS},
            diagnoses=len(records.diagnoses(limit=10**6)),
        )


def _raised(entry: AlarmEntry) -> Raised:
    _, cause, elements = entry.key.split("/", 2)
    details: dict[str, Any] = dict(entry.details)
    joint = details.get("joint_probability", details.get("probability", 0.0))
    return Raised(entry.time, cause, tuple(elements.split("+")), tuple(details.get("alike", ())), float(joint))


@contextmanager
def _stores() -> Iterator[tuple[EmbeddedStore, Records]]:
    with (
        tempfile.TemporaryDirectory(prefix="hydro-watch-") as folder,
        closing(EmbeddedStore(Path(folder) / "telemetry")) as telemetry,
        Records(f"{folder}/records") as records,
    ):
        yield telemetry, records
