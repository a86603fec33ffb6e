from __future__ import annotations

import itertools

import numpy as np
import pytest

from nncli.errors import ShapeError
from nncli.layers.avg_pool2d import AvgPool2d
from nncli.layers.learned_pool2d import LearnedPool2d
from tests.graph.test_build import good
from tests.layers.cases import Case, each_case_of
from tests.layers.harness import Alone, difference


@each_case_of("learned_pool2d")
def test_is_the_weighted_sum_of_each_window(case: Case) -> None:
    """One window at a time, as the formulas say."""
    alone = Alone(case.layer, *case.shapes)
    y, g = alone.run()
    (kh, kw), (sh, sw) = case.layer.size, case.layer.stride or case.layer.size
    expected, dx = np.zeros_like(y), np.zeros_like(alone.x[0])
    sums = {name: np.zeros_like(p) for name, p in alone.p.items()}
    for j, r, q in itertools.product(*map(range, y.shape[:3])):
        window = j, slice(r * sh, r * sh + kh), slice(q * sw, q * sw + kw)
        x, c = alone.x[0][window], alone.c[j, r, q]
        if "W" in alone.p:
            weights = alone.p["W"][j][..., None]
            expected[j, r, q] = (weights * x).sum(axis=(0, 1))
            sums["W"][j] += (x * c).sum(axis=2)
            dx[window] += weights * c
        else:
            expected[j, r, q] = alone.p["g"][j] * x.mean(axis=(0, 1)) + alone.p["b"][j]
            sums["g"][j] += (x.mean(axis=(0, 1)) * c).sum()
            sums["b"][j] += c.sum()
            dx[window] += alone.p["g"][j] * c / (kh * kw)
    assert difference(y, expected) < 1e-14
    assert difference(g["x0"], dx) < 1e-14
    for name, total in sums.items():
        assert difference(g[name], total) < 1e-13


@pytest.mark.parametrize("weights", ["per_map", "per_position"])
@pytest.mark.parametrize(("size", "stride"), [((2, 2), None), ((4, 2), (2, 1)), ((3, 3), (2, 2))])
def test_starts_as_average_pooling(weights: str, size: tuple[int, int], stride: tuple[int, int] | None) -> None:
    pool = f"size: [{size[0]}, {size[1]}], weights: {weights}" + (
        f", stride: [{stride[0]}, {stride[1]}]" if stride else ""
    )
    node = good(f"- {{learned_pool2d: {{{pool}}}}}\n", (3, 9, 8)).nodes[0]
    rng = np.random.default_rng(0)
    start = {name: node.initializers[name].draw(rng, p) for name, p in node.declared.parameters.items()}
    assert not any(parameter.decay for parameter in node.declared.parameters.values())
    learned = Alone(node.layer, (3, 9, 8), p=start)
    average = Alone(AvgPool2d(size, stride), (3, 9, 8))
    (y, g), (expected, expected_g) = learned.run(), average.run()
    if np.log2(np.prod(size)) % 1 == 0 or weights == "per_map":  # a power of two: its reciprocal is exact
        np.testing.assert_array_equal(y, expected)
        np.testing.assert_array_equal(g["x0"], expected_g["x0"])
    assert difference(y, expected) < 1e-15
    assert difference(g["x0"], expected_g["x0"]) < 1e-15


def test_windows_must_fit() -> None:
    with pytest.raises(ShapeError, match="2×2 does not fit into an image of 4×1"):
        LearnedPool2d().declare((1, 4, 1))
