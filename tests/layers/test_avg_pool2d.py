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
    expected, dx = np.zeros_like(y), np.zeros_like(alone.x[0])
    for r, q in itertools.product(range(y.shape[1]), range(y.shape[2])):
        window = slice(None), slice(r * sh, r * sh + kh), slice(q * sw, q * sw + kw)
        expected[:, r, q] = alone.x[0][window].mean(axis=(1, 2))
        dx[window] += alone.c[:, r, q][:, None, None] / (kh * kw)
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


@each
def test_torch_gives_the_same(case: Case) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is an independent truth where it is installed")
    alone = Alone(case.layer, *case.shapes)
    y, g = alone.run()
    x = torch.tensor(alone.x[0], requires_grad=True)
    expected = torch.nn.functional.avg_pool2d(x.permute(3, 0, 1, 2), case.layer.size, case.layer.stride)
    expected = expected.permute(1, 2, 3, 0)
    (expected * torch.tensor(alone.c)).sum().backward()
    assert difference(y, expected.detach().numpy()) < 1e-14
    assert difference(g["x0"], x.grad.numpy()) < 1e-14
