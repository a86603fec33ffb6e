"""Checkpoints by epochs, by steps and by time, and runs that have so much time."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from nncli.checkpoint import read
from nncli.errors import SpecError
from nncli.training.events import Saved
from nncli.training.game.events import Stepped as Played
from nncli.training.game.opening import open_game
from nncli.training.rhythm import Allowance, Rhythm
from nncli.training.supervised import open_run
from tests.training.game import games
from tests.training.runs import contents, finished, train, write_config

STEPS = 8
"""Of an epoch."""


def clock(*times: float) -> Callable[[], float]:
    return iter(times).__next__


def test_by_steps() -> None:
    rhythm = Rhythm("3 steps", "epochs")
    assert [step for step in range(1, 10) if rhythm.after_step(step)] == [3, 6, 9]
    assert not any(rhythm.after_epoch(epoch) for epoch in range(1, 10))


def test_by_epochs() -> None:
    for every in (2, "2 epochs"):
        rhythm = Rhythm(every, "epochs")
        assert [epoch for epoch in range(1, 6) if rhythm.after_epoch(epoch)] == [2, 4]
        assert not any(rhythm.after_step(step) for step in range(1, 10))


def test_a_number_alone_is_one_of_steps_in_a_game() -> None:
    rhythm = Rhythm(2, "steps")
    assert [step for step in range(1, 6) if rhythm.after_step(step)] == [2, 4]


def test_by_time() -> None:
    rhythm = Rhythm("10s", "epochs", clock(100, 105, 110, 150, 151, 159.9, 160, 161))
    found = [rhythm.after_step(step) for step in range(1, 8)]
    assert found == [False, True, False, False, False, True, False], "what took from 110 to 150 does not count"


def test_never() -> None:
    rhythm = Rhythm(None, "epochs", clock(0))
    assert not rhythm.after_step(1)
    assert not rhythm.after_epoch(1)


def test_an_allowance() -> None:
    allowance = Allowance(5, clock(10, 14.9, 15, 16))
    assert [allowance.spent() for _ in range(3)] == [False, True, True]
    assert not Allowance(None, clock(0)).spent()


def saved(events: list[object]) -> list[tuple[str, str]]:
    return [(event.path.name, event.why) for event in events if isinstance(event, Saved)]


def test_numbered_checkpoints_by_steps_hold_what_a_stop_there_leaves(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    texts = "train.epochs=2", "checkpoint={every: 5 steps, last: 6 steps}"
    events = train(config, *texts, out=tmp_path / "run")
    numbered = [name for name, why in saved([*events]) if why == "numbered"]
    assert numbered == ["step-0000005.h5", "step-0000010.h5", "step-0000015.h5"]
    assert [why for _, why in saved([*events])].count("last") == 3  # after 6 and 12 steps, and at the end
    for step in (5, 10):
        train(config, *texts, out=tmp_path / f"stopped-{step}", stop=step)
        expected = contents(tmp_path / f"stopped-{step}" / "last.h5")
        assert contents(tmp_path / "run" / f"step-{step:07}.h5") == expected


def test_a_numbered_checkpoint_goes_on(tmp_path: Path) -> None:
    texts = "train.epochs=2", "checkpoint.every=5 steps"
    train(write_config(tmp_path), *texts, out=tmp_path / "run")
    (tmp_path / "other").mkdir()
    (tmp_path / "run" / "step-0000010.h5").rename(tmp_path / "other" / "last.h5")
    train(None, resume=tmp_path / "other")
    assert contents(tmp_path / "other" / "last.h5") == contents(tmp_path / "run" / "last.h5")


def test_checkpoints_by_time_change_no_byte_of_the_training(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    train(config, "train.epochs=1", out=tmp_path / "plain")
    events = train(config, "train.epochs=1", "checkpoint={last: 0.000001s, every: 0.000001s}", out=tmp_path / "timed")
    assert len(saved([*events])) == STEPS + 3  # two after each other step; before the first, the best, and at the end
    assert contents(tmp_path / "timed" / "last.h5") == contents(tmp_path / "plain" / "last.h5")
    assert len(list((tmp_path / "timed").glob("step-*.h5"))) == STEPS / 2


def test_long_times_leave_the_end_only(tmp_path: Path) -> None:
    events = train(write_config(tmp_path), "train.epochs=2", "checkpoint={last: 2h, every: 1h30m}", out=tmp_path / "r")
    assert [why for _, why in saved([*events]) if why != "best"] == ["begun", "last"]


def test_a_period_is_kept_in_the_checkpoint(tmp_path: Path) -> None:
    train(write_config(tmp_path), "checkpoint={last: 10m, every: 200 steps}", out=tmp_path / "run", stop=1)
    assert "checkpoint: {every: 200 steps, last: 10m}" in read(tmp_path / "run" / "last.h5").config
    train(None, "checkpoint.last=2", resume=tmp_path / "run", stop=1)
    assert "checkpoint: {every: 200 steps, last: 2}" in read(tmp_path / "run" / "last.h5").config


@pytest.mark.parametrize(
    ("value", "message"),
    [("10 min", "neither `200 steps`"), ("0 steps", "neither"), ("-1", "greater than 0"), ("2.5", "a whole number")],
)
def test_what_is_no_period(tmp_path: Path, value: str, message: str) -> None:
    with pytest.raises(SpecError, match=rf"checkpoint\.last.*{message}"):
        train(write_config(tmp_path), f"checkpoint.last={value}", out=tmp_path / "run")


def test_a_run_whose_time_is_up_goes_on_to_the_same_end(tmp_path: Path) -> None:
    """Each time it has two steps' time: the clock is asked once after each step."""
    config = write_config(tmp_path)
    train(config, "train.epochs=2", out=tmp_path / "whole")
    run, rounds, resume = tmp_path / "run", 0, None
    while True:
        asked = itertools.count(1)
        with open_run(config, resume, ["train.epochs=2"], None if resume else run) as going:
            events = list(going.events(late=lambda asked=asked: next(asked) >= 2))  # type: ignore[misc]
        rounds, resume = rounds + 1, run
        if finished(events).reason == "done":
            break
        assert finished(events).reason == "time"
        assert finished(events).steps == 2 * rounds
    assert rounds == STEPS + 1
    assert contents(run / "last.h5") == contents(tmp_path / "whole" / "last.h5")


def test_a_run_without_any_time_takes_a_step(tmp_path: Path) -> None:
    with open_run(write_config(tmp_path), None, ["diagnose.every=1"], tmp_path / "run") as run:
        assert finished(list(run.events(late=lambda: True))).steps == 1


def test_games_have_the_same(tmp_path: Path) -> None:
    config = games.write_config(tmp_path)
    games.play(config, "checkpoint={every: 5 steps, last: 0.000001s}", out=tmp_path / "whole")
    assert sorted(path.name for path in (tmp_path / "whole").glob("step-*")) == ["step-0000005.h5", "step-0000010.h5"]
    with open_game(config, None, [], tmp_path / "run") as run:
        events = list(run.events(late=lambda: run.step >= 7))
    assert games.finished(events).reason == "time"
    assert sum(isinstance(event, Played) for event in events) == 7
    games.play(None, resume=tmp_path / "run")
    assert games.contents(tmp_path / "run" / "last.h5") == games.contents(tmp_path / "whole" / "last.h5")
    with pytest.raises(SpecError, match="a game has no epochs"):
        games.play(config, "checkpoint.last=2 epochs", out=tmp_path / "other")
