"""layer_norm and group_norm: the formula sample by sample, and what the two have in common."""

from __future__ import annotations

import numpy as np
import pytest

from nncli.errors import ShapeError
from nncli.layers.group_norm import GroupNorm
from nncli.layers.layer_norm import LayerNorm
from nncli.parts import Array
from tests.layers.cases import Case, each_case_of
from tests.layers.harness import Alone, difference


def normal(values: Array, eps: float) -> Array:
    return (values - values.mean()) / np.sqrt(values.var() + eps)


@each_case_of("layer_norm")
def test_layer_norm_is_the_formula(case: Case) -> None:
    alone = Alone(case.layer, *case.shapes)
    assert isinstance(case.layer, LayerNorm)
    gamma, beta = alone.p.get("gamma", 1.0), alone.p.get("beta", 0.0)
    y = [gamma * normal(alone.x[0][..., n], case.layer.eps) + beta for n in range(alone.n)]
    assert difference(alone.forward(), np.stack(y, axis=-1)) < 1e-14


@each_case_of("group_norm")
def test_group_norm_is_the_formula(case: Case) -> None:
    alone = Alone(case.layer, *case.shapes)
    assert isinstance(case.layer, GroupNorm)
    x = alone.x[0]
    y = np.empty_like(x)
    size = len(x) // case.layer.groups
    for n in range(alone.n):
        for first in range(0, len(x), size):
            y[first : first + size, ..., n] = normal(x[first : first + size, ..., n], case.layer.eps)
        for channel in range(len(x)):
            if case.layer.affine:
                y[channel, ..., n] = alone.p["gamma"][channel] * y[channel, ..., n] + alone.p["beta"][channel]
    assert difference(alone.forward(), y) < 1e-14


def test_one_group_without_gains_is_layer_norm() -> None:
    one, other = Alone(GroupNorm(1, affine=False), (4, 3, 3)), Alone(LayerNorm(affine=False), (4, 3, 3))
    (y, g), (same_y, same_g) = one.run(), other.run()
    assert np.array_equal(y, same_y)
    assert np.array_equal(g["x0"], same_g["x0"])


def test_shapes_of_gains() -> None:
    assert LayerNorm().declare((4, 3, 2)).parameters["gamma"].shape == (4, 3, 2)
    assert LayerNorm().declare((4, 3, 2)).parameters["gamma"].axes == ("channel", "height", "width")
    assert GroupNorm(2).declare((4, 3, 2)).parameters["beta"].shape == (4,)
    for layer in (LayerNorm(), GroupNorm(2)):
        parameters = layer.declare((4, 3, 2)).parameters
        assert (parameters["gamma"].init, parameters["beta"].init) == ("ones", None)
        assert not any(p.decay for p in parameters.values())


@pytest.mark.parametrize("layer", [LayerNorm(affine=False), GroupNorm(1, affine=False)])
def test_float32_with_a_large_mean(layer: LayerNorm | GroupNorm) -> None:
    """A mean of 10⁴ summed in float32 would be off by 10⁻² of the deviation."""
    alone = Alone(layer, (3, 32, 32), n=2, dtype=np.float32)
    alone.x = [(np.random.default_rng(0).normal(size=alone.x[0].shape) + 1e4).astype(np.float32)]
    wide = alone.x[0].astype(np.float64)
    expected = np.stack([normal(wide[..., n], 1e-5) for n in range(2)], axis=-1)
    assert difference(alone.forward(), expected) < 1e-5


def test_groups_that_do_not_divide() -> None:
    with pytest.raises(ShapeError, match="3 groups do not divide 4 channels") as caught:
        GroupNorm(3).declare((4, 2, 2))
    assert "divide 4" in caught.value.faults[0].hint
