"""Solvable: whether a network has heads at all.

EPANET opens a node at nan or 1e308 m without a word, solves, and gives heads that are no numbers.
"""

from __future__ import annotations

from math import isfinite

from hydro.engine import Engine
from hydro.errors import SolveError
from hydro.network import Network
from hydro.state import State


def headless(network: Network, state: State) -> str:
    """Return the first node whose head is no number, empty where all have one."""
    pairs = zip(network.node_ids, state.pressure, strict=True)
    return next((node for node, metres in pairs if not isfinite(metres)), "")


def refuse_headless(engine: Engine) -> None:
    """Refuse a network that is asked nothing yet and has nodes without a head at its time 0.

    Raises
    ------
    SolveError
        Names the first such node.
    """
    try:
        state = engine.solve(engine.default_conditions(0.0))
    except SolveError:
        # What is asked is about other instants, which may solve; this one says so itself where it is asked for.
        return
    node = headless(engine.network, state)
    if node:
        raise SolveError(f"{engine.network.name}: does not solve: node {node} has no head, expected metres")
