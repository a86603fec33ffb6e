"""Pooling of sequences and over all positions, against NumPy's windows and reductions."""

from __future__ import annotations

import numpy as np
import pytest

from nncli.errors import ShapeError, SpecError
from nncli.layers.avg_pool1d import AvgPool1d
from nncli.layers.conv1d import Conv1d
from nncli.layers.global_avg_pool1d import GlobalAvgPool1d
from nncli.layers.global_max_pool1d import GlobalMaxPool1d
from nncli.layers.global_max_pool2d import GlobalMaxPool2d
from nncli.layers.max_pool1d import MaxPool1d
from nncli.parts import Array, Layer
from tests.layers.cases import Case, each_case_of
from tests.layers.harness import Alone, difference


def windows(layer: MaxPool1d | AvgPool1d, x: Array, fill: float) -> Array:
    """(C, P, N, k): the padded sequence's windows."""
    padded = np.pad(x, ((0, 0), layer.padding, (0, 0)), constant_values=fill)
    return np.lib.stride_tricks.sliding_window_view(padded, layer.size, axis=1)[:, :: layer.stride or layer.size]


@each_case_of("max_pool1d")
def test_max_pool1d(case: Case) -> None:
    alone = Alone(case.layer, *case.shapes)
    assert isinstance(case.layer, MaxPool1d)
    assert np.array_equal(alone.forward(), windows(case.layer, alone.x[0], -np.inf).max(axis=-1))


@each_case_of("avg_pool1d")
def test_avg_pool1d(case: Case) -> None:
    alone = Alone(case.layer, *case.shapes)
    assert isinstance(case.layer, AvgPool1d)
    inside = windows(case.layer, np.ones(alone.x[0].shape), 0).sum(axis=-1)
    counts = case.layer.size if case.layer.count_padding else inside
    assert difference(alone.forward(), windows(case.layer, alone.x[0], 0).sum(axis=-1) / counts) < 1e-14


@pytest.mark.parametrize(
    ("layer", "shape"), [(GlobalMaxPool2d(), (2, 3, 4)), (GlobalMaxPool1d(), (2, 12)), (MaxPool1d(12), (2, 12))]
)
def test_first_of_equal_maxima_gets_the_error(layer: Layer, shape: tuple[int, ...]) -> None:
    alone = Alone(layer, *(shape,), n=20)
    alone.x = [np.random.default_rng(1).integers(0, 3, x.shape).astype(float) for x in alone.x]
    y, g = alone.run()
    flat = alone.x[0].reshape(2, 12, 20)
    first = np.arange(12)[None, :, None] == flat.argmax(axis=1)[:, None]
    assert np.array_equal(y.reshape(2, 20), flat.max(axis=1))
    assert np.array_equal(g["x0"].reshape(flat.shape), np.where(first, alone.c.reshape(2, 1, 20), 0))


def test_global_mean() -> None:
    alone = Alone(GlobalAvgPool1d(), (3, 5))
    y, g = alone.run()
    assert difference(y, alone.x[0].mean(axis=1)) < 1e-15
    assert difference(g["x0"], np.repeat(alone.c[:, None] / 5, 5, axis=1)) < 1e-15


@pytest.mark.parametrize(
    ("layer", "shape", "error", "words"),
    [
        (MaxPool1d(5), (2, 4), ShapeError, "a window of 5 does not fit into a sequence of 4"),
        (AvgPool1d(5, padding=(0, 1)), (2, 3), ShapeError, "a sequence of 3 padded to 4"),
        (AvgPool1d(2, padding=(0, 2)), (2, 4), SpecError, "a window of 2 would lie in a padding of"),
        (MaxPool1d(), (2, 4, 4), ShapeError, "max_pool1d takes sequences"),
        (GlobalAvgPool1d(), (2,), ShapeError, "global_avg_pool1d takes sequences"),
        (GlobalMaxPool2d(), (2, 4), ShapeError, "global_max_pool2d takes images"),
        (Conv1d(2, 7), (1, 5), ShapeError, "a kernel of length 7 does not fit into a sequence of length 5"),
    ],
)
def test_what_does_not_fit(layer: Layer, shape: tuple[int, ...], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        layer.declare(shape)
    assert caught.value.faults[0].hint  # type: ignore[attr-defined]
