"""Departures: how a real network differs from its model for as long as we look at it.

Node and zone demand factors, pipe resistances, source heads and gauge datums are P quantities that a window can never
tell apart one by one. What the points can see of them spans r directions; the departures are Gaussian in those, and
what lies outside (which these points do not see while the network is well) widens the noise where a fault makes it
matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hydro.assets import Assets
from hydro.conditions import Conditions
from hydro.network import PIPES, TANK, Network
from hydro.readings import Floats
from hydro.snapshot import Snapshot

RESISTANCE_EXPONENT = {"H-W": -1.852, "C-M": 2.0, "D-W": 0.25}
"""Headloss ∝ roughness^exponent; for Darcy–Weisbach the slope of a rough pipe's friction factor, about a quarter."""


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """Standard deviations of what the model may have wrong before anything breaks.

    Coefficients of variation [-] of demands (persistent and independent in time, at a node of one customer and over a
    zone) and pipe resistance; metres for source heads and gauge datums.
    """

    demand_cv: float = 0.15
    demand_noise_cv: float = 0.10
    zone_cv: float = 0.10
    zone_noise_cv: float = 0.10
    resistance_cv: float = 0.10
    source_head_m: float = 0.3
    datum_m: float = 0.1


@dataclass(frozen=True, slots=True)
class Departures:
    """A Gaussian over the departures θ = deviation · basis (mean + root u), u standard normal.

    ``deviation``: (P,); ``basis``: (P, r) orthonormal columns; ``mean``: (r,); ``root``: (r, r). The P quantities are,
    in this order: log demand factor of N nodes, of Z zones, log resistance factor of L links, head of N fixed-head
    nodes [m], datum of S points [m].
    """

    deviation: Floats
    basis: Floats
    mean: Floats
    root: Floats
    nodes: int
    zones: int
    links: int
    points: tuple[str, ...]

    @property
    def rank(self) -> int:
        """Number of directions r."""
        return int(self.basis.shape[1])

    def theta(self, place: Floats) -> Floats:
        """Return (P,) the departures at the place (r,) in the basis."""
        return np.asarray(self.deviation * (self.basis @ place))

    def posterior(self, mean: Floats, root: Floats) -> Departures:
        """Return the same departures with what has been learnt: u ~ N(mean, root rootᵀ)."""
        return replace(self, mean=self.mean + self.root @ mean, root=self.root @ root)

    def split(self, theta: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """Return (node, zone, link, source, datum) parts of (P,) departures."""
        cuts = np.cumsum([self.nodes, self.zones, self.links, self.nodes])
        node, zone, link, source, datum = np.split(theta, cuts)
        return node, zone, link, source, datum


def prior_departures(
    snapshots: Sequence[Snapshot],
    noise: Floats,
    points: Sequence[str],
    datums: Floats,
    assets: Assets,
    spread: Uncertainty,
) -> Departures:
    """Return the departures before anything was read.

    ``noise``: (S,) [SI] of a step's mean; ``datums``: (S,) standard deviation of each point's datum [m], 0 where the
    point is no gauge. The basis holds the directions that move some point by more than a small part of its noise.
    """
    network = snapshots[0].network
    deviation = _deviations(network, assets, datums, spread)
    few = [snapshots[i] for i in np.unique(np.linspace(0, len(snapshots) - 1, 8).astype(int))]
    stacked = np.vstack([sensitivity(one, assets) * deviation / noise[:, None] for one in few])
    _, size, directions = np.linalg.svd(stacked, full_matrices=False)
    seen = size > 0.05
    rank = int(seen.sum())
    return Departures(
        deviation=deviation,
        basis=np.ascontiguousarray(directions[seen].T),
        mean=np.zeros(rank),
        root=np.eye(rank),
        nodes=len(network.node_ids),
        zones=len(assets.zone_names),
        links=len(network.link_ids),
        points=tuple(points),
    )


def sensitivity(snapshot: Snapshot, assets: Assets) -> Floats:
    """Return (S, P) the change of each observed value per unit of each departure."""
    by_node = snapshot.demand * snapshot.conditions.demand
    by_zone = np.stack([by_node[:, assets.zone == zone].sum(axis=1) for zone in range(len(assets.zone_names))], axis=1)
    is_pipe = np.isin(snapshot.network.link_kind, PIPES)
    by_link = snapshot.headloss * np.where(is_pipe, snapshot.state.headloss, 0.0)
    return np.hstack([by_node, by_zone, by_link, snapshot.source, np.eye(len(snapshot.value))])


def zone_response(snapshot: Snapshot, assets: Assets) -> Floats:
    """Return (S, Z) the change of each observed value per unit of log demand factor of each zone."""
    by_node = snapshot.demand * snapshot.conditions.demand
    return np.stack([by_node[:, assets.zone == zone].sum(axis=1) for zone in range(len(assets.zone_names))], axis=1)


def depart(
    conditions: Conditions, departures: Departures, theta: Floats, zone_now: Floats, assets: Assets, network: Network
) -> Conditions:
    """Return the conditions of the network as it is: with its departures (P,) and this step's zone factors (Z,)."""
    node, zone, link, source, _ = departures.split(theta)
    demand = conditions.demand * np.exp(node + (zone + zone_now)[assets.zone])
    roughness = np.where(np.isfinite(conditions.roughness), conditions.roughness, network.roughness)
    exponent = RESISTANCE_EXPONENT[network.headloss_formula]
    is_pipe = np.isin(network.link_kind, PIPES)
    roughness = np.where(is_pipe, roughness * np.exp(link / exponent), conditions.roughness)
    return replace(conditions, demand=demand, roughness=roughness, head=conditions.head + source)


def _deviations(network: Network, assets: Assets, datums: Floats, spread: Uncertainty) -> Floats:
    served = np.maximum(assets.customers, 1)
    # Customers vary on their own, so the mean of many varies less; a floor stays, for neighbours are alike.
    node = spread.demand_cv * np.maximum(1.0 / np.sqrt(served), 0.3)
    fixed = np.where(network.node_kind == 0, 0.0, spread.source_head_m)
    # A tank's level is measured; a reservoir's head and the pumps behind it are believed from the file.
    fixed = np.where(network.node_kind == TANK, 0.1 * fixed, fixed)
    link = np.full(len(network.link_ids), abs(RESISTANCE_EXPONENT["H-W"]) * spread.resistance_cv)
    return np.concatenate([node, np.full(len(assets.zone_names), spread.zone_cv), link, fixed, datums])
