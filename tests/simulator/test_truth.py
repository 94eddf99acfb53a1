from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.problem import BadInput
from simulator.events import Blockage, Burst, Change, Close, DemandChange, Event, Open, PumpHead, Repair
from simulator.plant_files import PressureDemand, TruePlant
from simulator.snapshot import Elements, Snapshot, node_flow
from simulator.truth import Truth, network_start

OpenTruth = Callable[..., Truth]

TOWN = Path(__file__).with_name("town.inp")
START = datetime(2026, 7, 9, 22, tzinfo=UTC)
PEAK = START + timedelta(hours=1)


def pressure(truth: Truth, node: str) -> float:
    index = truth.elements.nodes[node]
    return float(truth.snapshot.head[index] - truth.elements.elevation[index])


def flow(truth: Truth, link: str) -> float:
    return float(truth.snapshot.flow[truth.elements.links[link]])


def inflow(truth: Truth) -> float:
    sources = ~truth.elements.is_junction
    return float(-truth.snapshot.outflow[sources].sum())


def at_peak(truth: Truth, *changes: Change) -> Truth:
    truth.advance(PEAK, [Event(START, change) for change in changes])
    return truth


def test_truth_starts_where_the_local_clock_showed_the_networks_own_start() -> None:
    assert network_start(START, "Asia/Shanghai", 0) == START - timedelta(hours=6)
    assert network_start(START, "Asia/Shanghai", 7 * 3600) == START - timedelta(hours=23)
    assert network_start(START - timedelta(hours=6), "Asia/Shanghai", 0) == START - timedelta(hours=6)


def test_demand_follows_base_pattern_and_true_factor(open_truth: OpenTruth) -> None:
    truth = at_peak(open_truth(TruePlant(demand_noise_cv=0, demand_factor={"J6": 1.5})))
    delivered = truth.snapshot.delivered * 1e3
    assert delivered[truth.elements.nodes["J2"]] == pytest.approx(6 * 1.8, rel=1e-5)
    assert delivered[truth.elements.nodes["J4"]] == pytest.approx(4 * 1.2, rel=1e-5)
    assert delivered[truth.elements.nodes["J6"]] == pytest.approx(1.5 * (1 * 1.8 + 2 * 1.2), rel=1e-5)


def test_closed_valve_carries_no_flow_and_opened_carries_it_again(open_truth: OpenTruth) -> None:
    truth = open_truth()
    closure = [Event(START, Close("P5"), until=PEAK + timedelta(hours=1))]
    truth.advance(PEAK, closure)
    assert flow(truth, "P5") == pytest.approx(0, abs=1e-8)
    assert truth.snapshot.status[truth.elements.links["P5"]] == 0
    truth.advance(PEAK + timedelta(hours=1), closure)
    assert flow(truth, "P5") > 3e-3


def test_boundary_valve_left_open_carries_flow(open_truth: OpenTruth) -> None:
    assert flow(at_peak(open_truth()), "P8") == 0
    assert flow(at_peak(open_truth(), Open("P8")), "P8") > 1e-4


def test_closed_check_valve_carries_nothing(open_truth: OpenTruth) -> None:
    time = START + timedelta(hours=3)
    truth = open_truth()
    truth.advance(time)
    assert flow(truth, "P9") > 1e-3
    truth.advance(time + timedelta(minutes=5), [Event(time, Close("P9"))])
    assert flow(truth, "P9") < 1e-5


def test_closed_pump_stays_closed_against_its_controls(open_truth: OpenTruth) -> None:
    truth = open_truth()
    off = [Event(START, Close("PU1"))]
    for hour in range(1, 5):
        truth.advance(START + timedelta(hours=hour), off)
        assert flow(truth, "PU1") == pytest.approx(0, abs=1e-8)
    truth.advance(START + timedelta(hours=5))
    assert flow(truth, "PU1") > 0.04


def test_blockage_costs_head_behind_it_and_repair_restores(open_truth: OpenTruth) -> None:
    well = pressure(at_peak(open_truth()), "J6")
    truth = at_peak(open_truth(), Blockage("P6", 50))
    lost = well - pressure(truth, "J6")
    velocity = flow(truth, "P6") / (np.pi * 0.075**2 / 4)
    assert lost == pytest.approx(50 * velocity**2 / (2 * 9.81), rel=0.05)
    events = [Event(START, Blockage("P6", 50)), Event(PEAK, Repair("P6"))]
    truth.advance(PEAK + timedelta(minutes=1), events)
    assert pressure(truth, "J6") == pytest.approx(well, abs=0.1)


def test_repair_lays_another_pipe(open_truth: OpenTruth) -> None:
    old = at_peak(open_truth(), Blockage("P6", 50))
    new = at_peak(open_truth(), Blockage("P6", 50), Repair("P6", diameter_mm=96.8, roughness=150, minor_loss=0.1))
    assert pressure(new, "J6") > pressure(old, "J6") + 2
    headloss = new.snapshot.head[new.elements.nodes["J5"]] - new.snapshot.head[new.elements.nodes["J6"]]
    q = flow(new, "P6")
    velocity = q / (np.pi * 0.0968**2 / 4)
    expected = 10.667 * 200 * (q / 150) ** 1.852 / 0.0968**4.871 + 0.1 * velocity**2 / (2 * 9.81)
    assert headloss == pytest.approx(expected, rel=2e-3)


def test_burst_raises_inflow_by_what_it_lets_out(open_truth: OpenTruth) -> None:
    well = at_peak(open_truth())
    burst = at_peak(open_truth(), Burst("J3", 1.5))
    out = 1.5e-3 * pressure(burst, "J3") ** 0.5
    assert inflow(burst) - inflow(well) == pytest.approx(out, rel=1e-3)
    at_j3 = burst.elements.nodes["J3"]
    assert burst.snapshot.outflow[at_j3] - burst.snapshot.delivered[at_j3] == pytest.approx(out, rel=1e-3)


def test_demand_event_sets_the_full_base_demand(open_truth: OpenTruth) -> None:
    grown = at_peak(open_truth(), DemandChange("J6", demand_l_s=6))
    shape = (1 * 1.8 + 2 * 1.2) / 3
    assert grown.snapshot.delivered[grown.elements.nodes["J6"]] * 1e3 == pytest.approx(6 * shape, rel=1e-4)
    new = at_peak(open_truth(), DemandChange("J1", demand_l_s=2))
    assert new.snapshot.delivered[new.elements.nodes["J1"]] * 1e3 == pytest.approx(2, rel=1e-4)


def test_event_comes_on_along_its_ramp(open_truth: OpenTruth) -> None:
    truth = open_truth()
    truth.advance(PEAK, [Event(START, DemandChange("J2", factor=2), ramp_h=2)])
    assert truth.snapshot.delivered[truth.elements.nodes["J2"]] * 1e3 == pytest.approx(6 * 1.8 * 1.5, rel=1e-4)


def test_demand_falls_with_pressure(open_truth: OpenTruth) -> None:
    plant = TruePlant(demand_noise_cv=0, pressure_demand=PressureDemand(required_m=40))
    truth = at_peak(open_truth(plant))
    share = (pressure(truth, "J6") / 40) ** 0.5
    assert truth.snapshot.delivered[truth.elements.nodes["J6"]] * 1e3 == pytest.approx(4.2 * share, rel=1e-3)


def test_pump_that_lost_head_delivers_less(open_truth: OpenTruth) -> None:
    time = START + timedelta(hours=3)
    well, weak, born_weak = open_truth(), open_truth(), open_truth(TruePlant(demand_noise_cv=0, pump_head={"PU1": 0.9}))
    well.advance(time)
    weak.advance(time - timedelta(minutes=1))
    weak.advance(time, [Event(time, PumpHead("PU1", 0.9))])
    born_weak.advance(time)
    assert flow(weak, "PU1") < 0.95 * flow(well, "PU1")
    for truth in (well, weak, born_weak):
        factor = 1.0 if truth is well else 0.9
        lift = truth.snapshot.head[truth.elements.nodes["J1"]] - truth.snapshot.head[truth.elements.nodes["R1"]]
        curve = 4 / 3 * 50 * (1 - (flow(truth, "PU1") / 0.09) ** 2)
        assert lift == pytest.approx(factor * curve, rel=2e-3)


def test_true_roughness_costs_head(open_truth: OpenTruth) -> None:
    rough = at_peak(open_truth(TruePlant(demand_noise_cv=0, roughness={"P6": 100.0})))
    assert pressure(rough, "J6") < pressure(at_peak(open_truth()), "J6") - 0.5


def test_tank_and_controls_run_as_epanet_runs_them(open_truth: OpenTruth) -> None:
    truth = open_truth()
    tank, pump = truth.elements.nodes["T1"], truth.elements.links["PU1"]
    seen: set[object] = set()
    for hour in range(48):
        truth.advance(START + timedelta(hours=hour))
        assert 0.5 - 1e-6 <= pressure(truth, "T1") <= 4.6
        seen.add(bool(truth.snapshot.status[pump]))
        seen.add("fills" if truth.snapshot.outflow[tank] > 0 else "drains")
    assert seen == {True, False, "fills", "drains"}


def test_same_seed_same_truth_and_another_seed_another(open_truth: OpenTruth) -> None:
    plant = TruePlant(seed=3, zone_walk_cv=0.1)
    first, again, other = open_truth(plant), open_truth(plant), open_truth(plant, seed=4)
    for truth in (first, again, other):
        for minute in range(0, 60, 5):
            truth.advance(START + timedelta(minutes=minute))
    assert np.array_equal(first.snapshot.head, again.snapshot.head)
    assert not np.allclose(first.snapshot.delivered, other.snapshot.delivered)


def test_noise_of_demand_has_the_spread_that_was_asked_for(open_truth: OpenTruth) -> None:
    truth = open_truth(TruePlant(demand_noise_cv=0.1))
    ratios = []
    for minute in range(1, 60):
        truth.advance(START + timedelta(minutes=minute))
        ratios.append(truth.snapshot.delivered[truth.elements.nodes["J2"]] * 1e3 / (6 * 1.6))
    assert np.mean(ratios) == pytest.approx(1, abs=0.05)
    assert np.std(ratios) == pytest.approx(0.1, rel=0.3)


def test_combined_steps_stay_near_single_ones(open_truth: OpenTruth) -> None:
    fine, coarse = open_truth(), open_truth()
    time = START + timedelta(hours=12)
    fine.advance(time, longest_s=60)
    coarse.advance(time, longest_s=300)
    assert pressure(fine, "J6") == pytest.approx(pressure(coarse, "J6"), abs=0.2)


def test_runs_on_past_the_inps_duration(open_truth: OpenTruth) -> None:
    truth = open_truth()
    truth.advance(START + timedelta(days=3))
    assert truth.snapshot.time == START + timedelta(days=3)


US_TOWN = """
[JUNCTIONS]
J1  50  100
[RESERVOIRS]
R1  200
[TANKS]
T1  150  10  0  20  40  0
[PIPES]
P1  R1  J1  1000  8  120  0  Open
P2  J1  T1  1000  8  120  0  Open
[OPTIONS]
Units  GPM
Headloss  H-W
[TIMES]
Hydraulic Timestep  1:00
Pattern Timestep  1:00
[END]
"""


def test_us_units_become_si_and_emitters_and_pressure_rules_with_them(tmp_path: Path, open_truth: OpenTruth) -> None:
    network = tmp_path / "us.inp"
    network.write_text(US_TOWN)
    plant = TruePlant(demand_noise_cv=0, pressure_demand=PressureDemand(required_m=60))
    truth = open_truth(plant, network=network)
    node = truth.elements.nodes["J1"]
    assert truth.elements.elevation[node] == pytest.approx(50 * 0.3048)
    share = (pressure(truth, "J1") / 60) ** 0.5
    assert truth.snapshot.delivered[node] == pytest.approx(100 * 6.309e-5 * share, rel=1e-3)
    truth.advance(START + timedelta(minutes=5), [Event(START, Burst("J1", 2.0))])
    leak = truth.snapshot.outflow[node] - truth.snapshot.delivered[node]
    assert leak == pytest.approx(2e-3 * pressure(truth, "J1") ** 0.5, rel=1e-3)
    assert balance(truth.snapshot, truth.elements) == pytest.approx(0, abs=1e-6)


def test_network_that_does_not_load_is_told_with_every_line(tmp_path: Path) -> None:
    bad = tmp_path / "bad.inp"
    bad.write_text("[JUNCTIONS]\nJ1 10 x\n[PIPES]\nP1 J1 J9 100 100 100\n[END]\n")
    with pytest.raises(BadInput) as caught:
        Truth(bad, TruePlant(), START)
    assert [(problem.line, "x" in problem.message) for problem in caught.value.problems] == [(2, True), (4, False)]
    assert "J9" in caught.value.problems[1].message


def test_truth_about_elements_that_are_not_there_is_refused_at_once(tmp_path: Path) -> None:
    plant = TruePlant(demand_factor={"J99": 1.0}, roughness={"PU1": 100.0}, pump_head={"P1": 1.0})
    with pytest.raises(BadInput) as caught:
        Truth(TOWN, plant, START)
    assert len(caught.value.problems) == 3


def test_network_that_starts_after_the_plant_is_refused() -> None:
    with pytest.raises(BadInput, match="network_start"):
        Truth(TOWN, TruePlant(network_start=START + timedelta(hours=1)), START)


def balance(snapshot: Snapshot, elements: Elements) -> float:
    """Greatest imbalance of any node [m³/s]."""
    count = len(elements.node_ids)
    arriving = np.bincount(elements.end, snapshot.flow, count) - np.bincount(elements.start, snapshot.flow, count)
    return float(np.abs(arriving - snapshot.outflow).max())


NODES, PIPES = st.sampled_from(["J2", "J3", "J4", "J5", "J6"]), st.sampled_from(["P1", "P2", "P3", "P4", "P5", "P6"])
CHANGES = st.one_of(
    st.builds(Blockage, PIPES, st.floats(0, 1e4)),
    st.builds(Close, st.sampled_from(["P2", "P3", "P9", "PU1"])),
    st.just(Open("P8")),
    st.builds(Burst, NODES, st.floats(0, 3)),
    st.builds(DemandChange, NODES, st.floats(0, 15)),
    st.builds(PumpHead, st.just("PU1"), st.floats(0.7, 1.1)),
    st.builds(Repair, PIPES, st.floats(50, 300), st.floats(80, 150), st.floats(0, 1)),
)


@settings(max_examples=25, deadline=None)
@given(changes=st.lists(CHANGES, max_size=4), seed=st.integers(0, 2**32))
def test_no_water_appears_or_vanishes(changes: list[Change], seed: int) -> None:
    truth = Truth(TOWN, TruePlant(seed=seed, zone_walk_cv=0.1), START, "Asia/Shanghai")
    try:
        tank = truth.elements.nodes["T1"]
        area = np.pi * 14**2 / 4
        before = truth.snapshot
        after = truth.advance(START + timedelta(hours=1), [Event(START, change) for change in changes])
        assert balance(after, truth.elements) < 1e-5
        given_out = (after.given[0] - after.given[1]) - (before.given[0] - before.given[1])
        assert given_out[tank] == pytest.approx(-area * (after.head[tank] - before.head[tank]), abs=1e-3)
        sources = ~truth.elements.is_junction
        assert node_flow(after, truth.elements)[sources].sum() == pytest.approx(after.outflow[~sources].sum(), abs=1e-5)
    finally:
        truth.close()


def test_part_that_is_cut_off_has_no_pressure_and_gets_nothing(open_truth: OpenTruth) -> None:
    truth = at_peak(open_truth(), Close("P6"))
    assert -10.34 < pressure(truth, "J6") < 0.1
    assert truth.snapshot.delivered[truth.elements.nodes["J6"]] == pytest.approx(0, abs=1e-6)


VALVED_TOWN = """
[JUNCTIONS]
J1  10  0
J2  10  5
[RESERVOIRS]
R1  80
[PIPES]
P1  R1  J1  100  200  120  0  Open
[VALVES]
V1  J1  J2  150  PRV  30  0
[OPTIONS]
Units  LPS
Headloss  H-W
[END]
"""


def test_control_valve_controls_again_after_it_was_shut(tmp_path: Path, open_truth: OpenTruth) -> None:
    network = tmp_path / "valved.inp"
    network.write_text(VALVED_TOWN)
    truth = open_truth(network=network)
    valve = truth.elements.links["V1"]
    assert truth.snapshot.status[valve] == 1
    assert truth.snapshot.setting[valve] == pytest.approx(30)
    assert pressure(truth, "J2") == pytest.approx(30)
    closure = Event(START, Close("V1"), until=START + timedelta(minutes=10))
    truth.advance(START + timedelta(minutes=5), [closure])
    assert truth.snapshot.status[valve] == 0
    assert flow(truth, "V1") == pytest.approx(0, abs=1e-8)
    truth.advance(START + timedelta(minutes=10), [closure])
    assert pressure(truth, "J2") == pytest.approx(30)
