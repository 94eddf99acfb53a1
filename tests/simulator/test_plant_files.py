from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from models.problem import BadInput
from simulator.plant_files import GaugeTruth, PressureDemand, TruePlant, load_plant


@pytest.fixture
def plant(tmp_path: Path) -> Path:
    (tmp_path / "plant").mkdir()
    return tmp_path / "plant"


def test_site_without_plant_is_as_its_model_says(tmp_path: Path) -> None:
    assert load_plant(tmp_path) == TruePlant()


def test_files_are_read(plant: Path) -> None:
    (plant / "truth.toml").write_text(
        'seed = 5\nnetwork_start = "2026-07-06T00:00:00+08:00"\n[pressure_demand]\nrequired_m = 20\n'
        "[demand]\nnoise_cv = 0.2\nzone_walk_cv = 0.05\n[pumps]\nPU1 = 0.97\n[gauges]\nnoise_m = 0.02\n"
    )
    (plant / "demands.csv").write_text("node,factor\nJ1,1.2\n\nJ2,\n")
    (plant / "roughness.csv").write_text("link,roughness\nP1,110\n")
    (plant / "gauges.csv").write_text("\ufeffpoint,offset,noise,quantum\nPT-1,-0.3,,0.1\n", encoding="utf-8")
    assert load_plant(plant.parent) == TruePlant(
        seed=5,
        network_start=datetime(2026, 7, 5, 16, tzinfo=UTC),
        pressure_demand=PressureDemand(20.0),
        demand_noise_cv=0.2,
        zone_walk_cv=0.05,
        pump_head={"PU1": 0.97},
        gauge_noise_m=0.02,
        demand_factor={"J1": 1.2, "J2": 1.0},
        roughness={"P1": 110.0},
        gauges={"PT-1": GaugeTruth(-0.3, None, 0.1)},
    )


def test_all_problems_are_told_at_once_with_their_places(plant: Path) -> None:
    (plant / "truth.toml").write_text(
        "seed = 'x'\nmoon = 1\n[pressure_demand]\nrequired_m = 0.05\nother = 1\nexponent = 0\n"
        "[demand]\nnoise_cv = -1\nhum = 2\n"
    )
    (plant / "demands.csv").write_text("node,factor\nJ1,lots\nJ1,1\n")
    (plant / "roughness.csv").write_text("pipe,roughness\nP1,110\n")
    with pytest.raises(BadInput) as caught:
        load_plant(plant.parent)
    texts = [str(problem) for problem in caught.value.problems]
    for words in ("seed", "moon", "other", "0.1 m above", "exponent 0", "noise_cv -1", "hum"):
        assert any(words in text for text in texts), words
    assert sum("demands.csv:2" in text for text in texts) == 1
    assert sum("demands.csv:3" in text for text in texts) == 1
    assert sum("roughness.csv:1: no column link" in text for text in texts) == 1
    assert len(texts) == 10
