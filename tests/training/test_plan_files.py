from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from nncli.engine import Plan
from nncli.engine.plan import combined, plan_with
from nncli.errors import OutputError, SpecError
from nncli.graph import Graph, build
from nncli.spec import read_text
from nncli.training.plan_files import planner, write_plan

N = 8


def graph_of(text: str = "") -> Graph:
    text = text or "network: [{conv2d: {filters: 32, kernel: 3, padding: same}, name: stem}]\nloss: least_squares"
    loaded = read_text(text)
    graph = build(loaded.check().network, (32, 16, 16), loaded.document, loaded.faults)
    assert graph is not None
    return graph


def changed(graph: Graph, plan: Plan, which: str, pick: int) -> Plan:
    """The plan with an alternative of the first node."""
    node = graph.nodes[0]
    choice = node.layer.alternatives(node.shapes, N // plan.shards, 4)[which][pick]
    return dataclasses.replace(plan, nodes={node.name: combined(plan.nodes[node.name], [choice])})


@pytest.mark.parametrize("split", [(1, 1), (2, 1), (1, 2)])
@pytest.mark.parametrize("which", ["forward", "weight", "input"])
def test_every_plan_that_layers_offer_comes_back(tmp_path: Path, split: tuple[int, int], which: str) -> None:
    graph = graph_of()
    usual = plan_with(graph, N, 4, *split)
    node = graph.nodes[0]
    count = len(node.layer.alternatives(node.shapes, N // usual.shards, 4)[which])
    assert count > 3
    for number in range(count):
        plan, path = changed(graph, usual, which, number), tmp_path / f"{number}.yaml"
        write_plan(path, plan, N, "float32", "here: a machine")
        read = planner(path)(graph, N, 4, 2)
        assert (read.shards, read.blas) == split
        assert read.nodes == plan.nodes


def test_a_network_without_choices_has_a_plan_too(tmp_path: Path) -> None:
    graph = graph_of("network: [flatten, {dense: 3}]\nloss: least_squares")
    write_plan(tmp_path / "plan.yaml", plan_with(graph, N, 8, 1, 1), N, "float64", "")
    assert planner(tmp_path / "plan.yaml")(graph, N, 8, None) == Plan(1, 1, {})


CHANGES = [
    ("batch: 8", "batch: 9", "batch", "batches of 9, these are of 8"),
    ("float32", "float64", "dtype", "the plan is for float64"),
    ("shards: 1", "shards: 9", "shards", "9 shards of a batch of 8"),
    ("blas: 1", "blas: 3", "shards", "3 threads, at most 2"),
    ("  stem:", "  stemm:", "nodes.stemm", "no node 'stemm'"),
    ("forward_rows: ", "forward_rows: 9", "nodes.stem", "does not offer this"),
    ("forward_rows: ", "forward_rows: -", "nodes.stem", "does not offer this"),
    ("forward_algorithm: ", "forward_algorithm: no", "nodes.stem", "does not offer this"),
    ("nncli_plan: 1", "nncli_plan: 2", "nncli_plan", "1"),
    ("blas: 1", "blas: 0", "blas", "greater than 0"),
    ("blas: 1", "blass: 1", "blass", "did you mean 'blas'"),
    ("nodes:\n", "nodes: {}\nrest:\n", "nodes", "says nothing of 'stem'"),
]


@pytest.mark.parametrize(("before", "after", "path", "words"), CHANGES, ids=[after for _, after, _, _ in CHANGES])
def test_a_plan_that_does_not_fit_is_refused_with_its_place(
    tmp_path: Path, before: str, after: str, path: str, words: str
) -> None:
    graph, file = graph_of(), tmp_path / "plan.yaml"
    write_plan(file, plan_with(graph, N, 4, 1, 1), N, "float32", "")
    text = file.read_text()
    assert before in text
    text = text.replace(before, after, 1)
    file.write_text(text if "rest:" not in text else text.partition("rest:")[0])
    with pytest.raises(SpecError) as caught:
        planner(file)(graph, N, 4, 2)
    fault = next(fault for fault in caught.value.faults if fault.path == path)
    assert words in f"{fault.message} {fault.hint}"
    assert fault.line
    assert fault.hint


def test_a_plan_cannot_go_beyond_a_tolerance(tmp_path: Path) -> None:
    graph, file = graph_of(), tmp_path / "plan.yaml"
    node = graph.nodes[0]
    usual = plan_with(graph, N, 4, 1, 1)
    offers = node.layer.alternatives(node.shapes, N, 4)["forward"]
    number = next(i for i, offer in enumerate(offers) if offer.get("forward_tile") == 4)
    write_plan(file, changed(graph, usual, "forward", number), N, "float32", "")
    assert planner(file)(graph, N, 4, None).nodes["stem"]["forward_tile"] == 4
    strict = graph_of(
        "network: [{conv2d: {filters: 32, kernel: 3, padding: same, tolerance: 1e-7}, name: stem}]\nloss: least_squares"
    )
    with pytest.raises(SpecError, match="tolerance is another"):
        planner(file)(strict, N, 4, None)


@pytest.mark.parametrize("text", ["", "just words", "- 1", "network: [relu]", "{", "\x00"])
def test_what_is_no_plan_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(text)
    with pytest.raises(SpecError) as caught:
        planner(file)
    assert all(fault.file for fault in caught.value.faults)


def test_a_plan_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="the plan cannot be written"):
        write_plan(tmp_path / "absent" / "plan.yaml", Plan(), N, "float32", "")
