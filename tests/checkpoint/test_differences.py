"""Whatever differs between two checkpoints is named, and nothing else."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import h5py
import numpy as np
import pytest

from nncli import checkpoint
from nncli.checkpoint import History, NamedArray, differences
from nncli.errors import CheckpointError
from tests.checkpoint.test_files import signed, snapshot

W = snapshot().model["stem"]["W"]
FLIPPED = W.array.copy()
FLIPPED.view(np.uint8).reshape(-1)[5] ^= 1


def changed(tmp_path: Path, **changes: object) -> list[str]:
    checkpoint.write(tmp_path / "a.h5", snapshot())
    checkpoint.write(tmp_path / "b.h5", snapshot(**changes))
    return differences(tmp_path / "a.h5", tmp_path / "b.h5")


def test_equal_but_for_the_times(tmp_path: Path) -> None:
    assert changed(tmp_path, timing={"epoch_seconds": np.array([2.5, 1.0]), "more": np.ones(1)}) == []


def test_a_single_bit(tmp_path: Path) -> None:
    model = {**snapshot().model, "stem": {**snapshot().model["stem"], "W": NamedArray(FLIPPED, W.axes)}}
    assert changed(tmp_path, model=model) == ["/model/stem/W"]


def test_types_shapes_texts_and_attributes(tmp_path: Path) -> None:
    progress = snapshot().progress
    assert changed(tmp_path, progress={**progress, "epoch": 3.0}) == ["/progress/epoch"]
    assert changed(tmp_path, progress={**progress, "running": np.arange(2.0)[:, None]}) == ["/progress/running"]
    assert changed(tmp_path, progress={**progress, "best_metric": "validation l0ss"}) == ["/progress/best_metric"]
    assert changed(tmp_path, threads=3) == ["/@threads"]
    assert changed(tmp_path, class_names=("zéro", "two")) == ["/@class_names"]
    assert changed(tmp_path, progress={**progress, "best_value": -0.0}) == ["/progress/best_value"]
    model = {**snapshot().model, "stem": {**snapshot().model["stem"], "W": NamedArray(W.array, ("out", "ni"))}}
    assert changed(tmp_path, model=model) == ["/model/stem/W@axes"]


def test_nan_is_what_it_is(tmp_path: Path) -> None:
    nan = History(np.arange(1, 3), {"loss": np.array([np.nan, 1.0])})
    for name in "ab":
        checkpoint.write(tmp_path / f"{name}.h5", snapshot(history=nan))
    assert differences(tmp_path / "a.h5", tmp_path / "b.h5") == []


def test_what_one_of_them_lacks(tmp_path: Path) -> None:
    without = dict(snapshot().model)
    del without["act"]
    assert changed(tmp_path, model=without) == ["/model/", "/model/act/"]
    history = dataclasses.replace(snapshot().history, diagnose={"step": np.arange(2)})
    assert "/history/diagnose/step" in changed(tmp_path, history=history)


def test_what_a_snapshot_does_not_know(tmp_path: Path) -> None:
    for name in "ab":
        checkpoint.write(tmp_path / f"{name}.h5", snapshot())
    with h5py.File(tmp_path / "b.h5", "r+") as file:
        file["extra"] = 1
    (tmp_path / "b.h5").write_bytes(signed((tmp_path / "b.h5").read_bytes()[512:]))
    assert differences(tmp_path / "a.h5", tmp_path / "b.h5") == ["/extra"]


def test_a_damaged_one_is_refused(tmp_path: Path) -> None:
    checkpoint.write(tmp_path / "a.h5", snapshot())
    (tmp_path / "b.h5").write_bytes((tmp_path / "a.h5").read_bytes()[:-1])
    with pytest.raises(CheckpointError):
        differences(tmp_path / "a.h5", tmp_path / "b.h5")
