"""A case on disk: a folder with the readings that `hydro diagnose` is given and, apart from them, the truth."""

from __future__ import annotations

import json
import shutil
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.diagnosis.draw import CONSEQUENTIAL_M, VISIBLE_M, Bench, NoSuchCase, draw_fault
from benchmarks.diagnosis.elements import Floats, State
from benchmarks.diagnosis.faults import KINDS
from benchmarks.diagnosis.instruments import tamper
from benchmarks.diagnosis.layout import near
from benchmarks.diagnosis.networks import Network, inp_of, prepare, with_boundaries
from benchmarks.diagnosis.project import Unsolvable
from benchmarks.diagnosis.readings import devices_of, instants, iso, read, with_noise, write
from benchmarks.diagnosis.truth import BASELINE_DAYS, DAY_S, Fault, Truth, draw_truth

HALVES = ("plain", "departed")
PAIRED = ("blocked_link", "closed_link", "demand_growth", "leak")
CASES = (*KINDS, "point_fault", "pair", "healthy")
"""Everything a case can be of."""
_TRIES = 6
_LEAST_SHOWN_M = 0.05


@dataclass(frozen=True, slots=True)
class Spec:
    """Which case: it is the same whenever and wherever it is drawn."""

    network: str
    half: str
    kind: str
    seed: int
    index: int

    @property
    def name(self) -> str:
        """Return the case's name, which :meth:`parse` reads."""
        return f"{Path(self.network).stem}.{self.half}.{self.kind}.{self.seed}.{self.index}"

    @staticmethod
    def parse(name: str, network: str | None = None) -> Spec:
        """Return the case of a name; ``network`` where it is not a standard one."""
        stem, half, kind, seed, index = name.rsplit(".", 4)
        return Spec(network or stem, half, kind, int(seed), int(index))

    def generator(self, attempt: int) -> np.random.Generator:
        """Return the random numbers of an attempt at this case."""
        words = [zlib.crc32(word.encode()) for word in (Path(self.network).stem, self.half, self.kind)]
        return np.random.default_rng([*words, self.seed, self.index, attempt])

    def placing(self) -> np.random.Generator:
        """Return the random numbers by which points and zones are laid out: the same for a network and seed."""
        return np.random.default_rng([zlib.crc32(Path(self.network).stem.encode()), self.seed])


def make(spec: Spec, cache: Path) -> Path:
    """Return the folder of a case, drawn unless it is in the cache.

    Raises
    ------
    NoSuchCase
        The network has no such fault that matters.
    """
    folder = cache / version() / spec.name
    if (folder / "truth.json").is_file():
        return folder
    if (folder / "none.txt").is_file():
        raise NoSuchCase((folder / "none.txt").read_text(encoding="utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    network = prepare(inp_of(spec.network), cache / version() / "networks")
    if spec.kind == "open_boundary":
        name = f"{Path(spec.network).stem}-boundaries-{spec.seed}"
        network = with_boundaries(network, name, cache / version() / "networks", spec.placing())
    why = ""
    for attempt in range(_TRIES):
        try:
            _write(spec, attempt, network, folder)
            return folder
        except NoSuchCase as none:
            # A kind that no target of a network can be is not looked for again and again.
            (folder / "none.txt").write_text(str(none), encoding="utf-8")
            raise
        except (Unsolvable, _NotWhatWasAsked) as unfit:
            why = str(unfit)
    (folder / "none.txt").write_text(why, encoding="utf-8")
    raise NoSuchCase(why)


def truth_of(folder: Path) -> dict[str, Any]:
    """Return the truth of a case."""
    truth: dict[str, Any] = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    return truth


def version() -> str:
    """Return a name of this generator's code: a case that an older one drew is not taken for one of this."""
    folder = Path(__file__).parent
    files = ("case", "draw", "elements", "faults", "instruments", "layout", "networks", "project", "readings", "truth")
    return f"{zlib.crc32(b''.join((folder / f'{name}.py').read_bytes() for name in files)):08x}"


class _NotWhatWasAsked(Exception):
    """The run came out otherwise than the steady states promised."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A truth, the faults in it, and how it ran with and without them."""

    truth: Truth
    faults: tuple[Fault, ...]
    healthy: list[State]
    states: list[State]
    shown: list[dict[str, Any]]


def redraw(folder: Path) -> Drawn:
    """Return the truth of a case again, to be asked for what was not written."""
    known = truth_of(folder)
    spec = Spec(*(known[name] for name in ("network", "half", "kind", "seed", "index")))
    network = Network(Path(known["network_file"]), known["held"])
    return _draw(spec, network, spec.generator(known["attempt"]))


def _draw(spec: Spec, network: Network, rng: np.random.Generator) -> Drawn:
    departed = spec.half == "departed"
    truth = draw_truth(network, departed, spec.placing(), rng)
    since = truth.window_start - (BASELINE_DAYS * DAY_S if departed else 0)
    healthy = truth.run((), since)
    bench = Bench(truth)
    try:
        faults = _faults(spec, bench, {state.time: state for state in healthy}, rng)
        states = truth.run(faults, since) if faults else healthy
        shown = [_shown(bench, fault, faults, states) for fault in faults]
    finally:
        bench.close()
    if any(one["peak_loss_m"] < CONSEQUENTIAL_M for one in shown):
        raise _NotWhatWasAsked(f"a fault cost less than {CONSEQUENTIAL_M} m in the run")
    return Drawn(truth, faults, healthy, states, shown)


def _write(spec: Spec, attempt: int, network: Network, folder: Path) -> None:
    """Draw a case and write what its devices report and, last, the truth."""
    rng = spec.generator(attempt)
    drawn = _draw(spec, network, rng)
    truth, shown = drawn.truth, drawn.shown
    departed = spec.half == "departed"
    ground, start = truth.ground, truth.window_start
    devices = devices_of(ground, departed, rng)
    times = instants(start, 1)
    series = read(devices, ground, drawn.states, times, [fault.onset for fault in drawn.faults])
    if spec.kind == "point_fault":
        onset = start + 60.0 * int(rng.integers(0, 18 * 60))
        spoilt = tamper(series, times, onset, rng)
        series = spoilt.series
        shown = [
            {
                "kind": "point_fault",
                "elements": list(spoilt.points),
                "way": spoilt.way,
                "severity": spoilt.severity,
                "onset": iso(onset),
                "visible": spoilt.moved >= VISIBLE_M,
                "moved_m": spoilt.moved,
            }
        ]
    write(folder / "readings.csv", with_noise(series, rng), times)
    if departed:
        before = instants(start - BASELINE_DAYS * DAY_S, BASELINE_DAYS)
        write(folder / "baseline.csv", with_noise(read(devices, ground, drawn.healthy, before, ()), rng), before)
    _write_zones(folder / "zones.csv", truth)
    harmful = max(shown, key=lambda one: float(one.get("peak_loss_m", 0.0)), default={})
    document = {
        "case": spec.name,
        **asdict(spec),
        "attempt": attempt,
        "held": network.held,
        "network_file": str(network.inp),
        "start": iso(0.0),
        "window": [iso(start), iso(start + DAY_S)],
        "points": len(ground.layout.points),
        "links": len(ground.elements.link_ids),
        "junctions": len(ground.elements.junctions),
        "complaint": harmful.get("worst_customer"),
        "faults": shown,
    }
    staged = folder / "truth.json.part"
    staged.write_text(json.dumps(document), encoding="utf-8")
    shutil.move(staged, folder / "truth.json")


def _faults(spec: Spec, bench: Bench, healthy: dict[int, State], rng: np.random.Generator) -> tuple[Fault, ...]:
    if spec.kind in ("healthy", "point_fault"):
        return ()
    if spec.kind != "pair":
        return (draw_fault(bench, spec.kind, healthy, rng),)
    pair: list[Fault] = []
    for kind in rng.permutation(np.repeat(PAIRED, 2)):
        try:
            fault = draw_fault(bench, str(kind), healthy, rng)
        except NoSuchCase:
            continue
        if all(fault.target != one.target for one in pair):
            pair.append(fault)
        if len(pair) == 2:
            return tuple(pair)
    raise NoSuchCase("no two faults that matter")


def _shown(bench: Bench, fault: Fault, faults: tuple[Fault, ...], states: list[State]) -> dict[str, Any]:
    """Return what is written of a fault: what it costs every node, beside the others, at the run's own boundaries."""
    truth, of = bench.truth, KINDS[fault.kind]
    elements, layout = truth.ground.elements, truth.ground.layout
    times = instants(truth.window_start, 1).astype(int)
    at = {state.time: state for state in states}
    others = tuple(one for one in faults if one is not fault)
    lost = np.zeros((len(times), len(elements.node_ids)))
    supplied = np.zeros(len(elements.node_ids), dtype=bool)
    for row, time in enumerate(times.tolist()):
        if time >= fault.onset:
            without = bench.heads(at[time], tuple(one for one in others if one.onset <= time))
            lost[row] = without - at[time].head
            supplied[bench.supplied(without)] = True
    hourly = lost.reshape(24, -1, lost.shape[1]).mean(axis=1).max(axis=0)
    customers = np.flatnonzero(supplied)
    peak = lost[:, customers].max(axis=0)
    worst = int(customers[int(np.argmax(hourly[customers]))])
    moved = float(np.max(np.abs(lost[:, layout.points])))
    ids = elements.link_ids if of.of_links else elements.node_ids
    links = fault.target if of.of_links else _links_at(truth, fault.target)
    return {
        "kind": of.answer,
        "drawn_as": fault.kind,
        "elements": [ids[index] for index in fault.target],
        "severity": fault.severity,
        "severity_of": of.severity,
        "onset": iso(fault.onset),
        "visible": moved >= VISIBLE_M,
        "moved_m": moved,
        "peak_loss_m": float(peak.max()),
        "worst_customer": elements.node_ids[worst],
        "near": near(elements, links) if len(fault.target) == 1 else {},
        "head_lost_m": _by_node(elements.node_ids, hourly),
    }


def _links_at(truth: Truth, nodes: tuple[int, ...]) -> tuple[int, ...]:
    elements = truth.ground.elements
    touching = np.isin(elements.start, nodes) | np.isin(elements.end, nodes)
    return tuple(np.flatnonzero(touching).tolist())


def _by_node(ids: tuple[str, ...], lost: Floats) -> dict[str, float]:
    return {ids[node]: round(float(lost[node]), 3) for node in np.flatnonzero(np.abs(lost) >= _LEAST_SHOWN_M)}


def _write_zones(path: Path, truth: Truth) -> None:
    ids, zone = truth.ground.elements.node_ids, truth.ground.layout.zone
    rows = [f"{node},zone-{one + 1}" for node, one in zip(ids, zone.tolist(), strict=True)]
    path.write_text("\n".join(["node,zone", *rows]) + "\n", encoding="utf-8")
