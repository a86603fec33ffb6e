from __future__ import annotations

import numpy as np
import pytest

from nncli.layers.prelu import Prelu
from tests.layers.harness import Alone, difference


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("shape", [(3,), (3, 2, 4)])
def test_each_channel_has_its_slope_unless_it_is_shared(shape: tuple[int, ...], shared: bool) -> None:
    alone = Alone(Prelu(shared), shape)
    y, g = alone.run()
    x, c = alone.x[0], alone.c
    slopes = np.broadcast_to(alone.p["a"], 3)
    da = np.zeros(3)
    for j, slope in enumerate(slopes):
        assert difference(y[j], np.where(x[j] > 0, x[j], slope * x[j])) < 1e-15
        assert difference(g["x0"][j], np.where(x[j] > 0, 1, slope) * c[j]) < 1e-15
        da[j] = (c[j] * x[j])[x[j] < 0].sum()
    assert difference(g["a"], np.array([da.sum()]) if shared else da) < 1e-13


def test_has_the_slope_at_its_kink() -> None:
    alone = Alone(Prelu(), (1,), n=3, x=[np.array([[-0.0, 0.0, 1.0]])], p={"a": np.array([0.3])})
    y, g = alone.run()
    np.testing.assert_array_equal(y, [[0, 0, 1]])
    np.testing.assert_allclose(g["x0"] / alone.c, [[0.3, 0.3, 1]], rtol=1e-15)


def test_starts_at_a_quarter_without_weight_decay() -> None:
    from tests.graph.test_build import good

    node = good("- dense: 3\n- prelu\n").nodes[1]
    assert not node.declared.parameters["a"].decay
    start = node.initializers["a"].draw(np.random.default_rng(0), node.declared.parameters["a"])
    np.testing.assert_array_equal(start, np.full(3, 0.25))


def test_extreme_inputs_give_finite_results_without_warnings() -> None:
    x = np.array([[1e4, -1e4, 1e30, -1e30, 0.0, -0.0]], np.float32)
    alone = Alone(Prelu(), (1,), n=6, dtype=np.float32, x=[x], p={"a": np.array([0.25], np.float32)})
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        y, g = alone.run()
    np.testing.assert_allclose(y, np.where(x > 0, x, x / 4))
    assert np.isfinite(g["x0"]).all()
