from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

import sample_networks
from hydro.basis import conditions_of, faults_of, told, under
from hydro.conditions import Conditions
from hydro.engine import Engine
from hydro.faults import KINDS, Candidate
from hydro.faults.kind import FaultKind
from hydro.hypothesis import Fault

JIAOZHOU = Path(sample_networks.__file__).parent / "jiaozhou" / "network.inp"


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(JIAOZHOU, workers=1) as opened:
        yield opened


def same(one: Conditions, other: Conditions) -> bool:
    return all(
        np.allclose(getattr(one, field.name), getattr(other, field.name), rtol=1e-6, atol=1e-12, equal_nan=True)
        for field in fields(Conditions)
    )


def test_conditions_come_back_as_they_were(engine: Engine) -> None:
    conditions = engine.default_conditions(7 * 3600.0)
    conditions.status[3], conditions.roughness[:] = 0.0, 120.0
    basis = json.loads(json.dumps(told(conditions, (), engine.network)))
    assert same(conditions_of(basis, engine.network), conditions)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.hydraulic], ids=lambda kind: kind.name)
def test_a_fault_of_every_kind_does_again_what_it_did(engine: Engine, kind: FaultKind) -> None:
    network = engine.network
    name = {"demand_growth": "J-126", "leak": "J-126", "source_head_loss": "CLEARWELL"}.get(kind.name, "P-144")
    place = network.link_index[name] if name in network.link_index else network.node_index[name]
    fault = Fault(Candidate(kind.name, (name,), (place,)), 0.0123, 0)
    sound = engine.default_conditions(7 * 3600.0)
    basis = json.loads(json.dumps(told(sound, (fault,), network)))
    again = under(conditions_of(basis, network), faults_of(basis, network), network)
    assert same(again, under(sound, (fault,), network))
    assert not same(again, sound)


def test_what_the_network_no_longer_has_is_passed_over(engine: Engine) -> None:
    basis = {
        "given": {"demand_l_s": {"J-126": 2.0, "J-GONE": 5.0}},
        "faults": [{"kind": "blocked_link", "elements": ["P-GONE"], "severity": {"minor_loss": 10.0}}],
    }
    conditions = conditions_of(basis, engine.network)
    assert conditions.demand.sum() == pytest.approx(2e-3)
    assert faults_of(basis, engine.network) == ()
