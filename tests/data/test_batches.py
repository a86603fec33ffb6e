"""Batches against a naive loop; orders; what filling costs in memory and time."""

from __future__ import annotations

import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nncli.data.batches import Loader, Preprocessing, order
from nncli.data.dataset import Dataset
from nncli.errors import CheckpointError
from nncli.parts import Array
from tests.data.files import dataset, step


def naive(data: Dataset, indices: Array, dtype: str) -> Array:
    """One sample after the other, batch last."""
    rows = [data.x[i if data.rows is None else data.rows[i]] for i in indices]
    return np.stack([row.astype(dtype) for row in rows], axis=-1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("stored", ["u1", "i2", "u8", "f2", "f4", "f8", "?", "g"])
@pytest.mark.parametrize("shape", [(), (5,), (4, 3), (3, 8, 8), (2, 64, 2), (1024,)], ids=str)
def test_fill_against_a_loop(shape: tuple[int, ...], stored: str, dtype: str) -> None:
    rng = np.random.default_rng(1)
    data = dataset((rng.random((11, *shape)) * 100).astype(stored), np.arange(11)).labelled()
    loader = Loader(data, Preprocessing(), dtype)
    for n in (1, 4, 3):
        indices = rng.integers(0, 11, n)
        x, t = np.full((*data.shape, n), np.nan, dtype), np.full(n, -1)
        loader.fill(indices, x, {"y": t})
        np.testing.assert_array_equal(x, naive(data, indices, dtype))
        np.testing.assert_array_equal(t, indices)


def test_fill_of_a_split() -> None:
    rng = np.random.default_rng(2)
    data = dataset(rng.random((20, 3)), np.arange(20)).labelled().subset(np.array([19, 3, 7, 8]))
    loader = Loader(data, Preprocessing(), "float64")
    x, t = np.empty((3, 3)), np.empty(3, np.intp)
    loader.fill(np.array([2, 0, 3]), x, {"y": t})
    np.testing.assert_array_equal(x, data.x[[7, 19, 8]].T)
    assert t.tolist() == [7, 19, 8]
    assert len(loader) == len(data) == 4


@pytest.mark.parametrize("target", [(), (1,), (2, 3), (1, 4, 4), (4, 4)], ids=str)
def test_fill_of_values(target: tuple[int, ...]) -> None:
    rng = np.random.default_rng(3)
    y = rng.integers(-9, 9, (6, *target))
    loader = Loader(dataset(rng.random((6, 2)), y), Preprocessing(), "float32")
    output = target or (1,)
    t = np.full((*output, 4), np.nan, np.float32)
    loader.fill(np.array([5, 1, 1, 0]), np.empty((2, 4), np.float32), {"y": t})
    np.testing.assert_array_equal(t, np.moveaxis(y[[5, 1, 1, 0]], 0, -1).reshape(t.shape))


def test_steps_follow_each_other() -> None:
    """(2x + 1) is standardized, then halved."""
    data = dataset(np.arange(12.0).reshape(6, 2))
    steps = (step("scale", factor=2.0, offset=1.0), step("standardize"), step("scale", factor=0.5))
    fitted = Preprocessing.fit(steps, data)
    before = 2 * data.x + 1
    x = np.empty((2, 6))
    Loader(data, fitted, "float64").fill(np.arange(6), x)
    np.testing.assert_allclose(x, 0.5 * ((before - before.mean(axis=0)) / before.std(axis=0)).T, rtol=1e-14)


def test_preprocessing_is_stored_and_restored() -> None:
    data = dataset(np.random.default_rng(4).random((50, 2, 3, 3)))
    steps = (step("scale", factor=0.1), step("standardize"), step("standardize", per="feature"))
    fitted = Preprocessing.fit(steps, data)
    state = fitted.state()
    assert {name: {key: a.shape for key, a in arrays.items()} for name, arrays in state.items()} == {
        "1_standardize": {"mean": (2, 1, 1), "std": (2, 1, 1)},
        "2_standardize": {"mean": (2, 3, 3), "std": (2, 3, 3)},
    }
    batches = []
    for preprocessing in (fitted, Preprocessing.restore(steps, state)):
        x = np.empty((2, 3, 3, 7), np.float32)
        Loader(data, preprocessing, "float32").fill(np.arange(7), x)
        batches.append(x)
    np.testing.assert_array_equal(*batches)


def test_a_checkpoint_without_what_was_learned() -> None:
    with pytest.raises(CheckpointError) as caught:
        Preprocessing.restore(
            (step("scale", factor=2.0), step("standardize")), {"0_standardize": {"mean": np.zeros(1)}}
        )
    assert str(caught.value) == "/preprocess/1_standardize: the checkpoint has nothing that 'standardize' learned"


@pytest.mark.parametrize(
    "state", [{"mean": np.zeros(3), "std": np.ones(3)}, {"mean": np.zeros(2)}], ids=["shape", "key"]
)
def test_a_checkpoint_with_something_unfit(state: dict[str, Array]) -> None:
    preprocessing = Preprocessing.restore((step("standardize"),), {"0_standardize": state})
    with pytest.raises(
        CheckpointError, match=r"^/preprocess/0_standardize: what 'standardize' learned does not fit sam"
    ):
        Loader(dataset(np.zeros((4, 2))), preprocessing, "float32")


@given(st.integers(0, 2**40), st.integers(0, 50), st.integers(1, 500))
def test_order_is_a_permutation(seed: int, epoch: int, n: int) -> None:
    indices = order(seed, epoch, n)
    assert np.array_equal(np.sort(indices), np.arange(n))
    assert np.array_equal(indices, order(seed, epoch, n))


def test_orders_differ_by_seed_and_epoch() -> None:
    seen = {order(seed, epoch, 50).tobytes() for seed in range(10) for epoch in range(10)}
    assert len(seen) == 100


def test_every_place_is_equally_likely() -> None:
    """Where sample 0 lands in 4000 orders of 8: chi-squared with 7 degrees of freedom, 0.1 % beyond 24.3."""
    counts = np.bincount([int(np.argmin(order(0, epoch, 8))) for epoch in range(4000)], minlength=8)
    assert ((counts - 500) ** 2 / 500).sum() < 24.3


def digits_like(n: int) -> tuple[Loader, Array, Array]:
    rng = np.random.default_rng(5)
    data = dataset(rng.integers(0, 255, (2000, 28, 28), dtype=np.uint8), rng.integers(0, 10, 2000)).labelled()
    fitted = Preprocessing.fit((step("scale", factor=1 / 255), step("standardize")), data)
    data = data.subset(np.arange(1000))
    return Loader(data, fitted, "float32"), np.empty((1, 28, 28, n), np.float32), np.empty(n, np.intp)


def test_filling_takes_no_memory_by_batch_size() -> None:
    loader, x, t = digits_like(64)
    indices = order(0, 0, 1000)
    loader.fill(indices[:64], x, {"y": t})
    tracemalloc.start()
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    for start in range(0, 900, 64):
        loader.fill(indices[start : start + 64], x, {"y": t})
    after, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # NumPy converts in buffers of 8192 numbers at most, whatever the batch.
    assert peak - before < 16_384, "one sample is 784 bytes, the batch 200,704"
    assert after - before < 1024


def test_threads_fill_at_the_same_time() -> None:
    """Each thread its own samples, in batches that grow and shrink; the truth is filled by one thread before."""
    loader, _, _ = digits_like(64)
    indices = order(0, 0, 1000)
    parts = [indices[start : start + 64 - start % 40] for start in range(0, 900, 9)]

    def filled(part: Array) -> tuple[Array, Array]:
        x, t = np.empty((1, 28, 28, len(part)), np.float32), np.empty(len(part), np.intp)
        loader.fill(part, x, {"y": t})
        return x, t

    expected = [filled(part) for part in parts]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(3):
            for (x, t), (true_x, true_t) in zip(pool.map(filled, parts), expected, strict=True):
                np.testing.assert_array_equal(x, true_x)
                np.testing.assert_array_equal(t, true_t)
