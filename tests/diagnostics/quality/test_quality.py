"""Figures of finished samples against closed forms, SciPy, and loops that take a pair at a time."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import linalg, optimize, stats

from nncli import registry
from nncli.data.density import mixture
from nncli.diagnostics import neighbours
from nncli.diagnostics.quality import (
    density,
    features,
    frechet_distance,
    kernel_distance,
    mode_figures,
    sliced_wasserstein,
)
from nncli.parts import Array


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize(("name", "count"), [("ring", 8), ("grid", 25)])
def test_a_perfect_sampler_in_the_plane(name: str, count: int) -> None:
    known = registry.source[name]().density()
    found = mode_figures(known.sample(50_000, rng()), known.modes)
    assert (found.modes, found.covered, found.strict) == (count, count, count)
    assert found.high_quality == pytest.approx(stats.chi2(2).cdf(9), abs=0.002)  # 98.9 %
    assert 0 <= found.reverse_kl < 0.001


def test_modes_that_are_missed() -> None:
    modes = mixture(10 * np.eye(4), 0.1, np.array([4.0, 2.0, 2.0, 2.0])).modes
    counts = [50, 40, 2, 0]
    x = np.repeat(modes.centres, counts, axis=0)
    x[:10] += 3.0  # nearest to the first mode, far from it
    found = mode_figures(x, modes)
    assert (found.covered, found.strict) == (3, 2)  # 2 of 92 is less than a fifth of a fifth
    assert found.high_quality == pytest.approx(82 / 92)
    assert found.reverse_kl == pytest.approx(stats.entropy(counts, [4, 2, 2, 2]))


@pytest.mark.parametrize("block", [2**22, 50])
@pytest.mark.parametrize("features_", [2, 12])
def test_density_a_pair_at_a_time(features_: int, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "_BLOCK", block)
    real, fake, k = rng().normal(size=(40, features_)), rng(1).normal(0.2, 1, size=(30, features_)), 3
    inside = 0
    for i, x in enumerate(real):
        radius = sorted(math.dist(x, other) for j, other in enumerate(real) if j != i)[k - 1]
        inside += sum(math.dist(x, y) < radius for y in fake)
    assert density(real, fake, k) == pytest.approx(inside / (k * 30))


def test_density_of_the_same_distribution_is_one() -> None:
    real, fake = rng().normal(size=(2, 1500, 3))
    assert density(real, fake) == pytest.approx(1, abs=0.05)
    assert density(real, fake + 100) == 0


def squared_transport(a: Array, b: Array) -> float:
    """The squared 2-Wasserstein distance of points on a line, by the best assignment."""
    copies = math.lcm(len(a), len(b))
    a, b = np.repeat(a, copies // len(a)), np.repeat(b, copies // len(b))
    cost = (a[:, None] - b[None, :]) ** 2
    return float(cost[optimize.linear_sum_assignment(cost)].mean())


@pytest.mark.parametrize(("n", "m"), [(20, 20), (12, 20), (7, 3)])
def test_on_a_line_it_is_the_transport(n: int, m: int) -> None:
    a, b = rng().normal(size=(n, 1)), rng(1).normal(1, 2, size=(m, 1))
    assert sliced_wasserstein(a, b, 3) ** 2 == pytest.approx(squared_transport(a[:, 0], b[:, 0]))


def test_sliced_distance_of_a_shift() -> None:
    a, shift = rng().normal(size=(300, 4, 2)), rng(1).normal(size=(4, 2))
    expected = np.linalg.norm(shift) / math.sqrt(8)
    assert sliced_wasserstein(a, a + shift, 4000) == pytest.approx(expected, rel=0.03)
    assert sliced_wasserstein(a, a[::-1]) == pytest.approx(0, abs=1e-14)
    assert sliced_wasserstein(a, a + shift, seed=1) == sliced_wasserstein(a, a + shift, seed=1)
    assert sliced_wasserstein(a, a + shift, seed=1) != sliced_wasserstein(a, a + shift, seed=2)


def by_sqrtm(a: Array, b: Array) -> float:
    first, second = np.cov(a.T), np.cov(b.T)
    root = np.real(linalg.sqrtm(first @ second))
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(first + second - 2 * root))


def test_frechet_distance_as_by_sqrtm() -> None:
    a, b = rng().normal(size=(200, 6)) @ rng(1).normal(size=(6, 6)), rng(2).normal(1, 2, size=(150, 6))
    assert frechet_distance(a, b) == pytest.approx(by_sqrtm(a, b), rel=1e-9)


def test_frechet_distance_of_gaussians() -> None:
    """Of independent numbers it is the sum of squared differences of means and of deviations."""
    means, deviations = np.array([[0, 1, 2.0], [1, 1, -1]]), np.array([[1, 2, 0.5], [1, 1, 1]])
    a, b = (rng(i).normal(means[i], deviations[i], size=(100_000, 3)) for i in (0, 1))
    expected = ((means[0] - means[1]) ** 2).sum() + ((deviations[0] - deviations[1]) ** 2).sum()
    assert frechet_distance(a, b) == pytest.approx(expected, rel=0.01)
    assert frechet_distance(a[:1000], a[:1000]) == pytest.approx(0, abs=1e-10)


def test_frechet_distance_with_less_samples_than_features() -> None:
    """Both lie in the first two of 50 dimensions."""
    a, b = np.zeros((30, 50)), np.zeros((20, 50))
    a[:, :2], b[:, :2] = rng().normal(size=(30, 2)), rng(1).normal(2, 3, size=(20, 2))
    assert frechet_distance(a, b) == pytest.approx(by_sqrtm(a[:, :2], b[:, :2]), rel=1e-6)
    assert frechet_distance(a[:, :1], b[:, :1]) == pytest.approx(
        (a[:, 0].mean() - b[:, 0].mean()) ** 2 + (a[:, 0].std(ddof=1) - b[:, 0].std(ddof=1)) ** 2
    )


@pytest.mark.parametrize("block", [2**22, 100])
def test_kernel_distance_a_pair_at_a_time(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "_BLOCK", block)
    a, b = rng().normal(size=(15, 4)), rng(1).normal(0.5, 1, size=(11, 4))

    def kernel(x: Array, y: Array) -> float:
        return (sum(p * q for p, q in zip(x, y, strict=True)) / 4 + 1) ** 3

    def within(x: Array) -> float:
        return float(np.mean([kernel(p, q) for p, q in itertools.permutations(x, 2)]))

    across = float(np.mean([kernel(p, q) for p in a for q in b]))
    assert kernel_distance(a, b) == pytest.approx(within(a) + within(b) - 2 * across)


def test_kernel_distance_has_no_bias() -> None:
    found = [kernel_distance(*rng(seed).normal(size=(2, 30, 5))) for seed in range(400)]
    assert abs(np.mean(found)) < 4 * np.std(found) / 20
    assert kernel_distance(rng().normal(size=(300, 5)), rng(1).normal(1, 1, size=(300, 5))) > 1
