"""Initial values: their moments and bounds, by the formulas of the papers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nncli import initializers, registry
from nncli.parts import Parameter
from nncli.randomness import generator

assert initializers.__name__ == "nncli.initializers"

FAN_IN, FAN_OUT = 300, 500
PARAMETER = Parameter((FAN_OUT, FAN_IN), ("out", "in"), FAN_IN, FAN_OUT)
N = FAN_IN * FAN_OUT
CASES = {
    "zeros": [({}, 0.0, 0.0)],
    "ones": [({}, 0.0, 1.0)],
    "glorot": [
        ({}, 2 / (FAN_IN + FAN_OUT), math.sqrt(6 / (FAN_IN + FAN_OUT))),
        ({"distribution": "normal"}, 2 / (FAN_IN + FAN_OUT), math.inf),
    ],
    "he": [({}, 2 / FAN_IN, math.inf), ({"distribution": "uniform"}, 2 / FAN_IN, math.sqrt(6 / FAN_IN))],
}
"""Options, variance, and bound of the absolute value."""
MEANS = {"ones": 1.0}
"""Where it is not 0."""
ROWS = [(name, *case) for name, cases in CASES.items() for case in cases]


def test_every_initializer_has_a_line() -> None:
    assert set(CASES) == set(registry.initializer)


@pytest.mark.parametrize(("name", "options", "variance", "bound"), ROWS)
def test_moments(name: str, options: dict[str, str], variance: float, bound: float) -> None:
    """Mean and variance within five standard errors of 150,000 draws."""
    values = registry.initializer[name](**options).draw(generator(7, "init"), PARAMETER)
    assert values.shape == PARAMETER.shape
    assert values.dtype == np.float64
    assert abs(values.mean() - MEANS.get(name, 0.0)) <= 5 * math.sqrt(variance / N)
    assert abs(values.var() - variance) <= 5 * variance * math.sqrt(2 / N)
    assert np.abs(values).max() <= bound
    if 0 < bound < math.inf:
        assert np.abs(values).max() > 0.99 * bound


@pytest.mark.parametrize(("name", "options", "variance", "bound"), ROWS)
def test_draws_follow_the_seed_alone(name: str, options: dict[str, str], variance: float, bound: float) -> None:
    initializer = registry.initializer[name](**options)
    first, again, other = (initializer.draw(generator(seed, "init"), PARAMETER) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert variance == 0 or not np.array_equal(first, other)
