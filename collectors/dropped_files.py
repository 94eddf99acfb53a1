"""Dropped files: what loggers ring in once a day comes through the same door as what is polled.

A program that fetches loggers' readings puts them as CSV (``time,point,value[,quality]``) into the site's folder. A
file that has come to rest is read, held against the points' valid ranges, acknowledged by the spool and moved to
``taken/``; one that is wrong goes to ``refused/`` with a text beside it that says why, line by line. A process that is
killed in between takes the file again, and the same samples at the same instants are there once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from collectors.driver import Reading
from collectors.sampler import Sampler
from models.point import Point
from models.problem import BadInput, Unavailable
from models.readings_file import read_history
from models.sample import Sample
from stores.spool import Spool

LOG = logging.getLogger(__name__)
LOOK_S = 2.0
"""How often the folder is looked at; a file that has not changed from one look to the next has come to rest."""
TAKEN, REFUSED = "taken", "refused"


class DroppedFiles:
    """The folder into which files are put. ``kept`` is called when samples have come into the spool."""

    def __init__(
        self, folder: Path, points: Sequence[Point], spool: Spool, kept: Callable[[], None], look_s: float = LOOK_S
    ) -> None:
        self._folder = folder
        self._known = points, Sampler(points)
        self._spool = spool
        self._kept = kept
        self._look_s = look_s
        self._seen: dict[Path, tuple[int, int]] = {}
        self._trouble = ""

    def adopt(self, points: Sequence[Point]) -> None:
        """Know the points of the site, as they are now; a file that is just being read is held against those before."""
        self._known = points, Sampler(points)

    async def run(self) -> None:
        """Take what comes until cancelled."""
        while True:
            try:
                # Shielded: a file that is being taken is taken wholly before the spool is closed.
                await asyncio.shield(asyncio.to_thread(self.look))
            except (Unavailable, OSError) as error:
                self._tell(f"{self._folder}: {error}; files wait")
            else:
                self._tell("")
            await asyncio.sleep(self._look_s)

    def look(self) -> None:
        """Take the files that have come to rest, the oldest first.

        Raises
        ------
        Unavailable
            The spool cannot be written; the file stays where it is.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        found = {path: _extent(path) for path in self._folder.iterdir() if path.suffix.lower() == ".csv"}
        rested = [path for path, extent in found.items() if self._seen.get(path) == extent]
        self._seen = found
        for path in sorted(rested, key=lambda path: (found[path][1], path.name)):
            self._take(path)

    def _take(self, path: Path) -> None:
        points, sampler = self._known
        try:
            samples = read_history(path, points)
        except BadInput as error:
            self._refuse(path, str(error), str(error.problems[0]))
            return
        except Exception as error:
            # A file that nobody thought of must not take the collector with it.
            LOG.exception("%s: unexpected", path)
            self._refuse(path, why := f"unexpected {type(error).__name__}", why)
            return
        self._spool.append(sampler.remembered([_reading_of(sample) for sample in samples]))
        self._kept()
        LOG.info("%s: %d samples", _move(path, TAKEN), len(samples))

    def _refuse(self, path: Path, why: str, in_short: str) -> None:
        """Put a file aside, and beside it a text that says why."""
        refused = _move(path, REFUSED)
        note = refused.with_name(f"{refused.name}.txt")
        note.write_text(f"{why}\n", encoding="utf-8")
        LOG.warning("%s is refused: %s", path, in_short)

    def _tell(self, trouble: str) -> None:
        """Log a change of state once."""
        if trouble != self._trouble:
            LOG.warning("%s", trouble or f"{self._folder}: files are taken again")
        self._trouble = trouble


def _reading_of(sample: Sample) -> Reading:
    return Reading(sample.point, sample.value, sample.quality, sample.reason, sample.time)


def _extent(path: Path) -> tuple[int, int]:
    """Return size and time of change, nothing of a file that has gone meanwhile."""
    with suppress(FileNotFoundError):
        stat = path.stat()
        return stat.st_size, stat.st_mtime_ns
    return 0, 0


def _move(path: Path, where: str) -> Path:
    """Move a file into a folder beside it, under another name if there is one of its name already."""
    folder = path.parent / where
    folder.mkdir(exist_ok=True)
    target, number = folder / path.name, 1
    while target.exists():
        number += 1
        target = folder / f"{path.stem}-{number}{path.suffix}"
    return path.replace(target)
