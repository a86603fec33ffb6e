"""The configurations that ship with nncli: they are valid, and those whose data do not ship take a step on noise."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from nncli.graph import build
from nncli.spec import load, open_document
from nncli.spec.game import is_game
from nncli.training.describe import describe
from nncli.training.events import Finished
from nncli.training.game.events import Finished as GameFinished
from nncli.training.game.opening import open_game
from tests.data.files import cifar_bytes
from tests.training.runs import ROOT, train

CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
GAMES = [path for path in CONFIGS if is_game(open_document(path).plain)]
ON_CIFAR = [path for path in CONFIGS if path.stem.startswith("cifar")]


def each(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.stem)


@each(CONFIGS)
def test_valid_without_other_data(path: Path) -> None:
    document = describe(path, ["threads=1"])
    assert document["name"] == path.stem
    assert document["missing"] is None or "../data/digits.npz" not in path.read_text()


@each(ON_CIFAR)
def test_a_step_on_noise(path: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (16, 3, 32, 32), dtype=np.uint8)
    (tmp_path / "noise.bin").write_bytes(cifar_bytes(images, np.arange(16) % 10))
    here = [f"data.{split}.cifar10.path={tmp_path / 'noise.bin'}" for split in ("train", "test")]
    end = train(path, *here, "train.epochs=1", "train.batch=16", "threads=1", out=tmp_path / "run")[-1]
    assert isinstance(end, Finished)
    assert end.steps == 1
    assert all(math.isfinite(end.figures[split]["loss"]) for split in ("train", "test"))


@each(GAMES)
def test_two_steps_of_a_game(path: Path, tmp_path: Path) -> None:
    """On data of their own where those ship, else on noise in their place."""
    noise = "data={train: {random: {samples: 300, shape: [1, 28, 28]}}}"
    more = [noise] if path.stem.startswith("mnist") else []
    with open_game(path, None, [*more, "game.steps=2", "threads=1"], tmp_path / "run") as run:
        end = list(run.events())[-1]
    assert isinstance(end, GameFinished)
    assert end.steps == 2
    assert math.isfinite(end.figures["value"])


def test_the_residual_network_is_that_of_the_paper() -> None:
    """He et al. 2016, section 4.2, table of the architecture for n = 3, and table 6: 0.27 million parameters; and two
    projections, where the maps become half as large."""
    loaded = load(ROOT / "configs" / "cifar_resnet20.yaml")
    graph = build(loaded.config.network, (3, 32, 32), loaded.document, loaded.faults)
    assert graph is not None
    kernels = [(node.layer.kernel[0], node.declared.output) for node in graph.nodes if node.type == "conv2d"]
    maps = Counter(output for kernel, output in kernels if kernel == 3)
    assert maps == {(16, 32, 32): 1 + 2 * 3, (32, 16, 16): 2 * 3, (64, 8, 8): 2 * 3}
    assert sorted(output for kernel, output in kernels if kernel == 1) == [(32, 16, 16), (64, 8, 8)]
    assert graph.output == (10,)
    assert round(graph.parameter_count / 1e6, 2) == 0.27
