"""Blockages that somebody feels and some gauge sees: which share of them alarms within two hours?

``python -m benchmarks.monitor.blockages [--count 40] [--seed 1] [--ledger …]``: mains, times of day, severities and
seeds of the plant are drawn at random among the blockages that, over the two hours after their onset, cost some
customer 3 m and move some pressure gauge by 0.5 m on average (the plant's own solves, demands as expected, tanks where
they would stand anyway). The monitor runs as in ``benchmarks.monitor.healthy_weeks``, with the same settings.

An alarm counts that blames a pipe, a valve or a customer; beside the share that alarms stands the share in which the
true main is the one named, or among those told to be alike. Most mains are drawn without a valve of the register on
them, while the diagnosis believes that valves block before plain pipes do. Between mains in series before a branch's
last gauge nothing but that belief decides, so the share is told for mains with a valve too.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from benchmarks.ledger import Ledger, Row, fingerprint
from benchmarks.monitor.plant import Tape, calibrated
from benchmarks.monitor.watching import SOURCES, Watched, watch
from models.quantity import Quantity
from models.site import Site
from monitor.diagnoser import Diagnoser
from simulator.episodes import load_episode
from simulator.events import Blockage, Event
from simulator.history import samples_of
from simulator.noise import Floats
from simulator.plant_files import load_plant
from simulator.scene import set_scene
from simulator.truth import Truth

MARK = 0.9
"""Share that is to alarm."""
FELT_M, SEEN_M = 3.0, 0.5
ALLOWED = timedelta(hours=2)
BEFORE = timedelta(hours=9)
"""Readings before the onset; the monitor starts an hour before it, with the hours that it looks at behind it."""
STEP_S = 60
MINOR_LOSSES = np.geomspace(1.0, 1e7, 36)
QUARTERS = range(0, 121, 15)
"""Minutes after the onset at which a blockage is weighed."""


@dataclass(frozen=True, slots=True)
class Case:
    """A blockage, and what it does over the two hours after its onset."""

    link: str
    onset: datetime
    minor_loss: float
    seed: int
    customer_m: float
    gauge_m: float

    @property
    def key(self) -> str:
        """The name of the case in the ledger."""
        return f"{self.link} {self.onset:%Y-%m-%dT%H:%M} {self.minor_loss:.4g} {self.seed}"


def main() -> None:
    """Draw, play what the ledger lacks, and print the share."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ledger", type=Path, default=Path("benchmarks/results/blockages.jsonl"))
    arguments = parser.parse_args()
    ledger = Ledger(arguments.ledger, fingerprint(SOURCES))
    with calibrated() as (site, diagnoser):
        cases = draw(site, arguments.count, random.Random(arguments.seed))
        for case in cases:
            if case.key not in ledger.rows():
                row = play(site, diagnoser, case)
                ledger.keep(case.key, row)
                print(_line(row), flush=True)
    rows = [ledger.rows()[case.key] for case in cases]
    alarmed = sum(row["minutes"] is not None for row in rows)
    named = sum(row["named"] for row in rows)
    valved = [row for row in rows if row["valve"]]
    cpu_h = sum(row["cpu_s"] for row in rows) / 3600.0
    print(f"{alarmed} of {len(rows)} alarm within two hours ({MARK:.0%} wanted), {named} name the main or one alike")
    print(f"on mains with a registered valve {sum(row['named'] for row in valved)} of {len(valved)} are named")
    print(f"{cpu_h:.2f} CPU-hours")


def draw(site: Site, count: int, dice: random.Random) -> list[Case]:
    """Return cases; a main that does not qualify at the time drawn for it is drawn again."""
    start = load_episode(site.folder, "healthy").start
    mains = [pipe.link for pipe in site.pipes]
    cases: list[Case] = []
    while len(cases) < count:
        link, seed = dice.choice(mains), dice.randrange(10**6)
        onset = start + BEFORE + timedelta(minutes=dice.randrange(6 * 24 * 60))
        place = dice.random()
        cases += _case(site, link, onset, seed, place)
    return cases


def _case(site: Site, link: str, onset: datetime, seed: int, place: float) -> list[Case]:
    """Return the case of a main, or nothing where no severity qualifies.

    ``place`` (0 to 1) says how bad it is, on the logarithm of the head lost between 3 m and what closure costs: mild
    cases are as likely as grave ones.
    """
    customer, gauge = _effects(site, link, onset)
    fit = np.flatnonzero((customer >= FELT_M) & (gauge >= SEEN_M))
    if not len(fit):
        return []
    wanted = customer[fit[0]] * (customer[fit[-1]] / customer[fit[0]]) ** place
    row = int(fit[np.argmax(customer[fit] >= 0.999 * wanted)])
    return [Case(link, onset, float(MINOR_LOSSES[row]), seed, float(customer[row]), float(gauge[row]))]


def _effects(site: Site, link: str, onset: datetime) -> tuple[Floats, Floats]:
    """Return (K,) what each severity costs the customer it costs most and moves the gauge it moves most [m]."""
    truth = Truth(site.network, load_plant(site.folder), onset, site.time_zone, site.zones, certain=True)
    try:
        nodes, elevation = truth.elements.nodes, truth.elements.elevation
        customers = [nodes[one.node] for one in site.customers]
        gauges = [nodes[one.element] for one in site.points if one.quantity is Quantity.PRESSURE]
        lost = np.zeros((len(MINOR_LOSSES), len(elevation)))
        for minutes in QUARTERS:
            well = truth.advance(onset + timedelta(minutes=minutes)).head
            for row, minor_loss in enumerate(MINOR_LOSSES.tolist()):
                blocked = truth.solve_again([Event(onset, Blockage(link, minor_loss))]).head
                lost[row] += (np.maximum(well, elevation) - np.maximum(blocked, elevation)) / len(QUARTERS)
            truth.solve_again([])
        return lost[:, customers].max(axis=1), np.abs(lost[:, gauges]).max(axis=1)
    finally:
        truth.close()


def play(site: Site, diagnoser: Diagnoser, case: Case) -> Row:
    """Return whether, when and as what the monitor alarmed."""
    began = time.process_time()
    watched = watch(site, diagnoser, _tape(site, case), case.onset - timedelta(hours=1), case.onset + ALLOWED)
    blames = [one for one in watched.raised if one.blames and one.time > case.onset]
    return {
        "link": case.link,
        "onset": case.onset.isoformat(),
        "minor_loss": round(case.minor_loss, 2),
        "seed": case.seed,
        "customer_m": round(case.customer_m, 2),
        "gauge_m": round(case.gauge_m, 2),
        "minutes": min(((one.time - case.onset) / timedelta(minutes=1) for one in blames), default=None),
        "named": _names(watched, case),
        "valve": any(valve.link == case.link for valve in site.valves),
        "blames": [one.row() for one in blames],
        "others": [one.row() for one in watched.raised if not one.blames],
        "alarms": watched.others,
        "cpu_s": round(time.process_time() - began, 1),
    }


def _names(watched: Watched, case: Case) -> bool:
    links: Sequence[str] = [link for one in watched.raised for link in (*one.elements, *one.alike)]
    return case.link in links


def _tape(site: Site, case: Case) -> Tape:
    span = BEFORE + ALLOWED
    with set_scene(site, "healthy", case.seed, start=case.onset - BEFORE) as scene:
        event = Event(case.onset, Blockage(case.link, case.minor_loss))
        played = replace(scene, episode=replace(scene.episode, events=(event,)))
        return Tape([one for _, step in samples_of(played, span, STEP_S) for one in step])


def _line(row: Row) -> str:
    blames = [f"{one['cause']} {'+'.join(one['elements'][:2])} {one['probability']:.2f}" for one in row["blames"]]
    when = "no alarm" if row["minutes"] is None else f"{row['minutes']:.0f} min"
    return (
        f"{row['link']} at {row['onset'][11:16]}, {row['customer_m']:.1f} m lost, gauge {row['gauge_m']:.1f} m: {when}"
        f"{', named' if row['named'] else ''} {blames}, {row['cpu_s']:.0f} CPU-s"
    )


if __name__ == "__main__":
    main()
