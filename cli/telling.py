"""How a story is told: each step as it happens, and the one that does not happen with the reason."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TextIO

from cli.stage import Casting, Crew, Stage
from models.problem import Unavailable
from models.site import Site
from stores.records import Records

Step = dict[str, Any]
PATIENCE_S = 300.0
"""How long a step may take on the wall's clock of a machine that has other things to do."""


class Teller:
    """Tells each step as it happens."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def say(self, lines: list[str]) -> None:
        """Say something beside the story."""
        self._out.writelines(f"\n{line}" for line in lines)
        self._out.write("\n")
        self._out.flush()

    def tell(self, step: Step, lines: list[str]) -> None:
        """Tell one step."""
        mark = "ok" if step["ok"] else "DID NOT HAPPEN"
        clock = step["plant_time"][:16].replace("T", " ")
        self._out.write(f"\n{clock}  {step['name'].upper()}  [{mark}]\n")
        self._out.writelines(f"    {line}\n" for line in lines)
        self._out.flush()


@dataclass
class Play:
    """A story under way: the names of its steps in their order, and those that were told.

    ``blocked``: the main that is blocked at the plant.
    """

    stage: Stage
    casting: Casting
    site: Site
    records: Records
    teller: Teller
    blocked: str
    names: tuple[str, ...]
    steps: list[Step] = field(default_factory=list)

    @property
    def documented(self) -> bool:
        """Return whether this is the documented case, of which more is asked than of any other."""
        return self.casting.episode == "documented" and self.casting.fault_link is None

    @property
    def crew(self) -> Crew:
        """Return the people at the plant."""
        return self.stage.crew

    def done(self, name: str, figures: dict[str, Any], lines: list[str], why_not: str = "") -> bool:
        """Note and tell a step, or why it did not happen; return whether it happened."""
        if why_not:
            figures, lines = {**figures, "reason": why_not}, [*lines, why_not]
        step = {"name": name, "plant_time": self._clock().isoformat(), "ok": not why_not, "figures": figures}
        self.steps.append(step)
        self.teller.tell(step, lines)
        return not why_not

    def missed(self, name: str, why: str) -> None:
        """Note and tell a step that did not happen."""
        self.done(name, {}, [], why)

    def _clock(self) -> datetime:
        """Return the plant's time; once the plant has gone, the last that was heard of it."""
        try:
            return self.crew.time()
        except Unavailable:
            return self.crew.heard

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Tell the next step as missed when the plant or the service goes away before it has happened."""
        try:
            yield
        except Unavailable as error:
            told = len(self.steps)
            if told == len(self.names):
                raise
            if all(step["ok"] for step in self.steps):
                self.missed(self.names[told], str(error))

    def wait(self, what: Callable[[], Any]) -> Any:
        """Return what a question answers once it answers anything; None when patience ends."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            self.stage.check()
            answer = what()
            if answer:
                return answer
            time.sleep(0.1)
        return None
