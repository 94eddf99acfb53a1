"""Numbers on the command line, held against what they may be before anything is done with them."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable


def whole(low: int, high: int) -> Callable[[str], int]:
    """Return what takes a whole number from ``low`` to ``high`` from an argument."""

    def take(text: str) -> int:
        if not (text.removeprefix("-").isdecimal() and low <= int(text) <= high):
            raise argparse.ArgumentTypeError(f'"{text}", expected a whole number from {low} to {high}')
        return int(text)

    return take


def number(low: float, high: float) -> Callable[[str], float]:
    """Return what takes a number from ``low`` to ``high`` from an argument."""

    def take(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f'"{text}", expected a number from {low:g} to {high:g}')
        return value

    return take
