"""Augmentation against NumPy's and SciPy's own flips, turns, filters and interpolation."""

from __future__ import annotations

import math
import tracemalloc
from typing import Any

import numpy as np
import pytest
from scipy import ndimage, stats

from nncli import registry
from nncli.data.augment.elastic import basis, smoothing
from nncli.data.augmentation import Augmenter, augmentation_bytes, grouped
from nncli.errors import ShapeError
from nncli.kernels.resampling import Grid, resample
from nncli.parts import Array, AugmentFrame, Mixed, Movement

NAMES = sorted(registry.augment)
MOVEMENTS = [name for name in NAMES if issubclass(registry.augment[name], Movement)]


def step(name: str, **fields: Any) -> Any:
    return registry.augment[name](**fields)


def images(n: int = 6, shape: tuple[int, ...] = (2, 9, 12), dtype: str = "float64", seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=(*shape, n)).astype(dtype)


def augmented(x: Array, *steps: Any, seed: int = 0, epoch: int = 0, number: int = 0) -> Array:
    out = x.copy()
    Augmenter(steps, x.shape[:-1], x.dtype, seed).apply(out, {}, {}, epoch, number)
    return out


class Map(Movement):
    """A map that is given: for tests of what is done with it."""

    type_name = "map"

    def __init__(self, matrix: Any, offset: Any = (0, 0), border: str = "edge") -> None:
        self.matrix, self.offset, self.border = np.asarray(matrix), np.asarray(offset), border

    def apply(self, f: AugmentFrame) -> None:
        f.matrix[...] = self.matrix[..., None]
        f.offset[...] = self.offset[..., None]


# -- reading pixels ----------------------------------------------------------------------------------------------------

MODES = {"edge": "nearest", "zero": "constant", "reflect": "mirror"}
"""SciPy's names."""


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("border", sorted(MODES))
def test_interpolation_against_scipy(border: Any, dtype: str) -> None:
    """Anywhere within one image's size around the image."""
    x = images(dtype=dtype)
    _, height, width, n = x.shape
    rng = np.random.default_rng(1)
    y = rng.uniform(-height / 2, 1.4 * height, (height, width, n)).astype(dtype)
    across = rng.uniform(-width / 2, 1.4 * width, (height, width, n)).astype(dtype)
    expected = np.empty(x.shape)
    # beyond the border SciPy's "constant" is 0 at once; what is between is a pixel of a border of zeros
    padded = np.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0))) if border == "zero" else x
    more = 2 if border == "zero" else 0
    for channel in range(x.shape[0]):
        for sample in range(n):
            at = np.clip(y[..., sample] + more, 0, None) if border == "zero" else y[..., sample]
            beside = across[..., sample] + more
            expected[channel, ..., sample] = ndimage.map_coordinates(
                padded[channel, ..., sample].astype(np.float64), [at, beside], order=1, mode=MODES[border]
            )
    grid = grid_of(x)
    grid.y[...], grid.x[...] = y, across
    resample(grid, x, border, False)
    np.testing.assert_allclose(x, expected, atol=1e-12 if dtype == "float64" else 1e-4)


def grid_of(x: Array) -> Grid:
    works = Grid.works(x.shape[:-1], x.shape[-1])
    grid = Grid(**{name: np.zeros(work.shape, work.dtype or x.dtype) for name, work in works.items()})
    grid.prepare()
    return grid


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 5), (3, 7, 1), (2, 4, 4)])
@pytest.mark.parametrize("border", sorted(MODES))
def test_the_map_that_leaves_all_where_it_is_changes_no_bit(border: str, shape: tuple[int, ...]) -> None:
    x = images(shape=shape, dtype="float32")
    np.testing.assert_array_equal(augmented(x, Map(np.eye(2), border=border)), x)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_right_angles_are_rot90(turns: int) -> None:
    x = images(shape=(2, 8, 8))
    angle = turns * math.pi / 2
    matrix = [[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]]
    np.testing.assert_allclose(augmented(x, Map(matrix)), np.rot90(x, turns, axes=(1, 2)), atol=1e-12)


def test_whole_shifts_are_slices() -> None:
    x = images()
    out = augmented(x, Map(np.eye(2), (2, -3), "zero"))
    np.testing.assert_array_equal(out[:, :-2, 3:], x[:, 2:, :-3])
    assert (out[:, -2:] == 0).all()
    assert (out[:, :, :3] == 0).all()


def test_joined_maps_are_one_after_the_other() -> None:
    """On numbers that are linear in the place, where interpolation is exact; far from the border."""
    rows, columns = np.mgrid[:41, :41] - 20.0
    x = (0.7 * rows - 0.2 * columns)[None, ..., None]
    maps = [Map([[1.1, 0.2], [-0.1, 0.9]], (1.5, -0.5)), Map([[0.8, -0.3], [0.2, 1.0]], (0.25, 2))]
    apart = augmented(augmented(x, maps[0]), maps[1])
    inner = (slice(None), slice(12, 29), slice(12, 29))
    np.testing.assert_allclose(augmented(x, *maps)[inner], apart[inner], atol=1e-12)


def test_what_is_joined() -> None:
    kinds = ["shift", "flip", "rotation", "elastic", "scaling", "noise", "crop", "flip"]
    groups = grouped([step(kind) for kind in kinds])
    assert [group.places for group in groups] == [(0, 1, 2, 3), (4,), (5,), (6, 7)]
    borders = grouped([step("shift", border="zero"), step("rotation"), step("flip")])
    assert [group.places for group in borders] == [(0,), (1, 2)]


# -- each step ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", ["horizontal", "vertical"])
def test_flips(axis: str) -> None:
    x = images()
    once = augmented(x, step("flip", axis=axis, probability=1.0))
    np.testing.assert_array_equal(once, x[:, :, ::-1] if axis == "horizontal" else x[:, ::-1])
    np.testing.assert_array_equal(augmented(once, step("flip", axis=axis, probability=1.0)), x)
    np.testing.assert_array_equal(augmented(x, step("flip", axis=axis, probability=0.0)), x)
    some = augmented(images(4000), step("flip", axis=axis))
    assert abs((some == images(4000)).all(axis=(0, 1, 2)).mean() - 0.5) < 0.03


def test_crop_is_a_window_of_the_padded_image() -> None:
    x = images(500, (2, 5, 6), "float32")
    out = augmented(x, step("crop", padding=2))
    padded = np.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)))
    windows = [(r, c) for r in range(5) for c in range(5)]
    seen = np.zeros(len(windows))
    for sample in range(500):
        fits = [np.array_equal(out[..., sample], padded[:, r : r + 5, c : c + 6, sample]) for r, c in windows]
        assert sum(fits) == 1
        seen += fits
    assert stats.chisquare(seen).pvalue > 1e-3


def drawn(name: str, n: int = 4000, **fields: Any) -> AugmentFrame:
    """What a step has drawn for the first batch."""
    augmenter = Augmenter([step(name, **fields)], (1, 6, 6), np.float64, 0)
    augmenter.apply(images(n, (1, 6, 6)), {}, {}, 0, 0)
    return augmenter._batches[n].frames[0]


def test_shifts_are_uniform() -> None:
    offset = drawn("shift", pixels=(3.0, 0.5)).offset
    for row, most in zip(offset, (3, 0.5), strict=True):
        assert stats.kstest(row, stats.uniform(-most, 2 * most).cdf).pvalue > 1e-3
    assert abs(np.corrcoef(offset)[0, 1]) < 0.05


def test_rotations_are_uniform_and_turn() -> None:
    frame = drawn("rotation", degrees=30)
    angles = np.degrees(np.arctan2(frame.matrix[0, 1], frame.matrix[0, 0]))
    assert stats.kstest(angles, stats.uniform(-30, 60).cdf).pvalue > 1e-3
    np.testing.assert_allclose(np.einsum("ijn,kjn->nik", frame.matrix, frame.matrix) - np.eye(2), 0, atol=1e-6)
    np.testing.assert_allclose(np.linalg.det(np.moveaxis(frame.matrix, -1, 0)), 1, atol=1e-6)
    assert not frame.offset.any()


def test_scaling_is_even_in_its_logarithm() -> None:
    matrix = drawn("scaling", by=0.25, each_axis=True).matrix
    for factors in (matrix[0, 0], matrix[1, 1]):
        most = math.log(1.25)
        assert stats.kstest(np.log(factors), stats.uniform(-most, 2 * most).cdf).pvalue > 1e-3
    assert abs(np.corrcoef(matrix[0, 0], matrix[1, 1])[0, 1]) < 0.05
    both = drawn("scaling").matrix
    np.testing.assert_array_equal(both[0, 0], both[1, 1])


@pytest.mark.parametrize("sigma", [0.7, 2.0, 4.0, 30.0])
@pytest.mark.parametrize("size", [1, 6, 29])
def test_smoothing_is_scipys(size: int, sigma: float) -> None:
    x = np.random.default_rng(0).normal(size=size)
    expected = ndimage.gaussian_filter1d(x, sigma, mode="constant", truncate=4)
    np.testing.assert_allclose(smoothing(size, sigma) @ x, expected, atol=1e-13)


@pytest.mark.parametrize("sigma", [0.5, 2.0, 4.0, 30.0])
@pytest.mark.parametrize("size", [1, 6, 28, 100])
def test_few_numbers_have_the_covariance_of_many(size: int, sigma: float) -> None:
    """That of smoothed independent numbers: K Kᵀ."""
    few, smooth = basis(size, sigma), smoothing(size, sigma)
    expected = smooth @ smooth.T
    assert np.abs(few @ few.T - expected).max() < 1e-3 * np.abs(expected).max()
    if (size, sigma) == (28, 4.0):
        assert few.shape == (28, 8)


def flow(n: int = 300, size: int = 40, alpha: float = 34.0, sigma: float = 4.0) -> Array:
    shape = (1, size, size)
    augmenter = Augmenter([step("elastic", alpha=alpha, sigma=sigma)], shape, np.float64, 0)
    augmenter.apply(images(n, shape), {}, {}, 0, 0)
    return augmenter._batches[n].frames[0].flow


def test_the_field_of_elastic() -> None:
    """Smooth and bounded, of the deviation that the docstring says, and its own for each axis and sample."""
    field = flow()
    inner = field[:, 16:24, 16:24]
    assert inner.std() == pytest.approx(34 / math.sqrt(3) / (2 * math.sqrt(math.pi) * 4), rel=0.03)
    assert abs(inner.mean()) < 0.05
    assert np.abs(field).max() < 34
    slope = np.diff(field, axis=1).std() / field.std()
    # a field smoothed by sigma has the correlation exp(-d²/4σ²) at the distance d
    assert slope == pytest.approx(math.sqrt(2 - 2 * math.exp(-1 / 64)), rel=0.05)
    assert abs(np.corrcoef(field[0, 20, 20], field[1, 20, 20])[0, 1]) < 0.2
    np.testing.assert_allclose(flow(3, alpha=17.0) * 2, flow(3), atol=1e-6)


def test_elastic_after_a_turn() -> None:
    """The field moves places of the image that the map before it made."""
    x = images(3, (1, 10, 10))
    shifted = Map([[0.9, 0.3], [-0.2, 1.1]], (0.5, 1))
    augmenter = Augmenter([shifted, step("elastic", alpha=20.0)], (1, 10, 10), x.dtype, 0)
    out = x.copy()
    augmenter.apply(out, {}, {}, 0, 0)
    field = augmenter._batches[3].frames[1].flow
    places = np.mgrid[:10, :10][..., None] - 4.5 + field
    source = np.einsum("ij,jrcn->ircn", shifted.matrix, places) + shifted.offset[:, None, None, None] + 4.5
    for sample in range(3):
        expected = ndimage.map_coordinates(x[0, ..., sample], source[..., sample], order=1, mode="nearest")
        np.testing.assert_allclose(out[0, ..., sample], expected, atol=1e-12)


@pytest.mark.parametrize("size", [1, 4, 5, 50])
def test_cutout_is_a_square(size: int) -> None:
    x = np.ones((2, 9, 12, 400), np.float32)
    out = augmented(x, step("cutout", size=size, fill=7.0))
    for sample in range(400):
        rows, columns = np.nonzero(out[0, ..., sample] == 7)
        assert 1 <= len(rows) <= size**2
        square = np.ones((9, 12))
        square[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] = 7
        np.testing.assert_array_equal(out[..., sample], [square, square])
        if size < 9:
            inside = rows.min() > 0 and rows.max() < 8 and columns.min() > 0 and columns.max() < 11
            assert not inside or len(rows) == size**2
    assert ((augmented(x, step("cutout", probability=0.25)) != x).any(axis=(0, 1, 2)).mean()) == pytest.approx(
        0.25, abs=0.07
    )


@pytest.mark.parametrize("shape", [(5,), (1, 3, 3), (3, 4, 4)], ids=str)
def test_noise_is_normal(shape: tuple[int, ...]) -> None:
    noise = augmented(np.zeros((*shape, 3000)), step("noise", std=0.5))
    assert stats.kstest(noise[..., 0::7].ravel(), stats.norm(0, 0.5).cdf).pvalue > 1e-3
    flat = noise.reshape(-1, 3000)
    assert np.abs(np.corrcoef(flat) - np.eye(len(flat))).max() < 0.1


def mixed(n: int, alpha: float = 0.4, classes: bool = True) -> tuple[Array, Array, Array, Array, Mixed]:
    """Samples and targets before and after."""
    x, t = images(n, (3,)), np.arange(n) if classes else images(n, (2,), seed=5)
    pair = Mixed.of(n, np.float64)
    new_x, new_t = x.copy(), t.copy()
    Augmenter([step("mixup", alpha=alpha)], (3,), np.float64, 0).apply(
        new_x, {"y": new_t}, {"y": pair} if classes else {}, 0, 0
    )
    return x, t, new_x, new_t, pair


@pytest.mark.parametrize("n", [2, 3, 50])
def test_mixup_is_a_mean_of_two(n: int) -> None:
    x, t, new_x, new_t, pair = mixed(n)
    np.testing.assert_array_equal(new_t, t)
    assert (pair.second != t).all()
    assert sorted(pair.second) == sorted(t)
    np.testing.assert_allclose(new_x, pair.share * x + (1 - pair.share) * x[:, pair.second], atol=1e-15)
    assert pair.share.min() >= 0.5
    values = mixed(n, classes=False)
    np.testing.assert_allclose(values[3], pair.share * values[1] + (1 - pair.share) * values[1][:, pair.second])


def test_mixup_of_one_sample_leaves_it() -> None:
    x, _, new_x, _, _ = mixed(1)
    np.testing.assert_allclose(new_x, x, rtol=1e-15)


@pytest.mark.parametrize("alpha", [0.2, 1.0, 8.0])
def test_shares_are_of_the_beta_distribution(alpha: float) -> None:
    """Of the larger of λ and 1 − λ: twice the distribution above a half."""
    share = mixed(4000, alpha)[4].share
    beta = stats.beta(alpha, alpha)
    assert stats.kstest(share, lambda s: np.clip(2 * beta.cdf(s) - 1, 0, 1)).pvalue > 1e-3


# -- all steps ---------------------------------------------------------------------------------------------------------


def everything() -> list[Any]:
    return [step(name) for name in NAMES]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_it_changes_something_each_time_and_keeps_the_type(name: str, dtype: str) -> None:
    x = images(8, (3, 10, 10), dtype)
    outs = [augmented(x, step(name), number=number) for number in (0, 1)]
    outs += [augmented(x, step(name), epoch=1), augmented(x, step(name), seed=1)]
    assert all(out.dtype == x.dtype and np.isfinite(out).all() for out in outs)
    assert all(not np.array_equal(a, b) for i, a in enumerate([x, *outs]) for b in outs[i:])
    np.testing.assert_array_equal(outs[0], augmented(x, step(name)))


@pytest.mark.parametrize("name", [name for name in NAMES if name != "mixup"])
def test_a_sample_depends_on_its_place_alone(name: str) -> None:
    """Not on the others, nor how many there are."""
    x = images(8, (3, 10, 10), "float32")
    few = augmented(np.ascontiguousarray(x[..., :5]), step(name))
    # products of other sizes are summed in another order
    np.testing.assert_allclose(augmented(x, step(name))[..., :5], few, atol=1e-4 if name == "elastic" else 0)


def test_two_steps_of_a_kind_draw_numbers_of_their_own() -> None:
    x = np.zeros((4, 5))
    one, two = (augmented(x, *[step("noise")] * count) for count in (1, 2))
    assert not np.allclose(two, 2 * one)


def test_batches_in_turn_are_as_if_alone() -> None:
    """Nothing of a batch is left in the arrays for the next one, of the same or another size."""
    augmenter = Augmenter(everything(), (3, 10, 10), np.float32, 0)
    for number, n in enumerate((6, 4, 6)):
        x = images(n, (3, 10, 10), "float32", number)
        out = x.copy()
        augmenter.apply(out, {}, {}, 2, number)
        np.testing.assert_array_equal(out, augmented(x, *everything(), epoch=2, number=number))


@pytest.mark.parametrize("name", NAMES)
def test_the_forecast_of_its_memory(name: str) -> None:
    """Of large batches, where nothing else counts, without the two batches themselves."""
    n, shape = 4000, (3, 12, 10)
    x = images(n, shape, "float32")
    augmenter = Augmenter([step(name)], shape, np.float32, 0)
    tracemalloc.start()
    augmenter.apply(x, {}, {}, 0, 0)
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    forecast = augmentation_bytes([step(name)], shape, n, "float32") - 2 * x.nbytes
    assert taken == pytest.approx(forecast, rel=0.1, abs=20 * n)


def peak(name: str, n: int) -> int:
    """Bytes that the second batch takes."""
    x, t, pair = images(n, (3, 8, 8), "float32"), np.zeros(n, np.intp), Mixed.of(n, np.float32)
    augmenter = Augmenter([step(name)], (3, 8, 8), np.float32, 0)
    augmenter.apply(x, {"y": t}, {"y": pair}, 0, 0)
    tracemalloc.start()
    augmenter.apply(x, {"y": t}, {"y": pair}, 0, 1)
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return taken


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_allocated_by_batch_size(name: str) -> None:
    """NumPy's buffers are full from 8192 numbers on, and do not grow."""
    assert peak(name, 9000) - peak(name, 2500) < 2000


@pytest.mark.parametrize("name", [*MOVEMENTS, "cutout"])
def test_vectors_are_refused(name: str) -> None:
    with pytest.raises(ShapeError, match=f"{name} takes images"):
        step(name).check((12,))
    step(name).check((1, 3, 4))
