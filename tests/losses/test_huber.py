from __future__ import annotations

import numpy as np
import pytest

from nncli.losses.huber import Huber
from tests.losses.harness import Alone, difference, samples


@pytest.mark.parametrize("error", [-7.0, -1.5, -1.0, 0.0, 0.25, 1.5, 100.0])
@pytest.mark.parametrize("delta", [0.5, 1.0, 1.5])
def test_both_branches(error: float, delta: float) -> None:
    value, dx = Alone(Huber(delta), np.array([[error + 2]]), np.array([[2.0]])).run()
    size = abs(error)
    assert value == pytest.approx(size**2 / 2 if size <= delta else delta * (size - delta / 2), rel=1e-14)
    assert dx[0, 0] == max(-delta, min(delta, error))


def test_scipy_gives_the_same() -> None:
    special = pytest.importorskip("scipy.special")
    x, t = samples(Huber(), (2, 3), 5)
    value, dx = Alone(Huber(0.7), x, t, total=6).run()
    assert value == pytest.approx(special.huber(0.7, x - t).sum(), rel=1e-13)
    assert difference(dx, np.clip(x - t, -0.7, 0.7) / 6) < 1e-14
