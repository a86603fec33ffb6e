"""Known densities against SciPy's distributions, and samples against their densities."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from nncli.data import density
from nncli.data.density import Modes, Scaled
from nncli.data.splits import open_splits
from nncli.errors import DataError, SpecError
from nncli.parts import Array
from nncli.spec import read_text
from tests.data.files import Section, source

CASES = {
    "ring": {"std": 0.2},
    "grid": {"side": 3, "std": 0.3},
    "swiss_roll": {"noise": 0.05},
    "mixture": {"means": ((0.0, 1.0), (2.0, -1.0)), "stds": (0.5, 1.0), "weights": (1.0, 3.0)},
}
each = pytest.mark.parametrize("name", CASES)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def made(name: str) -> Any:
    return source(name, **CASES[name]).density()


def by_scipy(modes: Modes, x: Array) -> Array:
    dim = modes.centres.shape[1]
    parts = [
        weight * stats.multivariate_normal(centre, std**2 * np.eye(dim)).pdf(x)
        for centre, std, weight in zip(modes.centres, modes.std, modes.weights, strict=True)
    ]
    return np.sum(parts, axis=0)


@pytest.mark.parametrize("name", [name for name in CASES if name != "swiss_roll"])
def test_the_density_is_the_sum_of_gaussians(name: str) -> None:
    x = rng().normal(size=(200, 2))
    np.testing.assert_allclose(made(name).pdf(x), by_scipy(made(name).modes, x), rtol=1e-10)


def test_the_density_on_a_line() -> None:
    one = source("mixture", means=(-1.0, 2.0), stds=(0.5, 1.5), weights=(2.0, 6.0)).density()
    x = np.linspace(-6, 8, 50)
    expected = 0.25 * stats.norm(-1, 0.5).pdf(x) + 0.75 * stats.norm(2, 1.5).pdf(x)
    np.testing.assert_allclose(one.pdf(x[:, None]), expected, rtol=1e-12)


def test_many_points_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    x = rng().normal(size=(100, 2))
    whole = made("grid").pdf(x)
    monkeypatch.setattr(density, "_BLOCK", 30)
    np.testing.assert_allclose(made("grid").pdf(x), whole, rtol=1e-12)


@each
def test_the_density_adds_up_to_one(name: str) -> None:
    line = np.linspace(-6, 6, 301)
    x = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    assert made(name).pdf(x).sum() * (line[1] - line[0]) ** 2 == pytest.approx(1, abs=2e-3)


@each
def test_samples_follow_the_density(name: str) -> None:
    """The counts in the cells of a grid, by a test of chi-squared with the probabilities that the density gives."""
    n, cells, fine = 20_000, 12, 20
    edges = np.linspace(-3.6, 3.6, cells + 1)
    width = (edges[1] - edges[0]) / fine
    middles = edges[0] + width * (np.arange(cells * fine) + 0.5)
    x = np.stack(np.meshgrid(middles, middles, indexing="ij"), axis=-1).reshape(-1, 2)
    share = made(name).pdf(x).reshape(cells, fine, cells, fine).sum(axis=(1, 3)) * width**2
    counts = np.histogram2d(*made(name).sample(n, rng()).T, bins=(edges, edges))[0]
    often = n * share > 10
    seen, expected = counts[often], n * share[often]
    rest = n - seen.sum(), n - expected.sum()
    statistic = ((seen - expected) ** 2 / expected).sum() + (rest[0] - rest[1]) ** 2 / max(rest[1], 1)
    assert statistic < stats.chi2(often.sum()).ppf(0.9999)


def test_ring_and_grid_stand_where_the_protocol_puts_them() -> None:
    ring, grid = source("ring").density().modes, source("grid").density().modes
    h = math.sqrt(0.5)
    circle = [(1, 0), (h, h), (0, 1), (-h, h), (-1, 0), (-h, -h), (0, -1), (h, -h)]
    np.testing.assert_allclose(ring.centres, circle, atol=1e-12)
    assert set(map(tuple, grid.centres)) == {(x, y) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)}
    assert set(ring.std) == {0.01}
    assert set(grid.std) == {0.05}
    assert ring.effective == pytest.approx(8)
    assert Modes(grid.centres[:2], grid.std[:2], np.array([0.9, 0.1])).effective == pytest.approx(
        math.exp(stats.entropy([0.9, 0.1]))
    )


@pytest.mark.parametrize("name", ["ring", "grid", "mixture"])
def test_the_target_is_the_number_of_the_mode(name: str) -> None:
    data = source(name, samples=500, **(CASES[name] if name == "mixture" else {})).draw(3, "test")
    modes = source(name, **(CASES[name] if name == "mixture" else {})).density().modes
    assert data.x.dtype == np.float32
    assert data.t is not None
    distance = np.linalg.norm(data.x - modes.centres[data.t], axis=1)
    assert (distance < 6 * modes.std[data.t]).all()
    counts = np.bincount(data.t, minlength=len(modes))
    assert stats.chisquare(counts, 500 * modes.weights).pvalue > 1e-4


def test_the_roll_is_unrolled_by_its_target() -> None:
    data = source("swiss_roll", noise=0.001).draw(0, "train")
    assert data.t is not None
    t = math.pi * (1.5 + 3 * data.t)
    spiral = np.stack([t * np.cos(t), t * np.sin(t)], axis=1) / (4.5 * math.pi)
    assert np.abs(data.x - spiral).max() < 0.006
    assert stats.kstest(data.t, "uniform").pvalue > 1e-4


@each
def test_scaled(name: str) -> None:
    factor, shift = np.array([2.0, -0.5]), np.array([1.0, 3.0])
    scaled, even = Scaled(made(name), factor, shift), Scaled(made(name), np.float64(-3.0), shift)
    x = rng().normal(size=(50, 2))
    np.testing.assert_allclose(scaled.pdf(factor * x + shift), made(name).pdf(x), rtol=1e-9)
    np.testing.assert_allclose(even.pdf(-3 * x + shift), made(name).pdf(x) / 9, rtol=1e-9)
    np.testing.assert_allclose(scaled.sample(9, rng()), made(name).sample(9, rng()) * factor + shift)
    assert scaled.modes is None
    if even.modes is not None:
        y = -3 * x + shift
        np.testing.assert_allclose(by_scipy(even.modes, y), even.pdf(y), rtol=1e-9)


def test_splits_are_different_draws_by_the_seed() -> None:
    ring = source("ring", samples=50)
    section = Section(train=ring, test=ring)
    first, again, other = (open_splits(section, base=Path(), seed=seed, kinds={"y": "classes"}) for seed in (1, 1, 2))
    assert first.classes == 8
    assert first.test is not None
    np.testing.assert_array_equal(first.train.x, again.train.x)
    assert not np.array_equal(first.train.x, other.train.x)
    assert not np.array_equal(first.train.x, first.test.x)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mixture: {means: [0, 1], stds: [1]}", "1 stds for 2 means: one for each is needed"),
        ("mixture: {means: [0, 1], weights: [1, 1, 2]}", "3 weights for 2 means: one for each is needed"),
        ("mixture: {means: [[0, 1], [1]]}", "the means are points of different lengths"),
        ("mixture: {means: [0, 1], stds: 0}", "must be greater than 0, found 0"),
        ("ring: {modes: 0}", "must be greater than 0, found 0"),
        ("swiss_roll: {noise: 0}", "must be greater than 0, found 0"),
        ("swiss_roll: {noise: 0.01, radius: 500}", "the noise 0.01 is too small for a roll of radius 500"),
    ],
)
def test_what_makes_no_density(text: str, message: str) -> None:
    written = f"data: {{train: {{{text}}}}}\nnetwork: [dense: 2]\nloss: softmax_cross_entropy\noptimizer: sgd\n"
    with pytest.raises(SpecError) as caught:
        read_text(written, "a.yaml").check()
    assert message in str(caught.value)


def test_more_samples_than_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(density.Mixture, "labelled", refuse)
    with pytest.raises(DataError) as caught:
        source("ring").load(Path())
    assert str(caught.value) == "samples of a ring: 10000 samples do not fit into memory: MemoryError"
