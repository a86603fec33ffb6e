"""Preprocessing against NumPy in float64."""

from __future__ import annotations

import math
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest

from nncli.data.batches import Loader, Preprocessing
from nncli.errors import CheckpointError
from nncli.parts import Array
from tests.data.files import dataset, step

AXES = {"channel": (0, 2, 3), "feature": (0,), "all": (0, 1, 2, 3)}


def filled(x: Array, *steps: object, dtype: str = "float64") -> Array:
    """All samples, batch first, after the steps were fitted to them."""
    data = dataset(x)
    out = np.empty((*data.shape, len(data)), dtype)
    Loader(data, Preprocessing.fit(steps, data), dtype).fill(np.arange(len(data)), out)
    return np.moveaxis(out, -1, 0)


@pytest.mark.parametrize("per", ["channel", "feature", "all"])
@pytest.mark.parametrize("n", [1, 7, 3000])
def test_standardize_images(per: str, n: int) -> None:
    """3000 samples of 300 numbers are four blocks, the last of them smaller."""
    x = np.random.default_rng(0).normal(50, 20, (n, 3, 10, 10)) * np.array([1, 2, 30])[:, None, None]
    axes = AXES[per]
    std = x.std(axis=axes, keepdims=True)
    expected = (x - x.mean(axis=axes, keepdims=True)) / np.where(std == 0, 1, std)
    np.testing.assert_allclose(filled(x, step("standardize", per=per)), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("per", ["channel", "feature"])
def test_standardize_vectors_by_feature(per: str) -> None:
    x = np.random.default_rng(1).random((500, 6)) * 10.0 ** np.arange(-3, 3)
    expected = (x - x.mean(axis=0)) / x.std(axis=0)
    np.testing.assert_allclose(filled(x, step("standardize", per=per)), expected, rtol=1e-9, atol=1e-12)


def test_standardize_vectors_as_a_whole() -> None:
    x = np.random.default_rng(1).random((500, 6))
    np.testing.assert_allclose(filled(x, step("standardize", per="all")), (x - x.mean()) / x.std(), atol=1e-12)


def test_standardize_is_exact_far_from_zero() -> None:
    """Mean 10⁹, deviation about 1: the sum of squares would have lost all digits. The truth is in exact fractions."""
    x = 1e9 + np.random.default_rng(2).integers(0, 5, 1000)
    exact = [Fraction(int(value)) for value in x]
    mean = sum(exact) / 1000
    variance = sum((value - mean) ** 2 for value in exact) / 1000
    state = Preprocessing.fit((step("standardize"),), dataset(x)).state()["0_standardize"]
    assert state["mean"][0] == pytest.approx(float(mean), rel=1e-15)
    assert state["std"][0] == pytest.approx(math.sqrt(variance), rel=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("value", [0.0, 0.1, 1e-30, -7e20, 255])
def test_what_is_constant_becomes_zero(value: float, dtype: str) -> None:
    """0.1 has no exact mean in binary; a deviation of rounding errors must not be divided by."""
    x = np.random.default_rng(3).random((100_000, 3)).astype(dtype)
    x[:, 1] = value
    out = filled(x, step("standardize"), dtype=dtype)
    assert np.isfinite(out).all()
    assert np.abs(out[:, 1]).max() == 0
    assert np.abs(out[:, ::2].std(axis=0) - 1).max() < 1e-3


def test_only_the_split_is_looked_at() -> None:
    x = np.random.default_rng(4).random((10, 2))
    split = dataset(x).subset(np.array([1, 5, 6]))
    state = Preprocessing.fit((step("standardize"),), split).state()["0_standardize"]
    np.testing.assert_allclose(state["mean"], x[[1, 5, 6]].mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(state["std"], x[[1, 5, 6]].std(axis=0), rtol=1e-13)


def test_scale() -> None:
    x = np.arange(256, dtype=np.uint8).reshape(64, 4)
    np.testing.assert_array_equal(filled(x, step("scale", factor=0.0625)), x / 16)
    np.testing.assert_array_equal(filled(x, step("scale", factor=2.0, offset=-1.0)), 2.0 * x - 1)
    assert filled(x, step("scale", factor=0.0625), dtype="float32").dtype == np.float32


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_undone(dtype: str) -> None:
    """The opposite of all steps together; the data come back in their own units."""
    x = np.random.default_rng(0).normal(50, 20, (40, 3, 4, 4))
    data = dataset(x)
    steps = [step("scale", factor=0.5, offset=3.0), step("standardize", per="feature")]
    fitted = Preprocessing.fit(steps, data)
    out = np.empty((*data.shape, len(data)), dtype)
    Loader(data, fitted, dtype).fill(np.arange(len(data)), out)
    assert fitted.undo(out)
    np.testing.assert_allclose(np.moveaxis(out, -1, 0), x, rtol=1e-12 if dtype == "float64" else 1e-4)


def test_what_cannot_be_undone_stays_as_it_is() -> None:
    x = np.ones((2, 5))
    assert not Preprocessing([step("scale", factor=0.0)]).undo(x)
    assert (x == 1).all()


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_quantiles_are_normal_scores_of_ranks(distribution: str) -> None:
    """With as many points as samples: SciPy's ranks (equal values share theirs) through its normal distribution."""
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(6)
    x = np.stack([rng.standard_cauchy(400), rng.exponential(size=400), rng.permutation(400) * 1.0], axis=1)
    z = filled(x, step("quantile", distribution=distribution, quantiles=400))
    shares = (stats.rankdata(x, axis=0) - 0.5) / 400
    expected = shares if distribution == "uniform" else stats.norm.ppf(shares)
    np.testing.assert_allclose(z, expected, atol=1e-9)
    assert np.abs(z.mean()) < 1e-9 or distribution == "uniform"


def test_equal_values_share_a_level() -> None:
    x = np.array([[0.0], [0.0], [0.0], [5.0]])
    z = filled(x, step("quantile", distribution="uniform", quantiles=4))
    assert z.ravel().tolist() == pytest.approx([0.375, 0.375, 0.375, 0.875])
    constant = filled(np.full((9, 1), 3.0), step("quantile"))
    assert constant.ravel().tolist() == pytest.approx([0.0] * 9, abs=1e-12)


def test_quantiles_of_other_numbers() -> None:
    """Between the points linear, beyond their ends constant, in blocks of a long batch too."""
    x = np.arange(11.0)[:, None]
    data = dataset(x)
    fitted = Preprocessing.fit((step("quantile", distribution="uniform", quantiles=11),), data)
    other = np.linspace(-5, 15, 5001)
    out = np.empty((1, 5001))
    Loader(dataset(other[:, None]), fitted, "float64").fill(np.arange(5001), out)
    points, levels = (fitted.state()["0_quantile"][name][0] for name in ("points", "levels"))
    np.testing.assert_allclose(out[0], np.interp(other, points, levels), rtol=1e-12)
    assert (out[0, 0], out[0, -1]) == (levels[0], levels[-1])


def test_quantiles_are_taken_from_a_part_of_many_samples() -> None:
    rng = np.random.default_rng(7)
    x = rng.normal(3, 2, (200_000, 1))
    points = Preprocessing.fit((step("quantile", quantiles=3),), dataset(x)).state()["0_quantile"]["points"]
    np.testing.assert_allclose(points[0], 3 + 2 * np.array([-0.9674, 0, 0.9674]), atol=0.03)


def test_quantiles_take_no_memory_by_batch_size() -> None:
    rng = np.random.default_rng(8)
    data = dataset(rng.normal(size=(9000, 2)).astype(np.float32))
    loader = Loader(data, Preprocessing.fit((step("quantile"),), data), "float32")
    peaks = []
    for n in (9000, 2000):
        x, indices = np.empty((2, n), np.float32), np.arange(n)
        loader.fill(indices, x)
        tracemalloc.start()
        loader.fill(indices, x)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert abs(peaks[0] - peaks[1]) < 1024, "a row of the one batch is 36,000 bytes, of the other 8,000"


@pytest.mark.parametrize("shape", [(), (1,), (3,)], ids=str)
def test_scales_of_targets(shape: tuple[int, ...]) -> None:
    """The network's targets have mean 0 and deviation 1 on the training split, and come back in their own units."""
    rng = np.random.default_rng(9)
    y = rng.normal(1e9, 3, (50, *shape))
    data = dataset(rng.normal(size=(50, 2)), y).subset(np.arange(40))
    fitted = Preprocessing.fit((), data, ("y",))
    for preprocessing in (fitted, Preprocessing.restore((), fitted.state(), ("y",))):
        t = np.empty((*(shape or (1,)), 40), np.float32)
        Loader(data, preprocessing, "float32").fill(np.arange(40), np.empty((2, 40), np.float32), {"y": t})
        np.testing.assert_allclose(t.mean(axis=-1), 0, atol=1e-6)
        np.testing.assert_allclose(t.std(axis=-1), 1, rtol=1e-6)
        own = np.empty((t.size // 40, 40))
        preprocessing.scales["y"].own(t.reshape(-1, 40), own)
        np.testing.assert_allclose(own.T.reshape(y[:40].shape), y[:40], atol=1e-5)


def test_a_constant_target_keeps_its_unit() -> None:
    fitted = Preprocessing.fit((), dataset(np.zeros((4, 1)), np.full(4, 0.1)), ("y",))
    assert fitted.state()["targets"]["0_std"] == 1


def test_a_checkpoint_without_a_scale() -> None:
    with pytest.raises(CheckpointError, match=r"^/preprocess/targets: the checkpoint has no scale of the target 'y'$"):
        Preprocessing.restore((), {}, ("y",))
