"""Parameters that several nodes use, that are not trained, and that have settings of their own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from nncli.engine import Updater
from nncli.engine.update import Settings
from nncli.gradcheck.check import Options
from nncli.gradcheck.network import check_network
from nncli.graph import Graph, build
from nncli.optimizers.adam import Adam
from nncli.optimizers.sgd import Sgd
from nncli.parts import Array
from nncli.spec import read_text
from tests.engine.networks import SHAPES, TEXTS, model
from tests.gradcheck import faults

TWINS = """
network:
  - {flatten: {}, name: flat}
  - {dense: 6, name: first}
  - tanh
  - {dense: 6, name: a}
  - {tanh: {}, name: b}
  - {dense: 6, name: c, share: a}
  - {dense: 6, name: d, share: a, inputs: b}
  - {add: {}, inputs: [c, d]}
  - {dense: 3, name: out}
"""


@pytest.fixture(autouse=True)
def twins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TEXTS, "twins", TWINS)


def graph_of(text: str, groups: str = "") -> Graph:
    loaded = read_text(f"{text}\n{groups}\nloss: softmax_cross_entropy")
    graph = build(loaded.config.network, (4,), loaded.document, loaded.faults, loaded.config.groups)
    assert loaded.faults == []
    assert graph is not None
    return graph


def messages(text: str, groups: str = "") -> list[str]:
    loaded = read_text(f"{text}\n{groups}\n", "f.yaml")
    build(loaded.config.network, (4,), loaded.document, loaded.faults, loaded.config.groups)
    return [f"{fault} ({fault.hint})" for fault in loaded.faults]


# -- shared ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shards", [1, 2, 3])
def test_the_gradient_is_the_sum_over_all_uses(shards: int) -> None:
    """By central differences of the loss in the one array that the three nodes use."""
    made = model("twins", shards)
    batch = faults.batch(made.graph, 5)
    program = made.program(5, True)
    program.run(batch.load)
    gradients = [made.parameters.views_of(gradient.copy())["a"] for gradient in made.gradients]
    for name, value in made.parameters.views["a"].items():
        found = sum(gradient[name] for gradient in gradients)
        expected = np.empty_like(value)
        for index in np.ndindex(value.shape):
            kept, losses = value[index], []
            for step in (1e-5, -1e-5):
                value[index] = kept + step
                losses.append(program.run(batch.load))
            value[index] = kept
            expected[index] = (losses[0] - losses[1]) / 2e-5
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)


def test_a_use_that_is_left_out_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each node overwrites what the one before gave."""
    import nncli.engine.shard as shard

    made = model("twins")
    batch = faults.batch(made.graph, 5)
    made.program(5, True).run(batch.load)
    right = made.gradients[0].copy()
    monkeypatch.setattr(shard.Shard, "_extra_gradients", lambda self, block, index: self.gradient["a"])
    other = model("twins")
    other.program(5, True).run(batch.load)
    assert np.abs(other.gradients[0] - right).max() > 1e-3


def test_shared_parameters_are_counted_and_stored_once() -> None:
    made = model("twins")
    assert set(made.parameters.views) == {"first", "a", "out"}
    assert [node.parameter_count for node in made.graph.nodes if node.type == "dense"] == [
        made.graph.nodes[1].parameter_count, 42, 0, 0, 21,
    ]  # fmt: skip


def test_gradcheck_checks_each_use() -> None:
    rows = list(check_network(model("twins"), faults.batch(model("twins").graph), Options()))
    assert {row.node for row in rows if row.alone.array == "W"} == {"first", "a", "c", "d", "out"}
    assert {row.verdict for row in rows} == {"agrees"}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            "{dense: 4, name: b, share: nobody}",
            "'b' (line 4) shares the parameters of 'nobody', which no node is called",
        ),
        ("{dense: 4, name: b, share: b}", "'b' (line 4) shares the parameters of itself"),
        (
            "{dense: 3, name: b, share: a}",
            "'b' (line 4) has the parameters W [3, 4], b [3], 'a' (line 3) W [4, 4], b [4]",
        ),
        ("{relu: {}, name: b, share: a}", "'b' (line 4) has the parameters none, 'a' (line 3)"),
        ("{dense: 4, name: b, share: flat}", "'flat' (line 2) has no parameters"),
        ("{dense: 4, name: b, share: a, trainable: false}", "kept as they are where they belong"),
    ],
)
def test_what_cannot_be_shared(entry: str, message: str) -> None:
    text = f"network:\n  - {{flatten: {{}}, name: flat}}\n  - {{dense: 4, name: a}}\n  - {entry}\n"
    (said,) = messages(text)
    assert said.startswith("f.yaml:4:")
    assert message in said


# -- not trained -------------------------------------------------------------------------------------------------------


FROZEN = """
network:
  - {dense: 5, name: one, trainable: false}
  - tanh
  - {dense: 5, name: two}
  - tanh
  - {dense: 5, name: three, trainable: false}
  - {dense: 3, name: four}
"""


def step(graph: Graph, groups: Sequence[Settings] = (), lr: float = 0.1, optimizer: object = None) -> dict[str, Array]:
    """How far each parameter moves in one step of SGD on a gradient of ones."""
    from nncli.engine.parameters import Parameters

    parameters = Parameters(graph, np.float64)
    parameters.w.fill(1.0)
    gradient = parameters.vector()
    gradient.fill(1.0)
    updater = Updater(parameters, [gradient], optimizer or Sgd(lr=lr, weight_decay=0.5), groups=groups)  # type: ignore[arg-type]
    updater.apply(updater.gather(1), lr, 1)
    return {f"{node}.{name}": 1 - a for node, arrays in parameters.views.items() for name, a in arrays.items()}


def test_frozen_parameters_stay_and_pass_errors_on() -> None:
    moved = step(graph_of(FROZEN))
    assert not moved["one.W"].any()
    assert not moved["three.b"].any()
    assert moved["two.W"].all()
    assert moved["four.b"].all()
    made = model("twins")
    assert made.graph.nodes[1].trained


def test_frozen_parameters_are_not_in_the_norm() -> None:
    from nncli.engine.parameters import Parameters

    parameters = Parameters(graph_of(FROZEN), np.float64)
    gradient = parameters.vector()
    for entry in parameters.entries:
        gradient[entry.start : entry.stop] = 1
    updater = Updater(parameters, [gradient], Sgd())
    assert updater.gather(1) == pytest.approx(np.sqrt(5 * 6 + 3 * 6))


def test_errors_reach_what_lies_before_a_frozen_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SHAPES, "frozen", (4,))
    monkeypatch.setitem(TEXTS, "frozen", FROZEN)
    made = model("frozen")
    batch = faults.batch(made.graph, 4)
    made.program(4, True).run(batch.load)
    views = made.parameters.views_of(made.gradients[0])
    assert not views["one"]["W"].any()
    assert not views["three"]["W"].any()
    monkeypatch.setitem(TEXTS, "frozen", FROZEN.replace(", trainable: false", ""))
    free = model("frozen")
    for node, arrays in made.parameters.views.items():
        for name, value in arrays.items():
            free.parameters.views[node][name][...] = value
    free.program(4, True).run(batch.load)
    for node in ("two", "four"):
        for name, gradient in free.parameters.views_of(free.gradients[0])[node].items():
            np.testing.assert_array_equal(views[node][name], gradient)


def test_sharers_of_a_frozen_node_are_frozen() -> None:
    text = "network: [{dense: 4, name: a, trainable: false}, tanh, {dense: 4, share: a}, {dense: 3, name: out}]"
    graph = graph_of(text)
    assert [node.trained for node in graph.nodes if node.type == "dense"] == [False, False, True]


# -- groups ------------------------------------------------------------------------------------------------------------


CHAIN = "network: [{dense: 5, name: stem_1}, {dense: 5, name: stem_2}, {dense: 3, name: head}]"


def test_groups_have_a_rate_and_a_decay_of_their_own() -> None:
    graph = graph_of(
        CHAIN,
        "groups: [{nodes: [stem_2], lr: 3}, {nodes: 'stem*', parameters: W, weight_decay: 0.1}, {nodes: head, lr: 2}]",
    )
    moved = step(graph, [Settings(rate=30), Settings(weight_decay=0.1), Settings(rate=20)])
    expected = {
        "stem_1.W": 0.1 * 1.1, "stem_1.b": 0.1, "stem_2.W": 3 * 1.5, "stem_2.b": 3, "head.W": 2 * 1.5, "head.b": 2,
    }  # fmt: skip
    assert {name: pytest.approx(value) for name, value in expected.items()} == {
        name: array.mean() for name, array in moved.items()
    }


def test_a_group_can_put_decay_on_biases() -> None:
    graph = graph_of(CHAIN, "groups: [{nodes: '*', parameters: b, weight_decay: 2}]")
    assert step(graph, [Settings(weight_decay=2)])["head.b"] == pytest.approx(0.1 * 3)


def test_adam_takes_the_group_s_rate() -> None:
    graph = graph_of(CHAIN, "groups: [{nodes: head, lr: 0.5}]")
    moved = step(graph, [Settings(rate=5)], optimizer=Adam(lr=0.1, eps=1e-12))
    assert moved["stem_1.W"] == pytest.approx(0.1)
    assert moved["head.W"] == pytest.approx(0.5)


def test_patterns_that_fit_nothing_are_named() -> None:
    said = messages(CHAIN, "groups: [{nodes: [stem*, haed], parameters: c, lr: 1}]")
    assert any(
        "groups[0].nodes[1]: no node with parameters of its own fits 'haed' (did you mean 'head'?)" in line
        for line in said
    )
    assert any("groups[0].parameters[0]: no parameter of stem_1, stem_2 fits 'c'" in line for line in said)
    (one,) = messages(CHAIN, "groups: [{nodes: haed, lr: 1}]")
    assert "fits 'haed'" in one
    (said_once,) = messages(CHAIN, "groups: [{nodes: head}]")
    assert "give `lr`, `weight_decay` or both" in said_once
