from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nncli.errors import ShapeError, SpecError
from nncli.layers.conv2d import Conv2d
from nncli.layers.conv_transpose2d import ConvTranspose2d
from nncli.parts import Array
from tests.layers.cases import Case, each_case_of
from tests.layers.harness import Alone, difference


def naive(layer: ConvTranspose2d, x: Array, W: Array, b: Array | None) -> Array:
    """Each position of the input adds its kernel to the output, tap by tap."""
    (kh, kw), (sh, sw), (dh, dw) = layer.kernel, layer.stride, layer.dilation
    rows = (x.shape[1] - 1) * sh + (kh - 1) * dh + 1 + layer.output_padding[0]
    columns = (x.shape[2] - 1) * sw + (kw - 1) * dw + 1 + layer.output_padding[1]
    y = np.zeros((layer.filters, rows, columns, x.shape[3]))
    per_group = layer.filters // layer.groups
    for i, m, n in itertools.product(*map(range, x.shape[:3])):
        first = i // (len(x) // layer.groups) * per_group
        for j, a, c in itertools.product(range(per_group), range(kh), range(kw)):
            y[first + j, m * sh + a * dh, n * sw + c * dw] += x[i, m, n] * W[i, j, a, c]
    (top, bottom), (left, right) = layer.padding
    y = y[:, top : rows - bottom, left : columns - right]
    return y if b is None else y + b[:, None, None, None]


@each_case_of("conv_transpose2d")
def test_forward_is_the_formula(case: Case) -> None:
    alone = Alone(case.layer, *case.shapes)
    expected = naive(case.layer, alone.x[0], alone.p["W"], alone.p.get("b"))  # type: ignore[arg-type]
    assert difference(alone.forward(), expected) < 1e-14


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_is_the_adjoint_of_the_convolution(data: st.DataObject) -> None:
    """<conv(v), x> = <v, convT(x)> for all v and x, both ways of making the input's gradient included."""
    pair = st.tuples(st.integers(1, 3), st.integers(1, 3))
    groups = data.draw(st.integers(1, 2))
    kernel, stride, dilation = data.draw(pair), data.draw(pair), data.draw(pair)
    channels, filters = groups * data.draw(st.integers(1, 2)), groups * data.draw(st.integers(1, 2))
    padding = tuple(data.draw(st.tuples(st.integers(0, 2), st.integers(0, 2))) for _ in range(2))
    least = [max(1, (k - 1) * d + 1 - sum(p)) for k, d, p in zip(kernel, dilation, padding, strict=True)]
    image = filters, *(size + data.draw(st.integers(0, 5)) for size in least)
    convolution = Conv2d(channels, kernel, stride, dilation, groups, padding, bias=False)
    small = convolution.declare(image).output
    more = []
    for axis in (0, 1):
        reach = (kernel[axis] - 1) * dilation[axis] + 1
        more.append(image[axis + 1] - ((small[axis + 1] - 1) * stride[axis] + reach - sum(padding[axis])))
    transposed = ConvTranspose2d(filters, kernel, stride, padding, (more[0], more[1]), groups, dilation, bias=False)
    plan = {**transposed.choose((small,), 3, 8), "input": data.draw(st.sampled_from(["full", "scatter"]))}
    there, back = Alone(convolution, image), Alone(transposed, small, plan=plan)
    back.p = there.p
    assert back.declared.output == image
    assert np.vdot(there.forward(), back.x[0]) == pytest.approx(np.vdot(there.x[0], back.forward()), abs=1e-11)


def test_a_kernel_of_the_strides_size_lays_tiles() -> None:
    alone = Alone(ConvTranspose2d(1, (2, 3), (2, 3), bias=False), (1, 2, 2), n=1)
    expected = np.kron(alone.x[0][0, ..., 0], alone.p["W"][0, 0])
    assert difference(alone.forward()[0, ..., 0], expected) < 1e-15


def test_parameters_lie_as_pytorchs() -> None:
    declared = ConvTranspose2d(6, (2, 3), groups=2).declare((4, 5, 5))
    W = declared.parameters["W"]
    assert W.shape == (4, 3, 2, 3)
    assert W.axes[:2] == ("in", "out/groups")
    assert W.fan_in == 2 * 6
    assert W.fan_out == 3 * 6
    assert not declared.parameters["b"].decay


@pytest.mark.parametrize(
    ("layer", "shape", "error", "words"),
    [
        (ConvTranspose2d(2), (5,), ShapeError, ["images", "(5,)"]),
        (ConvTranspose2d(3, groups=2), (2, 5, 5), SpecError, ["2 groups", "3 filters"]),
        (ConvTranspose2d(4, groups=2), (3, 5, 5), ShapeError, ["2 groups", "3 channels"]),
        (ConvTranspose2d(4, stride=(2, 1), output_padding=(1, 1)), (3, 5, 5), SpecError, ["output_padding of 1"]),
        (ConvTranspose2d(4, padding=((2, 1), (0, 0))), (3, 1, 5), ShapeError, ["padding of 3", "height 3"]),
    ],
)
def test_what_does_not_fit(
    layer: ConvTranspose2d, shape: tuple[int, ...], error: type[Exception], words: list[str]
) -> None:
    with pytest.raises(error) as caught:
        layer.declare(shape)
    assert all(word in str(caught.value) for word in words), caught.value
    assert caught.value.faults[0].hint  # type: ignore[attr-defined]
