"""Figures against plain NumPy on a network walked through without the engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nncli.diagnostics import NodeFigures, probe
from nncli.diagnostics.shape import depths
from nncli.engine import Model, Plan
from nncli.gradcheck.alone import input_name
from nncli.gradcheck.walk import Walk, arriving
from nncli.graph import INPUT, Graph
from nncli.layers.dense import Dense
from nncli.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from nncli.parts import Array, Frame, State
from tests.engine.networks import TEXTS, Batch
from tests.engine.networks import model as model_of
from tests.gradcheck.faults import planted

N = 7


def plain(made: Model, batch: Batch) -> tuple[Walk, dict[int, Array], dict[int, dict[str, Array]]]:
    """Outputs, errors dL/dy and gradients of parameters of every node, each alone with memory of its own."""
    assert made.objective
    walk = Walk(made.graph, made.parameters.views, made.plan, made.objective, batch.x, {"y": batch.t}, made.seed)
    errors = {len(made.graph.nodes) - 1: walk.ends[0].backward()}
    gradients: dict[int, dict[str, Array]] = {}
    for index in range(len(made.graph.nodes) - 1, -1, -1):
        node = made.graph.nodes[index]
        with arriving(walk.cells[index], errors[index]) as cell:
            cell.forward()
            found = cell.backward()
        gradients[index] = {name: found[name] for name in node.declared.parameters}
        for place, source in enumerate(node.inputs):
            errors[source] = errors.get(source, 0) + found[input_name(place)]
    return walk, errors, gradients


@pytest.mark.parametrize("shards", [1, 2, 3])
@pytest.mark.parametrize("name", [*TEXTS, "input seen in place"])
def test_figures_of_every_node(name: str, shards: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TEXTS, "input seen in place", "network: [flatten, relu, {dropout: 0.3}, {dense: 3}, sigmoid]")
    made = model_of(name, shards)
    batch = Batch(made.graph, N, np.float64)
    walk, errors, gradients = plain(made, batch)
    seen = probe(made, N, batch)
    assert seen.samples == N
    assert [figures.name for figures in seen.nodes] == ["input", *(node.name for node in made.graph.nodes)]
    for index, figures in enumerate(seen.nodes, INPUT):
        y = walk.values[index]
        close = {"rel": 1e-9, "abs": 1e-12}
        assert figures.mean == pytest.approx(y.mean(), **close)
        assert figures.variance == pytest.approx(y.var(), **close)
        assert figures.signal == pytest.approx(y.var(axis=-1).mean(), **close)
        if index == INPUT:
            assert figures.gradient is None
            continue
        kind = made.graph.nodes[index].type
        whole = y.reshape(len(y), -1)
        if kind == "relu":
            assert figures.dead == (whole == 0).all(axis=1).mean()
        if kind == "tanh":
            assert figures.saturated == (np.abs(y) >= 0.99).mean()
        if kind == "sigmoid":
            assert figures.saturated == ((y <= 0.01) | (y >= 0.99)).mean()
        flat = made.graph.nodes[index].layer.flat()
        assert (figures.dead is None) == (flat is None)
        assert (figures.saturated is None) == (flat is None or not np.isfinite(flat).all())
        if figures.gradient is None:
            assert depths(made.graph)[index] == 0  # nothing up to it is trained
            continue
        own = N * errors[index].reshape(-1, N)
        assert figures.gradient == pytest.approx(np.sqrt((own**2).sum(axis=0).mean()), rel=1e-9)
        assert set(figures.parameters) == set(gradients[index])
        for key, gradient in gradients[index].items():
            weights = made.parameters.views[figures.name][key]
            assert figures.parameters[key].gradient == pytest.approx(np.linalg.norm(gradient.ravel()), rel=1e-9)
            assert figures.parameters[key].weights == pytest.approx(np.linalg.norm(weights.ravel()), rel=1e-12)


def test_units_that_only_some_shards_see_alive_are_not_dead() -> None:
    made = model_of("chain", 3)
    made.parameters.views["dense_1"]["W"][...] = 0
    made.parameters.views["dense_1"]["W"][0, 0] = 1
    made.parameters.views["dense_1"]["b"][...] = 0
    batch = Batch(made.graph, 6, np.float64)
    batch.x[0] = [-1, -1, -1, -1, -1, 2]
    assert probe(made, 6, batch).nodes[2].dead == pytest.approx(6 / 7)
    batch.x[0] = -1
    assert probe(made, 6, batch).nodes[2].dead == 1


def test_a_channel_is_dead_where_every_position_is() -> None:
    made = model_of("views")
    made.parameters.views["conv2d_1"]["b"][...] = [-1e3, -1e3, -1e3, 1e3]
    assert probe(made, N, Batch(made.graph, N, np.float64)).nodes[2].dead == 0.75


class Counting(Dense):
    """Keeps how often it was called, as running statistics are kept."""

    def declare(self, *inputs: Any) -> Any:
        declared = Dense.declare(self, *inputs)
        return type(declared)(declared.output, declared.parameters, {"calls": State((1,), ("one",))}, declared.flops)

    def forward(self, f: Frame) -> None:
        f.state["calls"] += 1
        Dense.forward(self, f)


def test_nothing_of_the_model_changes() -> None:
    sound = model_of("chain", 2)
    graph = planted(sound.graph, "dense_2", Counting)
    node = graph.nodes[2]
    declared = node.layer.declare(*node.shapes)
    nodes = [*graph.nodes]
    nodes[2] = type(node)(node.name, node.layer, node.inputs, node.shapes, declared, node.initializers)
    made = Model(Graph(graph.input, tuple(nodes)), Plan(2), np.float64, SoftmaxCrossEntropy())
    made.parameters.w[...] = sound.parameters.w
    batch = Batch(made.graph, N, np.float64)
    program = made.program(N, training=True)
    program.run(batch)
    kept = [made.parameters.w.copy(), made.parameters.state["dense_2"]["calls"].copy()]
    kept += [gradient.copy() for gradient in made.gradients]
    assert kept[1] > 0
    probe(made, N, batch)
    now = [made.parameters.w, made.parameters.state["dense_2"]["calls"], *made.gradients]
    for array, before in zip(now, kept, strict=True):
        np.testing.assert_array_equal(array, before)
    program.run(batch)
    assert made.parameters.state["dense_2"]["calls"] > kept[1]


def test_dropout_draws_the_noise_of_the_step() -> None:
    made = model_of("views")
    batch = Batch(made.graph, N, np.float64)
    program = made.program(N, training=True)
    for step in (0, 3):
        y = program.trace(batch, 1, step).outputs[4]
        assert made.graph.nodes[4].type == "dropout"
        assert probe(made, N, batch, 1, step).nodes[5].variance == pytest.approx(y.var(), rel=1e-9)


def test_float32_figures_are_those_of_float64() -> None:
    made, exact = model_of("residual", 2, np.float32), model_of("residual", 2, np.float64)
    exact.parameters.w[: made.parameters.length] = 0
    for node, arrays in made.parameters.views.items():
        for name, array in arrays.items():
            exact.parameters.views[node][name][...] = array
    batch = Batch(made.graph, N, np.float32)
    for found, expected in zip(probe(made, N, batch).nodes, probe(exact, N, batch).nodes, strict=True):
        for name, value in expected.flat().items():
            assert found.flat()[name] == pytest.approx(value, rel=2e-5, abs=1e-6), (found.name, name)


def test_figures_survive_their_flat_form() -> None:
    made = model_of("chain")
    for figures in probe(made, N, Batch(made.graph, N, np.float64)).nodes:
        assert NodeFigures.of(figures.name, figures.flat()) == figures
