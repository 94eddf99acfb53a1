"""What can go wrong in the hydraulics.

::

    HydroError
    ├── NetworkError    the network file does not load
    ├── SolveError      the network does not solve, or cannot carry the question
    ├── InputError      a value given to the hydraulics is wrong
    └── EngineError     EPANET refused a value that should have been checked before
"""

from __future__ import annotations


class HydroError(Exception):
    """Root of the errors of the hydraulics."""


class NetworkError(HydroError):
    """The network file does not load."""


class SolveError(HydroError):
    """The network does not solve, or cannot carry the question asked."""


class InputError(HydroError):
    """A value given to the hydraulics is wrong."""


class EngineError(HydroError):
    """EPANET refused a value."""
