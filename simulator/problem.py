"""What can go wrong at the plant beside bad files and missing ports.

::

    HydroInputError          of models: everything a user can mend
    └── NotSolvable          the truth does not solve, or cannot carry what was asked (exit status 4)
"""

from __future__ import annotations

from models.problem import HydroInputError


class NotSolvable(HydroInputError):
    """The network does not solve, or no severity of the fault that was asked for costs anybody anything."""
