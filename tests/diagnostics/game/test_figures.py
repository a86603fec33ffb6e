"""Figures of a game against closed forms, SciPy, and loops that take a number at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, optimize, stats
from scipy.spatial.distance import pdist

from nncli.data.density import mixture
from nncli.diagnostics.game import (
    LOG2,
    OPTIMUM,
    SNAPSHOTS,
    WeightPath,
    accuracy,
    calibrated,
    coverage,
    diversity,
    effective_modes,
    histogram_divergence,
    intrinsic_dimension,
    js_bound,
    optimal_discriminator,
    path_ratio,
    saturation,
    smoothed,
    value,
)
from nncli.diagnostics.game import path as path_module
from nncli.parts import Array


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def sigmoid(s: float) -> float:
    return 1 / (1 + math.exp(-s))


def test_the_value_a_sample_at_a_time() -> None:
    real, fake = rng().normal(size=7), rng(1).normal(size=5)
    expected = sum(math.log(sigmoid(s)) for s in real) / 7 + sum(math.log(1 - sigmoid(s)) for s in fake) / 5
    assert value(real, fake) == pytest.approx(expected, rel=1e-12)
    assert value(np.zeros(3), np.zeros(3)) == pytest.approx(OPTIMUM)
    assert value(np.full(2, -800, np.float32), np.full(2, 900, np.float32)) == pytest.approx(-1700)
    assert value(np.full(2, 800.0), np.full(2, -900.0)) == pytest.approx(0)


def test_the_bound_is_the_divergence_for_the_best_discriminator() -> None:
    """Two Gaussians on a line: the bound of log p/q on samples, against the divergence by quadrature."""
    p, q = stats.norm(0, 1), stats.norm(1, 0.7)

    def part(x: float) -> float:
        a, b = p.pdf(x), q.pdf(x)
        return 0.5 * (a * math.log(2 * a / (a + b)) + b * math.log(2 * b / (a + b)))

    truth = integrate.quad(part, -8, 8, limit=200)[0]
    real, fake = (d.rvs(100_000, random_state=1) for d in (p, q))
    best, worse = (
        js_bound(value(scale * (p.logpdf(real) - q.logpdf(real)), scale * (p.logpdf(fake) - q.logpdf(fake))))
        for scale in (1.0, 0.5)
    )
    assert best == pytest.approx(truth, abs=0.004)
    assert worse < truth - 0.01
    assert js_bound(-30) == 0
    assert js_bound(0) == LOG2
    assert histogram_divergence(real[:10_000, None], fake[:10_000, None]) == pytest.approx(truth, abs=0.01)


def test_accuracy() -> None:
    assert accuracy(np.array([1.0, 2, -1, 3]), np.array([-1.0, 1])) == (3 / 4 + 1 / 2) / 2
    assert accuracy(np.zeros(4), np.zeros(4)) == 0.5


def test_saturation_is_the_ratio_of_the_losses_gradients() -> None:
    """Norms of the two losses' derivatives with respect to each logit, by central differences."""
    logits, slopes = 2 * rng().normal(size=6), rng(1).random(6)

    def size(loss: str) -> float:
        losses = {"minimax": lambda s: math.log(1 - sigmoid(s)), "nonsaturating": lambda s: -math.log(sigmoid(s))}[loss]
        pairs = zip(logits, slopes, strict=True)
        return sum(abs(losses(s + 1e-5) - losses(s - 1e-5)) / 2e-5 * slope for s, slope in pairs)

    assert saturation(logits, slopes) == pytest.approx(size("minimax") / size("nonsaturating"), rel=1e-8)
    assert saturation(np.array([-700.0]), np.ones(1)) < 1e-300
    assert saturation(np.array([700.0]), np.ones(1)) == pytest.approx(1e6)
    assert math.isnan(saturation(np.zeros(3), np.zeros(3)))


@pytest.mark.parametrize(("factor", "shift"), [(1.0, 0.0), (0.01, 0.5), (-3.0, 20.0)])
def test_calibrated_scores_prove_what_the_logits_behind_them_would(factor: float, shift: float) -> None:
    real, fake = rng(2).normal(0.5, 1, 4000), rng(3).normal(-0.5, 1, 4000)
    truth = js_bound(value(real, fake))  # log p/q of these two is the sample itself
    found = calibrated(factor * real + shift, factor * fake + shift)
    assert len(found[0]) == len(found[1]) == 2000
    assert js_bound(value(*found)) == pytest.approx(truth, abs=0.01)
    assert accuracy(*found) == pytest.approx(stats.norm.cdf(0.5), abs=0.02)


def test_calibration_agrees_with_a_general_optimizer() -> None:
    real, fake = rng(4).normal(0.7, 1.5, 600), rng(5).normal(size=400)

    def loss(w: Array) -> float:
        a, b = w[0] * real[:300] + w[1], w[0] * fake[:200] + w[1]
        return float(np.logaddexp(0, -a).mean() + np.logaddexp(0, b).mean()) / 2

    slope, offset = optimize.minimize(loss, np.zeros(2), method="BFGS").x
    np.testing.assert_allclose(calibrated(real, fake)[0], slope * real[300:] + offset, atol=0.02)


@pytest.mark.parametrize("scores", [(np.ones(100), -np.ones(100)), (np.zeros(100), np.zeros(100))])
def test_calibration_of_scores_that_are_separable_or_say_nothing(scores: tuple[Array, Array]) -> None:
    bound = js_bound(value(*calibrated(*scores)))
    assert bound > 0.9 * LOG2 if scores[0][0] else bound == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("features", [2, 12])
def test_coverage_a_pair_at_a_time(features: int) -> None:
    real, fake, k = rng().normal(size=(40, features)), rng(1).normal(0.5, 1, size=(30, features)), 3
    covered = 0
    for i, x in enumerate(real):
        radius = sorted(math.dist(x, other) for j, other in enumerate(real) if j != i)[k - 1]
        covered += any(math.dist(x, y) < radius for y in fake)
    assert coverage(real, fake, k) == covered / 40


@pytest.mark.parametrize("features", [2, 20])
def test_coverage_of_the_same_distribution(features: int) -> None:
    real, fake = rng().normal(size=(2, 1500, features))
    assert coverage(real, fake) == pytest.approx(1 - 2**-5, abs=0.02)
    assert coverage(real, np.tile(fake[:1], (1500, 1))) < 0.1


def test_diversity() -> None:
    real, fake = rng().normal(size=(30, 2, 3)), rng(1).normal(size=(20, 2, 3))
    expected = pdist(fake.reshape(20, -1)).mean() / pdist(real.reshape(30, -1)).mean()
    assert diversity(real, fake) == pytest.approx(expected)
    assert diversity(real, np.tile(fake[:1], (5, 1, 1))) == 0
    assert math.isnan(diversity(np.ones((4, 2)), fake[:, 0]))


def test_effective_modes() -> None:
    modes = mixture(np.array([[0.0], [10.0], [20.0]]), np.array([0.1, 0.1, 5.0])).modes
    fake = np.array([[0.0]] * 3 + [[10.0]] * 5 + [[19.0]] * 2)
    assert effective_modes(fake, modes) == pytest.approx(math.exp(stats.entropy([3, 5, 2])))
    assert effective_modes(np.array([[11.0]] * 4), modes) == 1  # in units of the deviations the third is nearest


@pytest.mark.parametrize("dimension", [1, 2, 5])
def test_intrinsic_dimension_of_a_plane_in_space(dimension: int) -> None:
    frame = np.linalg.qr(rng().normal(size=(30, dimension)))[0]
    x = rng(1).random((2000, dimension)) @ frame.T
    assert intrinsic_dimension(x) == pytest.approx(dimension, rel=0.1)


def test_intrinsic_dimension_of_points_that_are_one() -> None:
    assert intrinsic_dimension(np.ones((50, 3))) == 0
    x = rng().random((500, 2))
    assert intrinsic_dimension(np.tile(x, (3, 1))) == intrinsic_dimension(x)


def test_path_ratio() -> None:
    line = np.arange(30.0)[:, None] * np.ones(3)
    angle = 2 * np.pi * np.arange(25) / 24
    assert path_ratio(line) == pytest.approx(1)
    assert path_ratio(np.stack([np.cos(angle), np.sin(angle)], axis=1)) == pytest.approx(0, abs=1e-12)
    assert path_ratio(np.array([[0.0, 0], [3, 0], [3, 4]])) == pytest.approx(5 / 7)
    walk = np.cumsum(rng().normal(size=(100, 5000)), axis=0)
    assert path_ratio(walk) == pytest.approx(1 / math.sqrt(SNAPSHOTS - 1), rel=0.05)
    assert math.isnan(path_ratio(line[:2]))
    assert math.isnan(path_ratio(np.ones((25, 3))))


def test_the_path_of_some_of_the_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(path_module, "COORDINATES", 2000)
    walk = np.cumsum(rng().normal(0.1, 1, size=(40, 20_000)), axis=0)
    whole, again = WeightPath(20_000, seed=1), WeightPath(20_000, seed=1)
    for row in walk[:24]:
        assert math.isnan(whole.add(row))
    again.restore(whole.snapshots)
    for row in walk[24:]:
        assert whole.add(row) == again.add(row)
    assert whole.snapshots.shape == (25, 2000)
    assert whole.add(walk[-1]) == pytest.approx(path_ratio(np.vstack([walk[-24:], walk[-1:]])), rel=0.05)


def test_histogram_divergence() -> None:
    x, y = rng().normal(size=(2, 3000, 2))
    assert histogram_divergence(x, y) < 0.01
    assert histogram_divergence(x, y + 100) == pytest.approx(LOG2)
    assert histogram_divergence(x, 1e-3 * y + 50) == pytest.approx(LOG2)  # one lies close, the other is scattered
    assert histogram_divergence(np.ones((40, 1)), np.ones((50, 1))) == pytest.approx(0)
    half = np.concatenate([x[:1500], x[:1500] + 100])
    # q is half p and half elsewhere: 0.5 KL(p|m) + 0.5 KL(q|m) with m = 3/4 p + 1/4 elsewhere
    truth = 0.5 * math.log(4 / 3) + 0.5 * (0.5 * math.log(2 / 3) + 0.5 * math.log(2))
    assert histogram_divergence(y, half) == pytest.approx(truth, abs=0.01)


def test_the_best_discriminator() -> None:
    p, q = mixture(np.array([[0.0]]), 1.0), mixture(np.array([[2.0]]), 0.5)
    x = np.linspace(-2, 4, 40)
    a, b = stats.norm(0, 1).pdf(x), stats.norm(2, 0.5).pdf(x)
    np.testing.assert_allclose(optimal_discriminator(p, q, x[:, None]), a / (a + b), rtol=1e-9)
    near = x < 3.4  # where there are samples
    found = optimal_discriminator(p, q.sample(20_000, rng()), x[near, None])
    np.testing.assert_allclose(found, (a / (a + b))[near], atol=0.06)
    assert np.isnan(optimal_discriminator(p, q, np.array([[1e4]]))).all()


def test_samples_smoothed_as_scipy_does() -> None:
    x, at = rng().normal(size=(200, 1)), np.linspace(-3, 3, 20)[:, None]
    np.testing.assert_allclose(
        smoothed(x).pdf(at), stats.gaussian_kde(x.T, "silverman").pdf(at.T), rtol=0.01, atol=1e-4
    )
