"""Whole networks: sound ones agree; a planted fault is found, at its node and in its words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nncli.engine import Term
from nncli.engine.wiring import Mode, Wiring
from nncli.gradcheck.check import LIMIT, Options
from nncli.gradcheck.network import Batch, Row, check_network
from nncli.gradcheck.walk import Walk
from nncli.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from nncli.parts import Frame, LossFrame
from nncli.training.checking import Report, check_config
from tests.engine.networks import TEXTS, model
from tests.gradcheck import faults


def check(made: Any, n: int = 4, options: Options | None = None) -> list[Row]:
    return list(check_network(made, faults.batch(made.graph, n), options or Options()))


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("name", TEXTS)
def test_sound_networks_agree(name: str, shards: int) -> None:
    rows = check(model(name, shards))
    assert [row for row in rows if row.verdict not in ("agrees", "zero")] == []
    assert max(row.alone.error for row in rows) < LIMIT
    graph = model(name).graph
    arrays = [(node.name, array) for node in graph.nodes for array in node.declared.parameters]
    arrays += [(node.name, f"x{place}") for node in graph.nodes for place in range(len(node.inputs))]
    assert sorted((row.node, row.alone.array) for row in rows) == sorted([*arrays, ("loss", "x0")])
    decided = [row for row in rows if row.whole is not None and row.whole.verdict != "undecided"]
    assert len(decided) >= 0.8 * len(rows)


PLANTED: list[tuple[str, str, type, str, str]] = [
    ("chain", "dense_2", faults.Scaled, "W", "1.001 times the numeric gradient"),
    (
        "residual",
        "branch",
        faults.OneSign,
        "W",
        "wrong only at out 1, in/groups 0, kernel height 2, kernel width 1",
    ),
    ("views", "conv2d_1", faults.WithoutBias, "b", "differs from the numeric gradient"),
    ("chain", "dense_2", faults.WithoutBiasGradient, "b", "0 times the numeric gradient"),
    ("square", "dense_2", faults.Transposed, "x0", "differs from the numeric gradient"),
    ("residual", "branch", faults.WrongBorder, "x0", "wrong only at row 5"),
    ("residual", "avg_pool2d_1", faults.Unshared, "x0", "wrong only at row 1 and 3 and 5, column 0 and 2 and 4"),
    ("views", "dropout_1", faults.StaleScratch, "x0", "numbers are not finite"),
    ("twice", "tanh_1", faults.StaleBatch, "x0", "in the network this gradient is not that of the node alone"),
]


@pytest.mark.parametrize(("text", "node", "fault", "array", "words"), PLANTED, ids=[row[2].__name__ for row in PLANTED])
def test_a_planted_fault_is_found_where_it_is(
    text: str, node: str, fault: type, array: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TEXTS, "square", "network: [flatten, {dense: 5}, {dense: 5}, tanh, {dense: 3}]")
    rows = check(faults.faulty(text, node, fault))
    assert {(row.node, row.alone.array) for row in rows if row.faulty} == {(node, array)}
    (found,) = [row for row in rows if row.faulty]
    assert words in found.note


TRESPASSES: list[tuple[str, str, type, str]] = [
    ("twice", "tanh_1", faults.WritesOverInput, "it writes over its input 1 on the way forward"),
    ("chain", "dense_2", faults.ChangesWeights, "it changes its parameter W"),
    ("chain", "dense_2", faults.OwnRandomNumbers, "its output is another each time"),
]


@pytest.mark.parametrize(("text", "node", "fault", "words"), TRESPASSES, ids=[row[2].__name__ for row in TRESPASSES])
def test_a_layer_that_breaks_the_contract_is_named_first(text: str, node: str, fault: type, words: str) -> None:
    """What reads its output is wrong as well, the loss among it; that is not where the fault is."""
    report = Report("faulty", "", check(faults.faulty(text, node, fault)))
    assert report.first is not None
    assert report.first.node == node
    failure = report.failure()
    assert failure is not None
    assert f"{node} is wrong: {words}" in str(failure)


FAR = {
    "gelu of -8": "[{dense: {units: 5, bias_init: {constant: -8}}}, gelu, {dense: 3}]",
    "gelu of -30": "[{dense: {units: 5, bias_init: {constant: -30}}}, gelu, {dense: 3}]",
    "tanh in gelu of -9": "[{dense: {units: 5, bias_init: {constant: -9}}}, {gelu: tanh}, {dense: 3}]",
    "silu of -38": "[{dense: {units: 5, bias_init: {constant: -38}}}, silu, {dense: 3}]",
    "large weights": "[{dense: {units: 8, init: {normal: 1e6}}}, sigmoid, {dense: {units: 8, init: {normal: 1e6}}},"
    " sigmoid, {dense: 3}]",
}


@pytest.mark.parametrize("name", FAR)
def test_sound_layers_far_out_are_not_called_wrong(name: str, tmp_path: Path) -> None:
    """Where an output is the difference of two equal numbers, or the error that arrives is 1e-310."""
    path = tmp_path / "far.yaml"
    path.write_text(f"input: {{shape: [6], classes: 3}}\nnetwork: {FAR[name]}\nloss: softmax_cross_entropy\n")
    assert check_config(path, random=True).wrong == []


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("end", ["softmax_cross_entropy", "cross_entropy"])
def test_a_loss_of_nearly_nothing_is_not_called_wrong(end: str, seed: int, tmp_path: Path) -> None:
    """It is rounded as the logits are of which it is a difference."""
    path = tmp_path / "sure.yaml"
    last = ", softmax" if end == "cross_entropy" else ""
    path.write_text(
        f"seed: {seed}\ninput: {{shape: [6], classes: 3}}\nloss: {end}\n"
        f"network: [{{dense: 8}}, relu, {{dense: {{units: 2, init: {{normal: 20}}}}}}{last}]\n"
    )
    assert check_config(path, random=True, samples=2).wrong == []


def test_a_factor_that_is_nearly_1_is_shown_in_full() -> None:
    class Nearly(faults.Dense):
        def backward(self, f: Frame) -> None:
            faults.Dense.backward(self, f)
            f.g["W"][...] *= 1 + 1e-6

    (found,) = [row for row in check(faults.faulty("chain", "dense_2", Nearly)) if row.faulty]
    assert found.note == "1.000001 times the numeric gradient"


@pytest.mark.parametrize("exhaustive", [False, True])
def test_one_wrong_number_among_many(exhaustive: bool) -> None:
    rows = check(faults.faulty("residual", "branch", faults.OneSign), options=Options(exhaustive=exhaustive))
    (found,) = [row for row in rows if row.faulty]
    assert found.alone.directions == (0 if exhaustive else 8)
    assert found.note == "wrong only at out 1, in/groups 0, kernel height 2, kernel width 1"


def test_what_follows_a_fault_is_told_apart() -> None:
    """Nodes before the faulty one agree alone, but not as derivative of the loss."""
    rows = check(_halved())
    verdicts = {(row.node, row.alone.array): (row.faulty, row.verdict) for row in rows}
    assert verdicts["dense_3", "x0"] == (True, "wrong")
    assert verdicts["dense_3", "W"] == (False, "agrees")
    assert verdicts["tanh_1", "x0"] == (False, "wrong")
    assert verdicts["dense_1", "W"] == (False, "wrong")
    assert verdicts["loss", "x0"] == (False, "agrees")


def _halved() -> Any:
    class Halved(faults.Dense):
        def backward(self, f: Frame) -> None:
            faults.Dense.backward(self, f)
            f.dx *= 0.5

    return faults.faulty("chain", "dense_3", Halved)


def test_a_faulty_loss_is_found() -> None:
    class Sum(SoftmaxCrossEntropy):
        def backward(self, f: LossFrame) -> None:
            SoftmaxCrossEntropy.backward(self, f)
            f.dx *= f.weight

    made = model("chain")
    made.objective = (Term(Sum(), len(made.graph.nodes) - 1),)
    rows = check(made)
    assert [(row.node, row.note) for row in rows if row.faulty] == [("loss", "4 times the numeric gradient")]


BROKEN: dict[str, tuple[str, str, Callable[..., Any]]] = {
    "an activation computed over what is still needed": ("fan", "_may_overwrite", lambda self, index: True),
}


@pytest.mark.parametrize("name", BROKEN)
def test_memory_that_the_engine_gives_away_too_early_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, method, wrong = BROKEN[name]
    monkeypatch.setattr(Wiring, method, wrong)
    rows = check(model(text))
    assert any("memory used twice?" in row.memory for row in rows)


def test_an_error_that_is_not_added_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two readers of one node, of which the second writes over what the first gave."""
    errors = Wiring._errors

    def forgetful(self: Wiring) -> None:
        errors(self)
        self.first |= {(index, place) for index in range(len(self.graph.nodes)) for place in (0, 1, 2, 3)}

    monkeypatch.setattr(Wiring, "_errors", forgetful)
    rows = check(model("fan"))
    assert any("the error that arrives" in row.memory for row in rows)


def test_the_walk_gives_the_loss_of_the_program() -> None:
    for name in TEXTS:
        made = model(name, 2)
        batch = faults.batch(made.graph)
        program = made.program(batch.n, True)
        walk = Walk(made.graph, made.parameters.views, made.plan, made.objective, batch.x, batch.targets, made.seed)
        assert program.run(batch.load) == pytest.approx(walk.loss, rel=1e-13)


def test_kinks_of_the_batch_are_stepped_around_and_counted() -> None:
    """An image of zeros: every window of the pooling has four equal maxima."""
    made = model("views")
    batch = Batch(np.zeros((1, 6, 6, 4)), {"y": np.array([0, 1, 2, 0])})
    rows = {(row.node, row.alone.array): row for row in check_network(made, batch, Options())}
    pooled = rows["max_pool2d_1", "x0"]
    assert pooled.verdict == "agrees"
    assert pooled.alone.avoided == pooled.alone.outputs
    assert pooled.whole is not None
    assert pooled.whole.verdict == "undecided"


def test_dead_units_have_gradients_that_are_zero() -> None:
    made = model("chain")
    made.parameters.views["dense_1"]["b"][...] = -100
    rows = {(row.node, row.alone.array): row for row in check(made)}
    assert rows["relu_1", "x0"].verdict == "zero"
    assert rows["dense_1", "W"].verdict == "zero"
    assert rows["dense_1", "W"].alone.error == 0
    assert rows["dense_3", "W"].verdict == "agrees"


def test_modes_were_exercised() -> None:
    """The networks above have nodes of every mode of sharing memory."""
    found = {mode for name in TEXTS for mode in Wiring(model(name).graph, True).mode.values()}
    assert found == set(Mode)
