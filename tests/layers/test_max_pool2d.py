from __future__ import annotations

import itertools

import numpy as np
import pytest

from nncli.errors import ShapeError, SpecError
from nncli.layers.max_pool2d import MaxPool2d
from nncli.parts import Array
from tests.layers.cases import Case, each_case_of
from tests.layers.harness import Alone, difference

each = each_case_of("max_pool2d")


def naive(layer: MaxPool2d, x: Array, dy: Array) -> tuple[Array, Array]:
    """Window by window: the maximum, and the error sent to where it is first met."""
    (kh, kw), (sh, sw) = layer.size, layer.stride or layer.size
    (top, bottom), (left, right) = layer.padding
    x = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=-np.inf)
    y, dx = np.zeros_like(dy), np.zeros_like(x)
    for c, r, q, n in itertools.product(*map(range, dy.shape)):
        best = r * sh, q * sw
        for i, j in itertools.product(range(r * sh, r * sh + kh), range(q * sw, q * sw + kw)):
            if x[c, i, j, n] > x[c, *best, n]:
                best = i, j
        y[c, r, q, n] = x[c, *best, n]
        dx[c, *best, n] += dy[c, r, q, n]
    return y, dx[:, top : x.shape[1] - bottom, left : x.shape[2] - right]


@each
def test_is_the_maximum_of_each_window(case: Case) -> None:
    alone = Alone(case.layer, *case.shapes)
    y, g = alone.run()
    expected_y, expected_dx = naive(case.layer, alone.x[0], alone.c)
    assert np.array_equal(y, expected_y)
    assert difference(g["x0"], expected_dx) < 1e-15


@each
def test_first_of_equal_maxima_gets_the_error(case: Case) -> None:
    alone = Alone(case.layer, *case.shapes, n=20)
    alone.x = [np.random.default_rng(1).integers(0, 3, x.shape).astype(float) for x in alone.x]
    y, g = alone.run()
    expected_y, expected_dx = naive(case.layer, alone.x[0], alone.c)
    assert np.array_equal(y, expected_y)
    assert difference(g["x0"], expected_dx) < 1e-14


def test_windows_of_negative_numbers() -> None:
    alone = Alone(MaxPool2d(), (1, 2, 2), n=1)
    alone.x[0] = np.array([[-4.0, -3], [-2, -7]]).reshape(1, 2, 2, 1)
    assert alone.forward().item() == -2


@each
def test_output_shape_drops_incomplete_windows(case: Case) -> None:
    layer, (x,) = case.layer, case.shapes
    step = layer.stride or layer.size
    rows, columns = (len(range(0, x[a + 1] + sum(layer.padding[a]) - layer.size[a] + 1, step[a])) for a in (0, 1))
    assert layer.declare(x).output == (x[0], rows, columns)


def test_padding_never_wins() -> None:
    alone = Alone(MaxPool2d((3, 3), (2, 2), ((1, 1), (1, 1))), (1, 4, 4))
    alone.x[0] -= 100
    y, g = alone.run()
    assert np.isin(y, alone.x[0]).all()
    assert difference(g["x0"].sum(axis=(1, 2)), alone.c.sum(axis=(1, 2))) < 1e-14


@pytest.mark.parametrize("padding", [((2, 0), (0, 0)), ((0, 0), (0, 5))])
def test_a_window_of_padding_alone_is_refused(padding: tuple[tuple[int, int], tuple[int, int]]) -> None:
    with pytest.raises(SpecError, match="2×2 would lie in a padding of") as caught:
        MaxPool2d(padding=padding).declare((1, 4, 4))
    assert "below" in caught.value.faults[0].hint


@pytest.mark.parametrize(("shape", "words"), [((4,), "images"), ((1, 1, 4), "2×2 does not fit into an image of 1×4")])
def test_shapes_that_do_not_fit(shape: tuple[int, ...], words: str) -> None:
    with pytest.raises(ShapeError, match=words) as caught:
        MaxPool2d().declare(shape)
    assert caught.value.faults[0].hint


@each
def test_torch_gives_the_same(case: Case) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is an independent truth where it is installed")
    alone = Alone(case.layer, *case.shapes)
    y, g = alone.run()
    x = torch.tensor(alone.x[0], requires_grad=True)
    (top, bottom), (left, right) = case.layer.padding
    padded = torch.nn.functional.pad(x.permute(3, 0, 1, 2), (left, right, top, bottom), value=-torch.inf)
    expected = torch.nn.functional.max_pool2d(padded, case.layer.size, case.layer.stride)
    expected = expected.permute(1, 2, 3, 0)
    (expected * torch.tensor(alone.c)).sum().backward()
    assert np.array_equal(y, expected.detach().numpy())
    assert difference(g["x0"], x.grad.numpy()) < 1e-14
