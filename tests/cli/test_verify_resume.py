"""`nncli verify-resume`: exit codes, streams, JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nncli.training import verifying
from nncli.training.saving import Saving
from tests.cli.conftest import Runner
from tests.training.test_verifying import GAME, NETWORK, written


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process: that others are started is tested elsewhere, and once below."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(verifying, "in_child", verifying.play)


def test_exact(run: Runner, tmp_path: Path) -> None:
    result = run("verify-resume", written(tmp_path, NETWORK))
    assert result.code == 0
    assert "exact: 8 steps in one go and in 4 pieces are the same to the bit" in result.out
    lines = [line.split() for line in result.out.splitlines()[1:]]
    assert ["3", "steps", "5", "steps", "last.h5", "identical"] in lines
    assert "training from step 5 to 8" in result.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.yaml"]


def test_a_game_in_json(run: Runner, tmp_path: Path) -> None:
    result = run("verify-resume", written(tmp_path, GAME), "--steps", 4, "--stops", "2,1", "--json")
    assert (result.code, result.err) == (0, "")
    document = result.json
    assert document["passed"] is True
    assert (document["steps"], document["stops"], document["steps_per_epoch"]) == (4, [1, 2], None)
    assert [(point["after"], point["steps"], point["passed"]) for point in document["points"]] == [
        (0, 1, True),
        (1, 2, True),
        (2, 4, True),
    ]


def test_it_makes_no_difference_how_the_file_is_called(run: Runner, tmp_path: Path) -> None:
    """The paths of a configuration are relative to its folder, which a checkpoint keeps in full."""
    data = "data: {train: {npz: {path: data.npz, y: null}}}"
    np.savez(tmp_path / "data.npz", x=np.random.default_rng(0).normal(size=(40, 2)))
    written(tmp_path, GAME.replace("data: {train: ring}", data))
    assert run("verify-resume", "config.yaml", "--steps", 3, "--stops", 1).code == 0


def test_a_run_that_is_not_exact(run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Saving.restore

    def forgetful(self: Saving, *arguments: Any) -> None:
        real(self, *arguments)
        self.run.model.parameters.views["head"]["b"][1] += 1

    monkeypatch.setattr(Saving, "restore", forgetful)
    config = written(tmp_path, NETWORK)
    result = run("verify-resume", config, "--stops", 3)
    assert result.code == 5
    assert "1 not read back" in result.out
    assert "error: after 5 steps: /model/head/b: [1]: " not in result.err, "5 is not the step that it stopped at"
    assert "/model/head/b: [1]: " in result.err
    asked = run("verify-resume", config, "--stops", 3, "--json")
    assert asked.code == 5
    point = asked.json["points"][-1]
    assert point["restored"] == ["/model/head/b"]
    assert (point["first"]["dataset"], point["first"]["index"]) == ("/model/head/b", [1])
    assert point["first"]["found"] == pytest.approx(point["first"]["expected"] + 1)


def test_long_epochs(run: Runner, tmp_path: Path) -> None:
    config = written(tmp_path, NETWORK)
    result = run("verify-resume", config, "--steps", 3)
    assert result.code == 0
    assert "no end of an epoch is among these steps; --steps 7 covers one" in result.out


@pytest.mark.parametrize("stops", ["a", "1;2", "0", "4", "1,9"])
def test_stops_that_are_none(run: Runner, tmp_path: Path, stops: str) -> None:
    assert run("verify-resume", written(tmp_path, NETWORK), "--steps", 4, "--stops", stops).code == 2


def test_what_is_wrong_with_a_configuration_is_said_as_ever(run: Runner, tmp_path: Path) -> None:
    config = written(tmp_path, NETWORK.replace("adam", "adem"))
    result = run("verify-resume", config)
    assert result.code == 2
    assert "did you mean 'adam'?" in result.err


def test_errors_of_another_process_are_those_of_this(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    config = written(tmp_path, NETWORK.replace("random: {samples: 50, shape: [1, 6, 6], classes: 3}", "npz: no.npz"))
    result = run("verify-resume", config, "--json")
    assert result.code == 3
    assert result.json["faults"][0]["message"] == "no such file"
