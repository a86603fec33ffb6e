"""Runs on folders of images and sounds: trained, gone on with, evaluated on other folders, looked at."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from nncli.checkpoint import read
from nncli.errors import DataError, SpecError
from nncli.training.evaluate import evaluate_checkpoint
from tests.cli.conftest import Runner, run
from tests.data.media import image, image_bytes, sine, wav_bytes, write
from tests.training.runs import contents, finished, train

assert run  # the fixture

SOUNDS = """
seed: 1
data:
  train: {wav: {path: train, labels: "*_{label}.wav", length: 400, align: centre, rate: 8000}}
  test: {wav: {path: test, labels: "*_{label}.wav", length: 400, align: centre, rate: 8000}}
  validation: 0.25
  stratified: true
  preprocess: [{spectrogram: {window: 64, hop: 32, frequencies: 24}}, standardize]
network:
  - conv2d: {filters: 4, kernel: 3, padding: same}
  - relu
  - max_pool2d: 2
  - flatten
  - dense: 3
loss: softmax_cross_entropy
metrics: [accuracy]
optimizer: {adam: {lr: 1e-2}}
train: {epochs: 6, batch: 8}
"""
IMAGES = """
data:
  train: {folder: train}
  test: {folder: test}
  preprocess: [standardize]
network: [flatten, dense: 2]
loss: softmax_cross_entropy
metrics: [accuracy]
optimizer: {sgd: {lr: 0.05}}
train: {epochs: 10, batch: 4}
"""
PITCHES = {"low": 400, "middle": 1000, "high": 2200}


def sounds(folder: Path) -> Path:
    """Three pitches, at any loudness and phase, in noise; of the test split there is no low one."""
    rng = np.random.default_rng(5)
    files = {}
    for split, count in (("train", 16), ("test", 5)):
        for name, pitch in list(PITCHES.items())[split == "test" :]:
            for n in range(count):
                height = rng.uniform(0.1, 0.8)
                values = np.roll(sine(pitch * rng.uniform(0.9, 1.1), 380 + 5 * n, height=height), rng.integers(99))
                noisy = (2**15 * (values + rng.normal(0, 0.01, len(values)))).astype(int)
                files[f"{split}/{n:02}_{name}.wav"] = wav_bytes(noisy.tolist())
    write(folder, files)
    (folder / "sounds.yaml").write_text(SOUNDS)
    return folder / "sounds.yaml"


def images(folder: Path) -> Path:
    """Bright above and bright to the left; the test split lacks the first class."""
    rng = np.random.default_rng(6)
    files = {}
    for split, count in (("train", 12), ("test", 4)):
        for name in ("left", "up")[split == "test" :]:
            for n in range(count):
                noise = rng.integers(0, 60, (6, 6))
                made = image(
                    "L",
                    6,
                    6,
                    lambda x, y, up=name == "up", noise=noise: int(noise[y, x] + 150 * ((y if up else x) < 3)),
                )
                files[f"{split}/{name}/{n:02}.png"] = image_bytes(made)
    write(folder, files)
    (folder / "images.yaml").write_text(IMAGES)
    return folder / "images.yaml"


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `sounds.yaml` and a finished run of it, `run`."""
    folder = tmp_path_factory.mktemp("sounds")
    train(sounds(folder), out=folder / "run")
    return folder


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    train(images(folder), out=folder / "run")
    return folder


@pytest.mark.parametrize("kind", ["heard", "seen"])
def test_classes_are_learned_and_found_by_name(kind: str, request: pytest.FixtureRequest) -> None:
    """The test split lacks the class that comes first: numbers of its own would all be wrong."""
    folder: Path = request.getfixturevalue(kind)
    assert evaluate_checkpoint(folder / "run", "test", None, None)["metrics"]["accuracy"] == 1
    names = ("high", "low", "middle") if kind == "heard" else ("left", "up")
    snapshot = read(folder / "run" / "last.h5")
    assert snapshot.class_names == names
    assert [str(name) for name in snapshot.preprocess["labels"]["0"]] == list(names)


def test_other_folders_are_evaluated(heard: Path, seen: Path, tmp_path: Path) -> None:
    one = (heard / "test" / "00_middle.wav").read_bytes()
    write(tmp_path, {"w/middle/x.wav": one, "i/up/x.png": (seen / "test" / "up" / "00.png").read_bytes()})
    told = evaluate_checkpoint(heard / "run", None, f"wav: {{path: {tmp_path}/w, length: 400, align: centre}}", None)
    assert (told["samples"], told["metrics"]["accuracy"]) == (1, 1)
    told = evaluate_checkpoint(seen / "run", None, f"folder: {tmp_path}/i", None)
    assert (told["samples"], told["metrics"]["accuracy"]) == (1, 1)
    write(tmp_path, {"i/down/x.png": (seen / "test" / "up" / "00.png").read_bytes()})
    with pytest.raises(DataError, match=r"down/x\.png: the class 'down' is none of the training data's: left, up"):
        evaluate_checkpoint(seen / "run", None, f"folder: {tmp_path}/i", None)


@pytest.mark.parametrize("make", [sounds, images])
def test_a_run_goes_on_where_it_was_stopped(tmp_path: Path, make: object) -> None:
    assert callable(make)
    config = make(tmp_path)
    train(config, out=tmp_path / "whole")
    train(config, out=tmp_path / "parts", stop=7)
    train(None, resume=tmp_path / "parts")
    assert contents(tmp_path / "whole" / "last.h5") == contents(tmp_path / "parts" / "last.h5")


def test_commands_know_both_shapes(run: Runner, heard: Path) -> None:
    """`input` says that of a sound, the network sees a spectrogram."""
    config, snapshot = heard / "sounds.yaml", read(heard / "run" / "last.h5")
    assert "shape: [1, 400]" in snapshot.config
    for command in (["summary", config], ["summary", config, "--probe", "--samples", 9]):
        result = run(*command, "--json")
        assert result.code == 0, result.err
    assert run("summary", config, "--json").json["nodes"][0]["output"] == [4, 24, 13]
    given = ["--set", "input={shape: [1, 400], classes: 3}"]
    for command in (
        ["gradcheck"],
        ["gradcheck", "--random"],
        ["bench", "--seconds", 0.1],
        ["bench", "--random", "--seconds", 0.1],
    ):
        result = run(command[0], config, *command[1:], *given, "--json")
        assert result.code == 0, result.err
        assert json.loads(result.out)
    assert run("inspect", heard / "run" / "last.h5").code == 0


def test_a_shape_that_a_step_does_not_take(seen: Path, tmp_path: Path) -> None:
    text = IMAGES.replace("preprocess: [standardize]", "preprocess: [standardize, spectrogram]")
    (tmp_path / "bad.yaml").write_text(text.replace("folder: ", f"folder: {seen}/"))
    with pytest.raises(SpecError) as caught:
        train(tmp_path / "bad.yaml", out=tmp_path / "run")
    assert (
        str(caught.value) == f"{tmp_path}/bad.yaml:5:29: data.preprocess[1]: spectrogram takes a sound, not [1, 6, 6]"
    )
    assert not (tmp_path / "run").exists()


def test_folds_of_folders(tmp_path: Path) -> None:
    config = images(tmp_path)
    events = train(config, "data.fold={number: 2, of: 4}", "data.stratified=true", out=tmp_path / "run")
    assert finished(events).figures["test"]["accuracy"] == 1
