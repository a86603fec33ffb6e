"""The players of a checkpoint make the samples that the game made, and judge as it does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nncli.errors import CheckpointError
from nncli.training.game.events import Sampled
from nncli.training.game.opening import open_game
from nncli.training.game.trained import evaluate, open_trained
from tests.training.game.games import COUPLED, SPECTRAL, play, write_config
from tests.training.runs import train
from tests.training.runs import write_config as write_supervised


@pytest.mark.parametrize("more", [(), SPECTRAL, COUPLED], ids=str)
def test_samples_are_those_of_the_game(tmp_path: Path, more: tuple[str, ...]) -> None:
    events = play(write_config(tmp_path), *more, out=tmp_path / "run")
    last = [event for event in events if isinstance(event, Sampled)][-1]
    with open_trained(tmp_path / "run") as trained:
        assert trained.shape == (1, 8, 8)
        assert np.array_equal(trained.samples(last.latent), last.samples)
        assert trained.density is None
        assert trained.latent(7).shape == (7, 5)
    with open_trained(tmp_path / "run", averaged=False) as trained:
        assert not np.array_equal(trained.samples(last.latent), last.samples)


def test_verdicts_are_those_of_the_game(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    play(config, out=tmp_path / "run")
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 16, (300, 1, 8, 8))  # more than one block
    with open_trained(tmp_path / "run") as trained:
        logits = trained.logits(x)
    with open_game(None, tmp_path / "run", [], None) as run:
        scaled = np.moveaxis(x / 8 - 1, 0, -1).astype(np.float32)
        expected = evaluate(run.play.discriminator.model, np.concatenate([scaled, scaled]))[0]  # packs of two
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)


def test_uniform_latent_vectors(tmp_path: Path) -> None:
    play(write_config(tmp_path), "latent.distribution=uniform", out=tmp_path / "run", stop=1)
    with open_trained(tmp_path / "run") as trained:
        z = trained.latent(500, seed=1)
    assert -1 <= z.min() < -0.9
    assert 0.9 < z.max() <= 1


def test_a_network_alone_makes_no_samples(tmp_path: Path) -> None:
    train(write_supervised(tmp_path), out=tmp_path / "run", stop=1)
    with pytest.raises(CheckpointError, match="makes no samples"), open_trained(tmp_path / "run"):
        pass
