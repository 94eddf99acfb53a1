"""The baseline: what a window held to be healthy teaches about a network, so that it is never blamed later."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import eigh

from hydro.assets import Assets
from hydro.departures import Departures, Swing, Uncertainty, prior_swing, zone_response
from hydro.engine import Engine
from hydro.evidence import Evidence, lifted, likely_departures, zones_beyond
from hydro.observables import DEMAND
from hydro.readings import Floats
from hydro.resolve import Case, open_case, settle
from hydro.threads import on_one_core
from hydro.window import Window

STEADY = 0.01
"""No customer draws more evenly than this [-]."""
DRIFT = 0.15
"""How far departures move between the baseline and a later window, as a fraction of their first spread [-]."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What was learnt.

    ``departures``: their posterior; ``points``: the S points learnt from; ``hourly``: (24, Z) log demand factor of each
    zone by hour of the network's day; ``excess``: (S,) standard deviation [SI] by which a point's residuals exceed what
    its instrument and demands explain; ``bias``, ``scatter``: (S,) mean and standard deviation of what is left [SI];
    ``temper``: share of the steps that tells something new, from how residuals repeat themselves; ``steps``: how
    many; ``swing``: how demand varies in time.
    """

    departures: Departures
    points: tuple[str, ...]
    hourly: Floats
    excess: Floats
    bias: Floats
    scatter: Floats
    temper: float
    steps: int
    swing: Swing


@on_one_core
def learn(engine: Engine, window: Window, departures: Departures, assets: Assets, spread: Uncertainty) -> Baseline:
    """Return the baseline of a healthy window; ``departures`` is what was believed before."""
    case = open_case(engine, window, departures, assets, prior_swing(assets, spread), 1.0)
    window, evidence = case.window, settle(case)
    left = _left(case, evidence)
    expected = np.sqrt(_expected_variance(evidence))
    scatter = _spread_of(left)
    metered = window.observables.kind == DEMAND
    return Baseline(
        departures=_learnt(departures, evidence),
        points=window.points,
        hourly=_hourly(evidence, window),
        excess=np.where(metered, 0.0, np.sqrt(np.maximum(scatter**2 - expected**2, 0.0))),
        bias=_mean_of(left),
        scatter=scatter,
        temper=_temper(evidence),
        steps=window.steps,
        swing=_swing(case, evidence, left),
    )


@on_one_core
def open_with(engine: Engine, window: Window, baseline: Baseline, assets: Assets) -> Case:
    """Return the case of a later window, explained as change from the baseline.

    Points that the baseline never saw (a crew's gauge, a node that is only watched) come in without a learnt datum.
    """
    departures = baseline.departures.drifted(DRIFT).of_points(window.points)
    deviation = window.deviation.copy()
    for row, point in enumerate(window.points):
        if point in baseline.points:
            extra = baseline.excess[baseline.points.index(point)]
            deviation[row] = np.sqrt(deviation[row] ** 2 + extra**2)
    doubted = replace(window, deviation=deviation)
    case = open_case(engine, doubted, departures, assets, baseline.swing, baseline.temper)
    hour = (case.window.network_time() // 3600 % 24).astype(int)
    plain = tuple(
        replace(condition, demand=condition.demand * np.exp(baseline.hourly[hour[step]][assets.zone]))
        for step, condition in enumerate(case.plain)
    )
    return replace(case, plain=plain, hourly=baseline.hourly)


def _learnt(departures: Departures, evidence: Evidence) -> Departures:
    """Return the departures' posterior: of what the readings see, u of covariance B Bᵀ where it was 1."""
    root = evidence.root()
    told, axes = eigh(np.eye(len(root)) - root @ root.T, check_finite=False)
    directions = lifted(departures, evidence, axes * np.sqrt(np.maximum(told, 0.0)))
    return departures.posterior(likely_departures(departures, evidence), directions)


def _swing(case: Case, evidence: Evidence, left: Floats) -> Swing:
    """Return how demand varies in time: at metered customers as their meters say, over zones as all points say."""
    window = case.window
    node = case.swing.node.copy()
    for row in np.flatnonzero(window.observables.kind == DEMAND):
        modelled = np.array([max(one.value[row], 1e-9) for one in evidence.snapshots])
        strayed = np.nanvar(left[row] / modelled) - np.nanmean((window.deviation[row] / modelled) ** 2)
        node[window.observables.index[row]] = np.sqrt(max(strayed, STEADY**2))
    beyond = zones_beyond(evidence, window, case.assets, case.swing)
    spread = np.zeros_like(beyond)
    for step, snapshot in enumerate(evidence.snapshots):
        told = evidence.whitener[evidence.group[step]] @ zone_response(snapshot, case.assets)
        # What the step's readings leave of a zone's spread: the noise they are weighed with holds it already.
        spread[step] = case.swing.zone**2 - case.swing.zone**4 * np.sum(told**2, axis=0)
    drift = evidence.beside.mean**2 + np.diag(np.linalg.inv(evidence.beside.factor @ evidence.beside.factor.T))
    return Swing(
        node, zone=float(np.sqrt(np.mean(beyond**2 + spread))), drift=case.swing.drift * float(np.sqrt(drift.mean()))
    )


def _left(case: Case, evidence: Evidence) -> Floats:
    """Return (S, T) readings less the model at the likeliest departures and zone factors [SI], NaN where unread."""
    theta = case.departures.theta(evidence.place.departures)
    datum = case.departures.split(theta)[4]
    modelled = np.stack([one.value for one in evidence.snapshots], axis=1)
    return np.asarray(case.window.value - modelled - datum[:, None])


def _expected_variance(evidence: Evidence) -> Floats:
    """Return (S,) mean variance that noise and demand in time explain [SI²], infinite where nothing was read."""
    table = np.full(evidence.residual.shape, np.nan)
    for group, whitener in enumerate(evidence.whitener):
        known = np.flatnonzero(np.any(whitener != 0.0, axis=1))
        if len(known):
            inverse = np.linalg.inv(whitener[np.ix_(known, known)])
            table[np.ix_(evidence.group == group, known)] = np.sum(inverse**2, axis=1)
    never = np.all(np.isnan(table), axis=0)
    table[:, never] = np.inf
    return np.asarray(np.nanmean(table, axis=0))


def _mean_of(left: Floats) -> Floats:
    count = np.maximum(np.isfinite(left).sum(axis=1), 1)
    return np.asarray(np.nansum(left, axis=1) / count)


def _spread_of(left: Floats) -> Floats:
    count = np.maximum(np.isfinite(left).sum(axis=1), 1)
    return np.asarray(np.sqrt(np.nansum((left - _mean_of(left)[:, None]) ** 2, axis=1) / count))


def _hourly(evidence: Evidence, window: Window) -> Floats:
    """Return (24, Z) mean zone factor in time by hour of the network's day; 0 where an hour was not seen."""
    hour = (window.network_time() // 3600 % 24).astype(int)
    hourly = np.zeros((24, evidence.place.zones.shape[1]))
    for one in np.unique(hour):
        hourly[one] = evidence.place.zones[hour == one].mean(axis=0)
    return hourly


def _temper(evidence: Evidence) -> float:
    """Return the share of steps that tells something new: (1 − ρ)/(1 + ρ) of the residuals' lag-one correlation ρ."""
    left = evidence.unexplained()
    if len(left) < 8:
        return 0.5
    centred = left - left.mean(axis=0)
    correlation = float(np.sum(centred[1:] * centred[:-1]) / max(float(np.sum(centred**2)), 1e-12))
    return float(np.clip((1 - correlation) / (1 + correlation), 0.2, 1.0))
