"""A main: pipes of one diameter and material that lie in one run, which is how they were laid and are replaced."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydro.assets import Assets
from hydro.network import PIPES, Network


@dataclass(frozen=True, slots=True)
class Main:
    """A run of pipes. ``length`` and ``diameter`` (inner) in metres."""

    links: tuple[int, ...]
    length: float
    diameter: float
    material: str


def main_of(network: Network, assets: Assets, link: int) -> Main:
    """Return the run of equal pipes that a pipe belongs to: it goes on through nodes until size or material changes."""
    at_node = _pipes_at(network)
    run, front = {link}, [link]
    while front:
        pipe = front.pop()
        for node in (int(network.start[pipe]), int(network.end[pipe])):
            alike = [other for other in at_node[node] if _alike(network, assets, link, other)]
            # Where more than two equal pipes meet, a street crosses another of its kind: the main ends there.
            if len(alike) > 2:
                continue
            for other in alike:
                if other not in run:
                    run.add(other)
                    front.append(other)
    links = tuple(sorted(run))
    return Main(
        links=links,
        length=float(network.length[list(links)].sum()),
        diameter=float(network.diameter[link]),
        material=assets.link_material[link],
    )


def _pipes_at(network: Network) -> dict[int, list[int]]:
    pipes: dict[int, list[int]] = {node: [] for node in range(len(network.node_ids))}
    for pipe in _pipes(network):
        pipes[int(network.start[pipe])].append(int(pipe))
        pipes[int(network.end[pipe])].append(int(pipe))
    return pipes


def _pipes(network: Network) -> NDArray[np.intp]:
    return np.flatnonzero(np.isin(network.link_kind, PIPES))


def _alike(network: Network, assets: Assets, one: int, other: int) -> bool:
    same_size = bool(abs(network.diameter[one] - network.diameter[other]) < 1e-4)
    return same_size and assets.link_material[one] == assets.link_material[other]
