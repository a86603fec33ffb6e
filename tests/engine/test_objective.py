"""Several losses on several outputs, one of them the input itself: values and gradients against differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nncli.engine import Model, Plan, Term
from nncli.engine.shard import Shard
from nncli.engine.wiring import Wiring
from nncli.gradcheck.check import LIMIT, Options
from nncli.gradcheck.network import Batch, check_network
from nncli.graph import Graph, build
from nncli.losses.least_squares import LeastSquares
from nncli.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from nncli.parts import Array
from nncli.spec import read_text

TEXT = """
network:
  - {dense: 6, name: code}
  - {relu: {}, name: seen}
  - {dense: 3, name: head}
  - {tanh: {}, name: wide, inputs: seen}
  - {dense: 4, name: back, inputs: wide}
"""
OUTPUTS = ("head", "back", "seen")


def graph() -> Graph:
    loaded = read_text(TEXT)
    made = build(loaded.config.network, (4,), loaded.document, loaded.faults, outputs=OUTPUTS)
    assert loaded.faults == []
    assert made is not None
    return made


def model(shards: int = 1) -> Model:
    """Two losses on one node, one of them beside a reader that would work in place, and one against the input."""
    made = graph()
    place = {node.name: index for index, node in enumerate(made.nodes)}
    objective = (
        Term(SoftmaxCrossEntropy(class_weights=(1.0, 2.0, 0.5)), place["head"], "digit", 2.0, "loss_head"),
        Term(LeastSquares(), place["back"], "input", 0.5, "loss_back"),
        Term(LeastSquares(), place["seen"], "code", 0.25, "loss_seen"),
        Term(LeastSquares(), place["back"], "other", 3.0, "loss_back"),
    )
    tested = Model(made, Plan(shards), np.float64, objective)
    rng = np.random.default_rng(5)
    tested.parameters.w[...] = rng.normal(size=tested.parameters.length)
    return tested


def batch(n: int = 5) -> Batch:
    rng = np.random.default_rng(2)
    targets: dict[str, Array] = {"digit": rng.integers(3, size=n), "code": rng.normal(size=(6, n))}
    return Batch(rng.normal(size=(4, n)), {**targets, "other": rng.normal(size=(4, n))})


def by_hand(tested: Model, given: Batch) -> tuple[float, list[float]]:
    """The losses, with the formulas written out."""
    views = tested.parameters.views
    code = np.maximum(views["code"]["W"] @ given.x + views["code"]["b"][:, None], 0)
    head = views["head"]["W"] @ code + views["head"]["b"][:, None]
    back = views["back"]["W"] @ np.tanh(code) + views["back"]["b"][:, None]
    digit, weights = given.targets["digit"], np.array([1.0, 2.0, 0.5])
    cross = np.log(np.exp(head).sum(axis=0)) - head[digit, np.arange(len(digit))]
    n = given.n
    losses = [
        float((weights[digit] * cross).sum() / weights[digit].sum()),
        float(((back - given.x) ** 2).sum() / 2 / n),
        float(((code - given.targets["code"]) ** 2).sum() / 2 / n),
        float(((back - given.targets["other"]) ** 2).sum() / 2 / n),
    ]
    return float(np.dot([2.0, 0.5, 0.25, 3.0], losses)), losses


@pytest.mark.parametrize("shards", [1, 2, 3])
@pytest.mark.parametrize("training", [True, False])
def test_values(shards: int, training: bool) -> None:
    tested, given = model(shards), batch()
    program = tested.program(5, training)
    total, losses = by_hand(tested, given)
    assert program.run(given.load) == pytest.approx(total, rel=1e-12)
    assert program.losses == pytest.approx(losses, rel=1e-12)
    assert len(program.weights) == 4


@pytest.mark.parametrize("shards", [1, 2])
def test_gradients(shards: int) -> None:
    tested, given = model(shards), batch()
    tested.program(5, True).run(given.load)
    found = sum(tested.gradients[1:], tested.gradients[0].copy())
    w = tested.parameters.w
    for place in range(tested.parameters.length):
        kept, values = w[place], []
        for step in (1e-5, -1e-5):
            w[place] = kept + step
            values.append(by_hand(tested, given)[0])
        w[place] = kept
        assert found[place] == pytest.approx((values[0] - values[1]) / 2e-5, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("shards", [1, 3])
def test_gradcheck_agrees(shards: int) -> None:
    rows = list(check_network(model(shards), batch(), Options()))
    assert [row for row in rows if row.verdict not in ("agrees", "zero")] == []
    assert max(row.alone.error for row in rows) < LIMIT
    assert [row.node for row in rows[:4]] == ["loss_head", "loss_back", "loss_seen", "loss_back"]


def test_a_forgotten_weight_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    begin = Shard._begin

    def forgetful(term: Term, frame: Any, total: Any) -> None:
        begin(term._replace(weight=1.0), frame, total)

    monkeypatch.setattr(Shard, "_begin", staticmethod(forgetful))
    rows = list(check_network(model(), batch(), Options()))
    assert any("the error from the loss" in row.memory for row in rows)


def test_an_output_that_a_loss_reads_is_not_written_over(monkeypatch: pytest.MonkeyPatch) -> None:
    made = graph()
    place = {node.name: index for index, node in enumerate(made.nodes)}
    free = Wiring(made, True)
    kept = Wiring(made, True, outputs=[place["head"], place["seen"]])
    assert free.value[place["seen"]] == free.value[place["code"]]
    assert kept.value[place["seen"]] == kept.value[place["code"]], "what computes it may work in place"
    assert kept.value[place["wide"]] != kept.value[place["seen"]]
    monkeypatch.setattr(Wiring, "_may_overwrite", lambda self, index: True)
    tested, given = model(), batch()
    assert tested.program(5, True).run(given.load) != pytest.approx(by_hand(tested, given)[0], rel=1e-6)
