from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import signal

from nncli.errors import ShapeError, SpecError
from nncli.layers.conv1d import Conv1d
from nncli.parts import Array
from tests.layers.cases import Case, each_case_of
from tests.layers.harness import Alone, difference


def ends(layer: Conv1d, length: int) -> tuple[int, int]:
    """Zeros before and after the sequence, from the definition of each kind of padding."""
    reach = (layer.kernel - 1) * layer.dilation + 1
    if layer.padding == "full":
        return reach - 1, reach - 1
    if layer.padding == "same":
        missing = max(0, (-(-length // layer.stride) - 1) * layer.stride + reach - length)
        return missing // 2, missing - missing // 2
    return (0, 0) if layer.padding == "valid" else layer.padding


def naive(layer: Conv1d, x: Array, W: Array, b: Array | None) -> Array:
    """One number at a time, as the formula says."""
    x = np.pad(x, ((0, 0), ends(layer, x.shape[1]), (0, 0)))
    count = len(range(0, x.shape[1] - (layer.kernel - 1) * layer.dilation, layer.stride))
    y = np.zeros((len(W), count, x.shape[2]))
    for j, r in itertools.product(range(len(W)), range(count)):
        group = j // (len(W) // layer.groups)
        for i, a in itertools.product(range(W.shape[1]), range(layer.kernel)):
            y[j, r] += W[j, i, a] * x[group * W.shape[1] + i, r * layer.stride + a * layer.dilation]
        y[j, r] += 0 if b is None else b[j]
    return y


@each_case_of("conv1d")
def test_forward_is_the_formula(case: Case) -> None:
    alone = Alone(case.layer, *case.shapes)
    expected = naive(case.layer, alone.x[0], alone.p["W"], alone.p.get("b"))  # type: ignore[arg-type]
    assert difference(alone.forward(), expected) < 1e-14


def test_gradients_are_scipys_identities() -> None:
    alone = Alone(Conv1d(3, kernel=4), (2, 9), n=2)
    _, found = alone.run()
    x, W, dz = alone.x[0], alone.p["W"], alone.c
    weights, inputs = np.zeros_like(W), np.zeros_like(x)
    for j, i, n in itertools.product(range(3), range(2), range(2)):
        weights[j, i] += signal.correlate(x[i, :, n], dz[j, :, n], "valid", "direct")
        inputs[i, :, n] += signal.convolve(dz[j, :, n], W[j, i], "full", "direct")
    assert difference(found["W"], weights) < 1e-12
    assert difference(found["x0"], inputs) < 1e-12
    assert difference(found["b"], dz.sum(axis=(1, 2))) < 1e-12


def test_parameters_have_one_axis_for_the_kernel() -> None:
    W = Conv1d(4, kernel=5, groups=2).declare((6, 9)).parameters["W"]
    assert W.shape == (4, 3, 5)
    assert W.axes == ("out", "in/groups", "kernel")
    assert (W.fan_in, W.fan_out) == (15, 10)


@pytest.mark.parametrize(
    ("layer", "shape", "error", "words"),
    [
        (Conv1d(2), (5,), ShapeError, ["conv1d", "sequences", "(5,)"]),
        (Conv1d(2), (1, 5, 5), ShapeError, ["conv1d", "sequences", "(1, 5, 5)"]),
        (Conv1d(2, 7), (1, 5), ShapeError, ["kernel of length 7", "a sequence of length 5"]),
        (Conv1d(2, 7, padding=(1, 0)), (1, 5), ShapeError, ["padded to 6"]),
        (Conv1d(3, groups=2), (2, 5), SpecError, ["2 groups", "3 filters"]),
        (Conv1d(4, groups=2), (3, 5), ShapeError, ["2 groups", "3 channels"]),
    ],
)
def test_shapes_that_do_not_meet(
    layer: Conv1d, shape: tuple[int, ...], error: type[Exception], words: list[str]
) -> None:
    with pytest.raises(error) as caught:
        layer.declare(shape)
    assert all(word in str(caught.value) for word in words), caught.value
    assert caught.value.faults[0].hint  # type: ignore[attr-defined]
