"""Splits: drawn by the seed, of one shape, with fitting targets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nncli.data.batches import Loader, Preprocessing
from nncli.data.splits import Splits, open_splits
from nncli.errors import DataError
from nncli.parts import Array, Shape
from tests.data.files import Given, Section, source


def save(folder: Path, name: str, x: Array, y: Array | None = None) -> Any:
    np.savez(folder / name, x=x, **({} if y is None else {"y": y}))
    return source("npz", path=name, **({"y": None} if y is None else {}))


def images(folder: Path, name: str = "train.npz", n: int = 20, shape: Shape = (4, 4), classes: int = 5) -> Any:
    x = np.arange(n).reshape((n,) + (1,) * len(shape)) * np.ones(shape)
    return save(folder, name, x, np.arange(n) % classes)


def opened(folder: Path, section: Section, **changes: Any) -> Splits:
    return open_splits(section, **({"base": folder, "seed": 0, "kinds": {"y": "classes"}} | changes))


@pytest.mark.parametrize(("share", "count"), [(0.1, 2), (0.5, 10), (0.01, 1), (3, 3), (19, 19), (0.26, 5)], ids=str)
def test_a_share_or_count_is_drawn(tmp_path: Path, share: float, count: int) -> None:
    splits = opened(tmp_path, Section(images(tmp_path), share))
    assert splits.validation is not None
    train, validation = splits.train.rows, splits.validation.rows
    assert train is not None
    assert validation is not None
    assert len(validation) == len(splits.validation) == count
    assert sorted([*train, *validation]) == list(range(20))
    assert splits.train.x is splits.validation.x, "splits share the memory"


def test_the_seed_decides(tmp_path: Path) -> None:
    section = Section(images(tmp_path), 0.5)
    drawn = [opened(tmp_path, section, seed=seed).train.rows for seed in (0, 0, 1, 2)]
    assert np.array_equal(drawn[0], drawn[1])
    assert len({rows.tobytes() for rows in drawn if rows is not None}) == 3


@pytest.mark.parametrize(("share", "count"), [(20, 20), (500, 500), (0.99, 20)])
def test_nothing_is_left_to_train_on(tmp_path: Path, share: float, count: int) -> None:
    with pytest.raises(DataError) as caught:
        opened(tmp_path, Section(images(tmp_path), share))
    file, asked = tmp_path / "train.npz", f"20 samples, of which {count} are asked for as validation data"
    assert str(caught.value) == f"{file}: x: {asked}: none is left to train on"
    assert caught.value.faults[0].hint == "make `data.validation` smaller"


def test_sources_of_their_own(tmp_path: Path) -> None:
    section = Section(*(images(tmp_path, f"{name}.npz", n) for name, n in (("a", 9), ("b", 7), ("c", 6))))
    splits = opened(tmp_path, section)
    assert [len(s) for s in (splits.train, splits.validation, splits.test) if s is not None] == [9, 7, 6]
    assert splits.shape == (1, 4, 4)
    assert splits.classes == 5


@pytest.mark.parametrize("validation", [0.25, "own"])
@pytest.mark.parametrize("only", ["train", "validation", "test"])
def test_only_one_is_opened(tmp_path: Path, only: str, validation: Any) -> None:
    section = Section(
        images(tmp_path),
        images(tmp_path, "v.npz", 5) if validation == "own" else validation,
        images(tmp_path, "test.npz", 6),
    )
    whole = opened(tmp_path, section)
    needed = {"train": "train.npz", "validation": "v.npz" if validation == "own" else "train.npz", "test": "test.npz"}
    for path in tmp_path.glob("*.npz"):
        if path.name != needed[only]:
            path.unlink()
    one = opened(tmp_path, section, only=only, given=Given((1, 4, 4), 5))
    for name in ("train", "validation", "test"):
        split, expected = getattr(one, name), getattr(whole, name)
        assert (split is None) == (name != only)
        if split is not None:
            np.testing.assert_array_equal(split.x, expected.x)
            np.testing.assert_array_equal(split.rows, expected.rows)


@pytest.mark.parametrize(
    ("stored", "given", "shape"),
    [
        ((4, 4), None, (1, 4, 4)),
        ((3, 4, 4), None, (3, 4, 4)),
        ((16,), None, (16,)),
        ((), None, (1,)),
        ((16,), (1, 4, 4), (1, 4, 4)),
        ((48,), (3, 4, 4), (3, 4, 4)),
        ((4, 4), (16,), (16,)),
        ((3, 4, 4), (48,), (48,)),
        ((4, 4), (4, 4), (4, 4)),
        ((4, 4, 1), (1, 4, 4), (1, 4, 4)),
    ],
    ids=str,
)
def test_shapes(tmp_path: Path, stored: Shape, given: Shape | None, shape: Shape) -> None:
    made = images(tmp_path, shape=stored)
    splits = opened(tmp_path, Section(made), given=Given(given) if given else None)
    assert splits.shape == splits.train.shape == shape
    np.testing.assert_array_equal(splits.train.x.reshape(20, -1)[:, -1], np.arange(20))


@pytest.mark.parametrize(
    ("stored", "given", "counts", "hint"),
    [
        ((4, 4), (1, 5, 5), "[1, 4, 4] (16 numbers), {} [1, 5, 5] (25 numbers)", ""),
        ((15,), (1, 4, 4), "[15] (15 numbers), {} [1, 4, 4] (16 numbers)", ""),
        ((2, 8), (1, 4, 4), "[1, 2, 8] (16 numbers), {} [1, 4, 4] (16 numbers)", ""),
        (
            (4, 5, 3),
            (3, 4, 5),
            "[4, 5, 3] (60 numbers), {} [3, 4, 5] (60 numbers)",
            "the channels are the last axis of the file: give the source `layout: nhwc`",
        ),
        ((), (2,), "[1] (1 number), {} [2] (2 numbers)", ""),
    ],
    ids=str,
)
def test_shapes_that_do_not_fit(tmp_path: Path, stored: Shape, given: Shape, counts: str, hint: str) -> None:
    with pytest.raises(DataError) as caught:
        opened(tmp_path, Section(images(tmp_path, shape=stored)), given=Given(given))
    both = counts.format("the configuration's input.shape is")
    assert str(caught.value) == f"{tmp_path / 'train.npz'}: x: a sample is {both}"
    assert caught.value.faults[0].hint == hint


def test_splits_of_different_shapes_name_both_files(tmp_path: Path) -> None:
    section = Section(images(tmp_path), None, images(tmp_path, "test.npz", shape=(5, 5)))
    with pytest.raises(DataError) as caught:
        opened(tmp_path, section)
    assert str(caught.value) == (
        f"{tmp_path / 'test.npz'}: x: a sample is [1, 5, 5] (25 numbers), "
        f"in {tmp_path / 'train.npz'}: x it is [1, 4, 4] (16 numbers)"
    )


def test_a_label_that_training_does_not_know(tmp_path: Path) -> None:
    section = Section(images(tmp_path), None, images(tmp_path, "test.npz", classes=7))
    with pytest.raises(DataError) as caught:
        opened(tmp_path, section)
    known = f"but the labels of {tmp_path / 'train.npz'}: y have 5 classes: 0 to 4"
    assert str(caught.value) == f"{tmp_path / 'test.npz'}: y, row 5: label 5, {known}"
    assert opened(tmp_path, section, given=Given((1, 4, 4), 7)).classes == 7


def test_labels_must_have_an_output(tmp_path: Path) -> None:
    splits = opened(tmp_path, Section(images(tmp_path)))
    splits.check_targets((5,))
    splits.check_targets((8,))
    with pytest.raises(DataError) as caught:
        splits.check_targets((4,))
    assert str(caught.value) == f"{tmp_path / 'train.npz'}: y, row 4: label 4, but the network has 4 outputs: 0 to 3"


@pytest.mark.parametrize("dtype", ["u1", "i8", "?", "u8"])
def test_labels_of_any_whole_type(tmp_path: Path, dtype: str) -> None:
    y = np.array([[1], [0], [1]], dtype)
    splits = opened(tmp_path, Section(save(tmp_path, "a.npz", np.zeros((3, 2)), y)))
    assert splits.train.t is not None
    assert splits.train.t.dtype == np.intp
    assert splits.train.t.tolist() == [1, 0, 1]
    assert splits.classes == 2


@pytest.mark.parametrize(
    ("stored", "output", "fits"),
    [
        ((), (1,), True),
        ((1,), (1,), True),
        ((3,), (3,), True),
        ((4, 4), (1, 4, 4), True),
        ((), (2,), False),
        ((3,), (4,), False),
        ((2, 3), (3, 2), False),
        ((6,), (2, 3), False),
    ],
    ids=str,
)
def test_values_must_have_the_shape_of_the_output(tmp_path: Path, stored: Shape, output: Shape, fits: bool) -> None:
    made = save(tmp_path, "a.npz", np.zeros((3, 2)), np.zeros((3, *stored)))
    splits = opened(tmp_path, Section(made), kinds={"y": "values"})
    assert splits.classes is None
    if fits:
        splits.check_targets(output)
        return
    with pytest.raises(DataError) as caught:
        splits.check_targets(output)
    shapes = f"a target has the shape {list(stored)}, the network's output {list(output)}"
    assert str(caught.value) == f"{tmp_path / 'a.npz'}: y: {shapes}"


@pytest.mark.parametrize(("value", "fits"), [(1.0, True), (1.5, False), (-0.5, False)])
def test_values_beyond_what_the_loss_takes(tmp_path: Path, value: float, fits: bool) -> None:
    targets = np.array([[0.0, 1.0], [1.0, value], [0.5, 0.0]])
    splits = opened(tmp_path, Section(save(tmp_path, "a.npz", np.zeros((3, 2)), targets)), kinds={"y": "values"})
    splits.check_targets((2,))
    if fits:
        splits.check_targets((2,), (0.0, 1.0))
        return
    with pytest.raises(DataError) as caught:
        splits.check_targets((2,), (0.0, 1.0))
    message = f"y, row 1: the target {value:g} is beyond what the loss takes: 0 to 1"
    assert str(caught.value) == f"{tmp_path / 'a.npz'}: {message}"


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64])
def test_class_numbers_are_values_of_one_output(tmp_path: Path, dtype: type) -> None:
    made = save(tmp_path, "a.npz", np.zeros((4, 2)), np.array([0, 1, 1, 0], dtype))
    splits = opened(tmp_path, Section(made), kinds={"y": "values"})
    splits.check_targets((1,), (0.0, 1.0))
    t = np.empty((1, 3), np.float32)
    loader = Loader(splits.train, Preprocessing(), np.float32)
    loader.fill(np.array([2, 0, 1]), np.empty((2, 3), np.float32), {"y": t})
    assert t.tolist() == [[1, 0, 1]]


def test_class_numbers_where_values_are_wanted(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        opened(tmp_path, Section(images(tmp_path)), kinds={"y": "values"}).check_targets((10,))
    assert caught.value.faults[0].hint == "for class numbers choose a loss such as `softmax_cross_entropy`"


@pytest.mark.parametrize(("target", "what"), [("classes", "labels"), ("values", "targets")])
def test_targets_that_are_not_there(tmp_path: Path, target: str, what: str) -> None:
    made = save(tmp_path, "a.npz", np.zeros((3, 2)))
    with pytest.raises(DataError) as caught:
        opened(tmp_path, Section(made), kinds={"y": target}).check_targets((2,))
    assert str(caught.value) == f"{tmp_path / 'a.npz'}: x: the data have no {what}"
    opened(tmp_path, Section(made), kinds={}).check_targets((2,))


def test_without_a_loss_targets_are_not_looked_at(tmp_path: Path) -> None:
    made = save(tmp_path, "a.npz", np.zeros((3, 2)), np.array([-1.5, 2, 3]))
    splits = opened(tmp_path, Section(made), kinds={})
    splits.check_targets((10,))
    assert splits.classes is None
