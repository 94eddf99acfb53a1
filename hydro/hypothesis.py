"""A hypothesis: which faults are there, how severe, since when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hydro.faults import KINDS, Candidate, FaultKind, Scene

KIND_BY_NAME: Mapping[str, FaultKind] = {kind.name: kind for kind in KINDS}


Family = tuple[str, bool]


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: a candidate, its severity (unit of its kind) and the first step that shows it."""

    candidate: Candidate
    severity: float
    onset: int

    @property
    def kind(self) -> FaultKind:
        """Return the kind that knows what the fault does."""
        return KIND_BY_NAME[self.candidate.kind]

    @property
    def key(self) -> tuple[str, tuple[int, ...]]:
        """Return what identifies the cause: its kind and elements, not its severity."""
        return self.candidate.kind, self.candidate.indices

    @property
    def family(self) -> Family:
        """Return what it is to be compared with: its kind, and whether it strikes many elements together."""
        return self.candidate.kind, len(self.candidate.indices) > 1


Hypothesis = tuple[Fault, ...]
"""Faults together; the empty one says that nothing is wrong."""


@dataclass(frozen=True, slots=True)
class Priors:
    """What is believed before the readings; a utility edits it, an answer shows it.

    ``any_fault``: probability that something is wrong in the window at all; ``unexplained``: that it is none of the
    known kinds; ``another``: that, given one fault, a certain second one is there too, relative to its single prior;
    ``kinds``: shares of the kinds, need not add up.
    """

    any_fault: float = 0.3
    unexplained: float = 0.03
    another: float = 0.15
    kinds: Mapping[str, float] = field(
        default_factory=lambda: {
            "blocked_link": 0.40,
            "demand_growth": 0.20,
            "leak": 0.20,
            "source_head_loss": 0.04,
            "open_boundary": 0.04,
            "roughness_growth": 0.005,
            "point_fault": 0.06,
        }
    )

    def of(self, scene: Scene) -> dict[tuple[str, tuple[int, ...]], tuple[Candidate, float]]:
        """Return every candidate with its prior probability, by key."""
        found = {kind: kind.candidates(scene) for kind in KINDS}
        total = sum(self.kinds[kind.name] for kind, candidates in found.items() if candidates)
        result = {}
        for kind, candidates in found.items():
            weights = sum(one.weight for one in candidates)
            for one in candidates:
                share = self.kinds[kind.name] / total * one.weight / weights
                result[(one.kind, one.indices)] = (one, self.any_fault * share)
        return result
