from __future__ import annotations

import numpy as np
import pytest

from nncli.layers.gain import Gain
from tests.layers.harness import Alone, difference


@pytest.mark.parametrize("shape", [(3,), (3, 2, 4)])
def test_multiplies_each_feature_map_by_its_factor(shape: tuple[int, ...]) -> None:
    alone = Alone(Gain(), shape, n=5)
    y, g = alone.run()
    x, factors, c = alone.x[0], alone.p["g"], alone.c
    for j, factor in enumerate(factors):
        assert difference(y[j], factor * x[j]) < 1e-15
        assert difference(g["x0"][j], factor * c[j]) < 1e-15
        assert g["g"][j] == pytest.approx(sum((c[j] * x[j]).ravel()), rel=1e-13)


def test_there_is_one_for_each_map_and_no_weight_decay() -> None:
    parameter = Gain().declare((4, 7, 7)).parameters["g"]
    assert parameter.shape == (4,)
    assert not parameter.decay


def test_starts_as_the_identity() -> None:
    from tests.graph.test_build import good

    node = good("- tanh\n- gain\n").nodes[1]
    start = node.initializers["g"].draw(np.random.default_rng(0), node.declared.parameters["g"])
    np.testing.assert_array_equal(start, np.ones(4))
