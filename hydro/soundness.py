"""Soundness: what EPANET opens without a word though it cannot be solved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hydro.errors import EngineError
from hydro.network import JUNCTION, PIPES, PUMP, Network
from hydro.readings import Floats

ELEVATION = -1000.0, 10_000.0
"""Between these lies every place on earth with a tap, and every head of water above it [m]."""
DEMAND = -1000.0, 1000.0
"""No junction draws or gives more [m³/s]."""
LENGTH, DIAMETER = (0.0, 1e6), (0.0, 50.0)
"""Of a pipe [m]."""
TOLD = 5
"""So many problems are told; a file that is wrong throughout is reported by its first."""


def refuse_unsound(network: Network, inp: Path) -> None:
    """Refuse a network with nothing to solve, or with numbers that no network has.

    Raises
    ------
    EngineError
        What is wrong, with the element, its value, what was expected and the line of the file.
    """
    if not network.node_ids:
        raise EngineError("holds no nodes, expected an EPANET network with [JUNCTIONS], [PIPES] and a source")
    if not network.link_ids:
        raise EngineError("holds no links, expected [PIPES], [PUMPS] or [VALVES]")
    if len(network.fixed) == 0:
        raise EngineError("holds no reservoir and no tank, expected a source that fixes the head")
    problems = list(_absurd(network))
    if problems:
        told = [f"{text}{line_of(inp, [name])}" for name, text in problems[:TOLD]]
        more = f"; and {len(problems) - TOLD} more" if len(problems) > TOLD else ""
        raise EngineError("; ".join(told) + more)


def line_of(inp: Path, words: Sequence[str]) -> str:
    """Return where a line of the file begins with ``words``, nothing where that cannot be told."""
    lines = inp.read_text(encoding="utf-8", errors="replace").splitlines() if inp.is_file() else []
    found = (number for number, line in enumerate(lines, 1) if words and line.split()[: len(words)] == list(words))
    return next((f" in line {number}" for number in found), "")


def _absurd(network: Network) -> Iterator[tuple[str, str]]:
    """Yield each element with a number that no network has, and what is wrong with it."""
    nodes, links = network.node_ids, network.link_ids
    is_pipe = np.isin(network.link_kind, PIPES)
    yield from _outside("node", nodes, "elevation", network.elevation, "m", ELEVATION)
    demand = np.where(network.node_kind == JUNCTION, network.base_demand, 0.0)
    yield from _outside("node", nodes, "demand", demand, "m³/s", DEMAND)
    yield from _outside("link", links, "length", np.where(is_pipe, network.length, 1.0), "m", LENGTH)
    wide = np.where(network.link_kind == PUMP, 1.0, network.diameter)
    yield from _outside("link", links, "diameter", wide, "m", DIAMETER)
    rough = np.where(is_pipe, network.roughness, 1.0)
    yield from _outside("link", links, "roughness", rough, "", (0.0, np.inf))


def _outside(
    what: str, names: Sequence[str], quantity: str, values: Floats, unit: str, bounds: tuple[float, float]
) -> Iterator[tuple[str, str]]:
    low, high = bounds
    sound: NDArray[np.bool_] = np.isfinite(values) & (values >= low) & (values <= high)
    for place in np.flatnonzero(~sound).tolist():
        expected = f"{low:g} or more" if np.isinf(high) else f"{low:g} to {high:g}"
        told = f"{what} {names[place]}: {quantity} {values[place]:g} {unit}".rstrip()
        yield names[place], f"{told}, expected {expected} {unit}".rstrip()
