"""A scenario: a named set of changes to a network."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from hydro.catalogue import PipeSize
from hydro.conditions import Conditions
from hydro.errors import InputError
from hydro.network import CV_PIPE, FCV, GPV, JUNCTION, PBV, PCV, PIPES, PRV, PSV, PUMP, TCV, Network
from hydro.readings import Floats

KIND_WORDS = ("pipe with a check valve", "pipe", "pump", "PRV", "PSV", "PBV", "FCV", "TCV", "GPV", "PCV")
NODE_WORDS = ("junction", "reservoir", "tank")
_BORED = (*PIPES, PRV, PSV, PBV, FCV, TCV, GPV, PCV)
WIDEST_M = 10.0
"""No main is wider; a diameter above it was given in another unit [m]."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """Changes by element id; what is not named stays as it is.

    ``pipes`` laid anew in a catalogue's size; ``diameter`` [m]; ``roughness`` (the formula's unit; m for D-W);
    ``minor_loss`` [-] in place of the file's; ``open``: whether a link is held open or closed, by whatever control;
    ``base_demand`` [m³/s] of a node before its patterns, which stay, in place of the sum over the file's categories.
    """

    name: str = ""
    pipes: Mapping[str, PipeSize] = field(default_factory=dict)
    diameter: Mapping[str, float] = field(default_factory=dict)
    roughness: Mapping[str, float] = field(default_factory=dict)
    minor_loss: Mapping[str, float] = field(default_factory=dict)
    open: Mapping[str, bool] = field(default_factory=dict)
    base_demand: Mapping[str, float] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Return whether it changes nothing."""
        return not (self.pipes or self.diameter or self.roughness or self.minor_loss or self.open or self.base_demand)

    def links(self, network: Network) -> LinkChanges:
        """Return the changes of links as arrays.

        Raises
        ------
        InputError
            An element is not there, or cannot be changed so; the message holds every such problem.
        """
        problems = self.problems(network)
        if problems:
            raise InputError("\n".join(problems))
        place = network.link_index
        nothing = np.full(len(network.link_ids), np.nan)
        changes = LinkChanges(nothing.copy(), nothing.copy(), nothing.copy(), nothing.copy())
        for link, size in self.pipes.items():
            changes.diameter[place[link]] = size.inner
            changes.roughness[place[link]] = size.roughness(network.headloss_formula)
        for array, values in (
            (changes.diameter, self.diameter),
            (changes.roughness, self.roughness),
            (changes.minor_loss, self.minor_loss),
        ):
            for link, value in values.items():
                array[place[link]] = value
        for link, opened in self.open.items():
            fully = network.link_kind[place[link]] > PUMP
            changes.status[place[link]] = (2.0 if fully else 1.0) if opened else 0.0
        return changes

    def problems(self, network: Network) -> list[str]:
        """Return one sentence for everything in the scenario that the network does not bear."""
        found = []
        for link, size in self.pipes.items():
            found += _link_problem(network, link, f"new pipe {size.name}", PIPES)
        for link, value in self.diameter.items():
            what = f"diameter {1e3 * value:g} mm"
            wrong = _link_problem(network, link, what, _BORED)
            if not wrong and not 0.0 < value <= WIDEST_M:
                wrong = [f"link {link}: {what}, must be above 0 and at most {1e3 * WIDEST_M:g} mm"]
            found += wrong
        for link, value in self.roughness.items():
            found += _link_problem(network, link, f"roughness {value:g}", PIPES) or _not_positive(
                f"pipe {link}: roughness", value
            )
        for link, value in self.minor_loss.items():
            wrong = _link_problem(network, link, f"minor loss {value:g}", _BORED)
            if not wrong and not 0.0 <= value < np.inf:
                wrong = [f"link {link}: minor loss {value:g}, must be 0 or above"]
            found += wrong
        for link, opened in self.open.items():
            wrong = _link_problem(network, link, "open" if opened else "closed", range(len(KIND_WORDS)))
            if not wrong and opened and network.link_kind[network.link_index[link]] == CV_PIPE:
                wrong = [f"pipe {link}: has a check valve, which opens by itself; it can only be closed"]
            found += wrong
        for node, value in self.base_demand.items():
            found += _node_problem(network, node, value)
        return found


NO_CHANGE = Scenario()


@dataclass(frozen=True, slots=True)
class LinkChanges:
    """(L,) each, NaN where nothing changes; units and ``status`` as in ``Conditions``."""

    diameter: Floats
    roughness: Floats
    minor_loss: Floats
    status: Floats


def change(conditions: Conditions, scenario: Scenario, network: Network, pattern: Floats) -> Conditions:
    """Return the conditions of an instant under a scenario.

    A node's demand follows its base demand; one that draws nothing yet follows ``pattern`` (N,) [-], the multiplier of
    its first demand at that instant.

    Raises
    ------
    InputError
        The network does not bear the scenario.
    """
    links = scenario.links(network)
    demand = conditions.demand.copy()
    for node, wanted in scenario.base_demand.items():
        place = network.node_index[node]
        base = float(network.base_demand[place])
        demand[place] = demand[place] * wanted / base if base != 0.0 else pattern[place] * wanted
    return replace(
        conditions,
        demand=demand,
        diameter=_over(links.diameter, conditions.diameter),
        roughness=_over(links.roughness, conditions.roughness),
        minor_loss=_over(links.minor_loss, conditions.minor_loss),
        status=_over(links.status, conditions.status),
    )


def _over(wanted: Floats, else_: Floats) -> Floats:
    return np.where(np.isfinite(wanted), wanted, else_)


def _likely(given: str, ids: Sequence[str]) -> str:
    close = difflib.get_close_matches(given, ids, n=1)
    return f'"{close[0]}"?' if close else f'an id such as "{ids[0]}"'


def _not_positive(what: str, value: float) -> list[str]:
    return [] if 0.0 < value < np.inf else [f"{what} {value:g}, must be above 0"]


def _link_problem(network: Network, link: str, what: str, kinds: Sequence[int]) -> list[str]:
    if link not in network.link_index:
        hint = "a node has that id; " if link in network.node_index else ""
        return [f'link "{link}" is not in the network {network.name}, {hint}expected {_likely(link, network.link_ids)}']
    kind = int(network.link_kind[network.link_index[link]])
    if kind in kinds:
        return []
    wanted = " or a ".join(KIND_WORDS[one] for one in kinds)
    return [f"{KIND_WORDS[kind]} {link}: {what}, expected a {wanted}"]


def _node_problem(network: Network, node: str, value: float) -> list[str]:
    if node not in network.node_index:
        hint = "a link has that id; " if node in network.link_index else ""
        return [f'node "{node}" is not in the network {network.name}, {hint}expected {_likely(node, network.node_ids)}']
    kind = int(network.node_kind[network.node_index[node]])
    if kind != JUNCTION:
        return [f"{NODE_WORDS[kind]} {node}: demand {1e3 * value:g} l/s, expected a junction"]
    return [] if np.isfinite(value) else [f"junction {node}: demand {value:g} l/s, must be a number"]
