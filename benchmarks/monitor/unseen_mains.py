"""Unseen seeds and mains: is the true link among the first five causes, before and after a crew reads where it is told?

``python -m benchmarks.monitor.unseen_mains [--count 10] [--seed 1] [--readings 3] [--jobs 2]``: mains drawn at random
among those that the plant accepts as a case (some customer loses enough when they are blocked). After the first
diagnosis a crew reads the pressure at the first place proposed, half an hour later the next, as the demo's crew does.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.monitor.plant import JIAOZHOU, Tape, calibrated
from models.complaint import Complaint
from models.measurement import HandReading
from models.site import Site
from models.site_file import load_site
from monitor.diagnoser import Asked, Diagnoser
from monitor.monitor import COMPLAINED
from simulator.history import samples_of
from simulator.problem import NotSolvable
from simulator.scene import set_scene

SURE = 0.8
"""A crew goes on reading while no cause in the street is this probable."""
CREW_NOISE_M = 0.1
ROUND = timedelta(minutes=30)
"""From one reading to the next."""


@dataclass(frozen=True, slots=True)
class Played:
    """A case: what the points said, who complained, and the plant's heads for a crew to read, by time."""

    tape: Tape
    complaint: Complaint
    heads: dict[datetime, NDArray[np.float64]]
    nodes: Mapping[str, int]
    elevation: NDArray[np.float64]

    def pressure(self, node: str, at: datetime) -> float:
        """Return the true pressure [m] at the step nearest ``at``."""
        time = min(self.heads, key=lambda one: abs(one - at))
        return float(self.heads[time][self.nodes[node]] - self.elevation[self.nodes[node]])


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was asked and how the diagnoses ranked the truth, one rank a diagnosis (0: not listed)."""

    link: str
    seed: int
    customer: str
    ranks: tuple[int, ...]
    probabilities: tuple[float, ...]
    leaders: tuple[str, ...]
    seconds: tuple[float, ...]


_OPEN = ExitStack()


@cache
def _known() -> tuple[Site, Diagnoser]:
    return _OPEN.enter_context(calibrated())


def play_main(site: Site, seed: int, link: str) -> Played | None:
    """Return the documented morning with another main blocked; None where the plant says that this is no case."""
    try:
        with set_scene(site, "documented", seed, fault_link=link) as scene:
            rung = next((event for event in scene.episode.events if hasattr(event.change, "customer")), None)
            if rung is None:
                return None
            customer = str(getattr(rung.change, "customer", ""))
            samples, heads = [], {}
            for time, step in samples_of(scene, rung.at + timedelta(hours=4) - scene.episode.start):
                samples += step
                if time >= rung.at:
                    heads[time] = np.array(scene.truth.snapshot.head)
            complaint = Complaint(
                customer, site.customer(customer).node, rung.at, "too little pressure", None, "hotline", id=1
            )
            elements = scene.truth.elements
            return Played(Tape(samples), complaint, heads, elements.nodes, np.array(elements.elevation))
    except NotSolvable:
        return None


def solve(link: str, seed: int, readings: int) -> Outcome | None:
    """Play a case, diagnose it, and again after each reading."""
    site, diagnoser = _known()
    played = play_main(site, seed, link)
    if played is None:
        return None
    chance = np.random.default_rng(seed)
    documents: list[dict[str, Any]] = []
    taken: list[HandReading] = []
    while True:
        documents.append(diagnose(diagnoser, played, tuple(taken)))
        proposed = documents[-1]["next_measurements"]
        if len(taken) == readings or not proposed or (taken and _surest(documents[-1]) >= SURE):
            break
        at = played.complaint.time + (len(taken) + 1) * ROUND
        node = proposed[0]["node"]
        value = played.pressure(node, at) + CREW_NOISE_M * float(chance.standard_normal())
        taken.append(HandReading(node, at, value, "crew", complaint_id=1))
    return Outcome(
        link,
        seed,
        played.complaint.customer_id,
        tuple(rank(document, link) for document in documents),
        tuple(probability(document, link) for document in documents),
        tuple(_leader(document) for document in documents),
        tuple(float(document["elapsed_s"]) for document in documents),
    )


def diagnose(diagnoser: Diagnoser, played: Played, readings: tuple[HandReading, ...]) -> dict[str, Any]:
    """Return the document of a diagnosis as the monitor asks for it."""
    complaint = played.complaint
    end = max([complaint.time, *(one.time for one in readings)]) + timedelta(minutes=5)
    start = complaint.time - timedelta(hours=24)
    samples = played.tape.range([point.name for point in diagnoser.site.points], start, end)
    return diagnoser.diagnose(samples, Asked(start.timestamp(), end.timestamp(), complaint, readings), COMPLAINED)


def rank(document: dict[str, Any], link: str) -> int:
    """Return the place of the link's blockage among the causes, 0 where it is not listed."""
    return next((place for place, cause in enumerate(document["causes"], 1) if _of_link(cause, link)), 0)


def probability(document: dict[str, Any], link: str) -> float:
    """Return the probability of the link's blockage."""
    return next((float(cause["probability"]) for cause in document["causes"] if _of_link(cause, link)), 0.0)


def _of_link(cause: dict[str, Any], link: str) -> bool:
    return cause["kind"] in ("blocked_link", "closed_link") and link in cause["elements"]


def _surest(document: dict[str, Any]) -> float:
    street = [
        one["probability"] for one in document["causes"] if one["kind"] in ("blocked_link", "closed_link", "leak")
    ]
    return float(max(street, default=0.0))


def _leader(document: dict[str, Any]) -> str:
    first = document["causes"][0]
    return f"{first['kind']} {first['elements'][0]} {first['probability']:.2f}"


def main() -> None:
    """Draw, play, diagnose, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--readings", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    outcomes: list[Outcome] = []
    with ProcessPoolExecutor(arguments.jobs) as pool:
        draw = random.Random(arguments.seed)
        mains = [pipe.link for pipe in load_site(JIAOZHOU).pipes]
        while len(outcomes) < arguments.count:
            wanted = arguments.count - len(outcomes)
            drawn = [(draw.choice(mains), draw.randrange(10**6)) for _ in range(wanted)]
            futures = [pool.submit(solve, link, seed, arguments.readings) for link, seed in drawn]
            for future in futures:
                outcome = future.result()
                if outcome is not None:
                    outcomes.append(outcome)
                    print(_line(outcome), flush=True)
    _report(outcomes, arguments.readings)


def _line(one: Outcome) -> str:
    told = "; ".join(
        f"rank {rank} p {probability:.2f} ({leader}) {seconds:.0f} s"
        for rank, probability, leader, seconds in zip(
            one.ranks, one.probabilities, one.leaders, one.seconds, strict=True
        )
    )
    return f"{one.link} seed {one.seed} at {one.customer}: {told}"


def _report(outcomes: Sequence[Outcome], readings: int) -> None:
    for taken in range(readings + 1):
        ranks = [one.ranks[min(taken, len(one.ranks) - 1)] for one in outcomes]
        hits = sum(0 < rank <= 5 for rank in ranks)
        print(f"true link among the first five after {taken} readings: {hits} of {len(ranks)}")


if __name__ == "__main__":
    main()
