"""How steeply headloss grows with flow, for every kind of link: ``g'(q)`` [s/m²], as EPANET's own formulas have it."""

from __future__ import annotations

import numpy as np

from hydro.conditions import Conditions
from hydro.network import GPV, PBV, PIPES, PUMP, TCV, Network, PumpCurve
from hydro.readings import Floats
from hydro.state import State

GRAVITY = 9.80665
FLOW_EXPONENT = {"H-W": 1.852, "D-W": 2.0, "C-M": 2.0}
"""Friction loss ∝ flow^exponent; Darcy–Weisbach's friction factor takes its part off in ``_darcy_exponent``."""
LEAST_GRADIENT = 1e-2
"""A nearly resting link is taken as linear with this slope [s/m²]."""
VISCOSITY = 1.1e-6
"""Kinematic viscosity of water at 16 °C [m²/s]."""


def headloss_gradients(network: Network, state: State, conditions: Conditions) -> Floats:
    """Return (L,) gradients, positive for every link."""
    flow = np.maximum(np.abs(state.flow), 1e-9)
    diameter = np.where(np.isfinite(conditions.diameter), conditions.diameter, network.diameter)
    minor = np.where(np.isfinite(conditions.minor_loss), conditions.minor_loss, network.minor_loss)
    safe = np.maximum(diameter, 1e-3)
    local = np.where(diameter > 0, minor * 8.0 / (GRAVITY * np.pi**2 * safe**4), 0.0)
    loss = np.abs(state.headloss)
    exponent = np.full(len(flow), FLOW_EXPONENT[network.headloss_formula])
    if network.headloss_formula == "D-W":
        exponent = _darcy_exponent(flow, safe)
    friction = np.maximum(loss - local * flow**2, 0.0)
    gradient = exponent * friction / flow + 2.0 * local * flow
    is_pipe = np.isin(network.link_kind, PIPES)
    gradient = np.where(is_pipe, gradient, 2.0 * loss / flow)
    gradient = np.where(network.link_kind == PBV, 1e-6, gradient)
    gradient = np.where(np.isin(network.link_kind, [TCV, GPV]), 2.0 * loss / flow, gradient)
    for link, pump in network.pumps.items():
        gradient[link] = _pump_gradient(pump, float(state.setting[link]), float(flow[link]), float(loss[link]))
    assert gradient[network.link_kind == PUMP].shape == (len(network.pumps),)
    return np.maximum(gradient, LEAST_GRADIENT)


def _darcy_exponent(flow: Floats, diameter: Floats) -> Floats:
    """Return (L,) local exponent of Darcy–Weisbach friction: 1 laminar, near 2 in rough pipes."""
    reynolds = 4.0 * flow / (np.pi * diameter * VISCOSITY)
    return np.where(reynolds < 2000.0, 1.0, 1.9)


def _pump_gradient(pump: PumpCurve, speed: float, flow: float, gain: float) -> float:
    """Return the fall of head gain per m³/s at a speed: of ``ω²h₀ − r ω^(2−n) qⁿ``, or of constant power."""
    if pump.power > 0.0:
        return gain / flow
    slowed = max(speed, 0.05) ** (2.0 - pump.exponent)
    return float(pump.exponent * pump.resistance * slowed * flow ** (pump.exponent - 1.0))
