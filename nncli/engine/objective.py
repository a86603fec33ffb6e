"""What a program makes small: one loss, or the weighted sum of several on different outputs of the network."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from nncli.data.dataset import TARGET
from nncli.graph import INPUT, Graph
from nncli.parts import Loss, Shape

INPUT_TARGET = "input"
"""The name of the target that is the network's input itself, as in an autoencoder."""


class Term(NamedTuple):
    """`weight` times the mean of a loss, on the output of the node with this index, against the target of this name.

    `mixed`: while training, each sample belongs to two classes.
    """

    loss: Loss
    node: int
    target: str = TARGET
    weight: float = 1.0
    name: str = "loss"
    mixed: bool = False


Objective: TypeAlias = tuple[Term, ...]


def objective_of(loss: Loss | Objective | None, graph: Graph) -> Objective:
    """One loss as a sum of one term on the last node's output; an objective as it is."""
    if loss is None:
        return ()
    return (Term(loss, len(graph.nodes) - 1),) if isinstance(loss, Loss) else loss


def output_shape(graph: Graph, node: int) -> Shape:
    """Of one sample; INPUT stands for the network's input."""
    return graph.input if node == INPUT else graph.nodes[node].declared.output


def read_by(objective: Objective) -> frozenset[int]:
    """The nodes whose outputs the losses read, INPUT among them where it is a target."""
    found = {term.node for term in objective}
    return frozenset(found | {INPUT} if any(term.target == INPUT_TARGET for term in objective) else found)
