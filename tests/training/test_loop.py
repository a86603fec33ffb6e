"""The loop: best, early stopping, divergence, events, other numbers of shards."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from nncli.checkpoint import read
from nncli.errors import DivergenceError, OutputError, SpecError
from nncli.training.events import EpochEnded, Saved, Started, Stepped
from nncli.training.progress import Watch
from tests.training.runs import CONFIG, finished, train, weights, write_config


def test_events_of_a_run(tmp_path: Path) -> None:
    events = train(write_config(tmp_path), out=tmp_path / "run")
    start = events[0]
    assert isinstance(start, Started)
    assert start.samples == {"train": 3523, "validation": 300, "test": 1797}
    assert start.steps_per_epoch == 8
    steps = [event for event in events if isinstance(event, Stepped)]
    assert [event.step for event in steps] == list(range(1, 25))
    ends = [event for event in events if isinstance(event, EpochEnded)]
    assert [event.epoch for event in ends] == [1, 2, 3]
    assert all(set(event.figures) == {"train", "validation"} for event in ends)
    last = finished(events)
    assert (last.epochs, last.steps, last.reason) == (3, 24, "done")
    assert last.figures["test"]["accuracy"] > 0.5
    saved = {(event.path.name, event.why) for event in events if isinstance(event, Saved)}
    assert ("last.h5", "last") in saved
    assert ("best.h5", "best") in saved


def test_the_history_is_what_the_events_said(tmp_path: Path) -> None:
    events = train(write_config(tmp_path), out=tmp_path / "run")
    history = read(tmp_path / "run" / "last.h5").history
    steps = [event for event in events if isinstance(event, Stepped)]
    ends = [event for event in events if isinstance(event, EpochEnded)]
    np.testing.assert_array_equal(history.steps["lr"], [event.lr for event in steps])
    np.testing.assert_array_equal(history.steps["gradient_norm"], [event.norm for event in steps])
    np.testing.assert_array_equal(history.epochs["validation_loss"], [e.figures["validation"]["loss"] for e in ends])
    np.testing.assert_array_equal(history.epochs["train_accuracy"], [e.figures["train"]["accuracy"] for e in ends])
    sizes = np.array([500] * 7 + [23])
    for epoch, end in enumerate(ends):
        losses = history.steps["loss"][8 * epoch : 8 * epoch + 8]
        assert end.figures["train"]["loss"] == pytest.approx(float(losses @ sizes / sizes.sum()), rel=1e-12)


def test_best_is_the_epoch_with_the_best_figure(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    events = train(config, "optimizer.adam.lr=0.05", "train.epochs=6", out=tmp_path / "run")
    ends = [event for event in events if isinstance(event, EpochEnded)]
    figures = [event.figures["validation"]["accuracy"] for event in ends]
    latest = max(epoch for epoch, value in enumerate(figures, 1) if value == max(figures))
    assert finished(events).best_epoch == latest
    assert int(read(tmp_path / "run" / "best.h5").progress["epoch"]) == latest
    assert [event.best for event in ends] == [value >= max([-1.0, *figures[:i]]) for i, value in enumerate(figures)]


def test_early_stopping(tmp_path: Path) -> None:
    text = CONFIG.replace("epochs: 3,", "epochs: 40, early_stopping: {{patience: 2, metric: loss, min_delta: 0.3}},")
    events = train(write_config(tmp_path, text), "schedule=constant", out=tmp_path / "run")
    losses = [event.figures["validation"]["loss"] for event in events if isinstance(event, EpochEnded)]
    assert finished(events).reason == "early"
    best, waited, expected = np.inf, 0, 0
    for loss in losses:
        expected += 1
        best, waited = (loss, 0) if best - loss > 0.3 else (best, waited + 1)
        if waited == 2:
            break
    assert len(losses) == expected < 40


@pytest.mark.parametrize(
    ("mode", "values", "expected"),
    [
        ("max", [0.1, 0.3, 0.3, 0.2, 0.4], [True, True, False, False, True]),
        ("min", [3.0, float("nan"), 2.0, 2.0, 1.0], [True, False, True, False, True]),
    ],
)
def test_watch(mode: str, values: list[float], expected: list[bool]) -> None:
    watch = Watch("validation", "figure", mode)
    seen = [watch.see({"validation": {"figure": value}}, epoch + 1) for epoch, value in enumerate(values)]
    assert seen == expected
    watch = Watch("validation", "figure", mode, latest=True)
    seen = [watch.see({"validation": {"figure": value}}, epoch + 1) for epoch, value in enumerate(values)]
    equal = [value == before for value, before in zip(values[1:], values, strict=False)]
    assert seen == [expected[0], *(was or same for was, same in zip(expected[1:], equal, strict=True))]


def test_divergence_names_the_first_node_and_keeps_the_last_checkpoint(tmp_path: Path) -> None:
    run = tmp_path / "run"
    config = write_config(tmp_path)
    train(config, "schedule=constant", "train.epochs=1", out=run)
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    text = config.read_text().replace(
        "optimizer: {adam: {lr: 1e-2, weight_decay: 1e-4}}", "optimizer: {sgd: {lr: 1e38}}"
    )
    text = re.sub(r", clip: \{[^}]*\}", "", text)
    other = tmp_path / "other.yaml"
    other.write_text(text)
    with pytest.raises(DivergenceError) as caught:
        train(other, "schedule=constant", out=tmp_path / "diverged")
    message = str(caught.value)
    assert "'conv2d_1'" in message or "'dense_1'" in message
    assert "epoch 1, step" in message
    assert "sgd.lr is 1e+38" in caught.value.faults[0].hint
    assert not (tmp_path / "diverged").exists()
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before


def test_divergence_in_the_second_epoch_leaves_the_first_one_s_checkpoint(tmp_path: Path) -> None:
    run = tmp_path / "run"
    train(write_config(tmp_path), "train.epochs=2", "schedule=constant", out=run, stop=8 + 2)
    before = (run / "last.h5").read_bytes()
    from nncli.training.supervised import open_run

    def spoil() -> None:
        with open_run(None, run, (), None) as opened:
            for event in opened.events():
                if isinstance(event, Stepped):
                    opened.model.parameters.views["dense_1"]["W"][0, 0] = np.nan

    with pytest.raises(DivergenceError) as caught:
        spoil()
    assert "output of 'dense_1'" in str(caught.value)
    assert "last.h5 is as it was before" in str(caught.value)
    assert (run / "last.h5").read_bytes() == before


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_change_little_in_float64(tmp_path: Path, threads: int) -> None:
    config = write_config(tmp_path)
    options = ("dtype=float64", "train.epochs=1")
    train(config, *options, "threads=1", out=tmp_path / "one")
    train(config, *options, f"threads={threads}", out=tmp_path / "some")
    one, some = weights(read(tmp_path / "one" / "last.h5")), weights(read(tmp_path / "some" / "last.h5"))
    np.testing.assert_allclose(some, one, rtol=0, atol=1e-9)


def test_numbered_checkpoints(tmp_path: Path) -> None:
    train(write_config(tmp_path), "checkpoint.every=2", out=tmp_path / "run")
    assert sorted(path.name for path in (tmp_path / "run").glob("*.h5")) == ["best.h5", "epoch-0002.h5", "last.h5"]


def test_a_batch_larger_than_the_split_is_the_split(tmp_path: Path) -> None:
    events = train(write_config(tmp_path), "train.batch=100000", "train.epochs=1", out=tmp_path / "run")
    assert finished(events).steps == 1


def test_an_existing_folder_is_not_touched(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "mine.txt").write_text("mine")
    with pytest.raises(OutputError):
        train(write_config(tmp_path), out=run)
    assert [path.name for path in run.iterdir()] == ["mine.txt"]


def test_folders_are_numbered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = write_config(tmp_path)
    folders = [finished(train(config, "train.epochs=1", "train.batch=4000")).folder for _ in range(3)]
    assert [str(folder) for folder in folders] == ["runs/small", "runs/small-2", "runs/small-3"]


def test_nothing_is_written_where_the_configuration_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = write_config(tmp_path, CONFIG.replace("dense: 10", "dense: -1"))
    with pytest.raises(SpecError):
        train(config)
    assert [path.name for path in tmp_path.iterdir()] == ["small.yaml"]
