from __future__ import annotations

import numpy as np
import pytest

from nncli.losses.least_squares import LeastSquares
from tests.losses.harness import Alone, difference, samples


def test_is_half_the_squared_distance() -> None:
    """3-4-5: two samples at distance 5 and 13."""
    x, t = np.array([[3.0, 5.0], [4.0, 0.0]]), np.array([[0.0, 0.0], [0.0, 12.0]])
    value, dx = Alone(LeastSquares(), x, t).run()
    assert value == (25 + 169) / 2
    assert np.array_equal(dx, [[1.5, 2.5], [2.0, -6.0]])


@pytest.mark.parametrize("output", [(1,), (5,), (2, 3, 2)])
def test_is_the_sum_over_all_numbers_of_a_sample(output: tuple[int, ...]) -> None:
    x, t = samples(LeastSquares(), output, 4)
    value, dx = Alone(LeastSquares(), x, t, total=11).run()
    assert value == pytest.approx(sum((a - b) ** 2 / 2 for a, b in zip(x.flat, t.flat, strict=True)), rel=1e-14)
    assert difference(dx, (x - t) / 11) < 1e-14


def test_right_outputs_cost_nothing() -> None:
    x, _ = samples(LeastSquares(), (3,), 2)
    value, dx = Alone(LeastSquares(), x, x).run()
    assert value == 0
    assert not dx.any()


def test_torch_gives_the_same() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is an independent truth where it is installed")
    x, t = samples(LeastSquares(), (2, 3), 5)
    value, dx = Alone(LeastSquares(), x, t).run()
    output = torch.tensor(x, requires_grad=True)
    expected = torch.nn.functional.mse_loss(output, torch.tensor(t), reduction="sum") / 2 / 5
    expected.backward()
    assert value / 5 == pytest.approx(expected.item(), rel=1e-14)
    assert difference(dx, output.grad.numpy()) < 1e-14
