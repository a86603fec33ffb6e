"""A run that diverges goes back, with a smaller step size, and is then the run that began with that step size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nncli.checkpoint import differences, read
from nncli.errors import DivergenceError
from nncli.training.events import Event, RolledBack, Saved
from tests.training.game import games
from tests.training.runs import train

NETWORK = """
name: wild
data: {train: {random: {samples: 40, shape: [4], outputs: [1]}}}
network: [{dense: 8}, relu, {dense: 1}]
loss: least_squares
optimizer: {sgd: {lr: 16777216, momentum: 0.5}}
train: {epochs: 3, batch: 10, ema: 0.9, on_divergence: {rollback: {factor: 0.0078125, times: 5}}}
"""
GAME = """
name: wild
latent: 2
data: {train: {ring: {modes: 8, std: 0.05}}}
generator: [{dense: 4}, relu, {dense: 2}]
discriminator: [{dense: 4}, relu, {dense: 1}]
game: {loss: least_squares, steps: 8, batch: 8, on_divergence: {rollback: {factor: 3.552713678800501e-15, times: 5}}}
optimizer: {sgd: {lr: 1.2379400392853803e+27, momentum: 0.5}}
diagnose: {every: 2, samples: 32}
checkpoint: {last: 2}
"""
"""Step sizes and factors are powers of two, so that products of them are exact."""
KINDS: list[Any] = [("train", NETWORK, train), ("gan", GAME, games.play)]
kinds = pytest.mark.parametrize(("kind", "text", "go"), KINDS, ids=["train", "gan"])


def configured(folder: Path, text: str) -> Path:
    (folder / "wild.yaml").write_text(text)
    return folder / "wild.yaml"


def rolled(events: list[Event]) -> list[RolledBack]:
    return [event for event in events if isinstance(event, RolledBack)]


def ended(events: list[Any]) -> Any:
    return events[-1]


def vectors(path: Path) -> list[np.ndarray[Any, Any]]:
    snapshot = read(path)
    networks = [snapshot.model, snapshot.model_ema, *(network.parameters for network in snapshot.networks.values())]
    return [named.array for network in networks for node in network.values() for named in node.values()]


@kinds
def test_it_is_the_run_that_began_with_the_smaller_step(kind: str, text: str, go: Any, tmp_path: Path) -> None:
    config = configured(tmp_path, text)
    events = go(config, out=tmp_path / "run")
    times = len(rolled(events))
    assert times >= 2
    assert ended(events).rollbacks == times
    assert ended(events).reason == "done"
    assert {event.to for event in rolled(events)} == {0}, "else the comparison below says nothing"
    begun, less = (24, 7) if kind == "train" else (90, 48)
    lr = 2.0 ** (begun - less * times)
    assert rolled(events)[-1].step_size * 2.0**begun == lr
    go(config, f"optimizer={{sgd: {{lr: {lr!r}, momentum: 0.5}}}}", out=tmp_path / "small")
    for one, other in zip(vectors(tmp_path / "run/last.h5"), vectors(tmp_path / "small/last.h5"), strict=True):
        np.testing.assert_array_equal(one, other)
    kept = read(tmp_path / "run/last.h5").history.rollback
    assert kept["step_size"].tolist() == [2.0 ** (-less * n) for n in range(1, times + 1)]
    assert kept["to"].tolist() == [0] * times
    assert kept["step"].tolist() == [event.step + 1 for event in rolled(events)]
    assert set(read(tmp_path / "small/last.h5").history.rollback) == set()


@kinds
def test_stopped_at_every_step_and_resumed(kind: str, text: str, go: Any, tmp_path: Path) -> None:
    config = configured(tmp_path, text)
    go(config, out=tmp_path / "whole")
    events, rounds = go(config, out=tmp_path / "run", stop=1), 1
    while ended(events).reason == "stopped":
        events = go(None, resume=tmp_path / "run", stop=1)
        rounds += 1
        assert rounds < 40
    assert rounds >= 8
    assert differences(tmp_path / "run/last.h5", tmp_path / "whole/last.h5") == []


@kinds
@pytest.mark.parametrize("at", [3, 4])
def test_killed_around_a_rollback_and_resumed(
    kind: str, text: str, go: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """What would be in the file when a process ends with its checkpoint number `at`, or with the event after it."""
    config = configured(tmp_path, text)
    go(config, out=tmp_path / "whole")

    class Killed(BaseException):
        pass

    from nncli.training.game.saving import GameSaving
    from nncli.training.saving import Saving

    owner: Any = Saving if kind == "train" else GameSaving
    real, calls = owner.write, []

    def write(self: Any, why: str) -> Saved:
        calls.append(why)
        if len(calls) == at:
            raise Killed
        return real(self, why)

    with monkeypatch.context() as patch:
        patch.setattr(owner, "write", write)
        with pytest.raises(Killed):
            go(config, out=tmp_path / "run")
    go(None, resume=tmp_path / "run")
    assert differences(tmp_path / "run/last.h5", tmp_path / "whole/last.h5") == []


def test_it_goes_back_to_the_last_epoch_that_was_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nncli.training.loop import Run

    real = Run._step
    broken = [7]

    def step(self: Run, *arguments: Any) -> tuple[float, float]:
        if [self.progress.step] == broken:
            broken.clear()
            raise self._diverged([], float("nan"), 0)
        return real(self, *arguments)

    monkeypatch.setattr(Run, "_step", step)
    config = configured(tmp_path, NETWORK.replace("16777216", "0.015625"))
    events = train(config, out=tmp_path / "run")
    (event,) = rolled(events)
    assert (event.step, event.to, event.step_size) == (7, 4, 2.0**-7)
    steps = read(tmp_path / "run/last.h5").history.steps["lr"]
    assert steps.tolist() == [2.0**-6] * 4 + [2.0**-13] * 8
    assert [path.name for path in sorted((tmp_path / "run").glob("healthy*"))] == ["healthy-0002.h5", "healthy-0003.h5"]


@kinds
def test_after_the_last_time_it_stops(kind: str, text: str, go: Any, tmp_path: Path) -> None:
    config = configured(tmp_path, text.replace("times: 5", "times: 1"))
    with pytest.raises(DivergenceError, match=r"diverged: .* after 1 rollback; .*last\.h5 is as it was before"):
        go(config, out=tmp_path / "run")
    assert read(tmp_path / "run/last.h5").history.rollback["to"].tolist() == [0]
    with pytest.raises(DivergenceError, match="after 1 rollback"):
        go(None, resume=tmp_path / "run")
    path = f"{'train' if kind == 'train' else 'game'}.on_divergence"
    factor = 0.0078125 if kind == "train" else 3.552713678800501e-15
    more = go(None, f"{path}={{rollback: {{factor: {factor!r}, times: 5}}}}", resume=tmp_path / "run")
    assert ended(more).reason == "done"


@kinds
def test_without_it_nothing_is_left(kind: str, text: str, go: Any, tmp_path: Path) -> None:
    config = configured(tmp_path, text)
    path = f"{'train' if kind == 'train' else 'game'}.on_divergence"
    with pytest.raises(DivergenceError):
        go(config, f"{path}=stop", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
