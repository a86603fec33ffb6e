"""Where an activation says that it is flat, its slope is less than a tenth of its steepest."""

from __future__ import annotations

import numpy as np
import pytest

from nncli.gradcheck.alone import Alone
from tests.layers.cases import CASES, Case

FLAT = [case for case in CASES if case.layer.flat() is not None]


def slopes(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Outputs and numeric slopes over inputs from −12 to 12, at which nothing of ours is asked for a derivative."""
    shape, count = case.shapes[0], 4001
    alone = Alone(case.layer, shape, n=count)
    grid = np.linspace(-12, 12, count) + 1e-4
    outputs = []
    for step in (-1e-6, 0.0, 1e-6):
        alone.x[0] = np.broadcast_to(grid + step, (*shape, count)).copy()
        outputs.append(alone.forward())
    return outputs[1].ravel(), ((outputs[2] - outputs[0]) / 2e-6).ravel()


def test_there_are_some() -> None:
    assert {"relu", "tanh", "sigmoid"} <= {case.layer.type_name for case in FLAT}
    assert {
        case.layer.type_name for case in CASES if case.layer.type_name in ("dense", "add") and case.layer.flat()
    } == set()


@pytest.mark.parametrize("case", FLAT, ids=[case.id for case in FLAT])
def test_the_slope_is_small_where_it_is_said_to_be(case: Case) -> None:
    y, slope = slopes(case)
    low, high = case.layer.flat() or (np.nan, np.nan)
    outside = (y <= low) | (y >= high)
    steepest = np.abs(slope).max()
    assert outside.any()
    assert not outside.all()
    assert np.abs(slope[outside]).max() < 0.1 * steepest
    assert np.abs(slope[~outside]).max() == steepest


def test_a_range_that_is_too_wide_would_be_seen() -> None:
    case = next(case for case in FLAT if case.layer.type_name == "tanh")
    y, slope = slopes(case)
    assert np.abs(slope[np.abs(y) >= 0.9]).max() > 0.1 * np.abs(slope).max()
