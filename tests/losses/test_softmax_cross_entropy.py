from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import log_softmax, logsumexp, softmax

from nncli.errors import ShapeError
from nncli.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from tests.losses.harness import Alone, difference, samples

LOSS = SoftmaxCrossEntropy()


@pytest.mark.parametrize(("classes", "n"), [(2, 1), (3, 7), (10, 64), (101, 5)])
def test_scipy_gives_the_same(classes: int, n: int) -> None:
    x, t = samples(LOSS, (classes,), n)
    value, dx = Alone(LOSS, x, t, total=2 * n).run()
    expected = math.fsum(logsumexp(x[:, i]) - x[t[i], i] for i in range(n))
    assert value == pytest.approx(expected, rel=1e-14)
    assert difference(dx, (softmax(x, axis=0) - np.eye(classes)[:, t]) / (2 * n)) < 1e-14


@pytest.mark.parametrize("gap", [0.0, 0.5, -3.0, 30.0, -700.0, 1e4, -1e4])
def test_of_two_classes_is_softplus(gap: float) -> None:
    """log(1 + e⁻ᵍ) with g by how much the logit of the true class is the larger."""
    x = np.array([[gap + 5.0], [5.0]])
    value, dx = Alone(LOSS, x, np.array([0])).run()
    softplus = math.log1p(math.exp(-abs(gap))) + max(0.0, -gap)
    assert value == pytest.approx(softplus, rel=1e-12, abs=1e-15)
    slope = -math.exp(-gap) / (1 + math.exp(-gap)) if gap > 0 else -1 / (1 + math.exp(gap))
    assert dx == pytest.approx(np.array([[slope], [-slope]]), rel=1e-9, abs=1e-12)


def test_equal_logits_cost_the_logarithm_of_the_classes() -> None:
    value, dx = Alone(LOSS, np.full((8, 1), -3.0), np.array([5])).run()
    assert value == pytest.approx(math.log(8), rel=1e-15)
    assert np.array_equal(dx[:, 0], [1 / 8] * 5 + [-7 / 8] + [1 / 8] * 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_each_sample_has_its_own_range(dtype: type) -> None:
    """Samples around −1e4, 0 and 1e4 in one batch, each as if it were alone."""
    x, t = samples(LOSS, (5,), 3)
    x = np.round(x * 8) / 8 + [-1e4, 0, 1e4]  # eighths stay exact in float32
    value, dx = Alone(LOSS, x, t, dtype=dtype).run()
    limit = 1e-6 if dtype is np.float32 else 1e-13
    assert value == pytest.approx(-log_softmax(x, axis=0)[t, range(3)].sum(), rel=limit)
    assert difference(dx, (softmax(x, axis=0) - np.eye(5)[:, t]) / 3) < limit


def test_errors_of_a_sample_sum_to_zero() -> None:
    _, dx = Alone(LOSS, *samples(LOSS, (9,), 20)).run()
    assert np.abs(dx.sum(axis=0)).max() < 1e-17


@pytest.mark.parametrize("output", [(), (1,), (3, 4), (10, 1, 1)])
def test_other_shapes_are_refused(output: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="vector of at least two logits") as caught:
        LOSS.check(output)
    assert "flatten" in caught.value.faults[0].hint


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_torch_gives_the_same(dtype: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is an independent truth where it is installed")
    x, t = samples(LOSS, (12,), 33)
    value, dx = Alone(LOSS, x, t, dtype=dtype).run()
    logits = torch.tensor(x.T.astype(dtype), requires_grad=True)
    expected = torch.nn.functional.cross_entropy(logits, torch.tensor(t))
    expected.backward()
    limit = 1e-6 if dtype == "float32" else 1e-14
    assert value / 33 == pytest.approx(expected.item(), rel=limit)
    assert difference(dx, logits.grad.numpy().T) < limit
