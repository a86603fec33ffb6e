from __future__ import annotations

import numpy as np
import pytest

from nncli.errors import ShapeError
from nncli.layers.upsample2d import Upsample2d
from nncli.parts import Array
from tests.layers.cases import Case, each_case_of
from tests.layers.harness import Alone, difference


def interpolated(x: Array, scale: int, axis: int) -> Array:
    """By NumPy's interpolation of one line at a time, which goes on beyond its ends as it is there."""
    size = x.shape[axis]
    at = (np.arange(scale * size) + 0.5) / scale - 0.5
    return np.apply_along_axis(lambda line: np.interp(at, np.arange(size), line), axis, x)


@each_case_of("upsample2d")
def test_is_what_numpy_makes_of_each_line(case: Case) -> None:
    alone = Alone(case.layer, *case.shapes)
    (down, across), x = case.layer.scale, alone.x[0]  # type: ignore[attr-defined]
    if case.layer.mode == "nearest":  # type: ignore[attr-defined]
        expected = x.repeat(down, axis=1).repeat(across, axis=2)
    else:
        expected = interpolated(interpolated(x, down, 1), across, 2)
    assert difference(alone.forward(), expected) < 1e-15


def test_figures_of_a_line() -> None:
    alone = Alone(Upsample2d((1, 2), mode="bilinear"), (1, 1, 2), n=1)
    alone.x[0] = np.array([0.0, 4.0]).reshape(1, 1, 2, 1)
    assert alone.forward().ravel().tolist() == [0.0, 1.0, 3.0, 4.0]


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_every_output_shares_out_its_whole_error(mode: str) -> None:
    _, g = Alone(Upsample2d((3, 2), mode=mode), (2, 3, 4)).run()  # type: ignore[arg-type]
    c = Alone(Upsample2d((3, 2)), (2, 3, 4)).c
    assert difference(g["x0"].sum(axis=(1, 2)), c.sum(axis=(1, 2))) < 1e-13


def test_vectors_are_refused() -> None:
    with pytest.raises(ShapeError, match="images") as caught:
        Upsample2d().declare((4,))
    assert "reshape" in caught.value.faults[0].hint
