"""Several losses in a configuration: targets by name, the input as a target, figures, faults."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nncli.checkpoint import read
from nncli.errors import DataError, SpecError
from nncli.spec import dump, read_text
from nncli.training.evaluate import evaluate_checkpoint
from tests.training.runs import contents, finished, train

TEXT = """
name: two
seed: 1
data:
  train: {npz: {path: data.npz, y: {digit: labels, angle: angles}}}
  test: {npz: {path: data.npz, y: {digit: labels, angle: angles}}}
  validation: 40
network:
  - {dense: 8, name: code}
  - relu
  - {dense: 3, name: digits, inputs: relu_1}
  - {dense: 2, name: angle, inputs: relu_1}
  - {dense: 6, name: back, inputs: relu_1}
loss:
  - {softmax_cross_entropy: {}, output: digits, target: digit}
  - {least_squares: {}, output: angle, target: angle, weight: 0.5}
  - {huber: 0.1, target: input, weight: 2}
metrics: [accuracy, {rmse: {}, output: angle}, {mae: {}, output: back, name: distance}, {top_k: 2}]
train: {epochs: 2, batch: 30, early_stopping: {patience: 9, metric: rmse_angle}}
checkpoint: {best: {metric: distance}}
"""
PLAIN = """
data: {train: {npz: {path: data.npz, y: null}}}
network: [{dense: 3}, tanh, {dense: 6}]
loss: {least_squares: {}, target: input}
metrics: [rmse]
train: {epochs: 1, batch: 50}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    arrays = {"x": rng.normal(size=(200, 6)), "labels": rng.integers(3, size=200), "angles": rng.normal(size=(200, 2))}
    np.savez(tmp_path / "data.npz", **arrays)
    return tmp_path


def write(folder: Path, text: str = TEXT) -> Path:
    (folder / "two.yaml").write_text(text)
    return folder / "two.yaml"


def test_figures_of_each_loss_and_metric(folder: Path) -> None:
    figures = finished(train(write(folder), out=folder / "run")).figures["test"]
    assert set(figures) == {
        "loss", "loss_digits", "loss_angle", "loss_back", "accuracy", "rmse_angle", "distance", "top_k",
    }  # fmt: skip
    parts = [figures["loss_digits"], 0.5 * figures["loss_angle"], 2 * figures["loss_back"]]
    assert figures["loss"] == pytest.approx(sum(parts), rel=1e-12)
    assert figures["loss_angle"] == pytest.approx(figures["rmse_angle"] ** 2, rel=1e-5), "½ the sum over two numbers"
    stored = evaluate_checkpoint(folder / "run", "test", None, None)
    assert stored["loss"] == figures["loss"]
    assert stored["metrics"]["distance"] == figures["distance"]
    history = read(folder / "run" / "last.h5").history.epochs
    assert {"validation_loss_back", "train_loss_digits", "validation_rmse_angle"} <= set(history)


def test_a_run_with_several_losses_is_resumed_byte_for_byte(folder: Path) -> None:
    train(write(folder), out=folder / "whole")
    train(write(folder), out=folder / "run", stop=3)
    train(None, resume=folder / "run")
    for name in ("last.h5", "best.h5"):
        assert contents(folder / "run" / name) == contents(folder / "whole" / name)


def test_the_input_as_target_is_what_preprocessing_leaves(folder: Path) -> None:
    """The loss of a network of zeros is half the mean square of what it reads: 6 numbers of variance 1."""
    text = PLAIN.replace("network", "  preprocess: [standardize]\nnetwork").replace("{train:", "\n  train:")
    text = text.replace("y: null}}}", "y: null}}").replace("{dense: 6}", "{dense: {units: 6, init: zeros}}")
    config = write(folder, text + "optimizer: {sgd: 1e-30}\n")
    figures = finished(train(config, out=folder / "run")).figures["train"]
    assert figures["loss"] == pytest.approx(3.0, rel=1e-5)
    assert figures["rmse"] == pytest.approx(1.0, rel=1e-5)


def test_the_text_gives_it_back() -> None:
    config = read_text(TEXT).check()
    assert read_text(dump(config)).check() == config
    assert "loss: [{softmax_cross_entropy:" in dump(config)
    assert "loss: {least_squares: {}, target: input}" in dump(read_text(PLAIN).check())


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("loss[1].output=angel", "loss[1].output: no node is called 'angel'"),
        ("loss[1].target=digit", "the target 'digit' cannot be class numbers for one loss and values for another"),
        ("loss[0].target=input", "softmax_cross_entropy takes class numbers, not the network's input"),
        ("loss[2].output=angle", "the target is the input, [6], and as many numbers must come out"),
        ("loss[0].weight=0", "loss[0].weight: must be greater than 0"),
        ("metrics[1].output=code", "metrics[1].output: no loss is on the output of 'code'"),
        ("metrics[1].name=loss", "'loss' is the name of a figure of the loss"),
        ("metrics[2].name=a b", "a name has letters"),
        ("metrics[3]={accuracy: {}}", "the metric 'accuracy' stands twice"),
        ("metrics=[accuracy, {accuracy: {}, output: angle}]", "accuracy needs class numbers"),
        ("loss=[]", "loss: must not be empty"),
        ("loss[3]=huber", "there is no entry 3"),
        ("loss={least_squares: {}, target: input}", "nobody reads 'digits'"),
    ],
)
def test_faults(folder: Path, override: str, message: str) -> None:
    text = TEXT.replace(", early_stopping: {patience: 9, metric: rmse_angle}", "").partition("checkpoint")[0]
    config = write(folder, text)
    with pytest.raises(SpecError) as caught:
        train(config, override, out=folder / "run")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("loss[1].target=angles", "no target 'angles'"),
        ("data.train.npz.y=labels", "the data have no target 'digit'"),
        ("data.train.npz.y.angle=labels", "a target has the shape"),
        ("data.train.npz.y.digit=angles", "a label is one whole number"),
        ("data.train.npz.y.digit=nothing", "no array 'nothing'"),
    ],
)
def test_data_that_do_not_fit(folder: Path, override: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        train(write(folder), override, out=folder / "run")


def test_overrides_of_one_loss(folder: Path) -> None:
    for override, weight, delta in (
        ("loss.weight=3", 3.0, 1.0),
        ("loss.huber.delta=2", 1.0, 2.0),
        ("loss.delta=2", 1.0, 2.0),
    ):
        config = read_text("network: [relu]\nloss: huber\n", overrides=[override]).check()
        assert (config.loss[0].weight, config.loss[0].part.delta) == (weight, delta)
    config = read_text("network: [relu]\nloss: huber\n", overrides=["loss={absolute: {}, weight: 2}"]).check()
    assert config.loss[0].part.type_name == "absolute"
