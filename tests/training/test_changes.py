"""What is another when a run goes on is shown, refused, or gone on with where that is allowed."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from nncli import checkpoint
from nncli.checkpoint import environment, read
from nncli.data.sources.npz import read_npz
from nncli.errors import CheckpointError, DataError, SpecError
from nncli.training.events import EpochEnded, Event, Started, Stepped
from nncli.training.game.events import Started as GameStarted
from nncli.training.game.opening import open_game
from nncli.training.supervised import open_run
from tests.training.game import games
from tests.training.runs import CONFIG, ROOT, contents, finished, train, write_config

STEPS = 8
"""Of an epoch: 3,523 samples in batches of 500."""


def going_on(run: Path, *texts: str, config: Path | None = None) -> list[Event]:
    """All events of a run that goes on although something changed."""
    with open_run(config, run, texts, None, allow_change=True) as going:
        return list(going.events())


def notes(events: list[Event]) -> list[str]:
    assert isinstance(events[0], Started)
    assert finished(events).notes == events[0].notes
    return list(events[0].notes)


def rates(events: list[Event]) -> list[float]:
    return [event.lr for event in events if isinstance(event, Stepped)]


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    """A run that was stopped in its second epoch, after 3 steps of it."""
    train(write_config(tmp_path), "schedule=constant", out=tmp_path / "run", stop=STEPS + 3)
    return tmp_path / "run"


# -- the configuration -------------------------------------------------------------------------------------------------


def test_a_changed_file_is_shown_line_by_line(tmp_path: Path) -> None:
    run = tmp_path / "run"
    train(write_config(tmp_path), out=run, stop=1)
    changed = (
        CONFIG.replace("lr: 1e-2", "lr: 2e-2").replace("filters: 4", "filters: 5").replace("epochs: 3", "epochs: 9")
    )
    config = write_config(tmp_path, changed)
    lines = changed.format(digits="").splitlines()
    with pytest.raises(SpecError) as caught:
        train(config, resume=run)
    shown = {fault.path: (fault.line, fault.message) for fault in caught.value.faults}
    lr, filters = (next(n for n, line in enumerate(lines, 1) if word in line) for word in ("lr: 2e-2", "filters"))
    assert shown == {
        "network[0].conv2d.filters": (filters, "changed since the run began: 4 → 5"),
        "optimizer.adam.lr": (lr, "changed since the run began: 0.01 → 0.02"),
    }
    assert "--allow-change" in caught.value.faults[-1].hint


def test_an_allowed_change_is_noted_and_done(stopped: Path) -> None:
    events = going_on(stopped, "optimizer.adam.lr=0.002", "train.epochs=2")
    assert rates(events) == [0.002] * (STEPS - 3)
    assert notes(events) == ["changed: optimizer.adam.lr: 0.01 → 0.002", "changed: train.epochs: 3 → 2"]
    assert "lr: 0.002" in read(stopped / "last.h5").config


def test_another_batch_begins_the_epoch_anew(stopped: Path) -> None:
    events = going_on(stopped, "train.batch=100", "train.epochs=3", "schedule={step: {every: 2, gamma: 0.5}}")
    steps = [event for event in events if isinstance(event, Stepped)]
    assert len(steps) == 2 * 36
    assert (steps[0].epoch, steps[0].cursor, steps[0].step) == (2, 1, STEPS + 3 + 1)
    assert "epoch 2 begins anew, because it is made of other batches now" in notes(events)
    assert rates(events) == [0.01] * 36 + [0.005] * 36, "the schedule goes by epochs, however many steps they have"
    assert finished(events).epochs == 3


def test_other_metrics_are_summed_up_from_the_next_epoch_on(stopped: Path) -> None:
    events = going_on(stopped, "metrics=[{top_k: 3}, accuracy]")
    ended = [event for event in events if isinstance(event, EpochEnded)]
    assert [set(event.figures["train"]) for event in ended] == [{"loss", "top_k", "accuracy"}] * 2
    history = read(stopped / "last.h5").history
    assert history.epoch.tolist() == [1, 2, 3]
    assert np.isnan(history.epochs["train_top_k"]).tolist() == [True, False, False]
    assert np.isfinite(history.epochs["train_accuracy"]).all()
    fewer = going_on(stopped, "metrics=[{top_k: 3}]", "train.epochs=4")
    assert finished(fewer).epochs == 4
    assert np.isnan(read(stopped / "last.h5").history.epochs["train_accuracy"]).tolist() == [False] * 3 + [True]


def test_an_average_that_is_new_begins_at_the_weights(stopped: Path) -> None:
    with open_run(None, stopped, ["train.ema=0.5"], None, allow_change=True) as run:
        assert run.average is not None
        np.testing.assert_array_equal(run.average.vector, run.model.parameters.w)


def test_what_does_not_fit_is_an_error(stopped: Path) -> None:
    before = (stopped / "last.h5").read_bytes()
    with pytest.raises(CheckpointError, match=r"/model/conv2d_1/W: another shape: .*4, 1, 3, 3.*5, 1, 3, 3"):
        going_on(stopped, "network[0].filters=5")
    with pytest.raises(CheckpointError, match="optimizer: 'sgd' cannot go on with what 'adam' kept"):
        going_on(stopped, "optimizer={sgd: {lr: 0.1, momentum: 0.9}}")
    with pytest.raises(CheckpointError, match="'rmsprop' cannot go on"):
        going_on(stopped, "optimizer=rmsprop")
    with pytest.raises(CheckpointError, match="surplus; the network has no such"):
        going_on(stopped, "network=[flatten, {dense: 10}]")
    assert (stopped / "last.h5").read_bytes() == before


def test_other_preprocessing_is_fitted_anew(stopped: Path) -> None:
    with open_run(None, stopped, ["data.preprocess=[{scale: 0.5}, standardize]"], None, allow_change=True) as run:
        (mean,) = (arrays["mean"] for arrays in run.setup.preprocessing.state().values())
    (was,) = (arrays["mean"] for arrays in read(stopped / "last.h5").preprocess.values())
    np.testing.assert_allclose(mean, was * 8, rtol=1e-6)


# -- longer runs -------------------------------------------------------------------------------------------------------


def test_more_epochs_of_a_schedule_over_the_whole_run(tmp_path: Path) -> None:
    """Half a cosine over 2 epochs ends at 0; over 4 it is at a half there."""
    run = tmp_path / "run"
    train(write_config(tmp_path), "schedule=cosine", "train.epochs=2", out=run)
    with open_run(None, run, ["train.epochs=4"], None) as longer:
        events = list(longer.events())
    assert rates(events)[0] == pytest.approx(0.005)
    told = "the schedule 'cosine' goes over the whole run, 4 epochs instead of 2: its step size is 0.005 here, not 0"
    assert notes(events) == ["changed: train.epochs: 2 → 4", told]


def test_a_run_that_goes_back(tmp_path: Path) -> None:
    run = tmp_path / "run"
    train(write_config(tmp_path), "checkpoint.every=5 steps", out=run)
    whole = contents(run / "last.h5")
    events = train(None, resume=run / "step-0000010.h5")
    assert notes(events) == [f"the run goes back to step 10: {run / 'last.h5'} is of step 24, and will be replaced"]
    assert contents(run / "last.h5") == whole
    (run / "last.h5").write_bytes((run / "last.h5").read_bytes()[:-1])
    (note,) = notes(train(None, resume=run / "step-0000010.h5"))
    assert note.startswith("the run goes on from step 10; the last checkpoint will be replaced: ")
    assert "damaged" in note
    assert contents(run / "last.h5") == whole


def test_a_finished_run_has_nothing_left(tmp_path: Path) -> None:
    run = tmp_path / "run"
    train(write_config(tmp_path), "train.epochs=1", out=run)
    events = train(None, resume=run)
    assert notes(events) == ["nothing left to do: all 1 epochs are done; --epochs 2 would go on"]
    assert finished(events).reason == "done"


EARLY = "train.early_stopping={patience: 1, metric: accuracy, min_delta: 1}", "schedule=constant", "train.epochs=5"
"""No accuracy is better by 1: it ends after the second epoch."""


def test_a_run_that_stopped_early(tmp_path: Path) -> None:
    run, config = tmp_path / "run", write_config(tmp_path)
    assert finished(train(config, *EARLY, out=run)).epochs == 2
    again = train(None, resume=run)
    assert finished(again).reason == "early"
    assert notes(again)[0].startswith("nothing left to do: it stopped early")
    patient = train(None, "train.early_stopping.patience=3", resume=run)
    assert (finished(patient).reason, finished(patient).epochs) == ("early", 4)
    more = train(None, "train.epochs=9", resume=run)
    assert "it had stopped early; for more epochs the waiting begins anew" in notes(more)
    assert (finished(more).reason, finished(more).epochs) == ("early", 7), "three epochs more, as patient as it is now"
    never = train(None, "train.early_stopping=null", resume=run)
    assert (finished(never).reason, finished(never).epochs) == ("done", 9)


# -- data and environment ----------------------------------------------------------------------------------------------


def with_own_data(folder: Path) -> Path:
    """A configuration beside a copy of the digits, whose first image may be changed."""
    write_data(folder)
    config = folder / "own.yaml"
    config.write_text(CONFIG.format(digits="own.npz"))
    return config


def write_data(folder: Path, brighter: int = 0, fewer: int = 0) -> None:
    names = "x_train", "y_train", "x_test", "y_test"
    arrays = dict(zip(names, read_npz(ROOT / "data" / "digits.npz", names), strict=True))
    arrays["x_train"][0, ..., 0, 0] += np.asarray(brighter).astype(arrays["x_train"].dtype)
    for name in names[:2]:
        arrays[name] = arrays[name][fewer:]
    np.savez(folder / "own.npz", **arrays)


def test_other_data_are_refused(tmp_path: Path) -> None:
    run, config = tmp_path / "run", with_own_data(tmp_path)
    train(config, out=run, stop=STEPS + 3)
    before = (run / "last.h5").read_bytes()
    write_data(tmp_path, brighter=1)
    with pytest.raises(DataError) as caught:
        train(None, resume=run)
    (fault,) = caught.value.faults
    assert fault.file == str(tmp_path / "own.npz")
    assert fault.path == "x_train, samples of train"
    assert "as many as before, but others" in fault.message
    assert "--allow-change" in fault.hint
    assert (run / "last.h5").read_bytes() == before
    write_data(tmp_path, fewer=23)
    with pytest.raises(DataError, match="3,823 samples then, 3,800 now"):
        train(None, resume=run)
    events = going_on(run)
    assert "epoch 2 begins anew, because it is made of other batches now" in notes(events)
    assert finished(events).epochs == 3
    assert finished(train(None, "train.epochs=4", resume=run)).epochs == 4, "from now on these are its data"


def test_data_as_they_were(tmp_path: Path) -> None:
    run, config = tmp_path / "run", with_own_data(tmp_path)
    train(config, out=run, stop=3)
    write_data(tmp_path)
    assert notes(train(None, resume=run, stop=1)) == []


def test_an_older_checkpoint_knows_nothing_of_its_data(tmp_path: Path) -> None:
    run, config = tmp_path / "run", with_own_data(tmp_path)
    train(config, out=run, stop=3)
    checkpoint.write(run / "last.h5", dataclasses.replace(read(run / "last.h5"), data={}))
    write_data(tmp_path, brighter=1)
    assert notes(train(None, resume=run, stop=1)) == []
    assert read(run / "last.h5").data["train"]["samples"]["shape"] == [3823, 1, 8, 8]


def test_another_machine_and_other_versions_are_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tmp_path / "run"
    with monkeypatch.context() as then:
        then.setattr("nncli.checkpoint.hdf5.environment", lambda: {**environment(), "numpy": "1.0", "cpu": "an abacus"})
        train(write_config(tmp_path), out=run, stop=STEPS + 3)
    stored = read(run / "last.h5").versions
    assert (stored["numpy"], stored["cpu"]) == ("1.0", "an abacus")
    (note,) = notes(train(None, resume=run, stop=1))
    assert f"numpy 1.0 → {np.__version__}; cpu an abacus → {environment()['cpu']}: last digits" in note
    train(None, resume=run)
    train(tmp_path / "small.yaml", out=tmp_path / "whole")
    assert contents(run / "last.h5") == contents(tmp_path / "whole" / "last.h5")


def test_another_number_of_threads_is_noted(tmp_path: Path) -> None:
    texts = "threads=1", "network[0].filters=64"
    train(write_config(tmp_path), *texts, out=tmp_path / "run", stop=1)
    found = notes(train(None, "threads=2", resume=tmp_path / "run", stop=1))
    assert found[0] == "changed: threads: 1 → 2"
    assert "threads 1 → 2" in found[1]


# -- games -------------------------------------------------------------------------------------------------------------


def test_a_changed_game(tmp_path: Path) -> None:
    run = tmp_path / "run"
    games.play(games.write_config(tmp_path), out=run, stop=6)
    with open_game(None, run, ["optimizer.generator.adam.lr=0.5", "game.batch=40"], None, allow_change=True) as going:
        events = list(going.events())
    assert isinstance(events[0], GameStarted)
    assert events[0].notes == ("changed: game.batch: 20 → 40", "changed: optimizer.generator.adam.lr: 0.01 → 0.5")
    assert games.finished(events).steps == 12
    for text, message in (
        ("game.pack=1", "another shape"),
        ("optimizer.generator=rmsprop", r"optimizer\.generator: 'rmsprop' cannot go on with what 'adam' kept"),
    ):
        with pytest.raises(CheckpointError, match=message), open_game(None, run, [text], None, allow_change=True):
            pass


def test_longer_games_and_games_that_are_done(tmp_path: Path) -> None:
    run = tmp_path / "run"
    games.play(games.write_config(tmp_path), "schedule={generator: linear, discriminator: constant}", out=run)
    done = games.play(None, resume=run)
    assert isinstance(done[0], GameStarted)
    assert done[0].notes == ("nothing left to do: all 12 steps are done; --steps 24 would go on",)
    assert games.finished(done).reason == "done"
    longer = games.play(None, "game.steps=24", resume=run)
    assert isinstance(longer[0], GameStarted)
    told = "the schedule 'linear' of the generator goes over the whole game, 24 steps instead of 12"
    assert longer[0].notes == ("changed: game.steps: 12 → 24", f"{told}: its step size is 0.005 here, not 0")


def test_a_game_with_other_data(tmp_path: Path) -> None:
    write_data(tmp_path)
    (tmp_path / "game.yaml").write_text(games.CONFIG.format(digits="own.npz"))
    games.play(tmp_path / "game.yaml", out=tmp_path / "run", stop=3)
    write_data(tmp_path, brighter=1)
    with pytest.raises(DataError, match="as many as before, but others"):
        games.play(None, resume=tmp_path / "run")
    with open_game(None, tmp_path / "run", [], None, allow_change=True) as run:
        assert len(run.notes) == 1
