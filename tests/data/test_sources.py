"""Sources on good files, written by NumPy or by hand, and on the real ones."""

from __future__ import annotations

import gzip
import math
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from nncli.data.batches import Preprocessing
from nncli.data.splits import open_splits
from nncli.errors import DataError
from nncli.fields import Annotated, Choice
from nncli.parts import Array
from tests.data.files import DATASETS, Section, cifar_bytes, idx_bytes, needs_cifar10, needs_mnist, source, step

TYPES = ["?", "u1", "i1", "<u2", ">i2", "<i4", ">i8", "<f2", ">f4", "<f8", "g"]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", TYPES)
def test_npz_keeps_what_numpy_saved(tmp_path: Path, dtype: str, order: Any, packed: bool) -> None:
    x = np.asarray(np.random.default_rng(0).integers(0, 2, (5, 4, 3)), dtype, order=order)
    y = np.arange(5, dtype=np.int16)
    (np.savez_compressed if packed else np.savez)(tmp_path / "a.npz", samples=x, labels=y, other=np.array([{}]))
    data = source("npz", path="a.npz", x="samples", y="labels").load(tmp_path)
    assert data.x.dtype == np.dtype(dtype).newbyteorder("=")
    assert data.x.flags.c_contiguous
    np.testing.assert_array_equal(data.x[:, 0], x)
    np.testing.assert_array_equal(data.t, y)


def test_npz_channels_last(tmp_path: Path) -> None:
    x = np.arange(2 * 4 * 5 * 3).reshape(2, 4, 5, 3)
    np.savez(tmp_path / "a.npz", x=x, flat=x[0, 0])
    data = source("npz", path="a.npz", y=None, layout="nhwc").load(tmp_path)
    assert data.shape == (3, 4, 5)
    assert data.x[1, 2, 3, 4] == x[1, 3, 4, 2]
    with pytest.raises(DataError) as caught:
        source("npz", path="a.npz", x="flat", y=None, layout="nhwc").load(tmp_path)
    wanted = "`layout: nhwc` is for arrays (N, H, W, C), this one has the shape [5, 3]"
    assert str(caught.value) == f"{tmp_path / 'a.npz'}: flat: {wanted}"


def test_npz_is_held_in_memory_once(tmp_path: Path) -> None:
    x = np.random.default_rng(0).random((2000, 1000))
    np.savez_compressed(tmp_path / "a.npz", x=x, y=np.arange(2000))
    tracemalloc.start()
    data = source("npz", path="a.npz").load(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert data.x.nbytes == x.nbytes
    assert peak < x.nbytes + 6 * 2**20


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "i4", "f4", "f8"])
def test_idx_of_every_type(tmp_path: Path, dtype: str, packed: bool) -> None:
    x = np.arange(-30, 30).astype(dtype).reshape(5, 4, 3)
    content = idx_bytes(x)
    (tmp_path / "x").write_bytes(gzip.compress(content) if packed else content)
    (tmp_path / "y").write_bytes(idx_bytes(np.arange(5, dtype="u1")))
    data = source("idx", images="x", labels="y").load(tmp_path)
    assert data.x.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(data.x[:, 0], x)
    np.testing.assert_array_equal(data.t, np.arange(5))


def test_cifar10_of_several_files(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (5, 3, 32, 32), dtype=np.uint8), np.array([9, 0, 3, 3, 1])
    (tmp_path / "b.bin").write_bytes(cifar_bytes(x[:2], y[:2]))
    (tmp_path / "a.bin").write_bytes(cifar_bytes(x[2:], y[2:]))
    data = source("cifar10", path=("b.bin", "a.bin")).load(tmp_path)
    assert data.x.dtype == np.uint8
    np.testing.assert_array_equal(data.x, x)
    np.testing.assert_array_equal(data.t, y)


def test_cifar10_with_two_labels_is_cifar100(tmp_path: Path) -> None:
    x, fine = np.random.default_rng(0).integers(0, 256, (3, 3, 32, 32), dtype=np.uint8), np.array([99, 0, 50])
    (tmp_path / "train.bin").write_bytes(cifar_bytes(x, np.array([19, 0, 10]), fine))
    data = source("cifar10", path=("train.bin",), labels=2).load(tmp_path)
    np.testing.assert_array_equal(data.x, x)
    np.testing.assert_array_equal(data.t, fine)


def test_cifar10_is_held_in_memory_once(tmp_path: Path) -> None:
    content = np.zeros((10_000, 3073), dtype=np.uint8)
    content.tofile(tmp_path / "a.bin")
    tracemalloc.start()
    data = source("cifar10", path=("a.bin",)).load(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(data) == 10_000
    assert peak < content.nbytes + 8 * 2**20


def test_absolute_paths_and_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((2, 2)), y=np.zeros(2))
    monkeypatch.setenv("HOME", str(tmp_path))
    for path in (str(tmp_path / "a.npz"), "~/a.npz"):
        assert len(source("npz", path=path).load(Path("/nowhere"))) == 2


def test_random_data() -> None:
    made = source("random", samples=4000, shape=(2, 3), classes=4)
    data = made.load(Path())
    assert data.x.shape == (4000, 1, 2, 3)
    assert data.x.dtype == np.float32
    assert abs(data.x.mean()) < 4 / math.sqrt(data.x.size)
    assert abs(data.x.var() - 1) < 4 * math.sqrt(2 / data.x.size)
    assert np.abs(np.bincount(data.t, minlength=4) - 1000).max() < 4 * math.sqrt(4000 * 0.25 * 0.75)
    np.testing.assert_array_equal(made.load(Path()).x, data.x)
    assert not np.array_equal(source("random", samples=4000, shape=(2, 3), seed=1).load(Path()).x, data.x)


def test_random_values() -> None:
    splits = open_splits(
        Section(source("random", samples=10, shape=(2,), outputs=(3,))), base=Path(), seed=0, kinds={"y": "values"}
    )
    splits.check_targets((3,))
    assert splits.train.target("y").shape == (3,)


def test_random_data_beyond_memory() -> None:
    with pytest.raises(
        DataError, match=r"^random data: 1 samples of \[\d+, \d+\] do not fit into memory: .* are needed, .* are free$"
    ):
        source("random", samples=1, shape=(2**31, 2**31)).load(Path())


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ({"npz": "a.npz"}, source("npz", path="a.npz")),
        ({"npz": {"path": "a", "x": "b", "y": None}}, source("npz", path="a", x="b", y=None)),
        ({"idx": {"images": "a", "labels": "b"}}, source("idx", images="a", labels="b")),
        ({"cifar10": "a.bin"}, source("cifar10", path=("a.bin",))),
        ({"cifar10": ("a.bin", "b.bin")}, source("cifar10", path=("a.bin", "b.bin"))),
        ({"cifar10": {"path": "a.bin", "labels": 2}}, source("cifar10", path=("a.bin",), labels=2)),
        ({"random": {"samples": 5, "shape": (2, 3)}}, source("random", samples=5, shape=(2, 3))),
    ],
)
def test_sources_in_a_configuration(written: Any, read: Any) -> None:
    assert TypeAdapter(Annotated[Any, Choice("source")]).validate_python(written) == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ({"scale": 0.5}, step("scale", factor=0.5)),
        ({"scale": {"factor": 2, "offset": -1}}, step("scale", factor=2.0, offset=-1.0)),
        ("standardize", step("standardize")),
        ({"standardize": "feature"}, step("standardize", per="feature")),
    ],
)
def test_steps_in_a_configuration(written: Any, read: Any) -> None:
    assert TypeAdapter(Annotated[Any, Choice("preprocess")]).validate_python(written) == read


@pytest.mark.parametrize(
    "written",
    [
        {"cifar10": ()},
        {"cifar10": {"path": "a", "labels": 3}},
        {"npz": {}},
        {"npz": ""},
        {"npz": {"path": "a", "layout": "chwn"}},
        {"random": {"samples": 0, "shape": (1,)}},
    ],
)
def test_faulty_sources_in_a_configuration(written: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Annotated[Any, Choice("source")]).validate_python(written)


def mnist(split: str) -> Any:
    return source("idx", images=f"{split}-images-idx3-ubyte.gz", labels=f"{split}-labels-idx1-ubyte.gz")


def ink(x: Array) -> float:
    return float(x.mean(dtype=np.float64)) / 255


@needs_mnist
def test_mnist() -> None:
    """Counts of the digits, and the mean and deviation 0.1307 and 0.3081 that all tutorials of MNIST use."""
    section = Section(mnist("train"), None, mnist("t10k"))
    splits = open_splits(section, base=DATASETS / "mnist", seed=0, kinds={"y": "classes"})
    train, test = splits.train, splits.test
    assert test is not None
    assert (train.x.shape, test.x.shape, splits.classes) == ((60000, 1, 28, 28), (10000, 1, 28, 28), 10)
    assert train.x.dtype == np.uint8
    assert np.bincount(train.t).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(test.t).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert train.t is not None
    assert train.t[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    state = Preprocessing.fit((step("scale", factor=1 / 255), step("standardize")), train).state()["1_standardize"]
    assert state["mean"].item() == pytest.approx(0.1307, abs=5e-5)
    assert state["std"].item() == pytest.approx(0.3081, abs=5e-5)
    assert ink(train.x) == pytest.approx(state["mean"].item(), rel=1e-12)


@needs_cifar10
def test_cifar10() -> None:
    """The first 4,000 and 1,000 records: the first image is a frog whose red begins 59, 43, 50, the first of the test
    split a cat; channels have the means 0.4914, 0.4822, 0.4465 that all tutorials of CIFAR-10 use."""
    parts = [source("cifar10", path=(f"{name}.bin",)) for name in ("data_batch_1", "test_batch")]
    base = DATASETS / "cifar10-subset" / "cifar-10-batches-bin"
    splits = open_splits(Section(parts[0], None, parts[1]), base=base, seed=0, kinds={"y": "classes"})
    train, test = splits.train, splits.test
    assert test is not None
    assert (train.x.shape, test.x.shape, splits.classes) == ((4000, 3, 32, 32), (1000, 3, 32, 32), 10)
    assert train.t is not None
    assert test.t is not None
    assert (train.t[0], test.t[0]) == (6, 3)
    assert train.x[0, 0, 0, :3].tolist() == [59, 43, 50]
    assert train.x.mean(axis=(0, 2, 3)) / 255 == pytest.approx([0.4914, 0.4822, 0.4465], abs=0.01)
