"""A network file open in EPANET: values in SI in, values in SI out, the file's own units inside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hydro.errors import EngineError
from hydro.network import Network, PressureDemand
from hydro.network_file import Patterns, read_network
from hydro.readings import Floats
from hydro.state import State
from hydro.toolkit import WARNINGS, Count, LinkValue, NodeValue, Option, Toolkit
from hydro.units import file_units

TIGHT = 1e-5
"""Flow change at which a solve has converged: differences of states are wanted, not states alone."""
LEAST_TRIALS, MOST_TRIALS = 100, 500
"""So few trials are not enough for a tight solve; so many lead nowhere."""
MORE_TRIALS = 10.0
"""Trials with every status as it stands, where the others did not converge."""
ACTIVE = 2
"""EPANET's status of a valve at work at its setting; 0 is closed, 1 fully open."""


class Project:
    """A project that belongs to one thread at a time. Indices are those of the network's arrays, from 0."""

    def __init__(self, inp: Path, report: Path, quiet: bool = True) -> None:
        """Open the file; ``quiet`` leaves nothing in the report but errors (and would be saved with the file).

        Raises
        ------
        EngineError
            It does not load; EPANET's report says where.
        """
        self.kit = Toolkit()
        try:
            self.kit.open(inp, report)
            if quiet:
                # A warning an instant, over a run that chatters, would fill the disk.
                self.kit.call("setstatusreport", 0)
                self.kit.call("setreport", b"MESSAGES NO")
        except EngineError:
            self.kit.close()
            raise
        self.units = file_units(self.kit)
        self.nodes = self.kit.integer("getcount", Count.NODES)
        self.links = self.kit.integer("getcount", Count.LINKS)
        self._setting_unit = self.units.settings(
            np.array([self.kit.integer("getlinktype", one + 1) for one in range(self.links)], dtype=np.int8)
        )
        self._solving = False

    def close(self) -> None:
        """Give the project back."""
        self.close_solver()
        self.kit.close()

    def read(self, name: str) -> tuple[Network, Patterns, Floats, Floats]:
        """Return the network, its patterns, initial heads (N,) of fixed nodes [m] and initial settings (L,)."""
        return read_network(self.kit, self.units, name)

    def set_options(self, law: PressureDemand | None) -> None:
        """Let demand follow pressure by a law (None: as the file has it) and solves converge tightly."""
        if law is not None:
            metre = self.units.pressure
            self.kit.set_demand_model(law.minimum / metre, law.required / metre, law.exponent)
        self.kit.set_option(Option.ACCURACY, min(self.kit.option(Option.ACCURACY), TIGHT))
        # A file that stops where a solve does not converge meant one less tight than this.
        self.kit.set_option(Option.UNBALANCED, max(self.kit.option(Option.UNBALANCED), MORE_TRIALS))
        self.kit.set_option(Option.TRIALS, float(np.clip(self.kit.option(Option.TRIALS), LEAST_TRIALS, MOST_TRIALS)))

    def set_leak_exponent(self, exponent: float) -> None:
        """Let emitters, of which the file has none, follow pressure with an exponent."""
        self.kit.set_option(Option.EMITTER_EXPONENT, exponent)
        self.units = file_units(self.kit)

    def open_solver(self) -> None:
        """Make ready to solve."""
        self.kit.call("openH")
        self._solving = True

    def close_solver(self) -> None:
        """Make ready for changes that a solver at work does not bear; harmless twice."""
        if self._solving:
            self.kit.call("closeH")
            self._solving = False

    def of_nodes(self, prop: NodeValue) -> Floats:
        """Return (N,) a property of all nodes."""
        return self.kit.array("getnodevalues", prop, self.nodes) * self.units.node(prop)

    def of_links(self, prop: LinkValue) -> Floats:
        """Return (L,) a property of all links."""
        values = self.kit.array("getlinkvalues", prop, self.links)
        if prop in (LinkValue.SETTING, LinkValue.INITIAL_SETTING):
            return np.asarray(values * self._setting_unit)
        return values * self.units.link(prop)

    def set_node(self, node: int, prop: NodeValue, value: float) -> None:
        """Set a property of one node."""
        self.kit.set("setnodevalue", node + 1, prop, value / self.units.node(prop))

    def set_nodes(self, nodes: NDArray[np.intp], prop: NodeValue, values: Floats) -> None:
        """Set a property of some nodes (K,) to ``values`` (K,)."""
        self.kit.set_many("setnodevalue", (nodes + 1).tolist(), prop, (values / self.units.node(prop)).tolist())

    def set_link(self, link: int, prop: LinkValue, value: float) -> None:
        """Set a property of one link."""
        self.kit.set("setlinkvalue", link + 1, prop, value / self._link_unit(link, prop))

    def set_links(self, links: NDArray[np.intp], prop: LinkValue, values: Floats) -> None:
        """Set a property other than a setting of some links (K,) to ``values`` (K,)."""
        self.kit.set_many("setlinkvalue", (links + 1).tolist(), prop, (values / self.units.link(prop)).tolist())

    def _link_unit(self, link: int, prop: LinkValue) -> float:
        setting = prop in (LinkValue.SETTING, LinkValue.INITIAL_SETTING)
        return float(self._setting_unit[link]) if setting else self.units.link(prop)

    def link(self, link: int, prop: LinkValue) -> float:
        """Return a property of one link."""
        return self.kit.number("getlinkvalue", link + 1, prop) * self._link_unit(link, prop)

    def set_link_type(self, link: int, kind: int) -> None:
        """Make a link one of another kind."""
        self.kit.set_link_type(link + 1, kind)

    def base_demands(self, node: int) -> list[float]:
        """Return the base demand [m³/s] of each category of a junction."""
        count = self.kit.integer("getnumdemands", node + 1)
        return [self.kit.base_demand(node + 1, one + 1) * self.units.flow for one in range(count)]

    def set_base_demands(self, node: int, values: Sequence[float]) -> None:
        """Set the base demand [m³/s] of each category of a junction."""
        for place, value in enumerate(values):
            self.kit.set_base_demand(node + 1, place + 1, value / self.units.flow)

    def run(self, network: Network) -> State:
        """Solve the present instant and return its state."""
        return self.state(network, self.kit.run())

    def state(self, network: Network, warning: int) -> State:
        """Return what was solved last, with EPANET's warning."""
        head = self.of_nodes(NodeValue.HEAD)
        if not np.isfinite(head).all():
            lost = network.node_ids[int(np.argmin(np.isfinite(head)))]
            raise EngineError(f"EPANET finds no head at node {lost}: {head[network.node_index[lost]]:g} m")
        status = self.of_links(LinkValue.STATUS)
        return State(
            head=head,
            pressure=head - network.elevation,
            demand=self.of_nodes(NodeValue.DELIVERED),
            leak=self.of_nodes(NodeValue.EMITTER_FLOW) + self.of_nodes(NodeValue.LEAKAGE_FLOW),
            flow=self.of_links(LinkValue.FLOW),
            headloss=head[network.start] - head[network.end],
            velocity=self.of_links(LinkValue.VELOCITY),
            status=status > 0,
            active=status == ACTIVE,
            setting=self.of_links(LinkValue.SETTING),
            warnings=(f"the network {WARNINGS[warning]}",) if warning in WARNINGS else (),
        )
