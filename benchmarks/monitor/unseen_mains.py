"""Ten unseen seeds and mains: is the true link among the first five causes of the complaint's diagnosis?

``python -m benchmarks.monitor.unseen_mains [--count 10] [--seed 1]``: mains drawn at random among those that the
plant accepts as a case (some customer loses enough when they are blocked).
"""

from __future__ import annotations

import argparse
import random
from datetime import timedelta

from benchmarks.monitor.plant import calibrated, play
from models.complaint import Complaint
from monitor.diagnoser import Asked
from monitor.monitor import COMPLAINED
from simulator.problem import NotSolvable


def main() -> None:
    """Draw, play, diagnose, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    draw = random.Random(arguments.seed)
    ranks: list[int | None] = []
    with calibrated() as (site, diagnoser):
        mains = [pipe.link for pipe in site.pipes]
        while len(ranks) < arguments.count:
            link, seed = draw.choice(mains), draw.randrange(10**6)
            try:
                tape, complained, customer = play(site, "documented", seed, link, 20.0)
            except NotSolvable:
                continue
            if complained is None:
                continue
            node = site.customer(customer).node
            complaint = Complaint(customer, node, complained, "too little pressure", None, "hotline", id=1)
            end = complained + timedelta(minutes=5)
            start = complained - timedelta(hours=24)
            asked = Asked(start.timestamp(), end.timestamp(), complaint)
            samples = tape.range([point.name for point in site.points], start, end)
            document = diagnoser.diagnose(samples, asked, COMPLAINED)
            rank = next(
                (
                    place
                    for place, cause in enumerate(document["causes"], 1)
                    if link in cause["elements"] and cause["kind"] in ("blocked_link", "closed_link")
                ),
                None,
            )
            ranks.append(rank)
            first = document["causes"][0]
            print(
                f"{link} seed {seed} at {customer}: rank {rank}, first {first['kind']} {first['elements'][0]} "
                f"{first['probability']:.2f}, healthy {document['healthy_probability']:.2f}, "
                f"{document['elapsed_s']:.1f} s",
                flush=True,
            )
    hits = sum(rank is not None and rank <= 5 for rank in ranks)
    print(f"true link among the first five: {hits} of {len(ranks)}")


if __name__ == "__main__":
    main()
