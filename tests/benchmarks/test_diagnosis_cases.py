"""Cases of the diagnosis benchmark: their truth is EPANET's own, repeatable, and what it says it is."""

import ast
import csv
from pathlib import Path

import numpy as np
import pytest

from benchmarks.diagnosis.case import Spec, make, truth_of
from benchmarks.diagnosis.draw import Bench, draw_fault
from benchmarks.diagnosis.networks import inp_of, prepare
from benchmarks.diagnosis.truth import DAY_S, Truth, draw_truth

SOURCE = Path(__file__).parents[2] / "benchmarks" / "diagnosis"
OF_THE_TRUTH = (
    "case",
    "draw",
    "elements",
    "faults",
    "instruments",
    "layout",
    "networks",
    "project",
    "readings",
    "truth",
)


@pytest.fixture(scope="module")
def net3(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    spec = Spec("Net3", "departed", "blocked_link", 3, 0)
    network = prepare(inp_of("Net3"), tmp_path_factory.mktemp("networks"))
    return draw_truth(network, True, spec.placing(), spec.generator(0))


def test_truth_shares_no_code_with_the_diagnosis() -> None:
    for name in OF_THE_TRUTH:
        tree = ast.parse((SOURCE / f"{name}.py").read_text(encoding="utf-8"))
        roots = {
            module.split(".")[0]
            for node in ast.walk(tree)
            for module in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
        }
        assert not roots & {"hydro", "monitor", "simulator", "cli", "models"}, name


@pytest.mark.parametrize("kind", ["blocked_link", "leak", "demand_growth", "roughness_growth"])
def test_a_state_of_a_faulty_run_is_the_steady_state_at_its_boundaries(net3: Truth, kind: str) -> None:
    healthy = net3.run((), net3.window_start)
    bench = Bench(net3)
    try:
        fault = draw_fault(bench, kind, {state.time: state for state in healthy}, np.random.default_rng(5))
        states = net3.run((fault,), net3.window_start)
        for state in states[::7]:
            present = (fault,) if fault.onset <= state.time else ()
            junctions = net3.ground.elements.junctions
            assert bench.heads(state, present)[junctions] == pytest.approx(state.head[junctions], abs=1e-3)
    finally:
        bench.close()


def test_a_drawn_fault_costs_a_customer_three_metres_at_peak(tmp_path: Path) -> None:
    fault = truth_of(make(Spec("Net3", "plain", "blocked_link", 1, 0), tmp_path))["faults"][0]
    assert fault["peak_loss_m"] >= 3.0
    assert fault["head_lost_m"][fault["worst_customer"]] > 0.0


def test_a_case_is_the_same_whenever_it_is_drawn(tmp_path: Path) -> None:
    spec = Spec("Net3", "departed", "pair", 2, 1)
    first, second = make(spec, tmp_path / "one"), make(spec, tmp_path / "two")
    for name in ("readings.csv", "baseline.csv", "zones.csv"):
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_readings_cover_a_day_with_points_levels_inflows_and_pump_status(tmp_path: Path) -> None:
    folder = make(Spec("Net3", "plain", "healthy", 1, 0), tmp_path)
    with (folder / "readings.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    named = {(row["element"], row["quantity"]) for row in rows}
    count = {one: sum(quantity == one for _, quantity in named) for one in ("pressure", "level", "flow")}
    assert count == {"pressure": 8, "level": 3, "flow": 2}
    assert {row["element"] for row in rows if row["quantity"] == "status"} == {"10", "335", "330"}
    assert len({row["time"] for row in rows}) == DAY_S // 900
    assert {row["value"] for row in rows if row["quantity"] == "status"} <= {"open", "closed"}
