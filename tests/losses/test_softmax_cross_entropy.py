from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.special import log_softmax, logsumexp, softmax

from nncli.errors import ShapeError
from nncli.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from nncli.parts import LossFrame, Mixed
from tests.losses.cases import Case
from tests.losses.harness import Alone, difference, gradient_error, samples, shard_error

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


# -- label smoothing and weights ---------------------------------------------------------------------------------------

BOTH = SoftmaxCrossEntropy(label_smoothing=0.2, class_weights=(1.0, 4.0, 0.5))


def by_definition(loss: SoftmaxCrossEntropy, x: np.ndarray, t: np.ndarray) -> float:
    """Term by term: the weighted cross-entropy with the smoothed distribution, over the true classes' weights."""
    classes = len(x)
    weights = loss.class_weights or (1.0,) * classes
    total = 0.0
    for n, true in enumerate(t):
        logs = log_softmax(x[:, n])
        for k in range(classes):
            share = loss.label_smoothing / classes + (1 - loss.label_smoothing) * (k == true)
            total -= share * weights[k] * logs[k]
    return total / sum(weights[true] for true in t)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("weights", [None, (1.0, 4.0, 0.5), (0.0, 1.0, 1.0)])
def test_the_mean_is_by_definition(smoothing: float, weights: tuple[float, ...] | None) -> None:
    loss = SoftmaxCrossEntropy(smoothing, weights)
    x, t = samples(loss, (3,), 8)
    assert float(Alone(loss, x, t).forward()) == pytest.approx(by_definition(loss, x, t), rel=1e-13)


def test_equal_weights_change_nothing() -> None:
    x, t = samples(LOSS, (4,), 9)
    for smoothing in (0.0, 0.3):
        _, expected = Alone(SoftmaxCrossEntropy(smoothing), x, t).run()
        _, found = Alone(SoftmaxCrossEntropy(smoothing, (7.0,) * 4), x, t).run()
        assert difference(found, expected) < 1e-14


def test_a_class_without_weight_has_no_error() -> None:
    x, t = samples(LOSS, (3,), 9)
    _, dx = Alone(SoftmaxCrossEntropy(class_weights=(0.0, 1.0, 1.0)), x, t).run()
    assert not dx[:, t == 0].any()
    assert dx[:, t != 0].all()


class DividedByTheSamples(SoftmaxCrossEntropy):
    """Divides by their number instead of their weight on the way back."""

    def backward(self, f: LossFrame) -> None:
        kept, f.weight = f.weight, float(f.total)
        SoftmaxCrossEntropy.backward(self, f)
        f.weight = kept


class Unweighed(SoftmaxCrossEntropy):
    """Takes its shard for the whole batch."""

    def backward(self, f: LossFrame) -> None:
        kept, f.weight = f.weight, self.weight(f)
        SoftmaxCrossEntropy.backward(self, f)
        f.weight = kept


@pytest.mark.parametrize("fault", [DividedByTheSamples, Unweighed])
def test_a_planted_fault_of_the_weights_is_found(fault: type[SoftmaxCrossEntropy]) -> None:
    weights = (1.0, 4.0, 0.5)
    right = Case(SoftmaxCrossEntropy(class_weights=weights), (3,))
    wrong = Case(fault(class_weights=weights), (3,))
    assert gradient_error(right) < 1e-8
    assert not gradient_error(wrong) < 1e-8
    assert shard_error(right, (3, 4)) < 1e-13
    assert shard_error(Case(Unweighed(class_weights=weights), (3,)), (3, 4)) > 0.1


def test_weights_that_do_not_fit() -> None:
    with pytest.raises(ShapeError, match="3 class_weights for 4 classes"):
        BOTH.check((4,))
    with pytest.raises(ValueError, match="all 0"):
        SoftmaxCrossEntropy(class_weights=(0.0, 0.0))


def test_without_them_no_more_memory_is_asked_for() -> None:
    assert set(LOSS.workspace((5,), 9)) == {"powers", "top", "sum", "true", "place", "columns", "ones"}


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_mixed_samples_have_the_probabilities_of_both_classes(dtype: Any, smoothing: float) -> None:
    """Against the cross-entropy with these probabilities in one formula; the two classes of the last sample are one."""
    rng = np.random.default_rng(4)
    x, t, second = rng.normal(size=(5, 4)), np.array([0, 3, 2, 1]), np.array([1, 0, 4, 1])
    share = np.array([1.0, 0.5, 0.8, 0.7])
    hot = np.eye(5)
    p = (share * hot[:, t] + (1 - share) * hot[:, second]) * (1 - smoothing) + smoothing / 5
    q = np.exp(x) / np.exp(x).sum(axis=0)
    made = SoftmaxCrossEntropy(label_smoothing=smoothing)
    frame = LossFrame(n=4, total=8, weight=8.0, x=x.astype(dtype), t=t, dx=np.empty((5, 4), dtype))
    frame.mixed = Mixed.of(4, dtype)
    frame.mixed.second[...], frame.mixed.share[...] = second, share
    frame.work = {name: np.zeros(work.shape, work.dtype or dtype) for name, work in made.workspace((5,), 4).items()}
    frame.views = made.prepare(frame)
    tolerance = 1e-12 if dtype is np.float64 else 1e-5
    assert made.forward(frame) == pytest.approx(-(p * np.log(q)).sum(), rel=tolerance)
    made.backward(frame)
    np.testing.assert_allclose(frame.dx, (q - p) / 8, atol=tolerance)
