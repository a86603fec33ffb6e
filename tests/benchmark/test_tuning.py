from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nncli.benchmark import tuning
from nncli.benchmark.workload import open_workload
from nncli.kernels import convolution_choice
from nncli.spec import read_text

TEXT = """
threads: 1
input: {shape: [4, 12, 12], classes: 3}
network: [{conv2d: {filters: 8, kernel: 3, padding: same}, name: stem}, relu, flatten, {dense: 3}]
loss: softmax_cross_entropy
train: {batch: 16}
"""


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "TURN", 0.02)


def tuned(text: str = TEXT, seconds: float = 0.3) -> tuning.Tuned:
    with open_workload(read_text(text), True) as workload:
        return tuning.tune(workload, seconds)


def test_a_slow_choice_is_found_and_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cost model is made to believe that transforms of these small maps are cheap; they take several times as long
    as matrix products."""
    cost = convolution_choice.cost
    monkeypatch.setattr(convolution_choice, "cost", lambda name, *rest: 0.0 if name == "fft" else cost(name, *rest))
    found = tuned()
    assert found.usual.nodes["stem"]["algorithm"] == "fft"
    assert found.plan.nodes["stem"]["forward_algorithm"] in ("gemm", "winograd")
    assert found.plan.nodes["stem"]["weight_algorithm"] in ("gemm", "winograd")
    assert found.step_ms < found.usual_ms
    assert {(change.node, change.which) for change in found.changes} >= {("stem", "forward"), ("stem", "weight")}
    assert all(change.ratio < tuning.WORTH for change in found.changes)


def test_nothing_changes_where_nothing_is_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "WORTH", 0.0)
    found = tuned()
    assert found.plan == found.usual
    assert found.changes == ()
    assert found.step_ms == found.usual_ms


def test_every_alternative_is_tried_once() -> None:
    offers: Any = {"a": {"forward": [{"f": 1}], "weight": [{"w": 1}, {"w": 2}], "input": [{"i": 1}]}, "b": {}}
    rounds = list(tuning._rounds(offers))
    tried = [choice for each in rounds for parts in each.values() for choice in parts]
    assert len(rounds) == 3
    assert sorted(map(str, tried)) == sorted(
        map(str, [("forward", {"f": 1}), ("weight", {"w": 1}), ("weight", {"w": 2}), ("input", {"i": 1})])
    )
    assert all(
        len({which == "forward" for which, _ in parts}) == len(parts) for each in rounds for parts in each.values()
    )


def test_a_network_without_choices_is_tuned_too(tmp_path: Path) -> None:
    found = tuned("threads: 1\ninput: {shape: [4], classes: 3}\nnetwork: [{dense: 3}]\nloss: softmax_cross_entropy")
    assert found.plan.nodes == {}
