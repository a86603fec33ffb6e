"""A run that was stopped and resumed is, byte for byte, the run that was not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nncli.checkpoint import read
from nncli.errors import CheckpointError, SpecError
from nncli.training.events import Saved, Started
from tests.training.runs import CONFIG, contents, finished, train, weights, write_config

STEPS = 8
"""Of an epoch: 3,523 samples in batches of 500, the last one smaller."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    train(write_config(folder), out=folder / "run")
    return folder / "run"


def test_two_runs_with_one_seed_are_equal(whole: Path, tmp_path: Path) -> None:
    train(write_config(tmp_path), out=tmp_path / "run")
    for name in ("last.h5", "best.h5"):
        assert contents(tmp_path / "run" / name) == contents(whole / name)


def test_another_seed_gives_other_weights(whole: Path, tmp_path: Path) -> None:
    train(write_config(tmp_path), "seed=4", out=tmp_path / "run")
    assert contents(tmp_path / "run" / "last.h5") != contents(whole / "last.h5")


@pytest.mark.parametrize("stop", [1, STEPS - 1, STEPS, STEPS + 1, 2 * STEPS + 3, 3 * STEPS])
def test_stopped_and_resumed(whole: Path, tmp_path: Path, stop: int) -> None:
    run = tmp_path / "run"
    first = train(write_config(tmp_path), out=run, stop=stop)
    assert finished(first).reason == "stopped"
    assert finished(first).steps == stop
    assert isinstance(first[-2], Saved)
    second = train(None, resume=run)
    assert finished(second).reason == "done"
    for name in ("last.h5", "best.h5"):
        assert contents(run / name) == contents(whole / name)


def test_stopped_at_every_step_and_resumed_each_time(whole: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    events = train(write_config(tmp_path), out=run, stop=1)
    rounds = 1
    while finished(events).reason == "stopped":
        events = train(None, resume=run / "last.h5", stop=1)
        rounds += 1
    assert rounds == 3 * STEPS + 1
    assert contents(run / "last.h5") == contents(whole / "last.h5")
    assert contents(run / "best.h5") == contents(whole / "best.h5")


NORMALISED = CONFIG.replace("  - relu\n", "  - batch_norm\n  - relu\n")


@pytest.mark.parametrize("shards", [1, 2])
def test_running_statistics_go_on_where_they_were(tmp_path: Path, shards: int) -> None:
    settings = "train.epochs=2", f"threads={shards}", "network[0].filters=32"
    config = write_config(tmp_path, NORMALISED)
    train(config, *settings, out=tmp_path / "whole")
    expected = contents(tmp_path / "whole" / "last.h5")
    assert np.frombuffer(expected["plan/shards"][2], np.int64) == shards
    _, _, mean = expected["state/batch_norm_1/mean"]
    assert np.frombuffer(mean, np.float32).all()
    for stop in (3, STEPS):
        run = tmp_path / f"stopped-{stop}"
        train(config, *settings, out=run, stop=stop)
        train(None, resume=run)
        assert contents(run / "last.h5") == expected
        assert contents(run / "best.h5") == contents(tmp_path / "whole" / "best.h5")


def test_a_difference_of_one_bit_would_be_seen(whole: Path) -> None:
    before = contents(whole / "last.h5")
    key = "model/dense_1/W"
    dtype, shape, data = before[key]
    assert {**before, key: (dtype, shape, bytes([data[0] ^ 1]) + data[1:])} != before


def test_a_finished_run_goes_on_with_more_epochs(whole: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    config = write_config(tmp_path)
    train(config, "schedule=constant", "train.epochs=1", out=run)
    events = train(None, "train.epochs=2", resume=run)
    assert isinstance(events[0], Started)
    assert events[0].first_epoch == 2
    assert finished(events).epochs == 2
    train(config, "schedule=constant", "train.epochs=2", out=tmp_path / "other")
    np.testing.assert_array_equal(weights(read(run / "last.h5")), weights(read(tmp_path / "other" / "last.h5")))


def test_a_finished_run_that_is_resumed_changes_nothing(tmp_path: Path) -> None:
    run = tmp_path / "run"
    train(write_config(tmp_path), "train.epochs=1", out=run)
    before = (run / "last.h5").read_bytes()
    events = train(None, resume=run)
    assert finished(events).reason == "done"
    assert {"train", "validation", "test"} <= set(finished(events).figures)
    assert (run / "last.h5").read_bytes() == before


@pytest.mark.parametrize(
    ("override", "path", "was", "now"),
    [
        ("optimizer.adam.lr=0.5", "optimizer.adam.lr", "0.01", "0.5"),
        ("train.batch=100", "train.batch", "500", "100"),
        ("seed=9", "seed", "3", "9"),
        ("network[0].filters=5", "network[0].conv2d.filters", "4", "5"),
    ],
)
def test_other_settings_are_refused(tmp_path: Path, override: str, path: str, was: str, now: str) -> None:
    run = tmp_path / "run"
    train(write_config(tmp_path), out=run, stop=1)
    before = (run / "last.h5").read_bytes()
    with pytest.raises(SpecError) as caught:
        train(None, override, resume=run)
    (fault,) = caught.value.faults
    assert was in fault.message
    assert now in fault.message
    assert fault.path == path
    assert (run / "last.h5").read_bytes() == before


def test_a_config_may_be_given_again(whole: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    config = write_config(tmp_path)
    train(config, out=run, stop=5)
    train(config, resume=run)
    assert contents(run / "last.h5") == contents(whole / "last.h5")


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    run = tmp_path / "run"
    train(write_config(tmp_path), out=run, stop=1)
    data = bytearray((run / "last.h5").read_bytes())
    data[-100] ^= 1
    (run / "last.h5").write_bytes(data)
    with pytest.raises(CheckpointError):
        train(None, resume=run)
