"""Checkpoints that an earlier nncli wrote are read, evaluated and gone on with.

`stored/network.h5` and `stored/game.h5` are of format version 1, made by nncli 0.1.0 from the files beside them with
one thread: the first stopped in the middle of its second epoch, the second after 43 steps, an alarm behind it. Their
`config_dir` is relative to the repository's root. Figures are those of the nncli that wrote them.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from nncli.checkpoint import read
from nncli.training.evaluate import evaluate_checkpoint
from nncli.training.game.trained import open_trained
from tests.training.game.games import finished as game_finished
from tests.training.game.games import play
from tests.training.runs import ROOT, finished, train

STORED = Path("tests/checkpoint/stored")


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def run_of(stored: str, folder: Path) -> Path:
    """A run folder with that checkpoint as its last."""
    shutil.copy(STORED / stored, folder / "last.h5")
    return folder


def test_they_are_small() -> None:
    for file in STORED.glob("*.h5"):
        assert file.stat().st_size < 60_000


def test_a_network_is_read() -> None:
    snapshot = read(STORED / "network.h5")
    assert (snapshot.kind, snapshot.format_version, snapshot.versions["nncli"]) == ("supervised", 1, "0.1.0")
    progress = snapshot.progress
    assert (progress["epoch"], progress["cursor"], progress["step"]) == (1, 3, 11)
    assert progress["running_samples"] == 1500
    assert progress["running_accuracy"].tolist() == [389, 1500]
    assert snapshot.history.epochs["validation_accuracy"].tolist() == [49 / 300]
    assert snapshot.model["conv2d_1"]["W"].axes[:2] == ("out", "in/groups")
    assert snapshot.model["conv2d_1"]["W"].array.shape == (4, 1, 3, 3)
    assert snapshot.state["batch_norm_1"]["mean"].array.shape == (4,)
    assert set(snapshot.optimizer) == {"m", "v"}


def test_a_network_is_evaluated() -> None:
    result = evaluate_checkpoint(STORED / "network.h5", None, None, None)
    assert result["samples"] == 1797
    assert result["metrics"]["accuracy"] == 571 / 1797
    assert result["loss"] == pytest.approx(1.9722563, rel=1e-5)


def test_a_network_goes_on(tmp_path: Path) -> None:
    end = finished(train(None, resume=run_of("network.h5", tmp_path)))
    assert (end.reason, end.epochs, end.steps) == ("done", 3, 24)
    assert end.figures["train"]["loss"] == pytest.approx(1.6013436, rel=1e-3)
    assert end.figures["test"]["loss"] == pytest.approx(1.5189380, rel=1e-3)
    assert end.figures["test"]["accuracy"] == pytest.approx(0.60657, abs=0.01)
    assert read(tmp_path / "last.h5").history.steps["loss"].shape == (24,)


def test_a_game_is_read_and_makes_samples() -> None:
    snapshot = read(STORED / "game.h5")
    assert (snapshot.kind, snapshot.format_version) == ("gan", 1)
    assert (snapshot.progress["step"], snapshot.progress["rollbacks"]) == (43, 1)
    assert set(snapshot.networks) == {"generator", "discriminator", "generator_ema", "discriminator_raw"}
    with open_trained(STORED / "game.h5") as trained:
        made = trained.samples(np.array([[0.0, 0.0], [1.0, -1.0]]))
        logits = trained.logits(np.array([[1.0, 0.0]]))
    np.testing.assert_allclose(made, [[-0.02187935, -0.08683253], [-0.39729804, -1.8701603]], rtol=1e-5)
    np.testing.assert_allclose(logits, [0.08914445], rtol=1e-5)


def test_a_game_goes_on(tmp_path: Path) -> None:
    end = game_finished(play(None, resume=run_of("game.h5", tmp_path)))
    assert (end.reason, end.steps, end.rollbacks) == ("done", 60, 1)
    assert end.figures["value"] == pytest.approx(-1.47385, rel=1e-2)
    assert end.figures["diversity"] == pytest.approx(1.39226, rel=1e-2)
