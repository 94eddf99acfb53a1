"""How steeply headloss grows with flow, for every kind of link: ``g'(q)`` [s/m²], as EPANET's own formulas have it.

Source: L. A. Rossman and others, "EPANET 2.2 User Manual", EPA/600/R-20/133, chapter 12 (analysis algorithms).
"""

from __future__ import annotations

import numpy as np

from hydro.conditions import Conditions
from hydro.network import GPV, PBV, PIPES, PUMP, Network, PumpCurve
from hydro.readings import Floats
from hydro.state import State

GRAVITY = 9.80665
FLOW_EXPONENT = {"H-W": 1.852, "D-W": 2.0, "C-M": 2.0}
"""Friction loss ∝ flow^exponent; of Darcy–Weisbach's the friction factor takes its part off."""
_SQUARE_FOOT = 0.3048**2
LEAST_GRADIENT = 1e-7 / _SQUARE_FOOT
"""Below it EPANET takes a link as linear [s/m²]."""
OPEN_VALVE = 1e-6 / _SQUARE_FOOT
"""What EPANET gives an open valve without a minor loss [s/m²]."""
LAMINAR, TURBULENT = 2000.0, 4000.0
"""Reynolds numbers between which Darcy–Weisbach's friction factor is interpolated."""


def headloss_gradients(network: Network, state: State, conditions: Conditions) -> Floats:
    """Return (L,) gradients, positive for every link; those of closed links mean nothing."""
    flow = np.maximum(np.abs(state.flow), 1e-12)
    loss = np.abs(state.headloss)
    diameter = _over(conditions.diameter, network.diameter)
    minor = _over(conditions.minor_loss, network.minor_loss)
    safe = np.maximum(diameter, 1e-3)
    local = np.where(diameter > 0, minor * 8.0 / (GRAVITY * np.pi**2 * safe**4), 0.0)
    exponent = np.full(len(flow), FLOW_EXPONENT[network.headloss_formula])
    if network.headloss_formula == "D-W":
        exponent = darcy_exponent(flow, safe, _over(conditions.roughness, network.roughness), network.viscosity)
    friction = np.maximum(loss - local * flow**2, 0.0)
    gradient = np.where(
        np.isin(network.link_kind, PIPES), exponent * friction / flow + 2.0 * local * flow, 2.0 * loss / flow
    )
    idle = (network.link_kind > PUMP) & ~state.active & (minor == 0.0)
    gradient = np.where(idle, OPEN_VALVE, gradient)
    gradient = np.where((network.link_kind == PBV) & state.active, LEAST_GRADIENT, gradient)
    for link, (at, losses) in network.curves.items():
        if network.link_kind[link] == GPV:
            gradient[link] = _slope(at, losses, float(flow[link]))
    for link, pump in network.pumps.items():
        gradient[link] = _pump_gradient(pump, float(state.setting[link]), float(flow[link]), float(loss[link]))
    return np.maximum(gradient, LEAST_GRADIENT)


def darcy_exponent(flow: Floats, diameter: Floats, height: Floats, viscosity: float) -> Floats:
    """Return (L,) local exponent of Darcy–Weisbach friction, ``2 + d ln f / d ln q``.

    The friction factor is Hagen and Poiseuille's below Reynolds 2000, Swamee and Jain's from 4000 on, and Dunlop's
    cubic between.
    """
    reynolds = 4.0 * flow / (np.pi * diameter * viscosity)
    relative = height / (3.7 * diameter)
    smooth = 5.74 / np.maximum(reynolds, TURBULENT) ** 0.9
    inside = relative + smooth
    turbulent = 2.0 + 1.8 * smooth / (inside * np.log(inside))
    between = 2.0 + _dunlop_slope(reynolds, relative)
    return np.where(reynolds <= LAMINAR, 1.0, np.where(reynolds >= TURBULENT, turbulent, between))


def swamee_jain(flow: Floats, diameter: Floats, height: Floats, viscosity: float) -> Floats:
    """Return (L,) Darcy–Weisbach friction factors of turbulent flow; at Reynolds 4000 where flow is slower."""
    reynolds = np.maximum(4.0 * np.abs(flow) / (np.pi * diameter * viscosity), TURBULENT)
    return np.asarray(0.25 / np.log10(height / (3.7 * diameter) + 5.74 / reynolds**0.9) ** 2)


def _dunlop_slope(reynolds: Floats, relative: Floats) -> Floats:
    """Return ``d ln f / d ln Re`` of the cubic in Re/2000 that joins laminar and turbulent friction factors."""
    part = np.clip(reynolds / LAMINAR, 1.0, 2.0)
    inside = relative + 5.74 / TURBULENT**0.9
    root = -0.86859 * np.log(inside)
    end = root**-2.0
    bend = end * (2.0 - 0.00514215 / (inside * root))
    cubic = (
        7.0 * end - bend,
        0.128 - 17.0 * end + 2.5 * bend,
        -0.128 + 13.0 * end - 2.0 * bend,
        0.032 - 3.0 * end + 0.5 * bend,
    )
    factor = cubic[0] + part * (cubic[1] + part * (cubic[2] + part * cubic[3]))
    slope = cubic[1] + part * (2.0 * cubic[2] + part * 3.0 * cubic[3])
    return np.asarray(part * slope / factor)


def _pump_gradient(pump: PumpCurve, speed: float, flow: float, gain: float) -> float:
    """Return the fall of head gain per m³/s at a speed: of ``ω²h₀ − r ω^(2−n) qⁿ``, of points, or of constant power."""
    speed = max(speed, 0.05)
    if pump.power > 0.0:
        return gain / flow
    if pump.flow is not None and pump.head is not None:
        return speed * _slope(pump.flow, pump.head, flow / speed)
    slowed = speed ** (2.0 - pump.exponent)
    return float(pump.exponent * pump.resistance * slowed * flow ** (pump.exponent - 1.0))


def _slope(x: Floats, y: Floats, at: float) -> float:
    """Return the size of the slope of straight lines through points, the last ones drawn on beyond their ends."""
    place = int(np.clip(np.searchsorted(x, at), 1, len(x) - 1))
    return float(abs((y[place] - y[place - 1]) / (x[place] - x[place - 1])))


def _over(given: Floats, file: Floats) -> Floats:
    return np.where(np.isfinite(given), given, file)
