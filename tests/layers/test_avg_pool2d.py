from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import ndimage

from nncli.errors import ShapeError
from nncli.layers.avg_pool2d import AvgPool2d
from tests.layers.cases import Case, each_case_of
from tests.layers.harness import Alone, difference

each = each_case_of("avg_pool2d")


@each
def test_is_the_mean_of_each_window(case: Case) -> None:
    alone = Alone(case.layer, *case.shapes)
    y, g = alone.run()
    (kh, kw), (sh, sw) = case.layer.size, case.layer.stride or case.layer.size
    (top, bottom), (left, right) = case.layer.padding
    sides = ((0, 0), (top, bottom), (left, right), (0, 0))
    x, inside = np.pad(alone.x[0], sides), np.pad(np.ones(alone.x[0].shape), sides)
    expected, dx = np.zeros_like(y), np.zeros_like(x)
    for r, q in itertools.product(range(y.shape[1]), range(y.shape[2])):
        window = slice(None), slice(r * sh, r * sh + kh), slice(q * sw, q * sw + kw)
        count = kh * kw if case.layer.count_padding else inside[window][0, ..., 0].sum()
        expected[:, r, q] = x[window].sum(axis=(1, 2)) / count
        dx[window] += alone.c[:, r, q][:, None, None] / count
    dx = dx[:, top : x.shape[1] - bottom, left : x.shape[2] - right]
    assert difference(y, expected) < 1e-14
    assert difference(g["x0"], dx) < 1e-14


def test_scipys_moving_mean_gives_the_same_at_stride_one() -> None:
    alone = Alone(AvgPool2d((3, 3), (1, 1)), (1, 6, 7), n=1)
    mean = ndimage.uniform_filter(alone.x[0][0, ..., 0], 3)[1:-1, 1:-1]
    assert difference(alone.forward()[0, ..., 0], mean) < 1e-14


@pytest.mark.parametrize(("shape", "words"), [((4, 4), "images"), ((1, 4, 1), "2×2 does not fit into an image of 4×1")])
def test_shapes_that_do_not_fit(shape: tuple[int, ...], words: str) -> None:
    with pytest.raises(ShapeError, match=words) as caught:
        AvgPool2d().declare(shape)
    assert caught.value.faults[0].hint


@pytest.mark.parametrize("count", [False, True])
@pytest.mark.parametrize("size", [(3, 3), (2, 4)])
def test_torch_pads_and_counts_alike(count: bool, size: tuple[int, int]) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is an independent truth where it is installed")
    alone = Alone(AvgPool2d(size, (2, 1), ((1, 1), (1, 1)), count), (2, 5, 6))
    x = torch.tensor(np.moveaxis(alone.x[0], -1, 0))
    expected = torch.nn.functional.avg_pool2d(x, size, (2, 1), 1, count_include_pad=count)
    assert difference(alone.forward(), np.moveaxis(expected.numpy(), 0, -1)) < 1e-14
    default = torch.nn.functional.avg_pool2d(x, size, (2, 1), 1)
    plain = Alone(AvgPool2d(size, (2, 1), ((1, 1), (1, 1))), (2, 5, 6))
    assert difference(plain.forward(), np.moveaxis(default.numpy(), 0, -1)) < 1e-14
