from __future__ import annotations

import numpy as np
import pytest

from nncli.errors import ShapeError
from nncli.layers.global_avg_pool2d import GlobalAvgPool2d
from tests.layers.harness import Alone, difference


def test_is_the_mean_over_positions() -> None:
    alone = Alone(GlobalAvgPool2d(), (3, 4, 5))
    y, g = alone.run()
    assert difference(y, alone.x[0].mean(axis=(1, 2))) < 1e-14
    assert difference(g["x0"], np.broadcast_to(alone.c[:, None, None] / 20, (3, 4, 5, 3))) < 1e-15


def test_vectors_are_refused() -> None:
    with pytest.raises(ShapeError, match="images") as caught:
        GlobalAvgPool2d().declare((4,))
    assert "flatten" in caught.value.faults[0].hint
