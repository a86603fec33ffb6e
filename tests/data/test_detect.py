"""What `nncli init` sees in data: each kind against files made here, whose contents are known."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from nncli.data.detect import DETECTORS, Asked, Wanted, examine, kind_of
from nncli.data.detect._media import apart
from nncli.data.detect._names import split_of
from nncli.errors import DataError, NncliError, NoSuchFile, UsageError
from tests.data.files import cifar_bytes, idx_bytes
from tests.data.media import grey, wav_bytes, write

RNG = np.random.default_rng(0)


def table(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def rows(n: int, *columns: Any, head: str = "", between: str = ",") -> str:
    """Rows of a text table; a column is a function of the row's number."""
    lines = [between.join(str(column(i)) for column in columns) for i in range(n)]
    return "\n".join([head, *lines] if head else lines) + "\n"


def number(i: int) -> str:
    return f"{(i * 37 % 101) / 7:.3f}"


def images(folder: Path, classes: str = "ab", count: int = 6, **more: bytes) -> Path:
    write(folder, {f"{name}/{i}.png": grey(8, 8, i) for name in classes for i in range(count)} | more)
    return folder


# -- folders -----------------------------------------------------------------------------------------------------------


def test_images_in_folders(tmp_path: Path) -> None:
    sight = examine(images(tmp_path), Asked())
    assert (sight.kind, sight.form, sight.shape, sight.samples) == ("folder", "image", (1, 8, 8), {"train": 12})
    assert (sight.goal.task, sight.goal.names, sight.goal.smallest) == ("classes", ("a", "b"), 6)
    assert (sight.train.path, sight.train.channels, sight.train.resize) == (str(tmp_path), 1, None)
    assert sight.test is None


def test_folders_of_splits(tmp_path: Path) -> None:
    for split, count in (("Train", 6), ("val", 5), ("test", 4)):
        images(tmp_path / "deep" / split, count=count)
    sight = examine(tmp_path, Asked())
    assert sight.samples == {"train": 12, "validation": 10, "test": 8}
    assert [Path(source.path).name for source in (sight.train, sight.validation, sight.test)] == [
        "Train",
        "val",
        "test",
    ]


def test_images_of_several_sizes_and_other_files(tmp_path: Path) -> None:
    images(tmp_path, **{"a/x.png": grey(12, 10), "a/notes.txt": b"no image", ".hidden": b"", "b/.DS_Store": b""})
    sight = examine(tmp_path, Asked())
    assert (sight.train.resize, sight.train.crop, sight.train.files) == (8, (8, 8), ("*.png",))
    assert "notes.txt" in sight.notes["files"]
    assert sight.samples == {"train": 13}


def test_large_images_become_smaller(tmp_path: Path) -> None:
    from tests.data.media import image_bytes, pillow

    made = image_bytes(pillow.new("RGB", (200, 100), "red"))
    write(tmp_path, {f"{name}/{i}.png": made for name in "ab" for i in range(4)})
    assert examine(tmp_path, Asked()).shape == (3, 64, 128)


def test_sounds_by_their_names(tmp_path: Path) -> None:
    """The first part of a name is the class: the others are too many, or the same everywhere."""
    sounds = {f"{d}_ann_{i}.wav": wav_bytes([1] * (1000 + 10 * i), rate=4000) for d in (3, 7) for i in range(10)}
    write(tmp_path / "recordings", sounds)
    sight = examine(tmp_path, Asked())
    assert (sight.kind, sight.form, sight.rate, sight.train.labels) == ("wav", "sound", 4000, "{label}_*")
    assert (sight.train.length, sight.shape, sight.goal.names) == (2000, (1, 2000), ("3", "7"))
    held = examine(tmp_path, Asked(test=Wanted.of("*_[0-2].wav")))
    assert held.samples == {"train": 14, "test": 6}
    assert held.test.files == ("*_[0-2].wav",)


def test_a_pattern_for_the_names(tmp_path: Path) -> None:
    write(tmp_path, {f"{i}_{'ab'[i % 2]}_x.wav": wav_bytes([0, i]) for i in range(10)})
    assert examine(tmp_path, Asked("*_{label}_*")).goal.names == ("a", "b")
    with pytest.raises(DataError, match="neither folders nor the names") as caught:
        examine(tmp_path, Asked())
    assert "--target" in caught.value.faults[0].hint
    with pytest.raises(UsageError, match="no pattern"):
        examine(tmp_path, Asked("label"))


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*_[01].wav", ("*_2.wav", "*_10.wav")),
        ("a_*", ("b_*",)),
        ("*_ann_*", ("*_bob_*",)),
    ],
)
def test_patterns_of_the_other_files(pattern: str, expected: tuple[str, ...]) -> None:
    names = [f"{label}_{who}_{i}.wav" for label in "ab" for who in ("ann", "bob") for i in (0, 1, 2, 10)]
    assert apart(names, pattern) == expected


@pytest.mark.parametrize("pattern", ["*", "x*", "a_ann_1.wav"])
def test_patterns_that_cut_nothing_apart(pattern: str) -> None:
    with pytest.raises(UsageError, match="--test"):
        apart([f"{label}_{who}_{i}.wav" for label in "ab" for who in ("ann", "bob") for i in (0, 1)], pattern)


# -- arrays ------------------------------------------------------------------------------------------------------------


def hdf5(path: Path, **arrays: Any) -> Path:
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name.replace("_", "/")] = array
    return path


def npz(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


Y = np.arange(40) % 4
NOISE = RNG.normal(size=(40, 100)).astype(np.float32)
WAVES = np.sin(np.arange(100) / 10 + RNG.uniform(0, 6, (40, 1)))
BLOBS = np.cumsum(np.cumsum(RNG.normal(size=(40, 10, 10)), axis=1), axis=2)


@pytest.mark.parametrize(
    ("x", "form", "shape"),
    [
        (NOISE, "vector", (100,)),
        (WAVES, "signal", (1, 100)),
        (BLOBS.reshape(40, 100), "image", (1, 10, 10)),
        (BLOBS, "image", (1, 10, 10)),
        (RNG.normal(size=(40, 3, 10, 12)), "image", (3, 10, 12)),
        (RNG.normal(size=(40, 10, 12, 3)), "image", (3, 10, 12)),
        (RNG.normal(size=(40, 3, 50)), "signal", (3, 50)),
        (RNG.normal(size=(40, 5)), "vector", (5,)),
        (RNG.normal(size=40), "vector", (1,)),
    ],
    ids=lambda value: "" if isinstance(value, np.ndarray) else str(value),
)
def test_forms_of_arrays(tmp_path: Path, x: Any, form: str, shape: tuple[int, ...]) -> None:
    sight = examine(npz(tmp_path / "made.npz", x=x, y=Y), Asked())
    assert (sight.form, sight.shape) == (form, shape)
    assert sight.train.layout == ("nhwc" if x.shape[1:] == (10, 12, 3) else "nchw")


@pytest.mark.parametrize(
    ("y", "task", "outputs"),
    [
        (Y, "classes", 4),
        (Y[:, None], "classes", 4),
        (Y + 1, "classes", 5),
        (Y.astype(float), "values", 1),
        ((Y > 1).astype(float), "switches", 1),
        (np.arange(40) * 3, "values", 1),
        (Y - 1, "values", 1),
        (RNG.normal(size=(40, 3)), "values", 3),
        (RNG.integers(0, 2, (40, 3)), "switches", 3),
    ],
)
def test_what_is_predicted(tmp_path: Path, y: Any, task: str, outputs: int) -> None:
    sight = examine(npz(tmp_path / "made.npz", x=NOISE, y=y), Asked())
    assert (sight.goal.task, sight.goal.outputs) == (task, outputs)


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("x_train", "y_train", "x_test", "y_test"), {"train": ("x_train", "y_train"), "test": ("x_test", "y_test")}),
        (("XTrain", "yTrain"), {"train": ("XTrain", "yTrain")}),
        (("train_images", "train_labels", "val_images", "val_labels"), {"train": ("train_images", "train_labels")}),
        (("data", "target"), {"train": ("data", "target")}),
        (("spectra", "kind"), {"train": ("spectra", "kind")}),
    ],
)
def test_names_of_arrays(tmp_path: Path, names: tuple[str, ...], found: dict[str, tuple[str, str]]) -> None:
    arrays = {name: NOISE if place % 2 == 0 else Y for place, name in enumerate(names)}
    sight = examine(npz(tmp_path / "made.npz", **arrays), Asked())
    for split, pair in found.items():
        source = getattr(sight, split)
        assert (source.x, source.y) == pair


def test_an_archive_of_which_nothing_tells_the_targets(tmp_path: Path) -> None:
    path = npz(tmp_path / "made.npz", x=NOISE, age=Y, height=Y * 2.5)
    with pytest.raises(DataError, match="cannot be told") as caught:
        examine(path, Asked())
    assert "--target" in caught.value.faults[0].hint
    assert examine(path, Asked("height")).train.y == "height"
    with pytest.raises(UsageError, match="no array 'heigt'") as wrong:
        examine(path, Asked("heigt"))
    assert "height" in wrong.value.faults[0].hint


def test_data_sets_in_groups(tmp_path: Path) -> None:
    sight = examine(
        hdf5(tmp_path / "made.h5", train_images=BLOBS, train_labels=Y, test_images=BLOBS, test_labels=Y), Asked()
    )
    assert (sight.kind, sight.form, sight.shape, sight.goal.outputs) == ("hdf5", "image", (1, 10, 10), 4)
    assert [(source.x, source.y) for source in (sight.train, sight.test)] == [
        ("train/images", "train/labels"),
        ("test/images", "test/labels"),
    ]


def test_a_damaged_file_is_seen_by_another_process(tmp_path: Path) -> None:
    path = hdf5(tmp_path / "made.h5", x=NOISE, y=Y)
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(DataError, match=r"made\.h5: is not a readable HDF5 file"):
        examine(path, Asked())


def test_idx_files_of_a_folder_and_one_of_them(tmp_path: Path) -> None:
    for split, n in (("train", 20), ("t10k", 10)):
        x, y = np.zeros((n, 8, 8), np.uint8), (np.arange(n) % 2).astype(np.uint8)
        (tmp_path / f"{split}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(x)))
        (tmp_path / f"{split}-labels-idx1-ubyte").write_bytes(idx_bytes(y))
    (tmp_path / "readme.txt").write_text("text")
    for place in (tmp_path, tmp_path / "train-images-idx3-ubyte.gz"):
        sight = examine(place, Asked())
        assert (sight.kind, sight.samples, sight.goal.outputs) == ("idx", {"train": 20, "test": 10}, 2)
        assert Path(sight.train.labels).name == "train-labels-idx1-ubyte"
    with pytest.raises(DataError, match="holds labels"):
        examine(tmp_path / "train-labels-idx1-ubyte", Asked())
    (tmp_path / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match="no file of labels"):
        examine(tmp_path / "train-images-idx3-ubyte.gz", Asked())


def test_cifar(tmp_path: Path) -> None:
    images_, labels = RNG.integers(0, 256, (8, 3, 32, 32)), np.arange(8) % 3
    for name in ("data_batch_1.bin", "data_batch_2.bin", "test_batch.bin"):
        (tmp_path / name).write_bytes(cifar_bytes(images_, labels))
    (tmp_path / "batches.meta.txt").write_text("airplane\n")
    sight = examine(tmp_path, Asked())
    assert (sight.kind, sight.samples, sight.shape) == ("cifar10", {"train": 16, "test": 8}, (3, 32, 32))
    assert examine(tmp_path / "data_batch_1.bin", Asked()).samples == {"train": 8}
    other = tmp_path / "hundred"
    other.mkdir()
    (other / "train.bin").write_bytes(cifar_bytes(images_, labels, labels))
    assert examine(other, Asked()).train.labels == 2


# -- tables ------------------------------------------------------------------------------------------------------------


def test_a_table_with_a_header(tmp_path: Path) -> None:
    text = rows(40, lambda i: i, number, lambda i: "red" if i % 3 else "blue", number, head="id,size,colour,price")
    sight = examine(table(tmp_path / "t.csv", text.replace("0.000", "")), Asked())
    assert (sight.kind, sight.form, sight.goal.task) == ("csv", "table", "values")
    csv = sight.train
    assert (csv.target, csv.categorical, csv.ignore, csv.unknown) == (("price",), ("colour",), ("id",), "zeros")
    assert csv.missing == {"price": "drop", "size": "median"}
    assert sight.shape == (3,)


def test_a_table_without_a_header(tmp_path: Path) -> None:
    sight = examine(table(tmp_path / "t.data", rows(30, number, number, lambda i: "uv"[i % 2])), Asked())
    assert (sight.train.target, sight.goal.task, sight.goal.names) == ((2,), "classes", ("u", "v"))
    other = examine(tmp_path / "t.data", Asked("0"))
    assert (other.train.target, other.goal.task, other.train.categorical) == ((0,), "values", (2,))


@pytest.mark.parametrize(
    ("column", "task"),
    [
        (lambda i: i % 3, "classes"),
        (lambda i: i % 3 + 1, "classes"),
        (lambda i: [3, 5, 8][i % 3], "classes"),
        (lambda i: i * 7, "values"),
        (number, "values"),
        (lambda i: "yes" if i % 2 else "no", "classes"),
    ],
)
def test_classes_or_values(tmp_path: Path, column: Any, task: str) -> None:
    path = table(tmp_path / "t.csv", rows(60, number, column, head="a,b"))
    assert examine(path, Asked()).goal.task == task
    if task == "classes" and column(0) != "no":
        assert examine(path, Asked(task="values")).goal.task == "values"


def test_a_column_that_is_called_target(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", rows(40, lambda i: i % 2, number, number, head="Target,a,b"))
    assert examine(path, Asked()).train.target == ("Target",)
    assert examine(path, Asked("a, b")).train.target == ("a", "b")


def test_commas_in_numbers_marks_and_encoding(tmp_path: Path) -> None:
    """The first row is the header although no field below it is a number with a point."""
    text = rows(
        40,
        lambda i: "-" if i == 5 else number(i).replace(".", ","),
        lambda i: "Köln" if i % 2 else "Ulm",
        lambda i: number(i).replace(".", ","),
        head="größe;stadt;preis",
        between=";",
    )
    (tmp_path / "t.csv").write_bytes(text.encode("cp1252"))
    csv = examine(tmp_path / "t.csv", Asked()).train
    assert (csv.header, csv.decimal, csv.encoding, csv.missing) == (True, ",", "cp1252", "median")
    assert "-" in csv.na
    assert csv.categorical == ("stadt",)


def test_a_header_over_texts_alone(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", rows(40, lambda i: "ab"[i % 2], lambda i: "xy"[i % 2], head="left,right"))
    assert examine(path, Asked()).train.target == ("right",)


def test_row_numbers_without_a_name(tmp_path: Path) -> None:
    """As pandas writes them, unless it is told not to."""
    path = table(tmp_path / "t.csv", rows(40, lambda i: i, number, number, head=",a,b"))
    csv = examine(path, Asked()).train
    assert (csv.header, csv.ignore, csv.target) == (True, ("0",), ("b",))


def test_a_column_that_says_the_split(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", rows(40, number, lambda i: "train" if i % 4 else "Test", number, head="a,split,y"))
    sight = examine(path, Asked())
    assert (sight.train.split, sight.samples, sight.within) == ("split", {"train": 30, "test": 10}, ("test",))
    for other in ("0.2", str(path)):
        with pytest.raises(UsageError, match="--test says another split"):
            examine(path, Asked(test=Wanted.of(other)))


def test_long_tails(tmp_path: Path) -> None:
    """Of an exponential distribution the skewness is 2, of its third power far above 3."""
    tails = RNG.exponential(size=2000)
    path = table(
        tmp_path / "t.csv",
        rows(2000, lambda i: f"{tails[i]:.4f}", lambda i: f"{tails[i] ** 3:.4f}", number, head="one,three,y"),
    )
    assert examine(path, Asked()).tails == ("three",)


# -- test splits -------------------------------------------------------------------------------------------------------


def test_a_test_split_from_elsewhere(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", rows(40, number, lambda i: i % 2, head="a,b"))
    other = table(tmp_path / "b.csv", rows(10, number, lambda i: i % 2, head="a,b"))
    sight = examine(path, Asked(test=Wanted.of(str(other))))
    assert sight.test.path == str(other)
    assert examine(path, Asked(test=Wanted.of("0.25"))).test == 0.25
    assert examine(path, Asked(test=Wanted.of("7"))).test == 7
    for wrong in ("40", "-1", "0", "2.5", "inf", "nan", "*.csv"):
        with pytest.raises(UsageError, match="--test"):
            examine(path, Asked(test=Wanted.of(wrong)))


def test_files_called_train_and_test(tmp_path: Path) -> None:
    for name, n in (("train", 40), ("test", 10)):
        table(tmp_path / f"{name}.csv", rows(n, number, lambda i: i % 2, head="a,b"))
    assert examine(tmp_path, Asked()).samples == {"train": 40, "test": 10}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("x_train", ("train", "x")),
        ("XTest", ("test", "x")),
        ("t10k-images", ("test", "images")),
        ("valid.labels", ("validation", "labels")),
        ("attest", (None, "attest")),
        ("ytest", ("test", "y")),
    ],
)
def test_splits_in_names(name: str, expected: tuple[str | None, str]) -> None:
    assert split_of(name) == expected


# -- what is refused ---------------------------------------------------------------------------------------------------


def zipped(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.png", grey())


BAD: dict[str, tuple[Any, str, type[NncliError]]] = {
    "nothing there": (lambda f: f / "tale", "no such file or folder", NoSuchFile),
    "link to nothing": (lambda f: (f / "x").symlink_to("y") or f / "x", "a link to something that", NoSuchFile),
    "link to itself": (lambda f: (f / "x").symlink_to(f) or f, "holds no data", DataError),
    "empty folder": (lambda f: f, "the folder is empty", DataError),
    "empty file": (lambda f: table(f / "t.csv", ""), "the file is empty", DataError),
    "header alone": (lambda f: table(f / "t.csv", "a,b\n"), "too few|no rows", DataError),
    "one column": (lambda f: table(f / "t.csv", "a\n" + "1\n" * 20), "one column only", DataError),
    "one class": (lambda f: table(f / "t.csv", rows(20, number, lambda i: "u")), "nothing to tell apart", DataError),
    "one value": (lambda f: table(f / "t.csv", rows(20, number, lambda i: 2.5)), "the same value", DataError),
    "names as target": (lambda f: table(f / "t.csv", rows(20, number, lambda i: f"n{i}")), "neither", DataError),
    "too few rows": (lambda f: table(f / "t.csv", rows(4, number, number)), "4 samples are too few", DataError),
    "only names": (
        lambda f: table(f / "t.csv", rows(20, lambda i: f"n{i}", number, head="a,b")),
        "no column is left",
        DataError,
    ),
    "no known kind": (lambda f: (write(f, {"x.bin": b"\x00\x01\x02"}), f / "x.bin")[1], "no kind that", DataError),
    "archive": (lambda f: (zipped(f / "x.zip"), f / "x.zip")[1], "no kind that", DataError),
    "a kind that is not read": (lambda f: (write(f, {"x.yaml": b"a: 1"}), f)[1], "holds no data", DataError),
    "several tables": (
        lambda f: (table(f / "a.csv", "1,2\n"), table(f / "b.csv", "1,2\n"), f)[2],
        "several files of data: a.csv, b.csv",
        DataError,
    ),
    "images and sounds": (
        lambda f: (write(f, {"a/1.png": grey(), "a/2.wav": wav_bytes([0])}), f)[1],
        "holds a folder of images and a folder of WAV files",
        DataError,
    ),
    "one folder": (lambda f: images(f, "a", 10), "neither folders nor", DataError),
    "damaged image": (lambda f: images(f, "ab", 6, **{"a/x.png": grey()[:40]}), "damaged", DataError),
    "no targets": (lambda f: npz(f / "x.npz", x=NOISE), "cannot be told", DataError),
    "pickled": (lambda f: npz(f / "x.npz", x=NOISE, y=np.array([{}] * 40)), "Python objects", DataError),
    "lengths": (lambda f: npz(f / "x.npz", x=NOISE, y=Y[:9]), "9 targets for 40 samples", DataError),
}


@pytest.mark.parametrize("case", BAD.values(), ids=BAD)
def test_what_is_refused(tmp_path: Path, case: tuple[Any, str, type[NncliError]]) -> None:
    make, message, kind = case
    with pytest.raises(kind, match=message) as caught:
        examine(make(tmp_path), Asked())
    assert all(fault.file for fault in caught.value.faults)


def test_the_nearest_name(tmp_path: Path) -> None:
    table(tmp_path / "houses.csv", "a,b\n")
    with pytest.raises(NoSuchFile) as caught:
        examine(tmp_path / "house.csv", Asked())
    assert "houses.csv" in caught.value.faults[0].hint


def test_no_two_detectors_claim_the_same(tmp_path: Path) -> None:
    """A file of each kind is claimed by its own detector alone."""
    write(
        tmp_path,
        {
            "csv": b"a,b\n1,2\n",
            "npz": npz(tmp_path / "made.npz", x=Y).read_bytes(),
            "hdf5": hdf5(tmp_path / "made.h5", x=Y).read_bytes(),
            "idx": idx_bytes(np.zeros((2, 2), np.uint8)),
            "cifar10.bin": bytes(3073),
            "folder/a/x.png": grey(),
            "wav/a/x.wav": wav_bytes([0]),
        },
    )
    for kind in ("csv", "npz", "hdf5", "idx", "cifar10", "folder", "wav"):
        place = next(path for path in (tmp_path / kind, tmp_path / f"{kind}.bin") if path.exists())
        assert [name for name, detector in DETECTORS.items() if detector.claims(place)] == [kind]
        assert kind_of(place) == kind


def test_a_detector_is_named_as_its_source() -> None:
    from nncli import registry

    assert set(DETECTORS) <= set(registry.source)
