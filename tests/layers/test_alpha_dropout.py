"""alpha_dropout: the closed form, PyTorch's a and b, and mean 0 with variance 1 within confidence bounds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nncli.layers.alpha_dropout import AlphaDropout
from nncli.parts import Array
from tests.layers.harness import Alone, difference

LOWEST = -1.0507009873554805 * 1.6732632423543772
each_rate = pytest.mark.parametrize("rate", [0.05, 0.1, 0.5, 0.8])


@each_rate
def test_a_and_b_are_the_papers(rate: float) -> None:
    """And PyTorch's: its a = ((α′² p + 1) (1 − p))^(−1/2) and b = −a α′ p, of the dropout probability p."""
    a, b = AlphaDropout(rate).affine
    q = 1 - rate
    assert a == pytest.approx((q + LOWEST**2 * q * (1 - q)) ** -0.5, rel=1e-15)
    assert b == pytest.approx(-a * (1 - q) * LOWEST, rel=1e-15)
    assert a == pytest.approx(1 / math.sqrt((LOWEST**2 * rate + 1) * (1 - rate)), rel=1e-15)


@each_rate
def test_is_the_formula_for_the_same_choice(rate: float) -> None:
    alone = Alone(AlphaDropout(rate), (5, 4), n=7)
    drawn = np.random.default_rng(3).random((7, 20), np.float32)

    def uniform(out: Array) -> None:
        out[...] = drawn

    alone.frame.uniform = uniform
    y, g = alone.run()
    kept = (drawn >= rate).T.reshape(5, 4, 7)
    q = 1 - rate
    a = (q + LOWEST**2 * q * (1 - q)) ** -0.5
    assert difference(y, a * np.where(kept, alone.x[0], LOWEST) - a * (1 - q) * LOWEST) < 1e-14
    assert difference(g["x0"], a * kept * alone.c) < 1e-15


@each_rate
def test_keeps_mean_and_variance(rate: float) -> None:
    """Within five standard errors over 400,000 numbers of mean 0 and variance 1."""
    alone = Alone(AlphaDropout(rate), (20, 20), n=1000)
    alone.x[0] = np.random.default_rng(1).normal(size=alone.x[0].shape)
    y = alone.forward()
    fourth = np.mean((y - y.mean()) ** 4)
    assert abs(y.mean()) < 5 / math.sqrt(y.size)
    assert abs(y.var() - 1) < 5 * math.sqrt((fourth - 1) / y.size)


def test_ordinary_dropout_does_not() -> None:
    from nncli.layers.dropout import Dropout

    alone = Alone(Dropout(0.5), (20, 20), n=1000)
    alone.x[0] = np.random.default_rng(1).normal(size=alone.x[0].shape)
    assert abs(alone.forward().var() - 1) > 0.9


@each_rate
def test_torch_keeps_as_much_and_gives_the_same_two_kinds_of_values(rate: float) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is an independent truth where it is installed")
    torch.manual_seed(0)
    theirs = torch.nn.functional.alpha_dropout(torch.ones(10000, dtype=torch.float64), rate, training=True).numpy()
    alone = Alone(AlphaDropout(rate), (100, 10), n=10)
    alone.x[0][...] = 1
    y = alone.forward()
    for values in (y, theirs):  # the kept ones are the larger
        assert abs((values > 0.1).mean() - (1 - rate)) < 5 * math.sqrt(rate * (1 - rate) / 1e4)
    np.testing.assert_allclose([y.min(), y.max()], [theirs.min(), theirs.max()], rtol=1e-12)


def test_evaluation_is_the_identity() -> None:
    assert AlphaDropout.traits.evaluation == "identity"
