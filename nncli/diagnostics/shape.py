"""What of a graph's shape matters for how signals travel through it."""

from __future__ import annotations

import math

import numpy as np

from nncli import registry
from nncli.diagnostics.figures import ParameterFigures
from nncli.graph import INPUT, Graph, Node


def weighted(node: Node) -> bool:
    """Whether a node multiplies by weights: it has parameters that weight decay applies to."""
    return any(parameter.decay for parameter in node.declared.parameters.values())


def trunk(graph: Graph) -> list[int]:
    """The nodes that every path from the input to the output goes through, in order.

    What a branch loses beside them, others carry: only here can a signal be lost for good. Nodes stand in the order of
    a sort and all lead to the output, so a node is passed by exactly where an edge reaches from before it to behind it.
    """
    found = []
    reach = max(graph.readers[INPUT])
    for index in range(len(graph.nodes)):
        if reach <= index:
            found.append(index)
        reach = max(reach, *graph.readers[index], index)
    return found


def depths(graph: Graph) -> dict[int, int]:
    """Of each node, the largest number of nodes with weights on a path from the input to it, itself included."""
    depth = {INPUT: 0}
    for index, node in enumerate(graph.nodes):
        depth[index] = max(depth[source] for source in node.inputs) + weighted(node)
    return depth


def weights_before(graph: Graph, index: int) -> int | None:
    """The nearest node with weights before this one, along first inputs."""
    while (index := graph.nodes[index].inputs[0]) != INPUT:
        if weighted(graph.nodes[index]):
            return index
    return None


def activation_after(graph: Graph, index: int) -> Node | None:
    """The activation that the output of a node reaches first, which says what weights suit it."""
    for reader in graph.readers[index]:
        suits = graph.nodes[reader].layer.traits.suits
        if suits == "pass":
            return activation_after(graph, reader)
        if suits is not None:
            return graph.nodes[reader]
    return None


def suited(graph: Graph, index: int) -> str:
    """The initializer that suits the weights of a node."""
    after = activation_after(graph, index)
    return "glorot" if after is None else str(after.layer.traits.suits)


def unsuited(graph: Graph, index: int) -> bool:
    """Whether a node starts from weights of another kind than suit the activation after it."""
    node = graph.nodes[index]
    if activation_after(graph, index) is None:
        return False
    kinds = {node.initializers[name].type_name for name, p in node.declared.parameters.items() if p.decay}
    return kinds != {suited(graph, index)}


def size(graph: Graph, index: int, parameters: dict[str, ParameterFigures]) -> float:
    """How many times larger the weights of a node are than the initializer that suits it makes them."""
    node = graph.nodes[index]
    wanted = registry.initializer[suited(graph, index)]()
    rng = np.random.default_rng(0)
    squares = [0.0, 0.0]
    for name, parameter in node.declared.parameters.items():
        if parameter.decay:
            squares[0] += parameters[name].weights ** 2
            squares[1] += float(np.square(wanted.draw(rng, parameter)).sum())
    return math.sqrt(squares[0] / squares[1]) if squares[1] else 1.0
