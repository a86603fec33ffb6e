"""Against PyTorch: the same network, and a comparison that notices when it is not."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nncli.benchmark import versus
from nncli.benchmark.bench import bench_config
from nncli.benchmark.timing import Limits
from nncli.engine import Model, Updater, make_plan
from nncli.engine.shard import Shard
from nncli.errors import CheckFailed, UsageError
from nncli.graph import build
from nncli.layers.dense import Dense
from nncli.parts import Frame
from nncli.spec import read_text
from nncli.training.objective import objective
from nncli.training.setup import checked_graph

TEXT = """
name: both
threads: 1
input: {shape: [2, 8, 8], classes: 3}
network:
  - {conv2d: {filters: 4, kernel: 3, padding: same, stride: 2}, name: stem}
  - {batch_norm: {}}
  - {relu: {}, name: r}
  - {conv2d: {filters: 4, kernel: 3, padding: same}, name: branch}
  - {add: {}, inputs: [r, branch]}
  - {max_pool2d: {size: 3, stride: 2, padding: 1}}
  - {dropout: 0.5}
  - flatten
  - {dense: 6, name: hidden}
  - {relu: {}}
  - {dense: 3}
loss: {softmax_cross_entropy: {label_smoothing: 0.1, class_weights: [1, 2, 0.5]}}
optimizer: {sgd: {lr: 0.1, momentum: 0.9, weight_decay: 0.01}}
train: {batch: 6}
"""
QUICK = Limits(1, 0.0)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versus, "ROUNDS", 1)
    monkeypatch.setattr(versus, "TURN", 1e-6)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "both.yaml"
    path.write_text(TEXT)
    return path


def needs_torch() -> Any:
    return pytest.importorskip("torch", reason="PyTorch is the other side of the comparison")


@pytest.mark.usefixtures("quick")
def test_both_sides_agree_before_they_are_timed(config: Path) -> None:
    torch = needs_torch()
    result = bench_config(config, limits=QUICK, against="torch")["torch"]
    assert result["version"] == torch.__version__
    assert result["agreement"] < 1e-9
    assert [variant["name"] for variant in result["variants"]] == ["default, 1 thread", "channels_last, 1 thread"]
    for variant in result["variants"]:
        assert variant["ratio"] == pytest.approx(variant["step_ms"] / result["step_ms"])
    assert result["best_ratio"] == min(variant["ratio"] for variant in result["variants"])
    assert result["ratio"] == result["variants"][0]["ratio"]


@pytest.mark.usefixtures("quick")
def test_a_gradient_that_differs_ends_the_comparison(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs_torch()
    backward = Dense.backward

    def wrong(self: Dense, f: Frame) -> None:
        backward(self, f)
        if f.g is not None:
            np.multiply(f.g["W"], 1.001, out=f.g["W"])

    monkeypatch.setattr(Dense, "backward", wrong)
    with pytest.raises(CheckFailed, match=r"the gradient of \w+\.W differs from PyTorch's by 1\.0e-03"):
        bench_config(config, limits=QUICK, against="torch")


@pytest.mark.usefixtures("quick")
def test_what_pytorch_lacks_is_named(tmp_path: Path) -> None:
    needs_torch()
    path = tmp_path / "lacks.yaml"
    path.write_text(
        "input: {shape: [2, 4, 4]}\nnetwork: [{group_norm: 1, name: g}, flatten, {dense: 3}, softmax]\n"
        "loss: {cross_entropy: {class_weights: [1, 2, 3]}}\n"
    )
    with pytest.raises(UsageError, match="the loss 'cross_entropy' with weights has no counterpart"):
        bench_config(path, limits=QUICK, against="torch")


def test_layers_without_a_counterpart_are_named_with_their_nodes() -> None:
    needs_torch()
    from nncli.benchmark import by_torch

    loaded = read_text("input: {shape: [4]}\nnetwork: [{dense: 3, name: a}, {dense: 2, name: b}]\nloss: least_squares")
    graph = checked_graph(loaded, (4,))
    known = dict(by_torch.LAYERS)
    del by_torch.LAYERS["dense"]
    try:
        assert by_torch.unknown(loaded.config, graph) == ["the layer 'dense' (a, b)"]
    finally:
        by_torch.LAYERS.update(known)


def test_without_pytorch_the_message_says_what_to_install(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="PyTorch is not installed") as caught:
        bench_config(config, against="torch")
    assert "pip install torch" in caught.value.faults[0].hint


OPTIMIZERS = [
    "{sgd: {lr: 0.1, momentum: 0.9, nesterov: true, weight_decay: 0.01}}",
    "{sgd: {lr: 0.1, weight_decay: 0.01, decay_all: true}}",
    "{adam: {lr: 0.01, weight_decay: 0.01}}",
    "{adam: {lr: 0.01, weight_decay: 0.1, decoupled: true}}",
    "{adamw: {lr: 0.01}}",
    "{nadam: {lr: 0.01}}",
    "{rmsprop: {lr: 0.01, momentum: 0.9, centered: true}}",
    "{adagrad: {lr: 0.1, initial_accumulator: 0.1}}",
]
GROUPS = "groups: [{nodes: dense_2, lr: 0.02, weight_decay: 0.1}]\n"
CLIP = "train: {clip: {value: 0.05, norm: 0.1}}\n"


@pytest.mark.parametrize("more", ["", GROUPS, CLIP], ids=["plain", "groups", "clip"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_steps_of_both_sides_lead_to_the_same_weights(optimizer: str, more: str) -> None:
    torch = needs_torch()
    from nncli.benchmark.by_torch import Network

    loaded = read_text(
        "input: {shape: [4]}\nnetwork: [{dense: 5}, tanh, {dense: 3}]\nloss: softmax_cross_entropy\n"
        f"optimizer: {optimizer}\n{more}"
    )
    config, rng = loaded.check(), np.random.default_rng(1)
    graph = build(config.network, (4,), loaded.document, loaded.faults, config.groups)
    assert graph is not None
    model = Model(graph, make_plan(graph, 6, 8, 1), np.float64, objective(config, graph))
    model.parameters.initialize(graph, 0)
    x, t = rng.normal(size=(4, 6)), rng.integers(0, 3, 6)
    network = Network(config, graph, model.parameters.views, torch.float64)
    batch = network.batch(x, t)
    program = model.program(6, training=True)
    updater = _updater(model, config)

    def load(shard: Shard) -> None:
        shard.x[...], shard.t[...] = x, t

    for step in range(4):
        program.run(load, step=step)
        updater.apply(updater.gather(1), config.optimizer.lr, step + 1)
        network.step(*batch)
    # PyTorch adds 1e-6 to the norm that it clips by, and keeps factors of NAdam in float32
    for node, arrays in model.parameters.views.items():
        for name, array in arrays.items():
            assert network.parameters[node][name].detach().numpy() == pytest.approx(array, rel=1e-5, abs=1e-7)


def _updater(model: Model, config: Any) -> Updater:
    from nncli.engine.update import Settings

    clip = config.train.clip
    groups = [Settings(group.lr / config.optimizer.lr, group.weight_decay) for group in config.groups]
    return Updater(
        model.parameters,
        model.gradients,
        config.optimizer,
        clip and clip.value,
        clip and clip.norm,
        groups,
    )


def test_a_hopeless_variant_is_measured_once() -> None:
    asked: list[int] = []

    class Steps:
        def step(self) -> None:
            pass

        def steps_for(self, seconds: float) -> list[float]:
            return [0.01]

    class Other:
        def ask(self, what: str, variant: int, seconds: float) -> list[float]:
            asked.append(variant)
            return [[0.3], [2.0], [0.02]][variant]

    ours, theirs = versus._in_turns(Steps(), Other(), 3, 0.0, lambda share: None)  # type: ignore[arg-type]
    assert asked.count(1) == 1
    assert theirs[1] == [2.0]
    assert len(ours) == len(theirs[2]) == versus.ROUNDS
    assert len(theirs[0]) == 1


def test_preprocessing_may_change_the_shape(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the comparison is with PyTorch")
    path = tmp_path / "sound.yaml"
    path.write_text(
        "input: {shape: [1, 400], classes: 3}\n"
        "data: {train: {wav: absent}, preprocess: [{spectrogram: {window: 32, hop: 16}}]}\n"
        "network: [{conv2d: {filters: 2, kernel: 3}}, relu, flatten, {dense: 3}]\n"
        "loss: softmax_cross_entropy\ntrain: {batch: 4}\n"
    )
    document = bench_config(path, limits=Limits(1, 0.0), random=True, against="torch")
    assert document["torch"]["agreement"] < versus.TOLERANCE
