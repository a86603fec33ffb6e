"""Initial values: their moments and bounds, by the formulas of the papers."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from nncli import initializers, registry
from nncli.parts import Parameter
from nncli.randomness import generator

assert initializers.__name__ == "nncli.initializers"

FAN_IN, FAN_OUT = 300, 500
PARAMETER = Parameter((FAN_OUT, FAN_IN), ("out", "in"), FAN_IN, FAN_OUT)
N = FAN_IN * FAN_OUT
TRUNCATED = 1 - 4 * math.exp(-2) / math.sqrt(2 * math.pi) / math.erf(math.sqrt(2))
"""Variance of the standard normal distribution between −2 and 2: 1 − 2·2 φ(2) / (2 Φ(2) − 1)."""
CASES: dict[str, list[tuple[dict[str, Any], float, float]]] = {
    "zeros": [({}, 0.0, 0.0)],
    "normal": [({}, 1e-4, math.inf), ({"std": 0.5}, 0.25, math.inf), ({"std": 0.0}, 0.0, 0.0)],
    "truncated_normal": [({}, 1e-4 * TRUNCATED, 0.02), ({"std": 2.0}, 4 * TRUNCATED, 4.0)],
    "uniform": [({}, 0.1**2 / 12, 0.05), ({"bounds": (-0.3, 0.3)}, 0.6**2 / 12, 0.3)],
    "lecun": [({}, 1 / FAN_IN, math.inf), ({"distribution": "uniform"}, 1 / FAN_IN, math.sqrt(3 / FAN_IN))],
    "orthogonal": [({}, 1 / FAN_OUT, 1.0), ({"gain": 3.0}, 9 / FAN_OUT, 3.0)],
    "glorot": [
        ({}, 2 / (FAN_IN + FAN_OUT), math.sqrt(6 / (FAN_IN + FAN_OUT))),
        ({"distribution": "normal"}, 2 / (FAN_IN + FAN_OUT), math.inf),
    ],
    "he": [({}, 2 / FAN_IN, math.inf), ({"distribution": "uniform"}, 2 / FAN_IN, math.sqrt(6 / FAN_IN))],
}
"""Options, variance, and bound of the absolute value."""
CONSTANT: dict[str, tuple[dict[str, float], float]] = {"ones": ({}, 1.0), "constant": ({"value": 0.5}, 0.5)}
ROWS = [(name, *case) for name, cases in CASES.items() for case in cases]


def test_every_initializer_has_a_line() -> None:
    assert set(CASES) | set(CONSTANT) == set(registry.initializer)


@pytest.mark.parametrize(("name", "options", "variance", "bound"), ROWS)
def test_moments(name: str, options: dict[str, Any], variance: float, bound: float) -> None:
    """Mean and variance within five standard errors of 150,000 draws."""
    values = registry.initializer[name](**options).draw(generator(7, "init"), PARAMETER)
    assert values.shape == PARAMETER.shape
    assert values.dtype == np.float64
    assert abs(values.mean()) <= 5 * math.sqrt(variance / N)
    assert abs(values.var() - variance) <= 5 * variance * math.sqrt(2 / N)
    assert np.abs(values).max() <= bound
    if 0 < bound < math.inf and name != "orthogonal":
        assert np.abs(values).max() > 0.99 * bound


@pytest.mark.parametrize(("name", "options", "variance", "bound"), ROWS)
def test_draws_follow_the_seed_alone(name: str, options: dict[str, Any], variance: float, bound: float) -> None:
    initializer = registry.initializer[name](**options)
    first, again, other = (initializer.draw(generator(seed, "init"), PARAMETER) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert variance == 0 or not np.array_equal(first, other)


@pytest.mark.parametrize("name", list(registry.initializer))
def test_every_option_is_set_by_some_case(name: str) -> None:
    fields = {field.name for field in dataclasses.fields(registry.initializer[name])}
    assert fields == {key for options, *_ in [*CASES.get(name, []), CONSTANT.get(name, ({},))] for key in options}


def draw(name: str, shape: tuple[int, ...], seed: int = 3, **options: Any) -> np.ndarray:
    values = registry.initializer[name](**options).draw(generator(seed, "init"), Parameter(shape, ("a",) * len(shape)))
    assert values.shape == shape
    assert values.dtype == np.float64
    return values


@pytest.mark.parametrize("shape", [(5, 5), (3, 8), (8, 3), (4, 2, 3, 3), (1, 6), (7,), ()], ids=str)
@pytest.mark.parametrize("gain", [1.0, 2.5])
def test_orthogonal_matrices(shape: tuple[int, ...], gain: float) -> None:
    values = draw("orthogonal", shape, gain=gain)
    matrix = values.reshape(shape[0] if shape else 1, -1)
    product = matrix @ matrix.T if len(matrix) <= matrix.shape[1] else matrix.T @ matrix
    np.testing.assert_allclose(product, gain**2 * np.eye(len(product)), atol=1e-13)


def test_orthogonal_matrices_are_evenly_distributed() -> None:
    """The mean of all rotations and reflections is 0, that of the squared trace 1; without the signs it is not."""
    matrices = [draw("orthogonal", (3, 3), seed) for seed in range(2000)]
    assert np.abs(np.mean(matrices, axis=0)).max() < 5 * math.sqrt(1 / 3 / 2000)
    traces = [np.trace(matrix) ** 2 for matrix in matrices]
    assert np.mean(traces) == pytest.approx(1, abs=5 * np.std(traces) / math.sqrt(2000))


def test_uniform_between_any_two_numbers() -> None:
    values = draw("uniform", (50_000,), bounds=(2.0, 5.0))
    assert 2 <= values.min() < 2.001
    assert 4.999 < values.max() < 5
    assert values.mean() == pytest.approx(3.5, abs=5 * math.sqrt(9 / 12 / 50_000))


@pytest.mark.parametrize("bounds", [(1.0, 1.0), (2.0, -2.0), (0.0, 0.0)])
def test_bounds_in_the_wrong_order(bounds: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="the lower of the `bounds` comes first"):
        registry.initializer["uniform"](bounds=bounds)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("uniform: 0.1", "uniform: {bounds: [-0.1, 0.1]}"),
        ("uniform: [0, 1]", "uniform: {bounds: [0, 1]}"),
        ("constant: 0.5", "constant: {value: 0.5}"),
        ("orthogonal", "orthogonal: {gain: 1.0}"),
    ],
)
def test_shorthand(text: str, expected: str) -> None:
    from nncli.spec import read_text

    made = [
        read_text(f"network:\n  - dense: {{units: 2, init: {{{form}}}}}\n", "mine.yaml").config.network[0].layer
        for form in (text, expected)
    ]
    assert made[0] == made[1]


@pytest.mark.parametrize("name", CONSTANT)
def test_constants(name: str) -> None:
    options, value = CONSTANT[name]
    values = registry.initializer[name](**options).draw(generator(1, "init"), PARAMETER)
    np.testing.assert_array_equal(values, np.full(PARAMETER.shape, value))
