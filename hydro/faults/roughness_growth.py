"""Old pipes rougher than the model says: a group of one material and age together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hydro.conditions import Conditions
from hydro.departures import RESISTANCE_EXPONENT
from hydro.faults.kind import LINKS, Candidate, Scene
from hydro.network import PIPES, Network
from hydro.readings import Floats
from hydro.snapshot import Snapshot


class RoughnessGrowth:
    """Severity is by how much the group's friction loss has grown, as a fraction [-]."""

    name = "roughness_growth"
    hydraulic = True
    unrest = 0.1
    proportional = True
    of = LINKS
    abrupt_beyond = np.inf

    def severities(self, scene: Scene) -> Floats:
        """Return growths of friction from a fifth to fourfold [-]."""
        return np.geomspace(0.2, 4.0, 8)

    def log_odds(self, scene: Scene, candidate: Candidate, severities: Floats) -> Floats:
        """Return (G,) zeros: all alike."""
        return np.zeros(len(severities))

    def candidates(self, scene: Scene) -> list[Candidate]:
        """Return the groups of at least three pipes of one material and age class, or of one roughness."""
        network, assets = scene.network, scene.assets
        groups: dict[tuple[str, float], list[int]] = {}
        for link in np.flatnonzero(np.isin(network.link_kind, PIPES)):
            age = assets.link_age[link]
            known = bool(assets.link_material[link]) and np.isfinite(age)
            key = (assets.link_material[link], age // 15.0) if known else ("", float(network.roughness[link]))
            groups.setdefault(key, []).append(int(link))
        old = {key: links for key, links in groups.items() if len(links) >= 3}
        return [
            Candidate(
                self.name, tuple(network.link_ids[link] for link in links), tuple(links), weight=float(len(links))
            )
            for links in old.values()
        ]

    def directions(self, snapshot: Snapshot, candidates: list[Candidate]) -> Floats:
        """Return (S, C) change per metre lost more in the group."""
        columns = []
        for one in candidates:
            lost = snapshot.state.headloss[list(one.indices)]
            columns.append(snapshot.headloss.columns(one.indices) @ (lost / _metres(lost)))
        return np.stack(columns, axis=1)

    def amplitudes(self, snapshot: Snapshot, candidates: list[Candidate], severities: Floats) -> Floats:
        """Return (C, G) metres lost more in the group."""
        lost = np.array([_metres(snapshot.state.headloss[list(one.indices)]) for one in candidates])
        return np.asarray(lost[:, None] * severities[None, :])

    def swollen(self, candidate: Candidate, severity: float, network: Network) -> float:
        """Return by how much the group loses more."""
        return 1.0 + severity

    def apply(self, conditions: Conditions, candidate: Candidate, severity: float, network: Network) -> Conditions:
        """Return the conditions with the group's roughness changed."""
        links = list(candidate.indices)
        roughness = np.where(np.isfinite(conditions.roughness), conditions.roughness, network.roughness)
        roughness[links] *= (1.0 + severity) ** (1.0 / RESISTANCE_EXPONENT[network.headloss_formula])
        return replace(conditions, roughness=roughness)

    def describe(self, candidate: Candidate, severity: float, snapshot: Snapshot) -> dict[str, float]:
        """Return the factor on the model's roughness [-]."""
        return {"roughness_factor": (1.0 + severity) ** (1.0 / RESISTANCE_EXPONENT[snapshot.network.headloss_formula])}


def _metres(headloss: Floats) -> float:
    """Return the metres lost along all links of a group."""
    return max(float(np.abs(headloss).sum()), 1e-9)
