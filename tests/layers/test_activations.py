"""Activations without parameters against SciPy and closed forms, at ordinary and at extreme inputs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import DTypeLike
from scipy import special

from nncli.layers.elu import Elu
from nncli.layers.gelu import Gelu
from nncli.layers.hard_sigmoid import HardSigmoid
from nncli.layers.hard_swish import HardSwish
from nncli.layers.hard_tanh import HardTanh
from nncli.layers.leaky_relu import LeakyRelu
from nncli.layers.log_softmax import LogSoftmax
from nncli.layers.relu import Relu
from nncli.layers.selu import Selu
from nncli.layers.sigmoid import Sigmoid
from nncli.layers.silu import Silu
from nncli.layers.softmax import Softmax
from nncli.layers.softplus import Softplus
from nncli.layers.softsign import Softsign
from nncli.layers.tanh import Tanh
from nncli.parts import Array, Layer
from tests.layers.harness import Alone, difference

TRUTHS: list[tuple[Layer, Callable[[Array], Array]]] = [
    (Relu(), lambda x: np.where(x > 0, x, 0)),
    (LeakyRelu(), lambda x: np.where(x > 0, x, 0.01 * x)),
    (LeakyRelu(0.2), lambda x: np.where(x > 0, x, 0.2 * x)),
    (Sigmoid(), special.expit),
    (Tanh(), lambda x: -1j * np.sin(1j * x) / np.cos(1j * x)),
    (Softmax(), lambda x: special.softmax(x, axis=0)),
    (LogSoftmax(), lambda x: special.log_softmax(x, axis=0)),
    (Elu(), lambda x: np.where(x > 0, x, special.expm1(x))),
    (Elu(0.3), lambda x: np.where(x > 0, x, 0.3 * special.expm1(x))),
    (Selu(), lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * special.expm1(x))),
    (Softplus(), lambda x: np.logaddexp(0, x)),
    (Softplus(2.5), lambda x: np.logaddexp(0, 2.5 * x) / 2.5),
    (Softsign(), lambda x: np.sign(x) - np.sign(x) / (1 + np.abs(x))),
    (Gelu(), lambda x: x * special.erfc(-x / np.sqrt(2)) / 2),
    (Gelu("tanh"), lambda x: x * special.expit(2 * np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    (Silu(), lambda x: x * special.expit(x)),
    (HardSigmoid(), lambda x: np.select([x < -3, x > 3], [0, 1], x / 6 + 0.5)),
    (HardTanh(), lambda x: np.select([x < -1, x > 1], [-1, 1], x)),
    (HardTanh(-0.5, 3.0), lambda x: np.select([x < -0.5, x > 3], [-0.5, 3], x)),
    (HardSwish(), lambda x: np.select([x < -3, x > 3], [0, x], x * (x + 3) / 6)),
]
SLOPES: list[tuple[Layer, Callable[[Array], Array]]] = [
    (Elu(0.3), lambda x: np.where(x > 0, 1, 0.3 * np.exp(x))),
    (Selu(), lambda x: 1.0507009873554805 * np.where(x > 0, 1, 1.6732632423543772 * np.exp(x))),
    (Softplus(2.5), lambda x: special.expit(2.5 * x)),
    (Softsign(), lambda x: (1 + np.abs(x)) ** -2.0),
    (Gelu(), lambda x: special.ndtr(x) + x * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)),
    (Silu(), lambda x: special.expit(x) + x * special.expit(x) * special.expit(-x)),
    (HardSigmoid(), lambda x: np.where(np.abs(x) < 3, 1 / 6, 0)),
    (HardTanh(-0.5, 3.0), lambda x: np.where((x > -0.5) & (x < 3), 1, 0)),
    (HardSwish(), lambda x: np.select([x <= -3, x >= 3], [0, 1], x / 3 + 0.5)),
]
"""Derivatives in closed form, over a range beyond the kinks."""
each_truth = pytest.mark.parametrize(("layer", "truth"), TRUTHS, ids=[repr(layer) for layer, _ in TRUTHS])
each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])
each_layer = pytest.mark.parametrize("layer", [layer for layer, _ in TRUTHS], ids=[repr(layer) for layer, _ in TRUTHS])


@each_truth
@pytest.mark.parametrize("shape", [(7,), (3, 2, 4)])
def test_forward(layer: Layer, truth: Callable[[Array], Array], shape: tuple[int, ...]) -> None:
    alone = Alone(layer, shape, n=5)
    alone.x[0] *= 4
    assert difference(alone.forward(), np.real(truth(alone.x[0]))) < 1e-14


@each_layer
@each_dtype
@pytest.mark.parametrize("in_place", [False, True])
def test_extreme_inputs_give_finite_results_without_warnings(layer: Layer, dtype: DTypeLike, in_place: bool) -> None:
    alone = Alone(layer, (8,), n=2, dtype=dtype, in_place=in_place)
    largest = float(np.finfo(dtype).max)
    alone.x[0][...] = np.array([0, -0.0, 1e-30, -1e-30, 200, -200, 0.4 * largest, -0.4 * largest])[:, None]
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        y, g = alone.run()
    assert np.isfinite(y).all()
    assert np.isfinite(g["x0"]).all()


@each_layer
@each_dtype
def test_large_inputs_give_the_limits(layer: Layer, dtype: DTypeLike) -> None:
    """At ±10⁴, by the closed form in float64."""
    truth = next(truth for other, truth in TRUTHS if other is layer)
    x = np.array([1e4, -1e4, 100, -100, 30, -30, 3, -3, 0, 1])[:, None] * np.ones(2)
    alone = Alone(layer, (10,), n=2, dtype=dtype, x=[x.astype(dtype)])
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        y, g = alone.run()
    if not isinstance(layer, Tanh):  # its closed form overflows here
        np.testing.assert_allclose(y, np.real(truth(x)), rtol=20 * np.finfo(dtype).eps, atol=10 * np.finfo(dtype).eps)
    assert np.isfinite(g["x0"]).all()


@pytest.mark.parametrize(("layer", "slope"), SLOPES, ids=[repr(layer) for layer, _ in SLOPES])
def test_slopes(layer: Layer, slope: Callable[[Array], Array]) -> None:
    x = np.concatenate([np.linspace(-12, 12, 97), [-3, -0.5, 0, 3]])
    alone = Alone(layer, (1,), n=x.size, x=[x[None]])
    alone.c[...] = 1
    np.testing.assert_allclose(alone.run()[1]["x0"][0], slope(x), rtol=1e-12, atol=1e-15)


def test_errstate_would_catch_an_overflow() -> None:
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        1 / (1 + np.exp(-np.float32(-200)))


@each_dtype
def test_sigmoid_keeps_its_relative_precision_far_below_zero(dtype: DTypeLike) -> None:
    alone = Alone(Sigmoid(), (80,), n=1, dtype=dtype)
    alone.x[0][:, 0] = np.arange(-80, 0)
    expected = special.expit(alone.x[0].astype(np.float64))
    np.testing.assert_allclose(alone.forward(), expected, rtol=80 * np.finfo(dtype).eps)


def test_softmax_sums_to_one_and_ignores_a_shift() -> None:
    alone, shifted = Alone(Softmax(), (5, 2, 3)), Alone(Softmax(), (5, 2, 3))
    shifted.x[0] += 1000
    y = alone.forward()
    assert difference(y.sum(axis=0), np.ones(y.shape[1:])) < 1e-15
    assert difference(shifted.forward(), y) < 1e-12


def test_relu_sends_no_error_through_its_kink() -> None:
    alone = Alone(Relu(), (4,), n=1)
    alone.x[0][:, 0] = [-1, -0.0, 0, 1]
    assert list(alone.run()[1]["x0"][:, 0] != 0) == [False, False, False, True]


@pytest.mark.parametrize("slope", [0.0, 0.3])
def test_leaky_relu_has_the_slope_at_its_kink(slope: float) -> None:
    alone = Alone(LeakyRelu(slope), (4,), n=1)
    alone.x[0][:, 0] = [-1, -0.0, 0, 1]
    _, g = alone.run()
    np.testing.assert_allclose(g["x0"][:, 0] / alone.c[:, 0], [slope, slope, slope, 1])


def test_hard_tanh_wants_a_range() -> None:
    with pytest.raises(ValueError, match=r"min \(2\) must be below max \(1\)"):
        HardTanh(2.0, 1.0)


@each_layer
def test_torch_gives_the_same(layer: Layer) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is an independent truth where it is installed")
    functions = {
        "relu": torch.relu,
        "leaky_relu": lambda x: torch.nn.functional.leaky_relu(x, layer.slope),  # type: ignore[attr-defined]
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "softmax": lambda x: torch.softmax(x, 0),
        "log_softmax": lambda x: torch.log_softmax(x, 0),
        "elu": lambda x: torch.nn.functional.elu(x, layer.alpha),  # type: ignore[attr-defined]
        "selu": torch.selu,
        "softplus": lambda x: torch.nn.functional.softplus(x, layer.beta),  # type: ignore[attr-defined]
        "softsign": torch.nn.functional.softsign,
        "gelu": lambda x: torch.nn.functional.gelu(x, approximate=layer.approximate),  # type: ignore[attr-defined]
        "silu": torch.nn.functional.silu,
        "hard_sigmoid": lambda x: torch.nn.functional.relu6(x + 3) / 6,  # hardsigmoid's own slope is 1/6 in float32
        "hard_tanh": lambda x: torch.nn.functional.hardtanh(x, layer.min, layer.max),  # type: ignore[attr-defined]
        "hard_swish": torch.nn.functional.hardswish,
    }
    alone = Alone(layer, (4, 2, 3))
    y, g = alone.run()
    x = torch.tensor(alone.x[0], requires_grad=True)
    expected = functions[layer.type_name](x)
    (expected * torch.tensor(alone.c)).sum().backward()
    assert difference(y, expected.detach().numpy()) < 1e-14
    assert difference(g["x0"], x.grad.numpy()) < 1e-14
