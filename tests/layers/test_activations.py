"""relu, leaky_relu, sigmoid, tanh and softmax against SciPy and closed forms, at ordinary and at extreme inputs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import DTypeLike
from scipy import special

from nncli.layers.leaky_relu import LeakyRelu
from nncli.layers.relu import Relu
from nncli.layers.sigmoid import Sigmoid
from nncli.layers.softmax import Softmax
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
]
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


@each_layer
def test_torch_gives_the_same(layer: Layer) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is an independent truth where it is installed")
    functions = {
        "relu": torch.relu,
        "leaky_relu": lambda x: torch.nn.functional.leaky_relu(x, layer.slope),  # type: ignore[attr-defined]
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "softmax": lambda x: torch.softmax(x, 0),
    }
    alone = Alone(layer, (4, 2, 3))
    y, g = alone.run()
    x = torch.tensor(alone.x[0], requires_grad=True)
    expected = functions[layer.type_name](x)
    (expected * torch.tensor(alone.c)).sum().backward()
    assert difference(y, expected.detach().numpy()) < 1e-14
    assert difference(g["x0"], x.grad.numpy()) < 1e-14
