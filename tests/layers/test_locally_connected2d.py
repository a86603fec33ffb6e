from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from nncli.errors import ShapeError
from nncli.layers.conv2d import Conv2d
from nncli.layers.locally_connected2d import LocallyConnected2d
from nncli.parts import Array
from tests.layers.cases import Case, each_case_of
from tests.layers.harness import Alone, difference

each = each_case_of("locally_connected2d")


def shared(layer: LocallyConnected2d) -> Conv2d:
    return Conv2d(layer.filters, layer.kernel, layer.stride, padding=layer.padding, bias=layer.bias)


def naive(layer: LocallyConnected2d, x: Array, p: dict[str, Array]) -> Array:
    """One position at a time, as the formula says."""
    window, (rows, columns) = layer.geometry(x.shape[:3])
    before = [(side, 10) for side in window.before]
    x = np.pad(x, ((0, 0), *before, (0, 0)))
    y = np.zeros((layer.filters, rows, columns, x.shape[3]))
    for j, r, c in itertools.product(range(layer.filters), range(rows), range(columns)):
        y[j, r, c] += p["b"][j, r, c] if layer.bias else 0
        for i, a, b in itertools.product(range(len(x)), range(layer.kernel[0]), range(layer.kernel[1])):
            y[j, r, c] += p["W"][r, c, j, i, a, b] * x[i, r * layer.stride[0] + a, c * layer.stride[1] + b]
    return y


@each
def test_forward_is_the_formula(case: Case) -> None:
    alone = Alone(case.layer, *case.shapes)
    assert difference(alone.forward(), naive(case.layer, alone.x[0], alone.p)) < 1e-14


@each
def test_equal_weights_everywhere_make_it_the_convolution(case: Case) -> None:
    """Value and dx are equal; the gradients of the shared weights are the sums over the positions."""
    conv = Alone(shared(case.layer), *case.shapes)
    local = Alone(case.layer, *case.shapes, x=conv.x)
    local.c = conv.c
    for name in local.p:
        positions = (0, 1) if name == "W" else (1, 2)
        local.p[name][...] = np.expand_dims(conv.p[name], positions)
    (y, g), (expected, expected_g) = local.run(), conv.run()
    assert difference(y, expected) < 1e-13
    assert difference(g["x0"], expected_g["x0"]) < 1e-13
    assert difference(g["W"].sum(axis=(0, 1)), expected_g["W"]) < 1e-13
    if case.layer.bias:
        assert difference(g["b"].sum(axis=(1, 2)), expected_g["b"]) < 1e-13


def test_other_weights_make_it_none() -> None:
    layer = LocallyConnected2d(2)
    local, conv = Alone(layer, (2, 4, 5)), Alone(shared(layer), (2, 4, 5))
    conv.p = {"W": local.p["W"][0, 0], "b": local.p["b"][:, 0, 0]}
    y, other = local.forward(), conv.forward()
    assert difference(y[:, 0, 0], other[:, 0, 0]) < 1e-13
    assert difference(y, other) > 0.1


@pytest.mark.parametrize("rows", [1, 2, 3, 100])
def test_blocks_of_any_size_give_the_same(rows: int) -> None:
    layer = LocallyConnected2d(3, stride=(2, 1), padding="same")
    y, g = Alone(layer, (2, 7, 5), plan={"rows": rows}).run()
    expected, expected_g = Alone(layer, (2, 7, 5), plan={}).run()
    assert difference(y, expected) < 1e-14
    assert all(difference(g[name], expected_g[name]) < 1e-14 for name in g)


def test_workspace_does_not_grow_with_the_images_height() -> None:
    layer = LocallyConnected2d(8, padding="same")

    def numbers(height: int) -> int:
        shapes = ((16, height, 32),)
        return layer.workspace(shapes, 16, layer.choose(shapes, 16, 4))["columns"].shape[0]

    assert numbers(256) == numbers(64)
    assert numbers(64) * 4 <= 1.5 * (1 << 20)


def test_parameters_and_cost() -> None:
    declared = LocallyConnected2d(4, (3, 2), init=None).declare((2, 5, 6))
    W, b = declared.parameters["W"], declared.parameters["b"]
    assert declared.output == (4, 3, 5)
    assert W.shape == (3, 5, 4, 2, 3, 2)
    assert len(W.axes) == 6
    assert (W.fan_in, W.fan_out) == (12, 24)
    assert W.decay
    assert b.shape == (4, 3, 5)
    assert not b.decay
    assert declared.flops == 2 * np.prod(W.shape) + np.prod(b.shape)
    assert set(dataclasses.replace(LocallyConnected2d(4), bias=False).declare((2, 5, 6)).parameters) == {"W"}


@pytest.mark.parametrize(
    ("layer", "shape", "words"),
    [
        (LocallyConnected2d(2), (5,), "locally_connected2d takes images"),
        (LocallyConnected2d(2, (5, 3)), (1, 4, 9), "height 5 does not fit into an image of height 4"),
    ],
)
def test_shapes_that_do_not_meet(layer: LocallyConnected2d, shape: tuple[int, ...], words: str) -> None:
    with pytest.raises(ShapeError, match=words) as caught:
        layer.declare(shape)
    assert caught.value.faults[0].hint
