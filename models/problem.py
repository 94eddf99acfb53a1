"""What is wrong with an input, said once and completely.

::

    HydroInputError          root of everything a user can mend
    ├── BadInput             files or readings are wrong: all problems at once (exit status 3)
    │   ├── Missing          there is nothing of that id
    │   └── Refused          what was asked does not fit the present state: already done, closed, over
    │       └── Changed      somebody else was first
    └── Unavailable          a device, a store or a port is not there (exit status 5)
        └── Damaged          a store's file is damaged, another program's or a newer Hydro's (exit status 3)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Problem:
    """One fact that is wrong: where it stands, what it is and what was expected."""

    message: str
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        """Return ``file:line: message``, leaving out what is not known."""
        place = self.file + (f":{self.line}" if self.line else "")
        return f"{place}: {self.message}" if place else self.message


class HydroInputError(Exception):
    """Root of the errors that a user can mend."""


class BadInput(HydroInputError):
    """The input is wrong; carries every problem found, not the first alone."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    @classmethod
    def of(cls, message: str, file: str = "", line: int = 0) -> Self:
        """Return the error for a single problem."""
        return cls([Problem(message, file, line)])


class Unavailable(HydroInputError):
    """A device, a store or a port is not there."""


class Damaged(Unavailable):
    """A store's file cannot be read: damaged, of another kind or version. Whoever runs goes on without the store."""


class Missing(BadInput):
    """There is nothing of that id."""


class Refused(BadInput):
    """What was asked does not fit the present state: already acknowledged, order closed."""


class Changed(Refused):
    """Somebody else has changed it since it was read."""
