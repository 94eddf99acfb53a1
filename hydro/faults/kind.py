"""What a kind of fault has to say of itself, so that a new kind is one new file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from hydro.assets import Assets
from hydro.conditions import Conditions
from hydro.network import Network, PressureDemand
from hydro.observables import Observables
from hydro.readings import Floats
from hydro.snapshot import Snapshot

LINKS, NODES, POINTS = "links", "nodes", "points"
"""Words for what a kind of fault strikes."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Where faults may stand: the network, its assets and what is compared with readings.

    ``fallible`` names the points whose instruments may be wrong; the others are watched, or a crew's own gauge.
    ``law`` says how demand follows pressure.
    """

    network: Network
    assets: Assets
    points: tuple[str, ...]
    observables: Observables
    fallible: frozenset[str]
    law: PressureDemand | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """One element (or group) that a kind of fault may have struck.

    ``indices``: of links, nodes or points, as the kind says; ``weight``: relative prior among candidates of its kind.
    """

    kind: str
    elements: tuple[str, ...]
    indices: tuple[int, ...]
    weight: float = 1.0
    valve_ids: tuple[str, ...] = ()
    notes: dict[str, str] = field(default_factory=dict, hash=False, compare=False)


class FaultKind(Protocol):
    """A kind of fault: where it may stand, how strong it may be and what it does."""

    @property
    def name(self) -> str:
        """The kind's word on the wire."""

    @property
    def hydraulic(self) -> bool:
        """Whether it moves water; a fault of an instrument moves its readings alone."""

    @property
    def unrest(self) -> float:
        """By how much of itself its amplitude strays from step to step, beyond what is modelled of it [-].

        Demand is never just what is believed, and a blockage answers its square.
        """

    @property
    def of(self) -> str:
        """What its candidates' ``indices`` are of: links, nodes or points."""

    @property
    def proportional(self) -> bool:
        """Whether all that it moves grows much as its severity does: once it stands, the linear model says how.

        Departures are linear beside it. Grown demand that EPANET solves and demand that has strayed would be told apart
        by what the linear model leaves out of one of them, though they are the same.
        """

    @property
    def abrupt_beyond(self) -> float:
        """Severity from which the greatest one may as well be meant, with a step between the two [the kind's unit]."""

    def severities(self, scene: Scene) -> Floats:
        """Return (G,) the severities to try."""

    def log_odds(self, scene: Scene, candidate: Candidate, severities: Floats) -> Floats:
        """Return (G,) how much likelier than others each severity is beforehand, as a logarithm; 0 where alike."""

    def candidates(self, scene: Scene) -> list[Candidate]:
        """Return where it may stand."""

    def directions(self, snapshot: Snapshot, candidates: list[Candidate]) -> Floats:
        """Return (S, C) the change of each observed value per unit of amplitude: much the same all through a regime."""

    def amplitudes(self, snapshot: Snapshot, candidates: list[Candidate], severities: Floats) -> Floats:
        """Return (C, G) the amplitude each severity has in this snapshot."""

    def swollen(self, candidate: Candidate, severity: float, network: Network) -> float:
        """Return by what factor a fault that stands makes amplitudes larger in its own snapshots [-]."""

    def apply(self, conditions: Conditions, candidate: Candidate, severity: float, network: Network) -> Conditions:
        """Return the conditions with the fault in them."""

    def describe(self, candidate: Candidate, severity: float, snapshot: Snapshot) -> dict[str, float]:
        """Return the severity in words of the wire; ``snapshot`` is solved with the fault in it."""
