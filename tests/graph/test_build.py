"""Graphs from entries: order, names, defaults, and every fault with both places."""

from __future__ import annotations

import numpy as np
import pytest

from nncli.graph import INPUT, Graph, build
from nncli.spec import read_text

HEAD = "loss: least_squares\n"


def make(network: str, shape: tuple[int, ...] = (4,)) -> tuple[Graph | None, list[str]]:
    """The graph of a network's text, and its faults as `line: message | hint`."""
    loaded = read_text(f"{HEAD}network:\n{network}", "net.yaml")
    faults = list(loaded.faults)
    graph = build(loaded.config.network, shape, loaded.document, faults)
    return graph, [f"{fault} | {fault.hint}" for fault in faults]


def good(network: str, shape: tuple[int, ...] = (4,)) -> Graph:
    graph, faults = make(network, shape)
    assert graph is not None, faults
    return graph


def test_a_list_is_a_chain() -> None:
    graph = good("- dense: 5\n- relu\n- dense: 2\n")
    assert [node.name for node in graph.nodes] == ["dense_1", "relu_1", "dense_2"]
    assert [node.inputs for node in graph.nodes] == [(INPUT,), (0,), (1,)]
    assert graph.output == (2,)
    assert graph.parameter_count == 5 * 4 + 5 + 2 * 5 + 2


def test_order_follows_the_file_where_it_can_and_reads_forward_where_it_must() -> None:
    graph = good(
        "- {dense: 4, name: late, inputs: [early]}\n- {dense: 4, name: early, inputs: [input]}\n"
        "- {add: {}, name: sum, inputs: [late, early]}\n"
    )
    assert [node.name for node in graph.nodes] == ["early", "late", "sum"]
    assert graph.nodes[2].inputs == (1, 0)


def test_the_output_is_the_last_that_nobody_reads() -> None:
    graph = good("- {dense: 3, name: out, inputs: [hidden]}\n- {dense: 4, name: hidden, inputs: [input]}\n")
    assert graph.nodes[-1].name == "out"


def test_one_node_read_twice_by_another() -> None:
    graph = good("- {dense: 4, name: a}\n- {add: {}, inputs: [a, a]}\n")
    assert graph.nodes[1].inputs == (0, 0)
    assert graph.readers[0] == (1, 1)


@pytest.mark.parametrize(
    ("following", "expected"),
    [("relu", "he"), ("leaky_relu", "he"), ("tanh", "glorot"), ("sigmoid", "glorot"), ("dropout: 0.5\n- relu", "he")],
)
def test_initializers_suit_the_activation_that_follows(following: str, expected: str) -> None:
    graph = good(f"- dense: 5\n- {following}\n- dense: 2\n")
    assert graph.nodes[0].initializers["W"].type_name == expected
    assert graph.nodes[0].initializers["b"].type_name == "zeros"
    assert graph.nodes[-1].initializers["W"].type_name == "glorot"


def test_an_initializer_that_is_given_stays() -> None:
    graph = good("- dense: {units: 5, init: zeros}\n- relu\n")
    assert graph.nodes[0].initializers["W"].type_name == "zeros"


FAULTS = {
    "cycle": (
        "- {dense: 4, name: a, inputs: [c]}\n- {dense: 4, name: b}\n- {dense: 4, name: c}\n",
        [
            "net.yaml:3:31: network[0].inputs: a cycle: 'a' (line 3), which reads 'c' (line 5), which reads"
            " 'b' (line 4), which reads 'a' (line 3) | a node can read only what comes before it"
        ],
    ),
    "a node that reads itself": (
        "- {dense: 4, name: a, inputs: [a]}\n",
        [
            "net.yaml:3:31: network[0].inputs: a cycle: 'a' (line 3), which reads 'a' (line 3)"
            " | a node can read only what comes before it"
        ],
    ),
    "unknown input": (
        "- {dense: 4, name: stem}\n- {dense: 4, inputs: [stm]}\n",
        [
            "net.yaml:4:23: network[1].inputs[0]: 'dense_2' (line 4) reads 'stm', which no node is called"
            " | did you mean 'stem'?",
            "net.yaml:3:3: network[0]: nobody reads 'stem' (line 3); the output is 'dense_2' (line 4)"
            " | name it in the `inputs` of another node, or remove it",
        ],
    ),
    "dead node": (
        "- {dense: 4, name: a}\n- {dense: 4, name: side}\n- {dense: 2, name: out, inputs: [a]}\n",
        [
            "net.yaml:4:3: network[1]: nobody reads 'side' (line 4); the output is 'out' (line 5)"
            " | name it in the `inputs` of another node, or remove it"
        ],
    ),
    "two nodes of one name": (
        "- {dense: 4, name: a}\n- {relu: {}, name: a}\n",
        ["net.yaml:4:20: network[1].name: two nodes are called 'a' (line 3) | names are how nodes are read and stored"],
    ),
    "shapes that do not meet": (
        "- {dense: 4, name: a}\n- {dense: 3, name: b}\n- {add: {}, inputs: [a, b]}\n",
        None,
    ),
    "too few inputs": (
        "- {dense: 4, name: a}\n- add\n",
        ["net.yaml:4:3: network[1]: add reads at least 2 nodes, not 1 | give them as `inputs: [first, second]`"],
    ),
    "too many inputs": (
        "- {dense: 4, name: a}\n- {dense: 2, inputs: [a, input]}\n",
        ["net.yaml:4:22: network[1].inputs: dense reads 1 node, not 2 | join them first, with `add` or `concat`"],
    ),
    "no inputs": (
        "- {dense: 4, inputs: []}\n",
        [
            "net.yaml:3:22: network[0].inputs: 'dense_1' (line 3) reads nothing"
            " | leave `inputs` out to read the node before"
        ],
    ),
}


@pytest.mark.parametrize("case", FAULTS)
def test_faults(case: str) -> None:
    network, expected = FAULTS[case]
    graph, faults = make(network)
    assert graph is None
    if expected is not None:
        for line in expected:
            assert line in faults
        assert len(faults) == len(expected)


def test_shapes_that_do_not_meet_name_both_nodes_and_both_shapes() -> None:
    _, faults = make(FAULTS["shapes that do not meet"][0])
    (fault,) = faults
    for part in ("net.yaml:5:3", "network[2]", "'a' (line 3) gives [4]", "'b' (line 4) gives [3]"):
        assert part in fault


def test_faults_after_a_faulty_node_are_found_too() -> None:
    _, faults = make(
        "- {dense: 0, name: a}\n- {dense: 2, name: b, inputs: [nowhere]}\n- {dense: 2, name: c, inputs: [b]}\n"
    )
    assert len(faults) == 3
    assert "must be greater than 0" in faults[0]
    assert "nowhere" in " ".join(faults)
    assert "nobody reads 'a'" in " ".join(faults)


@pytest.mark.parametrize("seed", range(20))
def test_any_acyclic_graph_comes_in_order(seed: int) -> None:
    """Random graphs written in random order: every node after what it reads, each exactly once."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 12))
    entries = []
    for index in range(count):
        below = [f"n{other}" for other in range(index)] + ["input"]
        reads = [str(name) for name in rng.choice(below, size=int(rng.integers(2, 4)))]
        entries.append((f"n{index}", reads))
    read = {name for _, reads in entries for name in reads}
    loose = [name for name, _ in entries if name not in read]
    entries.append(("out", loose if len(loose) > 1 else [*loose, "input"]))
    rng.shuffle(entries)  # type: ignore[arg-type]
    graph = good("".join(f"- {{add: {{}}, name: {name}, inputs: [{', '.join(reads)}]}}\n" for name, reads in entries))
    assert sorted(node.name for node in graph.nodes) == sorted(name for name, _ in entries)
    for index, node in enumerate(graph.nodes):
        assert all(source < index for source in node.inputs)
        names = ["input" if source == INPUT else graph.nodes[source].name for source in node.inputs]
        assert names == dict(entries)[node.name]
    assert graph.nodes[-1].name == "out"


def test_parameters_lie_aligned_and_apart_and_those_with_decay_first() -> None:
    graph = good("- dense: 5\n- relu\n- dense: 3\n")
    for itemsize in (4, 8):
        entries, segments, length = graph.table(itemsize)
        taken = np.zeros(length, int)
        for entry in entries:
            assert entry.start * itemsize % 64 == 0
            taken[entry.start : entry.stop] += 1
            (segment,) = (s for s in segments if s.start <= entry.start < s.stop)
            assert entry.stop <= segment.stop
            assert segment.decay == entry.parameter.decay
        assert taken.max() == 1
        assert taken.sum() == graph.parameter_count
