"""Which instants of the network's day a question is about: ``--peak``, ``--at HH:MM`` or ``--duration 24h``."""

from __future__ import annotations

import argparse
import re

import numpy as np

from hydro.engine import Engine
from hydro.readings import Floats
from hydro.whatif import clock_time, peak_time, period
from models.problem import BadInput

LONGEST_H = 24 * 366.0
_UNITS = {"": 1.0, "h": 1.0, "d": 24.0, "m": 1.0 / 60.0, "min": 1.0 / 60.0}


def add_instants(parser: argparse.ArgumentParser) -> None:
    """Declare the three ways to say it."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--at", metavar="HH:MM", help="the network's clock")
    which.add_argument("--peak", action="store_true", help="the instant of greatest total demand (the default)")
    which.add_argument("--duration", metavar="24h", help="a span from the network's time 0 on")


def instants(args: argparse.Namespace, engine: Engine) -> Floats:
    """Return the network times [s] the arguments mean."""
    if args.duration is not None:
        return period(engine.network, hours_of(args.duration) * 3600.0)
    if args.at is not None:
        match = re.fullmatch(r"\s*(\d{1,3}):(\d\d)\s*", args.at)
        if match is None or int(match[2]) >= 60:
            raise BadInput.of(f'--at "{args.at}", expected the network\'s clock as HH:MM, such as 07:30')
        return np.array([clock_time(engine.network, int(match[1]), int(match[2]))])
    return np.array([peak_time(engine)])


def hours_of(text: str) -> float:
    """Return the hours that a text such as ``24h``, ``90m``, ``2d`` or ``24:00`` means."""
    spelt = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(h|d|m|min)?\s*", text)
    clock = re.fullmatch(r"\s*(\d+):(\d\d)\s*", text)
    hours = 0.0
    if spelt is not None:
        hours = float(spelt[1]) * _UNITS[spelt[2] or ""]
    elif clock is not None:
        hours = int(clock[1]) + int(clock[2]) / 60.0
    if not 0.0 < hours <= LONGEST_H:
        raise BadInput.of(f'--duration "{text}", expected a span up to a year such as 24h')
    return hours
