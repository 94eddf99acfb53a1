"""Kin: faults of one kind near one another in the network, which readings can hardly tell apart.

Screening may take a pipe for hopeless where the network answers far from linearly. What stands near a fault that
explains the readings is worth a glance by that alone.
"""

from __future__ import annotations

import numpy as np

from hydro.faults import Candidate
from hydro.faults.kind import LINKS, POINTS
from hydro.hypothesis import Fault
from hydro.network import Network
from hydro.shortlist import Lead
from hydro.weighing import Question

HOPS, MOST = 3, 16
"""How many nodes away kin are looked for, and how many at most."""


def kin(asked: Question, fault: Fault) -> list[Lead]:
    """Return the same fault at what is near, the nearest first; none where it is one of many elements together."""
    candidate = fault.candidate
    if len(candidate.indices) != 1 or fault.kind.of == POINTS:
        return []
    network, place = asked.case.engine.network, candidate.indices[0]
    of_links = fault.kind.of == LINKS
    begin = [int(network.start[place]), int(network.end[place])] if of_links else [place]
    keys = [(candidate.kind, (one,)) for one in _around(network, begin, of_links) if one != place]
    known = [key for key in keys if key in asked.believed][:MOST]
    return [_lead(asked.believed[key], fault) for key in known]


def _lead(believed: tuple[Candidate, float], fault: Fault) -> Lead:
    candidate, prior = believed
    return Lead(Fault(candidate, fault.severity, fault.onset), float(np.log(prior)), float("nan"))


def _around(network: Network, begin: list[int], of_links: bool) -> list[int]:
    """Return the links, or the nodes, that are reached first from some nodes, in the order in which they are."""
    found, reached, edge = list[int](), set(begin), begin
    for _ in range(HOPS):
        links = np.flatnonzero(np.isin(network.start, edge) | np.isin(network.end, edge)).tolist()
        ends = {int(end[link]) for link in links for end in (network.start, network.end)}
        edge = sorted(ends - reached)
        reached |= ends
        found += [one for one in (links if of_links else edge) if one not in found]
    return found
