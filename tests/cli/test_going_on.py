"""Runs that stop before their end say how they go on, and do."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from nncli.cli.options import resuming
from tests.cli.conftest import Result, Runner
from tests.training.game import games
from tests.training.runs import contents, write_config


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_config(tmp_path)
    return Path("small.yaml")


def going_on(result: Result) -> list[str]:
    """The command that the end of a run names, without its first word."""
    (line,) = (line for line in result.err.splitlines() if line.startswith("go on with: nncli "))
    return shlex.split(line.removeprefix("go on with: nncli "))


def test_max_time(run: Runner, config: Path) -> None:
    result = run("train", config, "--max-time", "0.001s", "--out", "a run")
    assert result.code == 0
    assert "stopped when the time was up after 0 epochs, 1 steps" in result.out
    assert going_on(result) == ["train", "--resume", "a run"]
    again = run(*going_on(result), "--json", "--max-time", "1h")
    assert again.code == 0
    assert again.json["finished"] == "done"
    run("train", config, "--out", "whole", "-q")
    assert contents(Path("a run/last.h5")) == contents(Path("whole/last.h5"))


def test_max_time_in_json(run: Runner, config: Path) -> None:
    result = run("train", config, "--max-time", "0.001s", "--json")
    assert (result.code, result.err) == (0, "")
    assert (result.json["finished"], result.json["steps"]) == ("time", 1)


@pytest.mark.parametrize("text", ["10", "5 epochs", "200 steps", "0s", "soon"])
def test_what_is_no_time(run: Runner, config: Path, text: str) -> None:
    result = run("train", config, "--max-time", text)
    assert result.code == 2
    assert f"'{text}' is no time: as a time write `30s`, `10m`, `2h` or `1h30m`" in result.err
    assert not Path("runs").exists()


def test_a_game_has_so_much_time(run: Runner, config: Path) -> None:
    game = games.write_config(config.parent)
    result = run("gan", game, "--max-time", "0.001s")
    assert result.code == 0
    assert "stopped when the time was up after 1 steps" in result.out
    assert going_on(result) == ["gan", "--resume", "runs/small"]
    assert run(*going_on(result), "--json").json["finished"] == "done"


def test_folds_go_on(run: Runner, config: Path) -> None:
    result = run("train", config, "--folds", 2, "--epochs", 1, "--max-time", "0.001s")
    assert result.code == 0
    assert "0 of 2 folds done" in result.out
    assert going_on(result) == ["train", "small.yaml", "--resume", "runs/small", "--folds", "2"]
    again = run(*going_on(result), "--epochs", 1, "--json")
    assert again.code == 0
    whole = run("train", config, "--folds", 2, "--epochs", 1, "--json")
    assert again.json["metrics"] == whole.json["metrics"]
    assert again.json["deviations"] == whole.json["deviations"]


def test_a_command_with_plugins_allows_them_again() -> None:
    words = resuming("train", None, Path("runs/my run"), plugins=True)
    assert words == "nncli train --resume 'runs/my run' --plugins"
