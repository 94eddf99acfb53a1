"""Runs of diagnoses: each in a process of its own, so that it can be cancelled and slows nobody."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from models.problem import Missing, Refused, Unavailable

AT_ONCE = 1
"""Runs that are worked on at once; the others wait."""
MOST_WAITING = 20
MOST_KEPT = 200
ENDING_S = 5.0
WAITING, CANCELLED, FAILED, DONE = "waiting", "cancelled", "failed", "done"
OVER = frozenset({CANCELLED, FAILED, DONE})


@dataclass(frozen=True, slots=True)
class Question:
    """What a run is to explain."""

    start: datetime
    end: datetime
    node: str | None = None
    complaint_id: int | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """A run and how far it is; ``begun`` and ``ended`` are seconds of the clock that the runs were given.

    ``key`` is under which it was asked for once, by ``request``; empty where it may be asked for again and again.
    """

    id: int
    question: Question
    asked_by: str
    asked: datetime
    key: str = ""
    request: str = ""
    state: str = WAITING
    begun: float | None = None
    ended: float | None = None
    diagnosis_id: int | None = None
    problem: str | None = None


class Runs:
    """The runs of this start of the service; for any number of threads."""

    def __init__(self, folder: Path, clock: Callable[[], float]) -> None:
        """Start with none. ``folder`` is the site's."""
        self._folder = folder
        self._clock = clock
        self._lock = threading.Lock()
        self._runs: OrderedDict[int, Run] = OrderedDict()
        self._processes: dict[int, subprocess.Popen[str]] = {}
        self._slots = threading.Semaphore(AT_ONCE)
        self._changed: set[int] = set()
        self._last = 0

    def start(self, question: Question, by: str, time: datetime, key: str = "", request: str = "") -> Run:
        """Begin a run, or let it wait for its turn; return the one that was begun under ``key`` where there is one.

        Raises
        ------
        Unavailable
            Too many wait already.
        """
        with self._lock:
            known = next((run for run in self._runs.values() if key and run.key == key), None)
            if known is not None:
                return known
            if sum(run.state not in OVER for run in self._runs.values()) >= MOST_WAITING:
                raise Unavailable(f"{MOST_WAITING} diagnoses wait already, expected to be asked again later")
            self._last += 1
            run = self._runs[self._last] = Run(self._last, question, by, time, key, request, begun=self._clock())
            self._changed.add(run.id)
            over = [one for one, kept in self._runs.items() if kept.state in OVER]
            for one in over[: max(0, len(self._runs) - MOST_KEPT)]:
                del self._runs[one]
        threading.Thread(target=self._attend, args=(run,), name=f"run-{run.id}", daemon=True).start()
        return run

    def run(self, run_id: int) -> Run:
        """Return the run of that id; raises ``Missing`` when there is none."""
        with self._lock:
            return self._found(run_id)

    def runs(self) -> tuple[Run, ...]:
        """Return the runs, the newest first."""
        with self._lock:
            return tuple(reversed(self._runs.values()))

    def elapsed_s(self, run: Run) -> float:
        """Return how long a run has taken so far [s]."""
        return (self._clock() if run.ended is None else run.ended) - (run.begun or 0.0)

    def cancel(self, run_id: int) -> Run:
        """End a run; refused when it is over."""
        with self._lock:
            run = self._found(run_id)
            if run.state in OVER:
                raise Refused.of(f"run {run_id}: cannot be cancelled, it is {run.state}")
            run = self._set(run, state=CANCELLED, ended=self._clock())
            process = self._processes.get(run_id)
        if process is not None:
            process.terminate()
        return run

    def take_changed(self) -> list[Run]:
        """Return the runs that have changed since this was asked last."""
        with self._lock:
            changed = [self._runs[one] for one in sorted(self._changed) if one in self._runs]
            self._changed.clear()
        return changed

    def close(self) -> None:
        """End every run."""
        with self._lock:
            for run in list(self._runs.values()):
                if run.state not in OVER:
                    self._set(run, state=CANCELLED, ended=self._clock())
            processes = list(self._processes.values())
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(ENDING_S)
            except subprocess.TimeoutExpired:
                process.kill()

    def _attend(self, run: Run) -> None:
        with self._slots:
            with self._lock:
                if self._runs[run.id].state in OVER:
                    return
                command = [sys.executable, "-m", "api.run", str(self._folder)]
                process = self._processes[run.id] = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
                )
            try:
                self._listen(run, process)
            finally:
                with self._lock:
                    del self._processes[run.id]

    def _listen(self, run: Run, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        # What it says on the side is read beside, or a full pipe would stop it.
        said: list[str] = []
        beside = threading.Thread(target=lambda: said.extend(process.stderr or ()), daemon=True)
        beside.start()
        with process:
            try:
                process.stdin.write(json.dumps(_told(run)))
                process.stdin.close()
            except BrokenPipeError:
                pass
            for line in process.stdout:
                self._heard(run.id, json.loads(line))
            status = process.wait()
            beside.join()
        with self._lock:
            now = self._runs[run.id]
            if now.state not in OVER:
                self._set(now, state=FAILED, ended=self._clock(), problem="".join(said).strip() or f"status {status}")

    def _heard(self, run_id: int, said: Mapping[str, Any]) -> None:
        with self._lock:
            run = self._runs[run_id]
            if run.state in OVER:
                return
            ended = self._clock() if said.get("state") in OVER else None
            self._set(run, **said, ended=ended)

    def _set(self, run: Run, **values: Any) -> Run:
        after = self._runs[run.id] = replace(run, **values)
        self._changed.add(run.id)
        return after

    def _found(self, run_id: int) -> Run:
        run = self._runs.get(run_id)
        if run is None:
            raise Missing.of(f"run {run_id}: there is none of that id since the service was started")
        return run


def _told(run: Run) -> dict[str, Any]:
    return {
        "run": run.id,
        "start": run.question.start.isoformat(),
        "end": run.question.end.isoformat(),
        "node": run.question.node,
        "complaint_id": run.question.complaint_id,
    }
