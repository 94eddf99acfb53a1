"""How badly a link must be blocked for somebody to ring: found with the truth's own solves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from models.problem import BadInput, Problem
from models.register import Customer
from simulator.episodes import Episode
from simulator.events import Blockage, CustomerComplaint, Event
from simulator.noise import Floats
from simulator.problem import NotSolvable
from simulator.snapshot import Snapshot
from simulator.truth import Truth

WANTED_M = 3.5
"""What the blockage should cost somebody at the worst hour: 3 m, and something to spare for the noise of demand."""
LEAST_M = 1.0
"""A link whose closure costs nobody this much is no case."""

_MINOR_LOSSES = np.geomspace(1.0, 1e7, 36)
_HOURS = 24
_WORDS = "The pressure is too low."


@dataclass(frozen=True, slots=True)
class Fault:
    """A blockage and what it costs: (T,) hours, C customers."""

    minor_loss: float
    customer: Customer
    """Who loses most."""
    hourly_m: tuple[float, ...]
    """What that customer loses, hour by hour from the onset [m]."""


def place_fault(truth: Truth, episode: Episode, link: str, customers: Sequence[Customer]) -> Episode:
    """Return ``episode`` with its blockages replaced by one on ``link``, and its complaint by whom that hurts most.

    ``truth`` stands at the episode's start, without chance, and is used up. The blockage is the mildest of a scale
    that costs some customer 3 m at the worst hour of the first day, or the worst of the scale where none does. The
    complaint comes when the episode's did, or at the first hour after that at which at least half of the worst is felt.

    Raises
    ------
    NotSolvable
        Even full closure costs no customer 1 m.
    """
    others = tuple(event for event in episode.events if not isinstance(event.change, Blockage | CustomerComplaint))
    pattern = next((event for event in episode.events if isinstance(event.change, Blockage)), None)
    onset = pattern.at if pattern else episode.start + min(timedelta(hours=6), episode.duration / 4)
    fault = find_fault(truth, onset, others, link, customers)
    blockage = Blockage(link, fault.minor_loss)
    event = replace(pattern, change=blockage) if pattern else Event(onset, blockage)
    return replace(episode, events=(*others, event, _complaint(episode, onset, fault)))


def find_fault(
    truth: Truth, onset: datetime, others: Sequence[Event], link: str, customers: Sequence[Customer]
) -> Fault:
    """Return the mildest blockage of ``link`` that somebody feels in the day after ``onset``, and who that is.

    Raises
    ------
    BadInput
        There is no such link.
    NotSolvable
        Even full closure costs no customer 1 m, or there is no customer.
    """
    if link not in truth.elements.links:
        raise BadInput([Problem(f"fault link {link}: not in the network, expected the id of a link")])
    if not customers:
        raise NotSolvable(f"fault link {link}: the site has no customers.csv, so nobody can lose pressure")
    losses = _losses(truth, onset, others, link, [truth.elements.nodes[customer.node] for customer in customers])
    worst = losses.max(axis=(1, 2))
    if worst[-1] < LEAST_M:
        raise NotSolvable(
            f"fault link {link}: even full closure costs no customer {LEAST_M:g} m (most: {worst[-1]:.2f} m)"
        )
    chosen = int(np.argmax(worst >= WANTED_M)) if worst.max() >= WANTED_M else len(worst) - 1
    customer = int(losses[chosen].max(axis=0).argmax())
    hourly = tuple(losses[chosen, :, customer].tolist())
    return Fault(float(_MINOR_LOSSES[chosen]), customers[customer], hourly)


def _losses(truth: Truth, onset: datetime, others: Sequence[Event], link: str, nodes: list[int]) -> Floats:
    """Return what each blockage of the scale costs each customer at each hour, (K, T, C) [m].

    At each hour the tanks stand where they would without the fault, so that a pump that starts a little sooner is not
    taken for a loss. Pressure below zero is zero: nobody can lose what is not there.
    """
    elevation = truth.elements.elevation[nodes]

    def pressure(snapshot: Snapshot) -> Floats:
        return np.maximum(snapshot.head[nodes] - elevation, 0.0)

    losses = np.zeros((len(_MINOR_LOSSES), _HOURS, len(nodes)))
    for hour in range(_HOURS):
        time = onset + timedelta(hours=hour)
        well = pressure(truth.advance(time, others))
        for row, minor_loss in enumerate(_MINOR_LOSSES.tolist()):
            blocked = [*others, Event(onset, Blockage(link, minor_loss))]
            losses[row, hour] = well - pressure(truth.solve_again(blocked))
        truth.solve_again(others)
    return losses


def _complaint(episode: Episode, onset: datetime, fault: Fault) -> Event:
    written = next((event for event in episode.events if isinstance(event.change, CustomerComplaint)), None)
    earliest = max(written.at, onset) if written else onset
    half = max(fault.hourly_m) / 2.0
    hours = range(2 * _HOURS)
    times = (onset + timedelta(hours=hour) for hour in hours if fault.hourly_m[hour % _HOURS] >= half)
    felt = fault.hourly_m[int((earliest - onset) / timedelta(hours=1)) % _HOURS] >= half
    at = earliest if felt and written else next((time for time in times if time > earliest), earliest)
    words = written.change.words if written and isinstance(written.change, CustomerComplaint) else _WORDS
    return Event(at, CustomerComplaint(fault.customer.customer_id, words))
