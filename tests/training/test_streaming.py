"""Runs whose samples stay in their file: equal to those in memory where the order is, and to themselves resumed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from nncli.checkpoint import read
from nncli.data.sources import hdf5
from nncli.data.streamed import Streamed
from nncli.errors import SpecError
from nncli.training.evaluate import evaluate_checkpoint
from nncli.training.game.opening import open_game
from nncli.training.supervised import open_run
from tests.data.bad_hdf5 import in_this_process
from tests.training.runs import CONFIG, ROOT, contents, finished, train, write_config

STEPS = 15
"""Of an epoch: 1,497 samples in batches of 100, the last one smaller."""


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a process for each examination."""
    monkeypatch.setattr("nncli.data.sources.hdf5.examine", in_this_process)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Buffers of 64 KiB, for 115 KiB of samples in blocks of 16 rows: two or three windows of an epoch."""
    monkeypatch.setattr(hdf5, "_MIB", 2**8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The digits as HDF5, and configurations that read them from there and from the archive."""
    made = tmp_path_factory.mktemp("streaming")
    with np.load(ROOT / "data" / "digits.npz") as arrays, h5py.File(made / "digits.h5", "w") as file:
        for split in ("train", "test"):
            x = arrays[f"x_{split}"][:1797]
            file.create_dataset(f"{split}/x", data=x, chunks=(4, *x.shape[1:]), compression="gzip")
            file[f"{split}/y"] = arrays[f"y_{split}"][:1797]
        np.savez(made / "digits.npz", **{name: arrays[name][:1797] for name in arrays})
    return made


def config(folder: Path, out: Path, kind: str) -> Path:
    """The small run of these tests, on one of the files."""
    h5 = f"{{{{hdf5: {{{{path: {folder}/digits.h5, x: train/x, y: train/y}}}}}}}}"
    npz = f"{{{{npz: {{{{path: {folder}/digits.npz, x: x_train, y: y_train}}}}}}}}"
    text = CONFIG.replace("{{npz: {{path: {digits}, x: x_train, y: y_train}}}}", h5 if kind == "hdf5" else npz)
    text = text.replace("path: {digits}, x: x_test", f"path: {folder}/digits.npz, x: x_test")
    return write_config(out, text.replace("epochs: 3, batch: 500", "epochs: 2, batch: 100"))


def test_in_memory_it_is_the_run_of_the_archive(folder: Path, tmp_path: Path) -> None:
    for kind in ("npz", "hdf5"):
        (tmp_path / kind).mkdir()
        train(config(folder, tmp_path / kind, kind), "train.epochs=1", out=tmp_path / kind / "run")
    assert contents(tmp_path / "npz" / "run" / "last.h5") == contents(tmp_path / "hdf5" / "run" / "last.h5")


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    "more",
    [
        ("data.shuffle=false",),
        ("data.shuffle=false", "train.accumulate=3", "threads=2", "data.augment=[shift]", "data.stratified=true"),
        ("data.shuffle=false", "data.fold={number: 2, of: 3}"),
    ],
    ids=["plain", "accumulated", "fold"],
)
def test_in_order_it_is_the_run_in_memory(folder: Path, tmp_path: Path, more: tuple[str, ...]) -> None:
    """The same steps on the same bytes: weights, figures of validation and test, what standardize learned."""
    for kind in ("npz", "hdf5"):
        (tmp_path / kind).mkdir()
        events = train(config(folder, tmp_path / kind, kind), "train.epochs=1", *more, out=tmp_path / kind / "run")
        (tmp_path / f"{kind}.json").write_text(json.dumps(finished(events).figures))
    for name in ("last.h5", "best.h5"):
        assert contents(tmp_path / "npz" / "run" / name) == contents(tmp_path / "hdf5" / "run" / name)
    assert (tmp_path / "npz.json").read_text() == (tmp_path / "hdf5.json").read_text()
    shown = evaluate_checkpoint(tmp_path / "hdf5" / "run", "validation", None, None)
    assert shown["loss"] == finished(events).figures["validation"]["loss"]


@pytest.fixture(scope="module")
def uninterrupted(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("uninterrupted")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nncli.data.sources.hdf5.examine", in_this_process)
        patch.setattr(hdf5, "_MIB", 2**8)
        train(config(folder, out, "hdf5"), out=out / "run")
    return out / "run"


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("stop", [1, 7, STEPS, STEPS + 4])
def test_stopped_and_resumed(folder: Path, uninterrupted: Path, tmp_path: Path, stop: int) -> None:
    run = tmp_path / "run"
    assert finished(train(config(folder, tmp_path, "hdf5"), out=run, stop=stop)).steps == stop
    assert finished(train(None, resume=run)).reason == "done"
    for name in ("last.h5", "best.h5"):
        assert contents(run / name) == contents(uninterrupted / name)


@pytest.mark.usefixtures("small")
def test_a_shuffled_epoch_has_every_sample_once_in_an_order_of_its_own(folder: Path, tmp_path: Path) -> None:
    """What the training loop asks for, by the samples' own numbers."""
    seen: list[list[int]] = []
    with open_run(config(folder, tmp_path, "hdf5"), None, (), tmp_path / "run") as run:
        assert isinstance(run.setup.train.dataset.x, Streamed)
        rows = run.setup.train.dataset.rows
        assert rows is not None
        fill = run.setup.train.fill

        def watched(indices: Any, *arrays: Any) -> None:
            seen[-1].extend(rows[indices].tolist())
            fill(indices, *arrays)

        run.setup.train.fill = watched  # type: ignore[method-assign]
        for _ in range(2):
            seen.append([])
            for _ in run.epoch():
                pass
            run.progress.epoch, run.progress.cursor = run.progress.epoch + 1, 0
    assert seen[0] != seen[1]
    assert sorted(seen[0]) == sorted(seen[1]) == sorted(rows.tolist())
    assert len(set(seen[0])) == len(rows)


@pytest.mark.usefixtures("small")
def test_another_amount_of_memory_is_another_run(folder: Path, uninterrupted: Path, tmp_path: Path) -> None:
    """It decides on the order, so a run does not go on with it."""
    run = tmp_path / "run"
    made = config(folder, tmp_path, "hdf5")
    train(made, out=run, stop=1)
    with pytest.raises(SpecError, match="memory"):
        train(made, "data.train.hdf5.memory=200", resume=run)


GAME = """
latent: {dim: 2}
data: {train: {hdf5: {path: FOLDER/digits.h5, x: train/x, y: train/y}}, validation: 0.1, preprocess: [{scale: 0.0625}]}
generator: [{dense: 64}, {reshape: [1, 8, 8]}]
discriminator: [flatten, {dense: 8}, relu, {dense: 1}]
game: {steps: 12, batch: 50}
optimizer: {adam: {lr: 1e-3}}
diagnose: {every: 4}
"""


@pytest.mark.usefixtures("small")
def test_a_game_is_resumed(folder: Path, tmp_path: Path) -> None:
    """Its looks at held-out samples come in between the batches."""
    text = GAME.replace("FOLDER", str(folder))
    (tmp_path / "game.yaml").write_text(text)

    def play(name: str, until: int, resume: bool = False) -> None:
        given = (None, tmp_path / name, (), None) if resume else (tmp_path / "game.yaml", None, (), tmp_path / name)
        with open_game(*given) as run:
            list(run.events(lambda: run.step >= until))

    play("whole", 12)
    play("stopped", 5)
    play("stopped", 12, resume=True)
    one, two = (read(tmp_path / name / "last.h5").networks for name in ("whole", "stopped"))
    assert set(one) == set(two) >= {"generator", "discriminator"}
    for name in one:
        for node, arrays in one[name].parameters.items():
            for key, named in arrays.items():
                assert named.array.tobytes() == two[name].parameters[node][key].array.tobytes()
    assert evaluate_checkpoint(tmp_path / "whole", "train", None, None)["samples"] > 500
