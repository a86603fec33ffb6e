"""`eval` of a GAN: the figures are those of the checkpoint's samples, and every wrong use is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from nncli import checkpoint
from nncli.cli import nncli
from nncli.diagnostics.quality import coverage, frechet_distance, mode_figures
from nncli.errors import CheckpointError, NncliError
from nncli.registry import source
from nncli.training.features import open_features
from nncli.training.game.evaluating import evaluate_game
from nncli.training.game.trained import open_trained
from tests.training.game.games import play, write_config
from tests.training.runs import ROOT

CLASSIFIER = """
name: classifier
data:
  train: {{npz: {{path: {digits}, x: x_train, y: y_train}}}}
  preprocess: [{{scale: 0.1}}]
network: [{{conv2d: {{filters: 2, kernel: 3}}}}, flatten, {{dense: 7}}, relu, {{dense: 10, name: last}}]
loss: softmax_cross_entropy
optimizer: {{sgd: 0.05}}
train: {{epochs: 1, batch: 200}}
"""
RING = """
name: ring
data: {train: {ring: {modes: 4, std: 0.1}}}
latent: 2
generator: [{dense: 16}, relu, {dense: 2}]
discriminator: [{dense: 16}, relu, {dense: 1}]
game: {steps: 30, batch: 32}
"""


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(nncli, [str(word) for word in words])


def document(*words: str | Path) -> dict[str, Any]:
    result = run("eval", *words, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GAN on digits, one on a ring, and a classifier of digits."""
    folder = tmp_path_factory.mktemp("runs")
    play(write_config(folder), out=folder / "digits")
    (folder / "ring.yaml").write_text(RING)
    play(folder / "ring.yaml", out=folder / "ring")
    (folder / "classifier.yaml").write_text(CLASSIFIER.format(digits=ROOT / "data" / "digits.npz"))
    assert run("train", folder / "classifier.yaml", "--out", folder / "classifier", "--quiet").exit_code == 0
    return folder


def test_a_known_density(runs: Path) -> None:
    found = document(runs / "ring")
    assert (found["samples"], found["loss"], found["features"]) == (2500, None, None)
    with open_trained(runs / "ring") as trained:
        samples = trained.samples(trained.latent(2500))
    modes = mode_figures(samples, source["ring"](modes=4, std=0.1).density().modes)
    metrics, floor = found["metrics"], found["floor"]
    assert (metrics["modes"], metrics["modes_strict"]) == (modes.covered, modes.strict)
    assert metrics["high_quality"] == modes.high_quality
    assert metrics["reverse_kl"] == pytest.approx(modes.reverse_kl)
    assert (floor["modes"], floor["modes_strict"]) == (4, 4)
    assert floor["high_quality"] == pytest.approx(0.989, abs=0.01)
    assert floor["coverage"] == pytest.approx(1 - 2**-5, abs=0.02)
    assert floor["density"] == pytest.approx(1, abs=0.05)
    assert metrics["sliced_wasserstein"] > 3 * floor["sliced_wasserstein"]


def test_images_by_what_a_classifier_sees(runs: Path) -> None:
    found = document(runs / "digits", "--features", runs / "classifier")
    digits = np.load(ROOT / "data" / "digits.npz")
    n = len(digits["x_test"])
    assert (found["split"], found["samples"]) == ("test", n)
    with open_trained(runs / "digits") as trained, open_features(runs / "classifier", (1, 8, 8)) as seen:
        samples = trained.samples(trained.latent(n))
        features = seen.of(samples), seen.of(digits["x_test"].astype(np.float32).reshape(n, 1, 8, 8))
    assert found["metrics"]["coverage"] == coverage(digits["x_test"], samples)
    assert found["metrics"]["frechet_distance"] == pytest.approx(frechet_distance(*features), rel=1e-6)
    assert found["floor"]["frechet_distance"] < 0.2 * found["metrics"]["frechet_distance"]
    assert found["floor"]["kid"] < 0.2 * found["metrics"]["kid"]
    stamp = found["features"]
    assert (stamp["layer"], stamp["numbers"]) == ("last", 7)
    assert stamp["data_class_shares"] != stamp["class_shares"]
    assert sum(stamp["class_shares"]) == pytest.approx(1)


def test_features_are_what_the_last_dense_layer_reads(runs: Path) -> None:
    """The class scores are an affine map of the features: with the checkpoint's own weights."""
    from nncli import checkpoint

    x = np.load(ROOT / "data" / "digits.npz")["x_test"][:300].reshape(300, 1, 8, 8)
    last = checkpoint.read(checkpoint.resolve(runs / "classifier")).model["last"]
    with open_features(runs / "classifier", (1, 8, 8)) as seen:
        features, labels = seen.of(x), seen.labels(x)
    assert features.shape == (300, 7)
    scores = features @ last["W"].array.T + last["b"].array
    np.testing.assert_array_equal(scores.argmax(axis=1), labels)


def test_the_hash_is_the_networks_not_the_files(runs: Path, tmp_path: Path) -> None:
    hashes = [document(runs / "digits", "--features", runs / "classifier")["features"]["sha256"]]
    for name, more in (("again", ()), ("other", ("--seed", "1"))):
        made = run("train", runs / "classifier.yaml", "--out", tmp_path / name, "--quiet", *more)
        assert made.exit_code == 0
        hashes.append(document(runs / "digits", "--features", tmp_path / name)["features"]["sha256"])
    assert hashes[0] == hashes[1] != hashes[2]


def test_other_data_and_another_split(runs: Path) -> None:
    train = document(runs / "digits", "--split", "train")
    digits = np.load(ROOT / "data" / "digits.npz")
    assert train["samples"] == len(digits["x_train"]) // 2
    other = document(runs / "digits", "--data", f"npz: {{path: {ROOT / 'data' / 'digits.npz'}, x: x_test, y: null}}")
    assert other["samples"] == len(digits["x_test"]) // 2
    ring = document(runs / "ring", "--data", "ring: {modes: 4, std: 0.1, radius: 5}")
    assert ring["metrics"]["high_quality"] == 0


def test_what_people_read(runs: Path) -> None:
    result = run("eval", runs / "digits", "--features", runs / "classifier")
    assert result.exit_code == 0
    for text in ("data against data", "frechet_distance", "classes of the samples", "its hash: "):
        assert text in result.stdout


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("digits", "--split", "validation"), 2, "the run has no validation split"),
        (("digits", "--features", "digits"), 2, "is the checkpoint of a gan"),
        (("ring", "--features", "classifier"), 2, "the generator makes [2]"),
        (("classifier", "--features", "classifier"), 2, "--features is for the samples of a GAN"),
        (("digits", "--features", "nowhere"), 6, "nowhere"),
        (("digits", "--data", "random: {samples: 20, shape: [1, 8, 8]}"), 3, "at least 16 are needed"),
    ],
)
def test_wrong_use(runs: Path, words: tuple[str, ...], code: int, message: str) -> None:
    names = ("digits", "ring", "classifier", "nowhere")
    result = run("eval", *[runs / word if word in names else word for word in words])
    assert isinstance(result.exception, NncliError), result.output
    assert result.exception.exit_code == code
    assert message in str(result.exception)


def test_samples_that_are_not_finite(runs: Path, tmp_path: Path) -> None:
    snapshot = checkpoint.read(runs / "ring" / "last.h5")
    snapshot.networks["generator"].parameters["dense_1"]["W"].array[0, 0] = np.inf
    checkpoint.write(tmp_path / "last.h5", snapshot)
    with pytest.raises(CheckpointError, match=r"last\.h5: the generator makes numbers that are not finite"):
        evaluate_game(tmp_path / "last.h5", None, None, None)
