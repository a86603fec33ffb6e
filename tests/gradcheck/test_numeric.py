"""Derivatives by differences against closed forms and `scipy.differentiate`; kinks; the honesty of the estimate."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import differentiate, special

from nncli.gradcheck.numeric import derivative, differences
from nncli.parts import Array

SMOOTH: dict[str, Callable[[Array], Array]] = {
    "exp": np.exp,
    "sin": np.sin,
    "sigmoid": special.expit,
    "rational": lambda t: 1 / (1 + t**2),
    "cubic": lambda t: t**3 - 2 * t,
    "linear": lambda t: 3 * t + 1,
}


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("at", [-1.7, 0.3, 2.0])
def test_scipy_finds_the_same_derivative(name: str, at: float) -> None:
    function = SMOOTH[name]
    found = derivative(lambda t: function(np.array([at + t])), np.ones(1), size=1.0, tries=3)
    expected = differentiate.derivative(function, at)
    assert expected.success
    assert found.kept is None
    assert abs(found.value - expected.df) <= 4 * found.error + 10 * expected.error
    assert found.value == pytest.approx(expected.df, rel=1e-8)


@pytest.mark.parametrize("seed", range(20))
def test_the_estimate_is_honest_and_not_idle(seed: int) -> None:
    """Of a random network of one hidden layer: the true error is below the estimated one, and that is small."""
    rng = np.random.default_rng(seed)
    w, v, x, d = rng.normal(size=(6, 4)), rng.normal(size=(3, 6)), rng.normal(size=4), rng.normal(size=4)
    c = rng.normal(size=3)
    found = derivative(lambda t: v @ np.tanh(w @ (x + t * d)), c, size=1.0, tries=3)
    exact = c @ (v @ ((1 - np.tanh(w @ x) ** 2) * (w @ d)))
    assert abs(found.value - exact) <= 4 * found.error
    assert found.error <= 1e-8 * max(abs(exact), 0.1)


@pytest.mark.parametrize("place", [0.0, 0.2, 1 / 3, 0.5, 0.7, 0.99, -0.4])
def test_a_kink_within_a_step_is_found(place: float) -> None:
    """Also at a third of a step, where the second differences do not show it."""
    h = 1e-4

    def outputs(t: float) -> Array:
        return np.array([max(t - place * h, 0.0) + t, np.sin(t)])

    found = differences(outputs, outputs(0.0), np.array([2.0, 5.0]), h)
    assert found.kept is not None
    assert found.kept.tolist() == [False, True]
    assert found.kinks == 1
    assert found.value == pytest.approx(5.0, rel=1e-9)


def test_a_kink_nearby_is_stepped_around() -> None:
    """A smaller step does not reach it."""
    found = derivative(lambda t: np.array([abs(t - 3e-6)]), np.ones(1), size=1.0, tries=3)
    assert found.kept is None
    assert found.step < 3e-6
    assert found.value == pytest.approx(-1.0, rel=1e-8)


def test_a_kink_at_the_point_stays() -> None:
    found = derivative(lambda t: np.array([abs(t)]), np.ones(1), size=1.0, tries=6)
    assert not found.decided
    assert found.kinks == 1


def test_what_bends_sharply_gets_a_smaller_step() -> None:
    """1e5 times as sharp as the first step takes for granted."""
    found = derivative(lambda t: np.array([np.sin(1e5 * t + 1)]), np.ones(1), size=1.0, tries=6)
    assert found.value == pytest.approx(1e5 * np.cos(1), rel=1e-5)
    assert abs(found.value - 1e5 * np.cos(1)) <= 4 * found.error


def test_jumps_are_no_slopes() -> None:
    found = derivative(lambda t: np.array([np.sign(t), t]), np.ones(2), size=1.0, tries=3)
    assert found.kept is not None
    assert found.kept.tolist() == [False, True]
