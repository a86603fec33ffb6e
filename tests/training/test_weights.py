"""Gradients of several batches in one step, the average of the weights, and weights that come from another run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nncli.checkpoint import read
from nncli.engine import Model, Plan
from nncli.errors import CheckpointError
from nncli.training.average import Average
from nncli.training.evaluate import evaluate_checkpoint
from nncli.training.events import Started
from tests.engine.networks import graph
from tests.training.runs import contents, finished, train, weights, write_config

PLAIN = "network[4].dropout.rate=0"


# -- accumulation ------------------------------------------------------------------------------------------------------


def test_batches_of_a_step_are_one_batch_of_their_size(tmp_path: Path) -> None:
    """3,523 samples: the last step of an epoch has 23, in one batch."""
    config = write_config(tmp_path)
    train(config, PLAIN, "dtype=float64", "train.batch=500", out=tmp_path / "whole")
    for batch, accumulate in ((250, 2), (100, 5)):
        out = tmp_path / f"of {batch}"
        events = train(
            config, PLAIN, "dtype=float64", f"train.batch={batch}", f"train.accumulate={accumulate}", out=out
        )
        assert finished(events).steps == 24
        found, expected = read(out / "last.h5"), read(tmp_path / "whole" / "last.h5")
        np.testing.assert_allclose(weights(found), weights(expected), rtol=1e-8, atol=1e-10)
        for name in ("loss", "gradient_norm"):
            np.testing.assert_allclose(found.history.steps[name], expected.history.steps[name], rtol=1e-7)


def test_a_run_with_accumulation_and_average_is_resumed_at_any_step(tmp_path: Path) -> None:
    options = ("train.batch=100", "train.accumulate=5", "train.ema=0.9", "train.epochs=2")
    config = write_config(tmp_path)
    train(config, *options, out=tmp_path / "whole")
    run = tmp_path / "run"
    train(config, *options, out=run, stop=3)
    train(None, resume=run, stop=6)
    train(None, resume=run)
    for name in ("last.h5", "best.h5"):
        assert contents(run / name) == contents(tmp_path / "whole" / name)


# -- the average -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("decay", "warmup"), [(0.9, 0), (0.5, 10), (0.9, 3)])
def test_the_average_is_that_of_its_formula(decay: float, warmup: int) -> None:
    made = Model(graph("chain"), Plan(), np.float64)
    w = made.parameters.w
    average = Average(made.parameters, decay, warmup)
    rng = np.random.default_rng(0)
    w[...] = rng.normal(size=w.shape)
    average.start()
    expected = w.copy()
    for t in range(1, 30):
        w[...] = rng.normal(size=w.shape)
        average.add(t)
        d = min(decay, (1 + t) / (warmup + t)) if warmup else decay
        expected = d * expected + (1 - d) * w
    np.testing.assert_allclose(average.vector, expected, rtol=1e-13, atol=1e-15)
    kept = w.copy()
    with average.in_use():
        np.testing.assert_allclose(w, expected, rtol=1e-13, atol=1e-15)
    np.testing.assert_array_equal(w, kept)
    np.testing.assert_allclose(average.vector, expected, rtol=1e-13, atol=1e-15)


def test_figures_are_those_of_the_average(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    events = train(config, "train.ema=0.8", "train.epochs=1", out=tmp_path / "run")
    last = tmp_path / "run" / "last.h5"
    stored = evaluate_checkpoint(last, "test", None, None)
    assert finished(events).figures["test"]["loss"] == stored["loss"]
    other = train(config, "train.epochs=1", out=tmp_path / "other")
    assert finished(other).figures["test"]["loss"] != stored["loss"]
    np.testing.assert_array_equal(weights(read(last)), weights(read(tmp_path / "other" / "last.h5")))
    averaged = read(last).model_ema["dense_1"]["W"]
    assert averaged.axes == ("out", "in")
    assert not np.array_equal(averaged.array, read(last).model["dense_1"]["W"].array)


# -- weights of another run --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    train(write_config(folder), "train.epochs=1", out=folder / "run")
    return folder / "run"


def started(events: list[object]) -> Started:
    assert isinstance(events[0], Started)
    return events[0]


def test_fine_tuning_starts_from_the_nodes_of_one_name(source: Path, tmp_path: Path) -> None:
    config = write_config(tmp_path)
    new = ("network.dense_1={dense: 10, name: head}", "network[0].trainable=false", f"init_from={source}/last.h5")
    events = train(config, *new, "train.epochs=1", out=tmp_path / "run", stop=1)
    assert started(events).initial == f"weights of 1 node from {source}/last.h5; new: head"
    before, after = read(source / "last.h5"), read(tmp_path / "run" / "last.h5")
    np.testing.assert_array_equal(after.model["conv2d_1"]["W"].array, before.model["conv2d_1"]["W"].array)
    assert set(after.model) == {"conv2d_1", "head"}
    plain = train(config, new[0], "train.epochs=1", out=tmp_path / "plain", stop=1)
    assert started(plain).initial == ""


def test_all_nodes_at_a_rate_of_nearly_zero_stay_where_they_were(source: Path, tmp_path: Path) -> None:
    config = write_config(tmp_path)
    options = (f"init_from={source}", "optimizer={sgd: 1e-30}", "train.epochs=1")
    train(config, *options, out=tmp_path / "run", stop=1)
    np.testing.assert_array_equal(weights(read(tmp_path / "run" / "last.h5")), weights(read(source / "last.h5")))


def test_averaged_weights_are_taken_where_there_are_some(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    train(config, "train.ema=0.8", "train.epochs=1", out=tmp_path / "a")
    train(config, f"init_from={tmp_path}/a", "optimizer={sgd: 1e-30}", "train.epochs=1", out=tmp_path / "b", stop=1)
    found = read(tmp_path / "b" / "last.h5").model["dense_1"]["W"].array
    np.testing.assert_array_equal(found, read(tmp_path / "a" / "last.h5").model_ema["dense_1"]["W"].array)


def test_a_resumed_run_does_not_need_the_file_again(source: Path, tmp_path: Path) -> None:
    import shutil

    copy = shutil.copy(source / "last.h5", tmp_path / "start.h5")
    config = write_config(tmp_path)
    train(config, "init_from=start.h5", "train.epochs=1", out=tmp_path / "run", stop=2)
    Path(copy).unlink()
    events = train(None, resume=tmp_path / "run")
    assert finished(events).reason == "done"
    assert started(events).initial == ""


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("network[0].filters=5", r"/model/conv2d_1/W: another shape: \[4, 1, 3, 3\] in the checkpoint, \[5, 1, 3, 3\]"),
        ("init_from.nodes=[nobody]", "no node of the network with parameters fits 'nobody'"),
        (
            "network[0].conv2d={filters: 4, bias: false}",
            "/model/conv2d_1/b: another shape: .4. in the checkpoint, nothing",
        ),
    ],
)
def test_what_does_not_fit_is_said_before_anything_is_written(
    source: Path, tmp_path: Path, override: str, message: str
) -> None:
    config = write_config(tmp_path)
    with pytest.raises(CheckpointError, match=message):
        train(config, f"init_from={source}", override, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_checkpoint_of_quite_another_network(source: Path, tmp_path: Path) -> None:
    config = write_config(tmp_path)
    names = ("network[0].name=a", "network[5].name=b")
    with pytest.raises(CheckpointError, match="has none of the nodes a, b"):
        train(config, f"init_from={source}", *names, out=tmp_path / "run")
