"""Runs that stop and go on are the runs that do not, under every feature; and where they are not, it is found."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nncli.diagnostics.game import Alarm
from nncli.engine import Updater
from nncli.errors import CheckFailed, UsageError
from nncli.spec import plugins
from nncli.training import average
from nncli.training.game.diagnosing import Diagnosing
from nncli.training.game.saving import GameSaving
from nncli.training.saving import Saving
from nncli.training.verifying import Report, document, usual, verify
from tests.spec.plugin_files import HEAD

NETWORK = """
name: small
seed: 2
data:
  train: {random: {samples: 50, shape: [1, 6, 6], classes: 3}}
  validation: 10
network:
  - conv2d: {filters: 3, kernel: 3, padding: same}
  - relu
  - max_pool2d: 2
  - flatten
  - {dense: 3, name: head}
loss: softmax_cross_entropy
metrics: [accuracy]
optimizer: {adam: {lr: 1e-2}}
train: {epochs: 4, batch: 8}
"""
"""Five steps in an epoch."""

VALUES = "data.train={random: {samples: 50, shape: [4], outputs: [2]}}", "network=[{dense: 6}, relu, {dense: 2}]"
NETWORKS: dict[str, tuple[str, ...]] = {
    "sgd, one cycle": ("optimizer={sgd: {lr: 0.1, momentum: 0.9, nesterov: true}}", "schedule=one_cycle"),
    "rmsprop, preprocessing": ("optimizer=rmsprop", "data.preprocess=[standardize]"),
    "nadam, looks into the network": ("optimizer=nadam", "diagnose.every=3"),
    "adagrad, float64, two threads": ("optimizer=adagrad", "dtype=float64", "threads=2"),
    "adamw, groups": ("optimizer=adamw", "groups=[{nodes: head, lr: 0.5, weight_decay: 0.1}]"),
    "batch_norm, average of the weights": (
        "network=[{conv2d: {filters: 3, kernel: 3}}, batch_norm, relu, flatten, {dense: 3}]",
        "train.ema=0.9",
    ),
    "dropout, noise, augmentation, mixup": (
        "network=[flatten, {dropout: 0.3}, {gaussian_noise: 0.1}, {dense: 3}]",
        "data.augment=[flip, {shift: 1}, {noise: 0.1}, mixup]",
    ),
    "early stopping": ("train.early_stopping={patience: 2, metric: accuracy}", "train.epochs=9"),
    "plateau, the best by the loss": (
        "schedule={plateau: {patience: 0, gamma: 0.5}}",
        "optimizer.adam.lr=0.5",
        "checkpoint={best: {metric: loss}, every: 3 steps, last: 2 steps}",
    ),
    "clipping, accumulated batches": ("train.clip={norm: 0.1, value: 0.05}", "train.accumulate=2", "train.batch=4"),
    "stratified splits, class weights": (
        "data.stratified=true",
        "data.test=0.2",
        "loss={softmax_cross_entropy: {class_weights: [1, 2, 3]}}",
    ),
    "a fold": ("data.fold={number: 2, of: 3}", "data.validation=null"),
    "scaled targets, several losses": (
        *VALUES,
        "data.standardize_targets=true",
        "loss=[least_squares, {absolute: {}, weight: 0.3}]",
        "metrics=[rmse]",
    ),
}

GAME = """
name: pair
seed: 4
data: {train: ring}
latent: 3
generator: [{dense: 8}, batch_norm, relu, {dense: 2}]
discriminator: [{dense: 8}, {leaky_relu: 0.2}, {dropout: 0.1}, {dense: 1}]
game: {steps: 12, batch: 12, d_steps: 2, ema: 0.8, instance_noise: 0.2, pack: 2}
optimizer: {generator: {adam: {lr: 1e-2}}, discriminator: rmsprop}
schedule: {generator: linear, discriminator: cosine}
diagnose: {every: 3, samples: 32}
sample: {every: 5, fixed_noise: 4}
"""
GAMES: dict[str, tuple[str, ...]] = {
    "as it is": (),
    "spectral norm": ("game.spectral_norm=1.0",),
    "critic": ("game.loss=wasserstein", "game.ema=null"),
    "coupled discriminator": ("discriminator=[{dense: 8}, batch_norm, relu, {dense: 1}]",),
    "rolling back": ("diagnose={every: 1, samples: 32, on_alarm: rollback}",),
    "finite data": ("data.train={random: {samples: 50, shape: [2]}}", "data.validation=0.2"),
}


def written(folder: Path, text: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(text)
    return path


def seen(folder: Path, text: str, *texts: str, stops: tuple[int, ...] = (1, 3, 5)) -> Report:
    return verify(written(folder, text), texts, 8, stops, apart=False)


@pytest.mark.parametrize("name", NETWORKS)
def test_networks(tmp_path: Path, name: str) -> None:
    report = seen(tmp_path, NETWORK, "threads=1", *NETWORKS[name])
    assert report.failure() is None
    assert [(point.after, point.steps) for point in report.points if point.file == "last.h5"] == [
        (0, 1),
        (1, 3),
        (3, 5),
        (5, 8),
    ]
    assert [point.file for point in report.points[3:]] == ["last.h5", "best.h5"]


def test_a_run_that_ends_before_the_steps_are_done(tmp_path: Path) -> None:
    """No accuracy is better by 1: it ends with the second epoch, after ten steps."""
    early = "train.early_stopping={patience: 1, metric: accuracy, min_delta: 1}", "train.epochs=9"
    report = verify(written(tmp_path, NETWORK), early, 18, (9, 10, 14), apart=False)
    assert report.failure() is None
    assert (report.steps, report.stops) == (10, (9, 10))
    assert [(point.after, point.steps) for point in report.points] == [(0, 9), (9, 10), (10, 10), (10, 10)]


@pytest.mark.parametrize("name", GAMES)
def test_games(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name == "rolling back":
        monkeypatch.setattr(Diagnosing, "look", alarmed(Diagnosing.look))
    report = seen(tmp_path, GAME, *GAMES[name], stops=(1, 4, 6))
    assert report.failure() is None
    files = ["last.h5", "healthy.h5"] if name == "rolling back" else ["last.h5"]
    assert [point.file for point in report.points[3:]] == files


def alarmed(look: Callable[..., Any]) -> Callable[..., Any]:
    """Looks after steps 5 and 7 find an alarm; that after 2 is the last that is healthy."""

    def looked(self: Diagnosing) -> Any:
        found = look(self)
        alarm = Alarm("planted", "evidence", "remedy")
        fresh = (alarm,) if found.step in (5, 7) else ()
        return dataclasses.replace(found, alarms=fresh, fresh=fresh, healthy=found.step <= 2)

    return looked


# -- planted faults ----------------------------------------------------------------------------------------------------


def failed(report: Report) -> str:
    error = report.failure()
    assert isinstance(error, CheckFailed)
    assert error.exit_code == 5
    assert not report.passed
    assert document(report)["passed"] is False
    return f"{error}; {error.faults[0].hint}"


def test_an_optimizer_that_forgets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Saving.restore

    def forgetful(self: Saving, *arguments: Any) -> None:
        real(self, *arguments)
        self.run.updater.slots["v"].fill(0)

    monkeypatch.setattr(Saving, "restore", forgetful)
    report = seen(tmp_path, NETWORK)
    assert [point.steps for point in report.points] == [1, 3]
    assert set(report.points[1].restored) == {
        f"/optimizer/v/{node}/{name}" for node in ("conv2d_1", "head") for name in "Wb"
    }
    text = failed(report)
    assert text.startswith("after 3 steps: /optimizer/v/conv2d_1/W: [0, 0, 0, 0]: 0.0 after")
    assert "after reading the checkpoint" in text
    assert "what is stored after 1 steps is not what a run goes on with" in text


def test_a_counter_of_random_numbers_that_is_off_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The average's own count of steps, which is restored as one too many."""
    real = average.Average.add
    wrong: list[bool] = []
    monkeypatch.setattr(average.Average, "add", lambda self, t: real(self, t + bool(wrong)))
    restore = Saving.restore

    def off(self: Saving, *arguments: Any) -> None:
        restore(self, *arguments)
        wrong.append(True)

    monkeypatch.setattr(Saving, "restore", off)
    report = seen(tmp_path, NETWORK, "train.ema=0.9")
    assert [point.restored for point in report.points] == [(), ()]
    assert all(name.startswith("/model_ema/") for name in report.points[1].differences)
    first = report.points[1].first
    assert first is not None
    assert first.dataset == report.points[1].differences[0]
    assert first.index is not None
    assert first.expected != first.found
    assert "something that counts from step 1 on is in no checkpoint" in failed(report)


def test_an_epoch_that_is_dealt_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Saving.restore

    def elsewhere(self: Saving, *arguments: Any) -> None:
        real(self, *arguments)
        self.run.progress.cursor = 0

    monkeypatch.setattr(Saving, "restore", elsewhere)
    report = seen(tmp_path, NETWORK)
    assert report.points[-1].restored == ("/progress/cursor",)
    first = report.points[-1].first
    assert first is not None
    assert (first.expected, first.found) == (1, 0)
    failed(report)


def test_a_best_figure_that_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What only shows at an epoch's end shows there."""
    monkeypatch.setattr("nncli.training.saving._restore_watch", lambda watch, stored, prefix: None)
    assert seen(tmp_path, NETWORK, stops=(1, 3)).passed, "nothing was watched before the first epoch's end"
    report = seen(tmp_path, NETWORK, stops=(1, 6))
    assert report.points[-1].after == 6
    assert set(report.points[-1].restored) >= {"/progress/best_epoch", "/progress/best_value"}
    failed(report)


def test_a_game_that_forgets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = GameSaving.restore

    def forgetful(self: GameSaving, *arguments: Any) -> None:
        real(self, *arguments)
        self.run.play.discriminator.updater.slots["v"].fill(1)

    monkeypatch.setattr(GameSaving, "restore", forgetful)
    report = seen(tmp_path, GAME)
    assert set(report.points[-1].restored) == {
        f"/optimizer/discriminator/v/dense_{n}/{name}" for n in (1, 2) for name in "Wb"
    }
    failed(report)


def test_a_game_that_forgets_when_it_was_healthy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Diagnosing, "look", alarmed(Diagnosing.look))
    monkeypatch.setattr(GameSaving, "_restore_kept", lambda self, snapshot: self.keep())
    report = seen(tmp_path, GAME, *GAMES["rolling back"], stops=(4,))
    assert report.points[-1].restored[0] == "/healthy/discriminator/dense_1/W"
    assert "/healthy/step" in report.points[-1].restored
    failed(report)


def test_numbers_that_no_seed_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each run's steps are a little longer than the one's before."""
    times = iter(range(10**6))
    real = Updater.apply
    monkeypatch.setattr(Updater, "apply", lambda self, norm, lr, t: real(self, norm, lr * (1 + 0.1 * next(times)), t))
    report = seen(tmp_path, NETWORK)
    assert [(point.after, point.steps) for point in report.points] == [(0, 1)]
    assert "two runs from the same start differ" in failed(report)


HIDDEN = (
    HEAD
    + '''
COUNT = [0]


@registry.layer("tired")
@dataclass(frozen=True, slots=True)
class Tired(parts.Layer):
    """Gives less with each step, and counts them where no checkpoint sees it."""

    def declare(self, *inputs):
        return parts.Declared(inputs[0])

    def forward(self, f):
        COUNT[0] += f.training
        np.multiply(f.x, 1 / (1 + COUNT[0]), out=f.y)

    def backward(self, f):
        if f.dx is not None:
            np.multiply(f.dy, 1 / (1 + COUNT[0]), out=f.dx)
'''
)


def test_a_plugin_that_keeps_something_for_itself(tmp_path: Path) -> None:
    """It is in the module, so that a process of its own is needed to see that it is lost."""
    (tmp_path / "tired.py").write_text(HIDDEN)
    text = NETWORK.replace("  - flatten", "  - tired\n  - flatten") + "plugins: tired.py\n"
    config = written(tmp_path, text)
    with plugins.allowed():
        report = verify(config, ["threads=1"], 4, (2,))
    assert [(point.after, point.steps, point.passed) for point in report.points] == [(0, 2, True), (2, 4, False)]
    assert report.points[1].restored == ()
    assert "something that counts from step 2 on is in no checkpoint, such as state of a plugin" in failed(report)


# -- steps and stops ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((5, 100, None, None), (8, (1, 3, 5))),
        ((5, 6, None, None), (6, (1, 3, 5))),
        ((1875, 18750, None, None), (20, (1, 11))),
        ((5, 100, 12, None), (12, (1, 3, 5))),
        ((5, 100, None, (9, 2, 2)), (11, (2, 9))),
        ((1, 2, None, None), (2, (1,))),
        ((5, 100, 7, (3,)), (7, (3,))),
    ],
)
def test_usual_steps(given: Any, expected: Any) -> None:
    assert usual(*given) == expected


@pytest.mark.parametrize(("steps", "stops"), [(5, (5,)), (5, (0,)), (1, None)])
def test_impossible_steps(tmp_path: Path, steps: int, stops: tuple[int, ...] | None) -> None:
    with pytest.raises(UsageError):
        verify(written(tmp_path, NETWORK), (), steps, stops, apart=False)
