"""Integrated evidence against the dense Gaussian that it stands for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.stats import multivariate_normal

from hydro.departures import sensitivity
from hydro.evidence import Evidence, expected, nodes_beyond
from hydro.full_tanks import MOST_SAY, by_evidence
from hydro.onsets import Onsets
from hydro.readings import Floats
from hydro.resolve import at_rest
from tests.hydro.conftest import CaseMaker


@pytest.fixture(scope="module")
def evidence(case_of: CaseMaker) -> Evidence:
    return at_rest(case_of(None))


def moved_beside(evidence: Evidence) -> Floats:
    """Return (T·S, K) whitened change of the observed values for each unknown beside the departures."""
    hidden = (evidence.basis @ evidence.beside.coupling)[evidence.group]
    return (evidence.beside.columns + hidden).reshape(evidence.residual.size, -1)


def dense(evidence: Evidence, residual: Floats) -> float:
    """Return the log-likelihood of whitened residuals (T, S) by the covariance of all of them at once."""
    steps, points = residual.shape
    by_departures = evidence.basis[evidence.group].reshape(steps * points, -1)
    beside = moved_beside(evidence)
    covariance = np.eye(steps * points) + by_departures @ by_departures.T + beside @ beside.T
    told = multivariate_normal(cov=covariance).logpdf(residual.ravel()) + 0.5 * residual.size * np.log(2.0 * np.pi)
    determinants = [np.linalg.slogdet(whitener)[1] for whitener in evidence.whitener]
    return float(told + np.array(determinants)[evidence.group].sum())


def test_the_likelihood_is_that_of_the_dense_gaussian(evidence: Evidence) -> None:
    assert evidence.read.all()
    assert evidence.log_likelihood == pytest.approx(dense(evidence, evidence.residual), abs=1e-6)


def test_what_the_readings_see_of_the_departures_keeps_its_covariance(evidence: Evidence, case_of: CaseMaker) -> None:
    case = case_of(None)
    for group, whitener in enumerate(evidence.whitener):
        regime = evidence.snapshots[int(np.flatnonzero(evidence.group == group)[0])].regime
        seen = csr_array(whitener @ sensitivity(regime, case.assets).toarray() * case.departures.deviation)
        assert evidence.basis[group] @ evidence.basis[group].T == pytest.approx(case.departures.shared(seen), abs=1e-4)


def test_unknowns_beside_the_departures_are_integrated_out_as_any_others(evidence: Evidence) -> None:
    columns = np.random.default_rng(3).standard_normal((*evidence.residual.shape, 2)) * 0.05
    freed = evidence.with_beside(columns)
    assert freed.log_likelihood == pytest.approx(dense(freed, freed.residual), abs=1e-6)
    assert freed.beside.columns.shape[2] == evidence.beside.columns.shape[2] + 2


def test_a_fault_is_judged_by_the_step_in_which_it_begins(evidence: Evidence) -> None:
    chance = np.random.default_rng(4)
    off, on = (0.05 * chance.standard_normal(evidence.residual.shape) for _ in range(2))
    judged = Onsets(evidence, off).judge(on, np.zeros_like(on))
    steps = len(evidence.residual)
    for onset in (0, 1, steps // 2, steps - 1):
        moved = np.where((np.arange(steps) >= onset)[:, None], on, off)
        assert judged.log_likelihood[onset] == pytest.approx(
            dense(evidence, evidence.residual - evidence.whitened(moved)), abs=1e-6
        )


def test_the_mean_of_the_departures_is_where_the_dense_posterior_has_it(evidence: Evidence) -> None:
    steps, points = evidence.residual.shape
    seen = evidence.basis[evidence.group].reshape(steps * points, -1)
    beside = moved_beside(evidence)
    both = np.hstack([seen, beside])
    mean = np.linalg.solve(np.eye(both.shape[1]) + both.T @ both, both.T @ evidence.residual.ravel())
    assert evidence.beside.mean == pytest.approx(mean[seen.shape[1] :], abs=1e-6)
    left = evidence.residual - (both @ mean).reshape(steps, points)
    assert evidence.unexplained() == pytest.approx(left, abs=1e-6)


def test_what_a_node_drew_in_a_step_is_where_the_dense_posterior_has_it(evidence: Evidence, case_of: CaseMaker) -> None:
    case = case_of(None)
    steps, points = evidence.residual.shape
    seen = evidence.basis[evidence.group].reshape(steps * points, -1)
    beside = moved_beside(evidence)
    covariance = np.eye(steps * points) + seen @ seen.T + beside @ beside.T
    weights = np.linalg.solve(covariance, evidence.residual.ravel()).reshape(steps, points)
    for step in (0, steps // 2):
        snapshot, whitener = evidence.snapshots[step], evidence.whitener[evidence.group[step]]
        moved = whitener @ snapshot.demand.scaled(snapshot.conditions.demand).toarray()
        mean = case.swing.node**2 * (moved.T @ weights[step])
        assert np.abs(mean).max() > 1e-3
        assert nodes_beyond(evidence, case.window, case.swing, step) == pytest.approx(mean, abs=1e-6)


def test_what_is_expected_of_readings_hangs_on_their_noise_alone(evidence: Evidence) -> None:
    moved = np.random.default_rng(5).standard_normal(evidence.residual.shape) * 3.0
    shifted = evidence.shifted(moved)
    far = replace(shifted, log_likelihood=dense(evidence, shifted.residual))
    assert far.log_likelihood < evidence.log_likelihood - 100.0
    assert expected(far) == pytest.approx(expected(evidence), abs=1e-6)


def test_a_judge_that_has_learnt_says_what_the_dense_gaussian_does_and_never_much(evidence: Evidence) -> None:
    judge = by_evidence(evidence)
    for step in (0, len(evidence.residual) // 2):
        value = evidence.snapshots[step].value
        assert judge(step, value, value) == pytest.approx(0.0, abs=1e-9)
        moved = np.zeros_like(evidence.residual)
        moved[step] = 0.05
        lost = dense(evidence, evidence.residual) - dense(evidence, evidence.residual - evidence.whitened(moved))
        assert judge(step, value + 0.05, value) == pytest.approx(MOST_SAY * np.tanh(lost / MOST_SAY), abs=1e-6)
        assert judge(step, value + 50.0, value) == pytest.approx(MOST_SAY)
