from __future__ import annotations

import dataclasses
import itertools
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from nncli.errors import ShapeError, SpecError
from nncli.kernels import gemm_blocking
from nncli.layers.conv2d import Conv2d
from nncli.parts import Array
from tests.layers.cases import Case, each_case_of
from tests.layers.harness import Alone, difference

each = each_case_of("conv2d")


def borders(layer: Conv2d, size: int, axis: int) -> tuple[int, int]:
    """Zeros before and after the image along an axis, from the definition of each kind of padding."""
    reach = (layer.kernel[axis] - 1) * layer.dilation[axis] + 1
    if layer.padding == "full":
        return reach - 1, reach - 1
    if layer.padding == "same":
        missing = 0
        while (size + missing - reach) // layer.stride[axis] + 1 < -(-size // layer.stride[axis]):
            missing += 1
        return missing // 2, missing - missing // 2
    return (0, 0) if layer.padding == "valid" else layer.padding[axis]


def naive(layer: Conv2d, x: Array, W: Array, b: Array | None) -> Array:
    """One number at a time, as the formula says."""
    pads = [borders(layer, x.shape[axis + 1], axis) for axis in (0, 1)]
    x = np.pad(x, ((0, 0), *pads, (0, 0)))
    (kh, kw), (sh, sw), (dh, dw) = layer.kernel, layer.stride, layer.dilation
    rows = len(range(0, x.shape[1] - (kh - 1) * dh, sh))
    columns = len(range(0, x.shape[2] - (kw - 1) * dw, sw))
    y = np.zeros((len(W), rows, columns, x.shape[3]))
    for j, r, c in itertools.product(range(len(W)), range(rows), range(columns)):
        group = j // (len(W) // layer.groups)
        for i, a, d in itertools.product(range(W.shape[1]), range(kh), range(kw)):
            y[j, r, c] += W[j, i, a, d] * x[group * W.shape[1] + i, r * sh + a * dh, c * sw + d * dw]
        y[j, r, c] += 0 if b is None else b[j]
    return y


@each
def test_forward_is_the_formula(case: Case) -> None:
    alone = Alone(case.layer, *case.shapes)
    expected = naive(case.layer, alone.x[0], alone.p["W"], alone.p.get("b"))
    assert difference(alone.forward(), expected) < 1e-14


def test_forward_weights_and_input_are_scipys_identities() -> None:
    alone = Alone(Conv2d(3, kernel=(3, 4)), (2, 7, 8), n=2)
    y, found = alone.run()
    x, W, b, dz = alone.x[0], alone.p["W"], alone.p["b"], alone.c
    forward, weights, inputs = np.zeros_like(y), np.zeros_like(W), np.zeros_like(x)
    for j, i, n in itertools.product(range(3), range(2), range(2)):
        forward[j, ..., n] += signal.correlate(x[i, ..., n], W[j, i], "valid", "direct")
        weights[j, i] += signal.correlate(x[i, ..., n], dz[j, ..., n], "valid", "direct")
        inputs[i, ..., n] += signal.convolve(dz[j, ..., n], W[j, i], "full", "direct")
    forward += b[:, None, None, None]
    assert difference(y, forward) < 1e-12
    assert difference(found["W"], weights) < 1e-12
    assert difference(found["x0"], inputs) < 1e-12
    assert difference(found["b"], dz.sum(axis=(1, 2, 3))) < 1e-12


def test_the_identities_tell_a_flipped_kernel() -> None:
    alone = Alone(Conv2d(1, kernel=(3, 3), bias=False), (1, 5, 5), n=1)
    flipped = signal.convolve(alone.x[0][0, ..., 0], alone.p["W"][0, 0], "valid", "direct")
    assert difference(alone.forward()[0, ..., 0], flipped) > 0.1


def test_shifting_an_image_shifts_its_feature_maps() -> None:
    layer = Conv2d(3, kernel=(3, 3), padding="same")
    alone, moved = Alone(layer, (2, 9, 10)), Alone(layer, (2, 9, 10))
    alone.x[0][:, -4:] = 0
    alone.x[0][:, :, -4:] = 0
    moved.x[0] = np.roll(alone.x[0], (2, 1), axis=(1, 2))
    y, shifted = alone.forward(), moved.forward()
    assert difference(shifted[:, 3:-1, 2:-1], y[:, 1:-3, 1:-2]) < 1e-15


def test_groups_are_convolutions_side_by_side() -> None:
    alone = Alone(Conv2d(6, groups=3), (6, 5, 5))
    parts = []
    for g in range(3):
        one = Alone(Conv2d(2), (2, 5, 5))
        one.x, one.p = [alone.x[0][2 * g : 2 * g + 2]], {k: p[2 * g : 2 * g + 2] for k, p in alone.p.items()}
        parts.append(one.forward())
    assert difference(alone.forward(), np.concatenate(parts)) < 1e-15


def test_kernel_of_the_images_size_is_a_dense_layer() -> None:
    alone = Alone(Conv2d(4, kernel=(3, 5)), (2, 3, 5))
    expected = alone.p["W"].reshape(4, -1) @ alone.x[0].reshape(30, -1) + alone.p["b"][:, None]
    assert difference(alone.forward().reshape(4, -1), expected) < 1e-14


@st.composite
def convolutions(draw: st.DrawFn) -> tuple[Conv2d, tuple[int, int, int], int, dict[str, int]]:
    small = st.integers(1, 3)
    groups = draw(st.integers(1, 3))
    padding = draw(st.sampled_from(["valid", "same", "full"]) | st.tuples(*[st.tuples(*[st.integers(0, 3)] * 2)] * 2))
    pair = st.tuples(small, small)
    layer = Conv2d(groups * draw(small), draw(pair), draw(pair), draw(pair), groups, padding, draw(st.booleans()))
    least = [max(1, (k - 1) * d + 1) for k, d in zip(layer.kernel, layer.dilation, strict=True)]
    shape = groups * draw(small), draw(st.integers(least[0], 9)), draw(st.integers(least[1], 9))
    keys = [f"{name}_{axis}" for name in ("forward", "weight", "input") for axis in ("rows", "columns")]
    way = {"input": draw(st.sampled_from(["full", "scatter"]))}
    return layer, shape, draw(st.integers(1, 4)), {key: draw(st.integers(1, 5)) for key in keys} | way


@settings(max_examples=150, deadline=None)
@given(convolutions(), st.integers(64, 4000), st.integers(1, 20), st.integers(1, 300))
def test_gemm_agrees_with_direct(
    drawn: tuple[Conv2d, tuple[int, int, int], int, dict[str, int]], product: int, result: int, partial: int
) -> None:
    """Also where products are cut into tiles much smaller than those of ordinary shapes."""
    layer, shape, n, blocks = drawn
    direct = dataclasses.replace(layer, algorithm="direct")
    with mock.patch.multiple(gemm_blocking, SMALL=product, SMALL_RESULT=result, PARTIAL=partial):
        y, g = Alone(layer, shape, n=n, plan={"algorithm": "gemm", **blocks}).run()
    expected_y, expected_g = Alone(direct, shape, n=n).run()
    assert difference(y, expected_y) < 1e-12
    for name in expected_g:
        assert difference(g[name], expected_g[name]) < 1e-11, name


@pytest.mark.parametrize("n", [1, 7])
def test_plan_of_another_batch_size_serves(n: int) -> None:
    layer = Conv2d(4, padding="same")
    plan = dict(layer.choose(((3, 8, 8),), 64, 4))
    y, g = Alone(layer, (3, 8, 8), n=n, plan=plan).run()
    other_y, other_g = Alone(layer, (3, 8, 8), n=n, plan={}).run()
    assert difference(y, other_y) < 1e-13
    assert all(difference(g[name], other_g[name]) < 1e-13 for name in g)


def test_plan_is_plain_data_and_follows_from_shapes() -> None:
    layer = Conv2d(16, padding="same")
    plan = layer.choose(((8, 8, 8),), 64, 4)
    assert plan == layer.choose(((8, 8, 8),), 64, 4)
    assert all(type(value) in (int, str) for value in plan.values())
    assert dataclasses.replace(layer, algorithm="direct").choose(((8, 8, 8),), 64, 4) == {"algorithm": "direct"}


def test_workspace_does_not_grow_with_the_image() -> None:
    layer = Conv2d(32, padding="same")

    def numbers(size: int) -> int:
        shapes, n = ((32, size, size),), 16
        return sum(np.prod(work.shape) for work in layer.workspace(shapes, n, layer.choose(shapes, n, 4)).values())

    assert numbers(64) < 1.5 * numbers(32)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "dilation"), list(itertools.product((1, 4, 5, 6), (1, 2, 3), (1, 2, 3), (1, 2)))
)
def test_same_padding_gives_the_size_over_the_stride_rounded_up(
    size: int, kernel: int, stride: int, dilation: int
) -> None:
    layer = Conv2d(1, (kernel, kernel), (stride, stride), (dilation, dilation), padding="same")
    assert layer.declare((1, size, size)).output == (1, -(-size // stride), -(-size // stride))


@each
def test_declared_parameters_and_cost(case: Case) -> None:
    layer, (x,) = case.layer, case.shapes
    declared = layer.declare(x)
    W = declared.parameters["W"]
    assert W.shape == (layer.filters, x[0] // layer.groups, *layer.kernel)
    assert W.fan_in == np.prod(W.shape[1:])
    assert W.fan_out == np.prod(W.shape) // W.shape[1] // layer.groups
    assert len(W.axes) == 4
    assert W.decay
    assert ("b" in declared.parameters) == layer.bias
    if layer.bias:
        assert not declared.parameters["b"].decay
    assert declared.flops == np.prod(declared.output) * (2 * W.fan_in + layer.bias)


@pytest.mark.parametrize(
    ("layer", "shape", "error", "words"),
    [
        (Conv2d(2), (5,), ShapeError, ["images", "(5,)"]),
        (Conv2d(2, (5, 3)), (1, 4, 9), ShapeError, ["height 5", "height 4"]),
        (Conv2d(2, (3, 3), dilation=(1, 3)), (1, 9, 6), ShapeError, ["width 7", "dilated", "width 6"]),
        (Conv2d(2, (7, 3), padding=((1, 0), (0, 0))), (1, 5, 5), ShapeError, ["height 7", "height 5", "padded to 6"]),
        (Conv2d(3, groups=2), (2, 5, 5), SpecError, ["2 groups", "3 filters"]),
        (Conv2d(4, groups=2), (3, 5, 5), ShapeError, ["2 groups", "3 channels"]),
    ],
)
def test_shapes_that_do_not_meet(
    layer: Conv2d, shape: tuple[int, ...], error: type[Exception], words: list[str]
) -> None:
    with pytest.raises(error) as caught:
        layer.declare(shape)
    assert all(word in str(caught.value) for word in words)
    assert caught.value.faults[0].hint  # type: ignore[attr-defined]


@each
def test_torch_gives_the_same(case: Case) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is an independent truth where it is installed")
    layer = case.layer
    alone = Alone(layer, *case.shapes)
    y, g = alone.run()
    values = {k: torch.tensor(v, requires_grad=True) for k, v in (alone.p | {"x0": alone.x[0]}).items()}
    (top, bottom), (left, right) = (borders(layer, alone.x[0].shape[axis + 1], axis) for axis in (0, 1))
    x = torch.nn.functional.pad(values["x0"].permute(3, 0, 1, 2), (left, right, top, bottom))
    expected = torch.nn.functional.conv2d(
        x, values["W"], values.get("b"), layer.stride, 0, layer.dilation, layer.groups
    ).permute(1, 2, 3, 0)
    (expected * torch.tensor(alone.c)).sum().backward()
    assert difference(y, expected.detach().numpy()) < 1e-13
    for name, value in values.items():
        assert difference(g[name], value.grad.numpy()) < 1e-13, name
