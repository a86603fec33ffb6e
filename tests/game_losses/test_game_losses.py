"""Each loss of a game against its formula written a number at a time, and its slopes against differences."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nncli.spec  # noqa: F401  (fills the registries)
from nncli.registry import game_loss

Formula = Callable[[float], float]


def log_d(s: float) -> float:
    return -math.log1p(math.exp(-s)) if s > -700 else s


FORMULAS: dict[str, tuple[Formula, Formula, Formula]] = {
    "minimax": (lambda s: -log_d(s), lambda s: -log_d(-s), lambda s: log_d(-s)),
    "nonsaturating": (lambda s: -log_d(s), lambda s: -log_d(-s), lambda s: -log_d(s)),
    "least_squares": (lambda s: (s - 1) ** 2 / 2, lambda s: s**2 / 2, lambda s: (s - 1) ** 2 / 2),
    "hinge": (lambda s: max(0.0, 1 - s), lambda s: max(0.0, 1 + s), lambda s: -s),
    "wasserstein": (lambda s: -s, lambda s: s, lambda s: -s),
}
S = np.array([-3.2, -1.01, -0.4, 0.0, 0.3, 0.99, 2.5, 40.0, -40.0])


def call(name: str, role: str, s: Any, smoothing: float = 0.0) -> tuple[float, Any]:
    """The sum and the slopes; arrays begin as garbage."""
    loss, ds, a = game_loss[name](), np.full_like(s, np.nan), np.full_like(s, np.nan)
    total = loss.real(s.copy(), ds, a, smoothing) if role == "real" else getattr(loss, role)(s.copy(), ds, a)
    return total, ds


def test_every_loss_has_a_formula() -> None:
    assert set(FORMULAS) == set(game_loss)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("name", FORMULAS)
def test_values_and_slopes(name: str, place: int, dtype: Any) -> None:
    formula, role = FORMULAS[name][place], ("real", "fake", "generator")[place]
    tolerance = 1e-12 if dtype is np.float64 else 2e-6
    total, ds = call(name, role, S.astype(dtype))
    assert total == pytest.approx(math.fsum(map(formula, S)), rel=tolerance)
    assert ds.dtype == dtype
    h = 1e-5
    slopes = [(formula(s + h) - formula(s - h)) / (2 * h) for s in S]
    np.testing.assert_allclose(ds, slopes, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("name", FORMULAS)
def test_nothing_overflows(name: str) -> None:
    far = np.array([-1e4, 1e4, -88.0, 89.0, 104.0], dtype=np.float32)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        for role in ("real", "fake", "generator"):
            total, ds = call(name, role, far)
            assert np.isfinite(total)
            assert np.isfinite(ds).all()


@pytest.mark.parametrize("name", ["minimax", "nonsaturating"])
def test_smoothed_labels_are_a_cross_entropy(name: str) -> None:
    epsilon = 0.2
    total, ds = call(name, "real", S, epsilon)
    expected = [-(1 - epsilon) * log_d(s) - epsilon * log_d(-s) for s in S]
    assert total == pytest.approx(math.fsum(expected), rel=1e-12)
    np.testing.assert_allclose(ds, [1 / (1 + math.exp(-s)) - (1 - epsilon) for s in S], rtol=1e-9)


def test_smoothed_labels_of_least_squares() -> None:
    total, ds = call("least_squares", "real", S, 0.3)
    assert total == pytest.approx(math.fsum((s - 0.7) ** 2 / 2 for s in S))
    np.testing.assert_allclose(ds, S - 0.7)


@pytest.mark.parametrize("name", FORMULAS)
def test_traits(name: str) -> None:
    cls = game_loss[name]
    assert cls.odds == (name in ("minimax", "nonsaturating"))
    assert cls.smooths == (name in ("minimax", "nonsaturating", "least_squares"))
    assert (cls.clips is not None) == (name == "wasserstein")


def test_at_the_optimum() -> None:
    """D = ½ everywhere: the discriminator's loss is 2 log 2, which is −V."""
    zero = np.zeros(5)
    real, fake = call("minimax", "real", zero)[0], call("minimax", "fake", zero)[0]
    assert (real + fake) / 5 == pytest.approx(2 * math.log(2))
