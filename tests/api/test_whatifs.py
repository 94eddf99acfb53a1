from __future__ import annotations

import json
from datetime import datetime

import numpy as np
import pytest

from api.arrays import unpack
from hydro.engine import Engine
from hydro.faults.blocked_link import CLOSED
from tests.api.conftest import MORNING, House, document

LAY = {"kind": "replace", "element": "P-144", "size": "PE100 SDR17 DN110"}


def test_arrays_and_figures_are_the_engine_s_own(house: House) -> None:
    client = house.client("operator")
    answer = client.post("/api/v1/whatifs", json={"changes": [{"kind": "close", "element": "P-144"}]}).json()
    meta, arrays = unpack(client.get(f"/api/v1/whatifs/{answer['id']}/arrays").content)
    assert meta["whatif"] == answer["id"]
    with Engine(house.context.site.network, workers=1) as engine:
        network = engine.network
        plain = engine.solve(engine.default_conditions(answer["network_time_s"]))
    np.testing.assert_allclose(arrays["pressure_before"], plain.pressure, atol=0.02)
    assert abs(arrays["flow_after"][network.link_index["P-144"]]) < 1e-3
    told = {one["node"]: one for one in answer["lost"]}
    for node, one in told.items():
        place = network.node_index[node]
        assert one["pressure_after_m"] == pytest.approx(arrays["pressure_after"][place], abs=0.02)
    assert told


def test_the_network_is_never_touched(house: House) -> None:
    client = house.client("operator")
    asked = {"changes": [LAY, {"kind": "demand", "element": "J-126", "value": 30.0}]}
    first = client.post("/api/v1/whatifs", json=asked).json()
    client.post("/api/v1/whatifs", json={"changes": [{"kind": "close", "element": "P-001"}]})
    nothing = client.post("/api/v1/whatifs", json={"changes": []}).json()
    assert all(one["difference_m"] == pytest.approx(0.0, abs=1e-6) for one in nothing["worst"])
    again = client.post("/api/v1/whatifs", json=asked).json()
    assert {**first, "elapsed_ms": 0} == {**again, "elapsed_ms": 0}


def test_a_cure_of_a_diagnosis_is_tried_against_its_trouble(house: House) -> None:
    client = house.client("operator")
    trouble = client.post("/api/v1/whatifs", json={"from_diagnosis": 1, "changes": []}).json()
    healthy = client.post("/api/v1/whatifs", json={"changes": []}).json()
    assert trouble["worst"][0]["pressure_before_m"] < healthy["worst"][0]["pressure_before_m"] - 1.0
    cured = client.post("/api/v1/whatifs", json={"from_diagnosis": 1, "cure": 0}).json()
    assert [one["kind"] for one in cured["changes"]] == ["replace", "minor_loss"]
    # What blocked the old main goes with it: freeing it beside changes nothing.
    laid = client.post("/api/v1/whatifs", json={"from_diagnosis": 1, "changes": [LAY]}).json()
    assert laid["worst"] == cured["worst"]
    assert cured["gained"][0]["difference_m"] > 1.0
    assert cured["laid_m"] > 0.0
    assert cured["below_after"] < cured["below_before"]


def test_a_diagnosis_cures_give_their_own_figures_again(house: House) -> None:
    morning = json.loads(MORNING.read_text(encoding="utf-8"))
    number = house.context.records.keep_diagnosis(morning, "cycle")
    client = house.client("operator")
    assert len(morning["cures"]) >= 3
    for place, cure in enumerate(morning["cures"]):
        asked = {"from_diagnosis": number, "cure": place, "at": "diagnosis"}
        answer = client.post("/api/v1/whatifs", json=asked).json()
        told = next(one for one in answer["gained"] if one["node"] == cure["at"])
        assert told["pressure_after_m"] == pytest.approx(cure["pressure_m"], abs=0.01)
        assert told["difference_m"] == pytest.approx(cure["regained_m"], abs=0.01)
        assert datetime.fromisoformat(answer["at"]) == datetime.fromisoformat(morning["attribution_time"])


def test_a_closed_valve_goes_with_the_main_that_is_laid_anew(house: House) -> None:
    closed = document()
    closed["basis"]["faults"][0]["severity"]["minor_loss"] = CLOSED
    number = house.context.records.keep_diagnosis(closed, "cycle")
    client = house.client("operator")
    shut = client.post("/api/v1/whatifs", json={"from_diagnosis": number, "at": "diagnosis"}).json()
    laid = {"from_diagnosis": number, "at": "diagnosis", "changes": [LAY]}
    flow = next(one for one in client.post("/api/v1/whatifs", json=laid).json()["links"] if one["link"] == "P-144")
    assert flow["flow_before_l_s"] == pytest.approx(0.0, abs=1e-3)
    assert abs(flow["flow_after_l_s"]) > 0.5
    assert shut["changes"] == []


def test_a_leak_that_is_mended_is_gone_though_no_main_is_changed(house: House) -> None:
    leaking = document()
    leaking["basis"]["faults"] = [{"kind": "leak", "elements": ["J-126"], "severity": {"leak_at_30_m_l_s": 4.0}}]
    leaking["cures"] = [{**leaking["cures"][0], "faults": [{"kind": "leak", "elements": ["J-126"]}], "replace": []}]
    number = house.context.records.keep_diagnosis(leaking, "cycle")
    asked = {"from_diagnosis": number, "cure": 0, "at": "diagnosis"}
    answer = house.client("operator").post("/api/v1/whatifs", json=asked).json()
    assert answer["changes"] == []
    assert answer["gained"][0]["difference_m"] > 0.5


def test_a_cure_of_mains_that_the_network_no_longer_has_is_refused_by_name(house: House) -> None:
    number = house.context.records.keep_diagnosis(document(link="P-OLD"), "cycle")
    for at in ("peak", "diagnosis"):
        answer = house.client("operator").post("/api/v1/whatifs", json={"at": at, "from_diagnosis": number, "cure": 0})
        assert answer.status_code == 422
        assert "P-OLD: no link of the network" in answer.json()["detail"]


def test_conditions_of_a_diagnosis_are_not_asked_for_without_one(house: House) -> None:
    client = house.client("operator")
    alone = client.post("/api/v1/whatifs", json={"at": "diagnosis"})
    assert (alone.status_code, alone.json()["type"]) == (422, "urn:hydro:problem:invalid")
    older = {key: value for key, value in document().items() if key != "basis"}
    number = house.context.records.keep_diagnosis(older, "cycle")
    for at in ("diagnosis", "peak"):
        answer = client.post("/api/v1/whatifs", json={"from_diagnosis": number, "at": at})
        assert answer.status_code == 422
        assert "run it again" in answer.json()["detail"]


def test_every_change_that_cannot_be_made_is_told_with_what_was_meant(house: House) -> None:
    changes = [
        {"kind": "close", "element": "P-14"},
        {"kind": "replace", "element": "P-144", "size": "PE100 DN110"},
        {"kind": "diameter", "element": "PU-1", "value": 100.0},
        {"kind": "demand", "element": "P-144", "value": 1.0},
        {"kind": "roughness", "element": "P-144", "value": 0.0},
    ]
    answer = house.client("operator").post("/api/v1/whatifs", json={"changes": changes})
    assert answer.status_code == 422
    said = "\n".join(fault["message"] for fault in answer.json()["faults"])
    for words in ("P-14", "PE100 DN110", "PU-1", "P-144"):
        assert words in said
    incomplete = house.client("operator").post(
        "/api/v1/whatifs", json={"changes": [{"kind": "demand", "element": "J-126"}]}
    )
    assert "no value given" in incomplete.json()["detail"]


def test_a_scenario_is_kept_revised_and_exported(house: House) -> None:
    operator, engineer = house.client("operator"), house.client("engineer")
    kept = operator.post("/api/v1/scenarios", json={"name": "<DN110>", "changes": [LAY]}).json()
    assert (kept["name"], kept["by"], kept["version"]) == ("<DN110>", "Operator Person", 1)
    revised = {"name": "DN110", "changes": [LAY], "note": "half the street", "version": 1}
    assert operator.put(f"/api/v1/scenarios/{kept['id']}", json=revised).json()["version"] == 2
    stale = engineer.put(f"/api/v1/scenarios/{kept['id']}", json=revised)
    assert stale.json()["type"] == "urn:hydro:problem:changed"
    exported = engineer.get(f"/api/v1/scenarios/{kept['id']}/network.inp")
    path = house.context.site.folder / "exported.inp"
    path.write_bytes(exported.content)
    with Engine(path, workers=1) as engine:
        link = engine.network.link_index["P-144"]
        size = house.context.bench.catalogue.named("PE100 SDR17 DN110")
        assert engine.network.diameter[link] == pytest.approx(size.inner, rel=1e-3)
    assert operator.delete(f"/api/v1/scenarios/{kept['id']}", params={"version": 2}).status_code == 204
    assert operator.get(f"/api/v1/scenarios/{kept['id']}").status_code == 404


def test_another_s_scenario_needs_an_engineer(house: House) -> None:
    kept = house.client("engineer").post("/api/v1/scenarios", json={"name": "x", "changes": [LAY]}).json()
    answer = house.client("operator").delete(f"/api/v1/scenarios/{kept['id']}", params={"version": 1})
    assert answer.json()["type"] == "urn:hydro:problem:forbidden"


def test_a_trial_that_others_pushed_out_is_gone(house: House) -> None:
    client = house.client("operator")
    for what in ("arrays", "nodes.csv", "network.inp"):
        answer = client.get(f"/api/v1/whatifs/{'0' * 20}/{what}")
        assert answer.status_code == 410
        assert answer.json()["type"] == "urn:hydro:problem:gone"
