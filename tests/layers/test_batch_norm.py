from __future__ import annotations

import numpy as np
import pytest

from nncli.engine import Model
from nncli.layers.batch_norm import BatchNorm
from nncli.parts import Array
from tests.engine import networks
from tests.engine.networks import Batch, gradient, model
from tests.layers.cases import Case, each_case_of
from tests.layers.harness import Alone, difference


def formula(layer: BatchNorm, x: Array, gamma: Array | float, beta: Array | float) -> Array:
    """Channel by channel."""
    y = np.empty_like(x)
    for channel in range(len(x)):
        values = x[channel]
        normal = (values - values.mean()) / np.sqrt(values.var() + layer.eps)
        g, b = (np.broadcast_to(p, len(x))[channel] for p in (gamma, beta))
        y[channel] = g * normal + b
    return y


@each_case_of("batch_norm")
def test_is_the_formula(case: Case) -> None:
    alone = Alone(case.layer, *case.shapes)
    assert isinstance(case.layer, BatchNorm)
    expected = formula(case.layer, alone.x[0], alone.p.get("gamma", 1.0), alone.p.get("beta", 0.0))
    assert difference(alone.forward(), expected) < 1e-13


def test_gains_start_at_one_and_keep_free_of_weight_decay() -> None:
    made = model("normalised")
    made.parameters.initialize(made.graph, 0)
    assert (made.parameters.views["first"]["gamma"] == 1).all()
    assert (made.parameters.views["first"]["beta"] == 0).all()
    assert not any(p.decay for p in BatchNorm().declare((3, 2, 2)).parameters.values())
    assert BatchNorm(affine=False).declare((3,)).parameters == {}


def test_running_figures_are_averages_of_batches() -> None:
    alone = Alone(BatchNorm(0.3), (2, 4), n=5)
    rng = np.random.default_rng(0)
    mean, variance = np.zeros(2), np.ones(2)
    for _ in range(3):
        alone.x = [rng.normal(3, 2, alone.x[0].shape)]
        alone.run()
        mean = 0.7 * mean + 0.3 * alone.x[0].mean(axis=(1, 2))
        variance = 0.7 * variance + 0.3 * alone.x[0].var(axis=(1, 2), ddof=1)
        assert difference(alone.frame.state["mean"], mean) < 1e-14
        assert difference(alone.frame.state["variance"], variance) < 1e-14


@pytest.mark.parametrize("shape", [(3,), (3, 4), (3, 4, 2)])
def test_torch_trains_and_evaluates_alike(shape: tuple[int, ...]) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is an independent truth where it is installed")
    theirs = {1: torch.nn.BatchNorm1d, 2: torch.nn.BatchNorm1d, 3: torch.nn.BatchNorm2d}[len(shape)](3).double()
    ours = Alone(BatchNorm(), shape, n=6)
    evaluated = Alone(BatchNorm(), shape, n=6, training=False)
    evaluated.frame.state = ours.frame.state
    with torch.no_grad():
        theirs.weight[...] = torch.tensor(ours.p["gamma"])
        theirs.bias[...] = torch.tensor(ours.p["beta"])
    evaluated.p = ours.p
    rng = np.random.default_rng(1)
    for _ in range(4):
        ours.x = [rng.normal(2, 3, ours.x[0].shape)]
        y = theirs(torch.tensor(np.moveaxis(ours.x[0], -1, 0))).detach().numpy()
        assert difference(ours.forward(), np.moveaxis(y, 0, -1)) < 1e-12
    assert difference(ours.frame.state["mean"], theirs.running_mean.numpy()) < 1e-14
    assert difference(ours.frame.state["variance"], theirs.running_var.numpy()) < 1e-14
    theirs.eval()
    evaluated.x = ours.x
    y = theirs(torch.tensor(np.moveaxis(ours.x[0], -1, 0))).detach().numpy()
    assert difference(evaluated.forward(), np.moveaxis(y, 0, -1)) < 1e-13


def test_evaluation_changes_no_state_and_works_in_place() -> None:
    for in_place in (False, True):
        alone = Alone(BatchNorm(), (2, 3), training=False, in_place=in_place)
        alone.frame.state["mean"][...] = [1.0, -2.0]
        alone.frame.state["variance"][...] = [4.0, 0.25]
        s = 1 / np.sqrt(np.array([4.0, 0.25]) + 1e-5)
        normal = (alone.x[0] - np.array([1.0, -2.0])[:, None, None]) * s[:, None, None]
        expected = alone.p["gamma"][:, None, None] * normal + alone.p["beta"][:, None, None]
        assert difference(alone.forward(), expected) < 1e-14
        assert alone.frame.state["mean"].tolist() == [1.0, -2.0]
        assert alone.frame.state["variance"].tolist() == [4.0, 0.25]


def test_float32_with_a_large_mean() -> None:
    """The variance as a difference of squares would be lost here: 10⁸ has no digits left for 1."""
    alone = Alone(BatchNorm(affine=False), (2, 10, 10), n=50, dtype=np.float32)
    alone.x = [(np.random.default_rng(0).normal(size=alone.x[0].shape) + 1e4).astype(np.float32)]
    expected = formula(BatchNorm(), alone.x[0].astype(np.float64), 1.0, 0.0)
    assert difference(alone.forward(), expected) < 2e-4
    assert alone.frame.state["variance"] == pytest.approx([1.0, 1.0], abs=0.02)
    squares = np.mean(alone.x[0] ** 2, axis=(1, 2, 3)) - np.mean(alone.x[0], axis=(1, 2, 3)) ** 2
    assert np.abs(squares - 1).max() > 0.5


def test_a_batch_of_one_number_gives_the_shift() -> None:
    alone = Alone(BatchNorm(), (3,), n=1)
    y, g = alone.run()
    assert difference(y[:, 0], alone.p["beta"]) < 1e-15
    assert np.abs(g["x0"]).max() == 0
    assert np.isfinite(alone.frame.state["variance"]).all()


def trained(shards: int, n: int = 7, steps: int = 3) -> tuple[Model, Array]:
    tested = model("normalised", shards)
    program = tested.program(n, True)
    for step in range(steps):
        program.run(Batch(tested.graph, n, np.float64, seed=step), 0, step)
    return tested, gradient(tested, program)


@pytest.mark.parametrize("shards", [2, 3])
def test_shards_share_mean_and_variance(shards: int) -> None:
    (one, expected), (tested, found) = trained(1), trained(shards)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * np.abs(expected).max())
    for node, arrays in one.parameters.state.items():
        for name, array in arrays.items():
            assert np.abs(array - (name == "variance")).max() > 1e-3
            np.testing.assert_allclose(tested.parameters.state[node][name], array, rtol=0, atol=1e-12)


def test_without_the_sum_shards_would_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    from nncli.engine.workers import ShardSum

    expected = trained(1)[1]
    monkeypatch.setattr(ShardSum, "bound", lambda self, shard: lambda array: None)
    assert np.abs(trained(2)[1] - expected).max() > 1e-3 * np.abs(expected).max()


def test_evaluation_is_that_of_any_batch_size_and_number_of_shards() -> None:
    tested, _ = trained(2)
    batch = Batch(tested.graph, 5, np.float64)
    program = tested.program(5, False)
    program.run(batch)
    y = np.concatenate([shard.y for shard in program.shards], axis=-1)
    before = tested.parameters.state["first"]["mean"].copy()
    single = tested.program(1, False)
    single.run(lambda shard: np.copyto(shard.x, batch.x[..., 3:4]))
    np.testing.assert_allclose(single.shards[0].y[..., 0], y[..., 3], rtol=1e-12)
    np.testing.assert_array_equal(tested.parameters.state["first"]["mean"], before)


FROZEN = """
network:
  - {conv2d: {filters: 4, kernel: 3}}
  - {batch_norm: {}, name: first, trainable: false}
  - relu
  - {conv2d: {filters: 3, kernel: 3}, name: between}
  - {batch_norm: {affine: false}, name: second, trainable: false}
  - flatten
  - {dense: 3}
"""


@pytest.mark.parametrize("shards", [1, 2])
def test_frozen_it_trains_with_the_running_figures_and_leaves_them(
    shards: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(networks.TEXTS, "frozen", FROZEN)
    tested = model("frozen", shards)
    rng = np.random.default_rng(2)
    for arrays in tested.parameters.state.values():
        for array in arrays.values():
            array[...] = rng.uniform(0.5, 2, array.shape)
    before = {node: {name: a.copy() for name, a in kept.items()} for node, kept in tested.parameters.state.items()}
    batch = Batch(tested.graph, 5, np.float64)
    training, evaluation = tested.program(5, True), tested.program(5, False)
    parts = {}
    training.run(batch, measure=lambda shard: parts.__setitem__(shard.index, shard.y.copy()))
    y = np.concatenate([parts[index] for index in sorted(parts)], axis=-1)
    for node, arrays in before.items():
        for name, array in arrays.items():
            np.testing.assert_array_equal(tested.parameters.state[node][name], array)
    evaluation.run(batch)
    np.testing.assert_allclose(np.concatenate([shard.y for shard in evaluation.shards], axis=-1), y, rtol=1e-12)
    found = gradient(tested, training)
    weights = tested.parameters.views["conv2d_1"]["W"]
    direction, kept, losses = rng.normal(size=weights.shape), weights.copy(), []
    for step in (1e-5, -1e-5):
        weights[...] = kept + step * direction
        losses.append(evaluation.run(batch))
    slope = np.vdot(tested.parameters.views_of(found)["conv2d_1"]["W"], direction)
    assert slope == pytest.approx((losses[0] - losses[1]) / 2e-5, rel=1e-6)
