from __future__ import annotations

import numpy as np

from simulator.noise import Stream, normals, uniform, walk


def test_numbers_depend_on_seed_stream_time_and_item_alone() -> None:
    first = normals(1, Stream.GAUGE, 1000, 5)
    assert np.array_equal(first, normals(1, Stream.GAUGE, 1000, 5))
    assert np.array_equal(first[:3], normals(1, Stream.GAUGE, 1000, 3))
    others = [normals(2, Stream.GAUGE, 1000, 5), normals(1, Stream.DEMAND, 1000, 5)]
    others += [normals(1, Stream.GAUGE, 1001, 5), normals(1, Stream.GAUGE, 1000, 5, item=1)]
    assert not any(np.allclose(first, other) for other in others)
    assert 0 <= uniform(-3, Stream.TOTALISER, 0) < 1


def test_blocks_of_neighbouring_instants_do_not_overlap() -> None:
    long, later = normals(1, Stream.GAUGE, 1000, 5000), normals(1, Stream.GAUGE, 1001, 5000)
    assert not np.isin(long, later).any()


def test_walk_is_slow_and_has_unit_variance_between_its_knots_too() -> None:
    hours = np.arange(0, 24 * 400, 3.0)
    values = np.array([walk(7, 0, hour * 3600, 12 * 3600) for hour in hours])
    for part in range(4):
        assert np.std(values[part::4]) > 0.85
        assert np.std(values[part::4]) < 1.15
    steps = np.abs(np.diff([walk(7, 0, minute * 60.0, 12 * 3600) for minute in range(2000)]))
    assert steps.max() < 0.02
