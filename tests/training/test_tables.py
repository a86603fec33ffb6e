"""Runs on tables: figures in the targets' own units, names of classes, and folds."""

from __future__ import annotations

import math
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nncli.checkpoint import read
from nncli.errors import OutputError, SpecError
from nncli.parts import Array
from nncli.training.evaluate import evaluate_checkpoint
from nncli.training.folds import Folds
from nncli.training.supervised import open_run
from tests.training.runs import contents, finished, train

CONFIG = """
name: table
data:
  train: {{csv: {{path: t.csv, target: {target}, categorical: colour, missing: median}}}}
  test: 0.25
  validation: 20
  preprocess: [standardize]
  standardize_targets: {scaled}
network: [dense: 8, tanh, dense: {outputs}]
loss: {loss}
metrics: {metrics}
optimizer: {{adam: 0.02}}
train: {{epochs: 3, batch: 16}}
"""
VALUES = {
    "target": "[price, tax]",
    "outputs": 2,
    "loss": "least_squares",
    "metrics": "[rmse, mae, r2]",
    "scaled": "true",
}
CLASSES = {"target": "kind", "outputs": 3, "loss": "softmax_cross_entropy", "metrics": "[accuracy]", "scaled": "false"}


def write(folder: Path, **options: Any) -> Path:
    """A table of numbers, texts and gaps, with prices of hundreds of thousands and taxes that are a share of them."""
    rng = np.random.default_rng(0)
    size, age = rng.normal(size=(2, 160))
    colours = rng.choice(["red", "green", "blue"], 160)
    price = 2e5 + 8e4 * np.tanh(size) + 1e4 * (colours == "red")
    kinds = np.array(["flat", "house", "tower"])[(size > 0).astype(int) + (age > 1)]
    columns = [[f"{n:.6g}" for n in array] for array in (size, age, price, price / 1e6)]
    columns[1][7] = columns[1][30] = "?"
    wanted = options.get("target", "[price, tax]")
    names = ["size", "age", "price", "tax", "kind", "colour"]
    rows = list(zip(*columns, kinds, colours, strict=True))
    keep = [i for i, name in enumerate(names) if name in (*names[:2], "colour") or name in wanted]
    lines = [",".join([names[i] for i in keep]), *(",".join(str(row[i]) for i in keep) for row in rows)]
    (folder / "t.csv").write_text("\n".join(lines) + "\n")
    path = folder / "table.yaml"
    path.write_text(CONFIG.format(**VALUES | options))
    return path


def outputs(snapshot: Any, x: Array) -> Array:
    """What the network gives, from the arrays of the checkpoint alone."""
    p = {
        node: {name: named.array.astype("f8") for name, named in arrays.items()}
        for node, arrays in snapshot.model.items()
    }
    learned = snapshot.preprocess["0_standardize"]
    hidden = np.tanh((x - learned["mean"]) / learned["std"] @ p["dense_1"]["W"].T + p["dense_1"]["b"].ravel())
    scaled: Array = hidden @ p["dense_2"]["W"].T + p["dense_2"]["b"].ravel()
    targets = snapshot.preprocess["targets"]
    return scaled * targets["0_std"] + targets["0_mean"]


def test_figures_are_in_the_units_of_the_targets(tmp_path: Path) -> None:
    """Against a pass by hand with what the checkpoint holds, over the whole table as other data."""
    config = write(tmp_path)
    done = finished(train(config, out=tmp_path / "run"))
    told = evaluate_checkpoint(tmp_path / "run", "test", None, None)
    assert told["loss"] == pytest.approx(done.figures["test"]["loss"], rel=1e-9)
    assert told["metrics"] == pytest.approx({k: v for k, v in done.figures["test"].items() if k != "loss"}, rel=1e-9)
    other = f"csv: {{path: {tmp_path / 't.csv'}, target: [price, tax], categorical: colour}}"
    told = evaluate_checkpoint(tmp_path / "run", None, other, None)
    snapshot = read(tmp_path / "run" / "last.h5")
    rows = [line.split(",") for line in (tmp_path / "t.csv").read_text().splitlines()[1:]]
    median = float(snapshot.preprocess["columns"]["fills"][1])
    x = np.array(
        [
            [float(size), median if age == "?" else float(age), *(colour == c for c in ("blue", "green", "red"))]
            for size, age, _, _, colour in rows
        ]
    )
    t = np.array([[float(price), float(tax)] for _, _, price, tax, _ in rows])
    error = outputs(snapshot, x) - t
    assert told["samples"] == 160
    assert told["loss"] == pytest.approx(0.5 * np.square(error).sum(axis=1).mean(), rel=1e-5)
    assert told["metrics"]["rmse"] == pytest.approx(math.sqrt(np.square(error).mean()), rel=1e-5)
    assert told["metrics"]["mae"] == pytest.approx(np.abs(error).mean(), rel=1e-5)
    assert told["metrics"]["r2"] == pytest.approx((1 - np.square(error).sum(0) / t.var(0) / 160).mean(), rel=1e-5)


def test_the_network_learns_the_scaled_targets(tmp_path: Path) -> None:
    """The same weights as with targets that were scaled by hand, by mean and deviation of the training split."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(90, 3))
    y = 1e6 + 1e5 * np.stack([np.sin(x[:, 0]), 0.01 * x[:, 1]], axis=1)
    np.savez(tmp_path / "own.npz", x=x, y=y)
    np.savez(tmp_path / "hand.npz", x=x, y=(y - y.mean(axis=0)) / y.std(axis=0))
    weights = []
    for name, scaled in (("own", "true"), ("hand", "false")):
        config = tmp_path / f"{name}.yaml"
        config.write_text(
            f"data: {{train: {{npz: {name}.npz}}, standardize_targets: {scaled}}}\n"
            "network: [dense: 5, tanh, dense: 2]\nloss: huber\nmetrics: [r2]\ntrain: {epochs: 2, accumulate: 2}\n"
        )
        figures = finished(train(config, out=tmp_path / name)).figures
        weights.append([a.array for node in read(tmp_path / name / "last.h5").model.values() for a in node.values()])
        weights[-1].append(np.array(figures["train"]["r2"]))
    for own, hand in zip(*weights, strict=True):
        np.testing.assert_allclose(own, hand, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("options", [VALUES, CLASSES], ids=["values", "classes"])
def test_a_run_goes_on_where_it_was_stopped(tmp_path: Path, options: dict[str, Any]) -> None:
    config = write(tmp_path, **options)
    train(config, out=tmp_path / "whole")
    train(config, out=tmp_path / "parts", stop=7)
    train(None, resume=tmp_path / "parts")
    assert contents(tmp_path / "whole" / "last.h5") == contents(tmp_path / "parts" / "last.h5")


def test_names_of_classes_are_kept(tmp_path: Path) -> None:
    train(write(tmp_path, **CLASSES), out=tmp_path / "run")
    snapshot = read(tmp_path / "run" / "last.h5")
    assert snapshot.class_names == ("flat", "house", "tower")
    assert [str(name) for name in snapshot.preprocess["labels"]["0"]] == ["flat", "house", "tower"]
    one = tmp_path / "one.csv"
    one.write_text("colour,age,size,kind\nred,0,1,tower\n")
    told = evaluate_checkpoint(tmp_path / "run", None, f"csv: {{path: {one}, categorical: colour, target: kind}}", None)
    assert told["samples"] == 1


def test_there_is_nothing_to_scale(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="there is no target to standardize: the losses take classes"):
        train(write(tmp_path, **CLASSES | {"scaled": "true"}), out=tmp_path / "run")


def test_folds(tmp_path: Path) -> None:
    """Each row is tested once; means and deviations are those of NumPy over what single runs give."""
    config = write(tmp_path)
    folds = Folds(config, ["train.epochs=2"], tmp_path / "cv", 4)
    for number in range(1, 5):
        with folds.open_run(number) as run:
            folds.finished.append(finished(list(run.events())))
    document = folds.document()
    assert [Path(one["run"]).name for one in document["folds"]] == ["fold-1", "fold-2", "fold-3", "fold-4"]
    assert all((tmp_path / "cv" / f"fold-{n}" / "last.h5").is_file() for n in range(1, 5))
    for split in ("train", "validation", "test"):
        for name in ("loss", "rmse", "mae", "r2"):
            values = [one["metrics"][split][name] for one in document["folds"]]
            assert document["metrics"][split][name] == pytest.approx(np.mean(values), rel=1e-12)
            assert document["deviations"][split][name] == pytest.approx(np.std(values, ddof=1), rel=1e-9)
            assert len(set(values)) == 4
    single = finished(train(config, "train.epochs=2", "data.fold={number: 2, of: 4}", out=tmp_path / "single"))
    assert single.figures == document["folds"][1]["metrics"]
    told = evaluate_checkpoint(tmp_path / "cv" / "fold-2", None, None, None)
    assert (told["split"], told["samples"]) == ("test", 40)
    assert told["loss"] == pytest.approx(single.figures["test"]["loss"], rel=1e-9)


def test_folds_go_into_a_folder_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "cv").mkdir()
    (tmp_path / "cv" / "mine").touch()
    with pytest.raises(OutputError, match="the folder exists and is not empty"):
        Folds(write(tmp_path), [], tmp_path / "cv", 4)


def test_measuring_in_own_units_takes_no_memory_by_batch_size(tmp_path: Path) -> None:
    """A step on twice as many samples takes no more; NumPy converts in buffers of 8192 numbers."""
    rng = np.random.default_rng(2)
    np.savez(tmp_path / "a.npz", x=rng.normal(size=(40_000, 2)), y=rng.normal(5, 2, size=40_000))
    config = tmp_path / "a.yaml"
    config.write_text(
        "data: {train: {npz: a.npz}, standardize_targets: true}\nnetwork: [dense: 1]\nloss: least_squares\n"
        "metrics: [rmse, mae, r2]\nthreads: 1\n"
    )
    peaks = []
    for batch in (10_000, 20_000):
        with open_run(config, None, [f"train.batch={batch}"], tmp_path / str(batch)) as run:
            run.begin()
            rows = np.arange(batch)
            run._step(rows, 0, 0.1)
            tracemalloc.start()
            run._step(rows, 0, 0.1)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert abs(peaks[0] - peaks[1]) < 4096, "a target of the smaller batch is 40,000 bytes"
