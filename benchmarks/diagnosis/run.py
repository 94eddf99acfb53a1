"""The runner: each case is handed to `hydro diagnose` as its user would, in this process's workers."""

from __future__ import annotations

import contextlib
import io
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.diagnosis.case import Spec, make, truth_of, version
from benchmarks.diagnosis.draw import NoSuchCase
from benchmarks.ledger import fingerprint

T = TypeVar("T")
R = TypeVar("R")

MOST_CAUSES = 40
"""How many causes of an answer are kept for scoring."""


@dataclass(frozen=True, slots=True)
class Task:
    """A case to run.

    ``complained`` hands over who complains; ``chosen_visible``: the case was chosen for being visible; ``thorough``
    keeps the whole answer.
    """

    spec: Spec
    cache: Path
    complained: bool = False
    chosen_visible: bool = False
    thorough: bool = False


def arguments(folder: Path, complained: bool) -> list[str]:
    """Return what follows `hydro` on the command line for a case."""
    truth = truth_of(folder)
    words = ["diagnose", truth["network_file"], "--readings", str(folder / "readings.csv"), "--start", truth["start"]]
    words += ["--zones", str(folder / "zones.csv"), "--json"]
    if (folder / "baseline.csv").is_file():
        words += ["--baseline", str(folder / "baseline.csv")]
    if complained and truth["complaint"]:
        words += ["--complaint", truth["complaint"]]
    return words


def run_case(task: Task) -> dict[str, Any]:
    """Return the record of a case: its truth, the answer and the seconds; or why there is none."""
    begun = time.perf_counter()
    try:
        folder = make(task.spec, task.cache)
    except NoSuchCase as none:
        return {"case": task.spec.name, "none": str(none)}
    drawn = time.perf_counter()
    status, out, err = hydro(arguments(folder, task.complained))
    answer = json.loads(out) if status == 0 else None
    return {
        "case": task.spec.name,
        "truth": _kept_of_truth(truth_of(folder), answer),
        "answer": answer if task.thorough or answer is None else _kept_of_answer(answer),
        "chosen_visible": task.chosen_visible,
        "error": err.strip() if status else "",
        "draw_s": round(drawn - begun, 3),
        "diagnose_s": round(time.perf_counter() - drawn, 3),
    }


def code() -> str:
    """Return a fingerprint of what answers and of what asks: a record of other code is not counted with this one's."""
    return f"{fingerprint(('hydro', 'monitor', 'models'))}-{version()}"


def hydro(words: Sequence[str]) -> tuple[int, str, str]:
    """Run the command in this process; return its exit status and what it wrote."""
    from cli.main import main

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = main(words)
        except SystemExit as left:
            status = left.code if isinstance(left.code, int) else 1
    return status, out.getvalue(), err.getvalue()


def hydro_answer(words: Sequence[str]) -> dict[str, Any]:
    """Return what the command answers.

    Raises
    ------
    RuntimeError
        It does not.
    """
    status, out, err = hydro(words)
    if status:
        raise RuntimeError(err.strip())
    answer: dict[str, Any] = json.loads(out)
    return answer


class Workers:
    """Processes to map over, or this one alone."""

    def __init__(self, jobs: int) -> None:
        # One thread each, or the workers' linear algebra fights over the cores.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        self._pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) if jobs > 1 else None

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def map(self, call: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """Yield what ``call`` returns of each item, in their order."""
        return map(call, items) if self._pool is None else self._pool.map(call, items)


def _kept_of_truth(truth: dict[str, Any], answer: dict[str, Any] | None) -> dict[str, Any]:
    """Return the truth with the head lost only where the answer speaks of it."""
    named = {cause["severity"].get("at") for cause in (answer or {}).get("causes", [])}
    faults = []
    for fault in truth["faults"]:
        lost = fault.get("head_lost_m", {})
        faults.append({**fault, "head_lost_m": {node: lost.get(node, 0.0) for node in named if node}})
    return {**truth, "faults": faults}


def _kept_of_answer(answer: dict[str, Any]) -> dict[str, Any]:
    causes = [
        {key: cause[key] for key in ("kind", "elements", "probability", "severity", "onset") if key in cause}
        for cause in answer["causes"][:MOST_CAUSES]
    ]
    keys = ("healthy_probability", "unexplained_probability", "indistinguishable", "can_say", "elapsed_s")
    return {
        "causes": causes,
        **{key: answer.get(key) for key in keys},
        "next_measurements": [
            {key: one.get(key) for key in ("node", "quantity", "time", "bits")}
            for one in answer.get("next_measurements", [])[:3]
        ],
    }
