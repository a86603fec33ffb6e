"""pad2d and crop2d, against NumPy's padding and slices."""

from __future__ import annotations

import numpy as np
import pytest

from nncli.errors import ShapeError
from nncli.layers.crop2d import Crop2d
from nncli.layers.pad2d import Pad2d
from tests.layers.cases import Case, each_case_of
from tests.layers.harness import Alone, difference


@each_case_of("pad2d")
def test_pad2d(case: Case) -> None:
    alone = Alone(case.layer, *case.shapes)
    layer = case.layer
    assert isinstance(layer, Pad2d)
    options = {"constant_values": layer.value} if layer.mode == "constant" else {}

    def padded(x):  # type: ignore[no-untyped-def]
        return np.pad(x, ((0, 0), *layer.sides, (0, 0)), mode=layer.mode, **options)

    y, g = alone.run()
    assert np.array_equal(y, padded(alone.x[0]))
    # Each number's gradient is the sum of the errors at all places that hold it.
    places = padded(np.arange(1.0, alone.x[0].size + 1).reshape(alone.x[0].shape))
    sums = [alone.c[places == number].sum() for number in range(1, alone.x[0].size + 1)]
    assert difference(g["x0"], np.reshape(sums, alone.x[0].shape)) < 1e-14


@each_case_of("crop2d")
def test_crop2d(case: Case) -> None:
    alone = Alone(case.layer, *case.shapes)
    assert isinstance(case.layer, Crop2d)
    (top, bottom), (left, right) = case.layer.sides
    y, g = alone.run()
    assert np.array_equal(y, alone.x[0][:, top : alone.x[0].shape[1] - bottom, left : alone.x[0].shape[2] - right])
    assert np.array_equal(g["x0"], np.pad(alone.c, ((0, 0), (top, bottom), (left, right), (0, 0))))


def test_crop_undoes_pad() -> None:
    sides = ((1, 2), (3, 0))
    padded = Alone(Pad2d(sides), (2, 3, 4))
    cropped = Alone(Crop2d(sides), padded.declared.output)
    cropped.x = [padded.forward()]
    assert np.array_equal(cropped.forward(), padded.x[0])


@pytest.mark.parametrize(
    ("layer", "shape", "words"),
    [
        (Pad2d(((1, 1), (1, 1))), (4,), "pad2d takes images"),
        (Pad2d(((3, 1), (1, 1)), mode="reflect"), (1, 3, 4), "height 3 has no 3 lines"),
        (Crop2d(((1, 1), (1, 1))), (4, 4), "crop2d takes images"),
        (Crop2d(((1, 1), (2, 1))), (1, 4, 3), "nothing is left of an image of 4×3"),
    ],
)
def test_what_does_not_fit(layer: Pad2d | Crop2d, shape: tuple[int, ...], words: str) -> None:
    with pytest.raises(ShapeError, match=words) as caught:
        layer.declare(shape)
    assert caught.value.faults[0].hint
