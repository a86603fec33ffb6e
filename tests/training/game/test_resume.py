"""A game that was stopped and resumed is, byte for byte, the game that was not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nncli.checkpoint import read
from nncli.errors import CheckpointError, SpecError, UsageError
from nncli.training.events import Saved
from nncli.training.game.events import Diagnosed, Sampled, Started
from tests.training.game.games import SPECTRAL, VARIANTS, contents, finished, flat, play, write_config
from tests.training.runs import train
from tests.training.runs import write_config as write_supervised

STEPS = 12


@pytest.fixture(scope="module", params=list(VARIANTS))
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[str, ...]]:
    folder, overrides = tmp_path_factory.mktemp("whole"), VARIANTS[request.param]
    play(write_config(folder), *overrides, out=folder / "run")
    return folder / "run", overrides


@pytest.mark.parametrize("stop", [1, 3, 4, 5, 11])
def test_stopped_and_resumed(whole: tuple[Path, tuple[str, ...]], tmp_path: Path, stop: int) -> None:
    run = tmp_path / "run"
    first = play(write_config(tmp_path), *whole[1], out=run, stop=stop)
    assert finished(first).reason == "stopped"
    assert finished(first).steps == stop
    assert read(run / "last.h5").progress["step"] == stop
    second = play(None, resume=run)
    assert isinstance(second[0], Started)
    assert second[0].done == stop
    assert finished(second).reason == "done"
    assert contents(run / "last.h5") == contents(whole[0] / "last.h5")


def test_stopped_at_every_step(whole: tuple[Path, tuple[str, ...]], tmp_path: Path) -> None:
    run = tmp_path / "run"
    events = play(write_config(tmp_path), *whole[1], out=run, stop=1)
    rounds = 1
    while finished(events).reason == "stopped":
        events = play(None, resume=run / "last.h5", stop=1)
        rounds += 1
    assert rounds == STEPS
    assert contents(run / "last.h5") == contents(whole[0] / "last.h5")


def test_another_seed_plays_another_game(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    play(config, out=tmp_path / "a")
    play(config, "seed=4", out=tmp_path / "b")
    nets = [read(tmp_path / name / "last.h5").networks["generator"] for name in "ab"]
    assert not np.array_equal(flat(nets[0]), flat(nets[1]))


def test_events_of_a_game(tmp_path: Path) -> None:
    events = play(write_config(tmp_path), out=tmp_path / "run")
    assert [event.step for event in events if isinstance(event, Diagnosed)] == [0, 4, 8, 12]
    samples = [event for event in events if isinstance(event, Sampled)]
    assert [event.step for event in samples] == [0, 6, 12]
    assert samples[0].samples.shape == (9, 1, 8, 8)
    assert samples[0].latent.shape == (9, 5)
    assert 0 <= samples[2].samples.min() < samples[2].samples.max() <= 16  # tanh, in the units of the digits
    assert [event.path.name for event in events if isinstance(event, Saved)] == ["last.h5"] * 4


def test_the_latent_vectors_of_samples_stay_the_same(tmp_path: Path) -> None:
    events = play(write_config(tmp_path), out=tmp_path / "run")
    first, _, second = (event for event in events if isinstance(event, Sampled))
    assert np.array_equal(first.latent, second.latent)
    assert not np.array_equal(first.samples, second.samples)
    assert np.array_equal(read(tmp_path / "run" / "last.h5").progress["fixed_noise"], first.latent)


def test_more_steps_than_planned(tmp_path: Path) -> None:
    play(write_config(tmp_path), out=tmp_path / "run")
    events = play(None, "game.steps=15", resume=tmp_path / "run")
    assert finished(events).steps == 15


def test_what_makes_it_another_game_is_refused(tmp_path: Path) -> None:
    play(write_config(tmp_path), out=tmp_path / "run", stop=2)
    with pytest.raises(SpecError, match=r"game\.pack: changed since the run began: 2 → 1"):
        play(None, "game.pack=1", resume=tmp_path / "run")


def test_a_checkpoint_of_a_network_alone_is_refused(tmp_path: Path) -> None:
    train(write_supervised(tmp_path), out=tmp_path / "run", stop=1)
    with pytest.raises(UsageError, match="a network alone"):
        play(None, resume=tmp_path / "run")


def test_a_checkpoint_of_a_game_is_refused_by_train(tmp_path: Path) -> None:
    play(write_config(tmp_path), out=tmp_path / "run", stop=1)
    with pytest.raises(UsageError, match="a gan"):
        train(None, resume=tmp_path / "run")


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    """The spectral game keeps what others lack."""
    play(write_config(tmp_path), *SPECTRAL, out=tmp_path / "run", stop=1)
    networks = read(tmp_path / "run" / "last.h5").networks
    assert {"generator", "discriminator", "generator_ema", "discriminator_raw"} == set(networks)
    (tmp_path / "run" / "last.h5").write_bytes(b"nothing")
    with pytest.raises(CheckpointError):
        play(None, resume=tmp_path / "run")
