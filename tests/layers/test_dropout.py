from __future__ import annotations

import numpy as np
import pytest

from nncli.layers.dropout import Dropout
from tests.layers.harness import Alone, difference


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
def test_keeps_the_right_share_and_scales_it(rate: float) -> None:
    alone = Alone(Dropout(rate), (10, 10), n=100)
    alone.x[0][...] = 1
    y = alone.forward()
    kept = y != 0
    deviation = np.sqrt(rate * (1 - rate) / y.size)
    assert abs(kept.mean() - (1 - rate)) < 5 * deviation
    np.testing.assert_allclose(y[kept], 1 / (1 - rate))


def test_backward_uses_the_same_choice() -> None:
    alone = Alone(Dropout(0.4), (5, 4), n=7)
    alone.x[0][...] = 1
    y, g = alone.run()
    assert difference(g["x0"], alone.c * y) < 1e-15


def test_choice_of_a_sample_follows_its_row_of_noise() -> None:
    def noise(out: np.ndarray) -> None:  # type: ignore[type-arg]
        out[...] = 0.9
        out[1, :3] = 0.1

    alone = Alone(Dropout(0.3), (2, 3), n=2)
    alone.frame.uniform = noise
    alone.x[0][...] = 0.7
    y = alone.forward()
    np.testing.assert_allclose(y[..., 0], 1)
    np.testing.assert_allclose(y[..., 1], [[0, 0, 0], [1, 1, 1]])


def test_evaluation_is_the_identity_and_costs_nothing() -> None:
    assert Dropout.traits.evaluation == "identity"
    assert Dropout.traits.random
