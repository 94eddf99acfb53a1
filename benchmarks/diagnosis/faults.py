"""The kinds of fault that a case can hold: which elements, how severe, how the truth's network is changed by one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from epanet import toolkit as en
from numpy.typing import NDArray

from benchmarks.diagnosis.elements import Elements, Floats
from benchmarks.diagnosis.layout import Layout, bridges_out
from benchmarks.diagnosis.project import Project

LARGEST_SHARE = 0.15
"""No single leak or customer takes more than this share of what the whole network draws."""

Target = tuple[int, ...]
"""Indices of a fault's elements, all links or all nodes."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What faults are drawn on: the network, its points and zones, (N,) mean demand [m³/s], (L,) the file's roughness.

    ``closed``: links that the file itself closes.
    """

    elements: Elements
    layout: Layout
    demand: Floats
    roughness: Floats
    closed: frozenset[int]


def _certain(_ground: Ground, _target: Target) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault in the pipes.

    ``answer`` is its name in an answer. ``targets``: every fault of the kind that could be, in a drawn order;
    ``bounds``: least and most severity of one, alike where it is there or not; ``impose``: set it to a severity, 0 for
    none. ``of_links``: whether the target's indices are of links; ``admits``: whether a target will do at all.
    """

    answer: str
    of_links: bool
    severity: str
    targets: Callable[[Ground], list[Target]]
    bounds: Callable[[Ground, Target], tuple[float, float]]
    impose: Callable[[Project, Target, float], None]
    admits: Callable[[Ground, Target], bool] = _certain


def _pipes(ground: Ground) -> list[Target]:
    fixed = set(ground.elements.guided.tolist()) | ground.closed
    return _each(np.array([link for link in ground.elements.pipes.tolist() if link not in fixed]))


def _closed_pipes(ground: Ground) -> list[Target]:
    return [(link,) for link in sorted(ground.closed - set(ground.elements.guided.tolist()))]


def _customers(ground: Ground) -> list[Target]:
    return _each(np.flatnonzero(ground.demand > 0))


def _zones(ground: Ground) -> list[Target]:
    drawing, zone = ground.demand > 0, ground.layout.zone
    return [tuple(np.flatnonzero(drawing & (zone == one)).tolist()) for one in np.unique(zone[drawing])]


def _roughness_classes(ground: Ground) -> list[Target]:
    """Groups of at least three pipes that the file gives the same roughness."""
    pipes = np.flatnonzero(np.isin(ground.elements.link_kind, (en.PIPE, en.CVPIPE)))
    rough = ground.roughness[pipes]
    groups = [tuple(pipes[rough == value].tolist()) for value in np.unique(rough)]
    return [group for group in groups if len(group) >= 3]


def _each(indices: NDArray[np.intp]) -> list[Target]:
    return [(int(index),) for index in indices]


def _largest_growth(ground: Ground, target: Target) -> tuple[float, float]:
    return 0.1, LARGEST_SHARE * float(ground.demand.sum() / ground.demand[list(target)].sum())


def _largest_leak(ground: Ground, _target: Target) -> tuple[float, float]:
    most_l_s = 1e3 * LARGEST_SHARE * float(ground.demand.sum())
    return most_l_s * 1e-4, most_l_s / 50.0**0.5


def _connected(ground: Ground, target: Target) -> bool:
    return not bridges_out(ground.elements, target[0])


def _between(least: float, most: float) -> Callable[[Ground, Target], tuple[float, float]]:
    return lambda _ground, _target: (least, most)


KINDS: dict[str, Kind] = {
    "blocked_link": Kind(
        answer="blocked_link",
        of_links=True,
        severity="minor_loss",
        targets=_pipes,
        bounds=_between(1e-1, 1e9),
        impose=lambda project, target, loss: project.add_minor_loss(target[0], loss),
    ),
    "closed_link": Kind(
        answer="closed_link",
        of_links=True,
        severity="closed",
        targets=_pipes,
        bounds=_between(1.0, 1.0),
        impose=lambda project, target, closed: project.set_open(target[0], closed == 0),
        admits=_connected,
    ),
    "open_boundary": Kind(
        answer="open_boundary",
        of_links=True,
        severity="open",
        targets=lambda ground: _each(
            np.array(sorted(ground.closed - set(ground.elements.guided.tolist())), dtype=np.intp)
        ),
        bounds=_between(1.0, 1.0),
        impose=lambda project, target, is_open: project.set_open(target[0], is_open > 0),
    ),
    "demand_growth": Kind(
        answer="demand_growth",
        of_links=False,
        severity="growth",
        targets=_customers,
        bounds=_largest_growth,
        impose=lambda project, target, growth: project.grow_demand(target, growth),
    ),
    "zone_growth": Kind(
        answer="demand_growth",
        of_links=False,
        severity="growth",
        targets=_zones,
        bounds=_between(0.1, 2.0),
        impose=lambda project, target, growth: project.grow_demand(target, growth),
    ),
    "leak": Kind(
        answer="leak",
        of_links=False,
        severity="leak_l_s_per_sqrt_m",
        targets=lambda ground: _each(ground.elements.junctions),
        bounds=_largest_leak,
        impose=lambda project, target, coefficient: project.leak(target[0], coefficient),
    ),
    "source_head_loss": Kind(
        answer="source_head_loss",
        of_links=False,
        severity="head_m",
        targets=lambda ground: _each(ground.elements.reservoirs),
        bounds=_between(0.5, 30.0),
        impose=lambda project, target, lost: project.lower_source(target[0], lost),
    ),
    "roughness_growth": Kind(
        answer="roughness_growth",
        of_links=True,
        severity="friction_growth",
        targets=_roughness_classes,
        bounds=_between(0.1, 8.0),
        impose=lambda project, target, growth: project.roughen(target, growth),
    ),
}
"""Faults in the pipes, by the generator's name."""
