"""Departures: how a real network differs from its model for as long as we look at it.

Node and zone demand factors, pipe resistances, source heads and gauge datums are P quantities that a window can never
tell apart one by one. They are Gaussian; what has been learnt of them takes some directions away from the prior's
spread and leaves all others as they were.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import eigh
from scipy.sparse import csc_array, csr_array, eye_array, hstack

from hydro.assets import Assets
from hydro.conditions import Conditions
from hydro.network import AT_LIMIT, OFF_LIMIT, PIPE, TANK, Network
from hydro.readings import Floats
from hydro.slopes import gram
from hydro.snapshot import Regime, Snapshot

RESISTANCE_EXPONENT = {"H-W": -1.852, "C-M": 2.0, "D-W": 0.25}
"""Headloss ∝ roughness^exponent; for Darcy–Weisbach the slope of a rough pipe's friction factor, about a quarter."""

LEAST = 0.05
"""A demand or a resistance is no less than this part of what it is likeliest to be [-]."""


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """Standard deviations of what the model may have wrong before anything breaks.

    Coefficients of variation [-] of demands (persistent and independent in time, at a node of one customer and over a
    zone, which also drifts over hours) and pipe resistance; metres for source heads and gauge datums.
    """

    demand_cv: float = 0.15
    demand_noise_cv: float = 0.10
    zone_cv: float = 0.10
    zone_noise_cv: float = 0.10
    zone_drift_cv: float = 0.03
    resistance_cv: float = 0.10
    source_head_m: float = 0.3
    datum_m: float = 0.1


@dataclass(frozen=True, slots=True)
class Swing:
    """How demand varies in time, beyond its patterns: coefficients of variation [-].

    ``node``: (N,) from step to step; ``zone``, ``drift``: of a zone as a whole, from step to step and over hours.
    """

    node: Floats
    zone: float
    drift: float


@dataclass(frozen=True, slots=True)
class Departures:
    """A Gaussian over the departures θ = deviation · x, with x ~ N(mean, I − learnt learntᵀ).

    ``deviation``, ``mean``: (P,); ``learnt``: (P, r), its columns orthogonal. The P quantities are, in this order: log
    demand factor of N nodes, of Z zones, log resistance factor of L links, head of N nodes (of fixed head) [m], datum
    of S points [m].
    """

    deviation: Floats
    mean: Floats
    learnt: Floats
    nodes: int
    zones: int
    links: int
    points: tuple[str, ...]

    def theta(self, place: Floats) -> Floats:
        """Return (P,) the departures at x = ``place``."""
        return np.asarray(self.deviation * place)

    def shared(self, seen: csr_array) -> Floats:
        """Return (M, M) covariance of M values that move by ``seen`` (M, P) per unit of x."""
        taken = seen @ self.learnt
        return np.asarray(gram(seen) - taken @ taken.T)

    def spread(self, columns: Floats) -> Floats:
        """Return (P, k) the covariance of x times ``columns`` (P, k)."""
        return np.asarray(columns - self.learnt @ (self.learnt.T @ columns))

    def posterior(self, mean: Floats, directions: Floats) -> Departures:
        """Return the departures with a new mean (P,) and the spread of ``directions`` (P, k) taken away as well."""
        return replace(self, mean=mean, learnt=_apart(np.hstack([self.learnt, directions])))

    def drifted(self, drift: float) -> Departures:
        """Return the departures some time later: ``drift`` [-] of the first spread has come back where it was taken."""
        return replace(self, learnt=self.learnt * np.sqrt(1.0 - drift**2))

    def of_points(self, points: tuple[str, ...]) -> Departures:
        """Return the departures with their datums in the order of other points; new points have none."""
        body = len(self.deviation) - len(self.points)
        deviation, mean, learnt = (
            np.concatenate([whole[:body], np.zeros((len(points), *whole.shape[1:]))])
            for whole in (self.deviation, self.mean, self.learnt)
        )
        for row, point in enumerate(points):
            if point in self.points:
                known = body + self.points.index(point)
                deviation[body + row], mean[body + row] = self.deviation[known], self.mean[known]
                learnt[body + row] = self.learnt[known]
        return replace(self, deviation=deviation, mean=mean, learnt=_apart(learnt), points=points)

    def draw(self, rng: np.random.Generator, count: int) -> Floats:
        """Return (P, count) x drawn at random."""
        standard = rng.standard_normal((len(self.mean), count))
        size = np.linalg.norm(self.learnt, axis=0)
        axes = self.learnt / np.maximum(size, 1e-12)
        shrunk = (1.0 - np.sqrt(1.0 - np.minimum(size, 1.0) ** 2))[:, None] * (axes.T @ standard)
        return np.asarray(self.mean[:, None] + standard - axes @ shrunk)

    def evened(self, drawn: Floats, likely: Floats) -> Floats:
        """Return (P, K) ``drawn`` about ``likely`` (P,), what are logarithms of factors as a linear model has them.

        What readings say of a sum of demands is said of a linear model's. The mean of exp(δ) is more than 1: drawn as
        logarithms, demands add up to more than was read, and heads lost with them.
        """
        factors = self.nodes + self.zones + self.links
        scale = self.deviation[:factors, None]
        off = scale * (drawn[:factors] - likely[:factors, None])
        even = drawn.copy()
        even[:factors] = likely[:factors, None] + np.divide(in_proportion(off), scale, out=off, where=scale > 0.0)
        return even

    def split(self, theta: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """Return (node, zone, link, source, datum) parts of (P,) departures."""
        cuts = np.cumsum([self.nodes, self.zones, self.links, self.nodes])
        node, zone, link, source, datum = np.split(theta, cuts)
        return node, zone, link, source, datum


def in_proportion(off: Floats) -> Floats:
    """Return the logarithms of the factors 1 + ``off``, none of them less than ``LEAST``."""
    return np.asarray(np.log(np.maximum(1.0 + off, LEAST)))


def prior_departures(
    network: Network, points: tuple[str, ...], datums: Floats, assets: Assets, spread: Uncertainty
) -> Departures:
    """Return the departures before anything was read.

    ``datums``: (S,) standard deviation of each point's datum [m], 0 where the point is no gauge.
    """
    deviation = _deviations(network, assets, datums, spread)
    return Departures(
        deviation=deviation,
        mean=np.zeros(len(deviation)),
        learnt=np.zeros((len(deviation), 0)),
        nodes=len(network.node_ids),
        zones=len(assets.zone_names),
        links=len(network.link_ids),
        points=points,
    )


def prior_swing(assets: Assets, spread: Uncertainty) -> Swing:
    """Return how demand varies in time before anything was read: the more customers, the less."""
    node = spread.demand_noise_cv / np.sqrt(np.maximum(assets.customers, 1))
    return Swing(node, spread.zone_noise_cv, spread.zone_drift_cv)


def sensitivity(regime: Regime, assets: Assets) -> csr_array:
    """Return (S, P) the change of each observed value per unit of each departure."""
    by_node = regime.demand.scaled(regime.conditions.demand)
    by_link = regime.headloss.scaled(np.where(regime.network.link_kind <= PIPE, regime.state.headloss, 0.0))
    by_zone = csc_array(by_node @ _of_zones(assets))
    datum = eye_array(regime.points, format="csc")
    return csr_array(hstack([by_node, by_zone, by_link, regime.source.matrix, datum], format="csr"))


def zone_response(snapshot: Snapshot | Regime, assets: Assets) -> Floats:
    """Return (S, Z) the change of each observed value per unit of log demand factor of each zone."""
    return snapshot.demand.summed(snapshot.conditions.demand[:, None] * _of_zones(assets))


def depart(
    conditions: Conditions, departures: Departures, theta: Floats, zone_now: Floats, assets: Assets, network: Network
) -> Conditions:
    """Return the conditions of the network as it is: with its departures (P,) and this step's zone factors (Z,)."""
    node, zone, link, source, _ = departures.split(theta)
    demand = conditions.demand * np.exp(node + (zone + zone_now)[assets.zone])
    roughness = np.where(np.isfinite(conditions.roughness), conditions.roughness, network.roughness)
    exponent = RESISTANCE_EXPONENT[network.headloss_formula]
    roughness = np.where(network.link_kind <= PIPE, roughness * np.exp(link / exponent), conditions.roughness)
    head = _off_limits(conditions.head, conditions.head + source, network)
    return replace(conditions, demand=demand, roughness=roughness, head=head)


def _off_limits(head: Floats, moved: Floats, network: Network) -> Floats:
    """Return (N,) heads moved, but for tanks: one at its limit stays there, another does not get there."""
    least, greatest = network.least_head, network.greatest_head
    at_limit = (head >= greatest - AT_LIMIT) | (head <= least + AT_LIMIT)
    kept = np.where(at_limit, head, np.clip(moved, least + OFF_LIMIT, greatest - OFF_LIMIT))
    return np.where(network.node_kind == TANK, kept, moved)


def _apart(learnt: Floats) -> Floats:
    """Return orthogonal columns with the same products, without those that hardly matter."""
    size, axes = eigh(learnt.T @ learnt, check_finite=False)
    worth = size > 1e-6
    return np.asarray(learnt @ axes[:, worth] * np.minimum(1.0, 1.0 / np.sqrt(size[worth])))


def _of_zones(assets: Assets) -> Floats:
    """Return (N, Z) 1 where a node is in a zone, else 0."""
    return np.asarray(assets.zone[:, None] == np.arange(len(assets.zone_names)), dtype=float)


def _deviations(network: Network, assets: Assets, datums: Floats, spread: Uncertainty) -> Floats:
    served = np.maximum(assets.customers, 1)
    # Customers vary on their own, so the mean of many varies less; a floor stays, for neighbours are alike.
    node = spread.demand_cv * np.maximum(1.0 / np.sqrt(served), 0.3)
    fixed = np.where(network.node_kind == 0, 0.0, spread.source_head_m)
    # A tank's level is measured; a reservoir's head and the pumps behind it are believed from the file.
    fixed = np.where(network.node_kind == TANK, 0.1 * fixed, fixed)
    link = np.full(len(network.link_ids), abs(RESISTANCE_EXPONENT["H-W"]) * spread.resistance_cv)
    return np.concatenate([node, np.full(len(assets.zone_names), spread.zone_cv), link, fixed, datums])
