"""Lines of the table: what was measured, beside what is to be reached."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Asked:
    """What a figure has to be: not below ``least``, not above ``most``; nothing where both are infinite."""

    least: float = -math.inf
    most: float = math.inf

    def __str__(self) -> str:
        low, high = math.isfinite(self.least), math.isfinite(self.most)
        if low and high:
            return f"{self.least:g} to {self.most:g}"
        return f">= {self.least:g}" if low else f"<= {self.most:g}" if high else "reported"

    def met_by(self, measured: float) -> bool | None:
        """Tell whether a figure does; None where nothing is asked or nothing was measured."""
        if math.isnan(measured) or str(self) == "reported":
            return None
        return self.least <= measured <= self.most


REPORTED = Asked()


@dataclass(frozen=True, slots=True)
class Row:
    """A line: ``count`` says on how many cases (or links) the figure rests; NaN where it was not measured."""

    what: str
    asked: Asked
    measured: float
    count: int

    @property
    def met(self) -> bool | None:
        """Tell whether the figure is what it has to be."""
        return self.asked.met_by(self.measured)


def table(rows: list[Row]) -> str:
    """Return rows as a Markdown table."""
    mark = {True: "yes", False: "**no**", None: ""}
    lines = ["| what | to reach | measured | cases | met |", "|---|---|---|---|---|"]
    for row in rows:
        shown = "-" if math.isnan(row.measured) else f"{row.measured:.3f}"
        lines.append(f"| {row.what} | {row.asked} | {shown} | {row.count} | {mark[row.met]} |")
    return "\n".join(lines)
