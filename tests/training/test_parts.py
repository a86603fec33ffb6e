"""Runs with each loss, metric, optimizer and schedule: they learn, and go on byte for byte where they were stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nncli import registry
from nncli.checkpoint import read
from nncli.errors import DataError, SpecError
from tests.training.runs import contents, finished, train

CONFIG = """
seed: 1
data:
  train: {{npz: {{path: data.npz, x: x, y: {y}}}}}
  validation: 30
network: [dense: 16, tanh, dense: {outputs}{end}]
loss: {loss}
metrics: {metrics}
optimizer: {optimizer}
schedule: {schedule}
train: {{epochs: 6, batch: 45}}
checkpoint: {{last: 6}}
"""
CLASSES = "[accuracy, {top_k: 2}, macro_f1]"
LOSSES: dict[str, list[dict[str, Any]]] = {
    "softmax_cross_entropy": [
        {"loss": "{softmax_cross_entropy: {label_smoothing: 0.1, class_weights: [1, 2, 0.5]}}"},
        {"y": "side", "outputs": 2, "metrics": "[auc, accuracy]"},
    ],
    "cross_entropy": [{"loss": "{cross_entropy: {class_weights: [1, 2, 1]}}", "end": ", softmax"}],
    "hinge": [{}],
    "binary_cross_entropy": [
        {"y": "side", "outputs": 1, "metrics": "[auc, binary_accuracy]"},
        {"y": "bits", "outputs": 3, "metrics": "[{binary_accuracy: {exact: true}}]"},
    ],
    "kullback_leibler": [{"y": "bits", "metrics": "[mae]"}],
    "least_squares": [{"y": "values", "outputs": 2, "metrics": "[rmse, r2]"}],
    "huber": [{"y": "values", "outputs": 2, "metrics": "[mae, r2]"}],
    "absolute": [{"y": "values", "outputs": 2, "metrics": "[mae]"}],
}
ROWS = [(name, options) for name, cases in LOSSES.items() for options in cases]


def write(folder: Path, name: str, /, **options: Any) -> Path:
    """A configuration, and data whose targets follow from two numbers of a sample: three classes as number and as bits,
    the sign of the first number, and both numbers."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(255, 5)).astype(np.float32)
    classes = (x[:, 0] > 0).astype(int) + (x[:, 1] > 0.5)
    np.savez(folder / "data.npz", x=x, y=classes, bits=np.eye(3)[classes], side=classes > 0, values=x[:, :2])
    given = {"y": "y", "outputs": 3, "end": "", "loss": name, "metrics": CLASSES, "optimizer": "{adam: 0.02}"}
    path = folder / "mine.yaml"
    path.write_text(CONFIG.format(**given | {"schedule": "constant"} | options))
    return path


def test_every_loss_and_metric_is_trained_with() -> None:
    assert set(LOSSES) == set(registry.loss)
    used = " ".join(options.get("metrics", CLASSES) for _, options in ROWS)
    assert [name for name in registry.metric if name not in used] == []


@pytest.mark.parametrize(("loss", "options"), ROWS)
def test_it_learns_and_a_run_that_was_stopped_goes_on(tmp_path: Path, loss: str, options: dict[str, Any]) -> None:
    config = write(tmp_path, loss, **options)
    done = finished(train(config, out=tmp_path / "whole"))
    history = read(tmp_path / "whole" / "last.h5").history.epochs
    assert history["train_loss"][-1] < 0.9 * history["train_loss"][0]
    for name, figure in done.figures["validation"].items():
        assert np.isfinite(figure), name
        assert len(history[f"validation_{name}"]) == 6
    train(config, out=tmp_path / "part", stop=8)
    train(None, resume=tmp_path / "part" / "last.h5")
    assert contents(tmp_path / "part" / "last.h5") == contents(tmp_path / "whole" / "last.h5")


@pytest.mark.parametrize("optimizer", [*registry.optimizer, "{adagrad: {initial_accumulator: 0.1}}"])
def test_every_optimizer_goes_on_where_it_was_stopped(tmp_path: Path, optimizer: str) -> None:
    config = write(tmp_path, "softmax_cross_entropy", optimizer=optimizer)
    train(config, out=tmp_path / "whole")
    train(config, out=tmp_path / "part", stop=8)
    train(None, resume=tmp_path / "part" / "last.h5")
    assert contents(tmp_path / "part" / "last.h5") == contents(tmp_path / "whole" / "last.h5")


@pytest.mark.parametrize("metric", ["loss", "macro_f1"])
def test_plateau_sees_the_figures_of_the_epochs(tmp_path: Path, metric: str) -> None:
    """With a `min_delta` that no epoch reaches, every epoch after the first waits."""
    schedule = f"{{plateau: {{metric: {metric}, patience: 1, gamma: 0.5, min_delta: 100}}}}"
    config = write(tmp_path, "softmax_cross_entropy", schedule=schedule)
    train(config, out=tmp_path / "whole")
    rates = read(tmp_path / "whole" / "last.h5").history.epochs["lr"]
    assert list(rates) == [0.02, 0.02, 0.02, 0.01, 0.01, 0.005]
    train(config, out=tmp_path / "part", stop=22)
    train(None, resume=tmp_path / "part" / "last.h5")
    assert contents(tmp_path / "part" / "last.h5") == contents(tmp_path / "whole" / "last.h5")


def test_plateau_knows_that_more_accuracy_is_better(tmp_path: Path) -> None:
    schedule = "{plateau: {metric: accuracy, patience: 0, gamma: 0.5}}"
    train(write(tmp_path, "softmax_cross_entropy", schedule=schedule), out=tmp_path / "run")
    history = read(tmp_path / "run" / "last.h5").history.epochs
    best, factor, expected = -1.0, 1.0, []
    for accuracy in history["validation_accuracy"]:
        expected.append(0.02 * factor)
        best, factor = (accuracy, factor) if accuracy > best else (best, factor / 2)
    assert list(history["lr"]) == expected


def test_targets_that_the_loss_cannot_take_are_refused(tmp_path: Path) -> None:
    config = write(tmp_path, "binary_cross_entropy", y="values", outputs=2, metrics="[]")
    with pytest.raises(DataError, match="beyond what the loss takes: 0 to 1"):
        train(config, out=tmp_path / "run")


def test_weights_and_metrics_that_do_not_fit_the_network_are_faults_of_the_file(tmp_path: Path) -> None:
    loss = "{softmax_cross_entropy: {class_weights: [1, 2]}}"
    config = write(tmp_path, "", loss=loss, metrics="[top_k, auc]")
    with pytest.raises(SpecError) as caught:
        train(config, out=tmp_path / "run")
    texts = [str(fault) for fault in caught.value.faults]
    assert any("there are 2 class_weights for 3 classes" in text for text in texts)
    assert any("always 1 for k = 5" in text for text in texts)
    assert any("auc needs one output" in text for text in texts)
