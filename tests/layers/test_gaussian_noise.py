from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from nncli.layers.gaussian_noise import GaussianNoise
from nncli.parts import Array
from tests.layers.harness import Alone


@pytest.mark.parametrize("std", [0.1, 2.0])
@pytest.mark.parametrize("shape", [(20, 20), (3, 7, 19)])
def test_what_is_added_is_normal(std: float, shape: tuple[int, ...]) -> None:
    """Mean and variance within five standard errors; the whole distribution by Kolmogorov and Smirnov's test."""
    alone = Alone(GaussianNoise(std), shape, n=500)
    z = (alone.forward() - alone.x[0]).ravel() / std
    assert abs(z.mean()) < 5 / math.sqrt(z.size)
    assert abs(z.var() - 1) < 5 * math.sqrt(2 / z.size)
    assert stats.kstest(z, "norm").pvalue > 1e-4


def test_numbers_are_independent_across_features_and_samples() -> None:
    alone = Alone(GaussianNoise(1.0), (6,), n=20000)
    alone.x[0][...] = 0
    z = alone.forward()
    assert np.abs(np.corrcoef(z) - np.eye(6)).max() < 5 / math.sqrt(20000)
    squares = np.corrcoef(z**2)  # of a pair, the squares share a radius: they too must not be correlated
    assert np.abs(squares - np.eye(6)).max() < 5 / math.sqrt(20000)
    assert abs(np.corrcoef(z[:, 1:].ravel(), z[:, :-1].ravel())[0, 1]) < 5 / math.sqrt(z.size)


@pytest.mark.parametrize("count", [1, 4, 5])
def test_one_call_of_even_length_gives_the_numbers(count: int) -> None:
    asked = []

    def uniform(out: Array) -> None:
        asked.append(out.shape)
        out[...] = 0.25

    alone = Alone(GaussianNoise(1.0), (count,), n=3)
    alone.frame.uniform = uniform
    alone.forward()
    assert asked == [(3, count + count % 2)]


def test_errors_pass_unchanged() -> None:
    alone = Alone(GaussianNoise(0.3), (5, 4))
    np.testing.assert_array_equal(alone.run()[1]["x0"], alone.c)


def test_evaluation_is_the_identity() -> None:
    assert GaussianNoise.traits.evaluation == "identity"
    assert GaussianNoise.traits.random
