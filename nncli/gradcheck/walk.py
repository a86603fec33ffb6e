"""A graph worked through plainly: every node alone, with memory of its own, one after the other."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np

from nncli.engine import Objective, Plan, Term
from nncli.engine.objective import INPUT_TARGET
from nncli.gradcheck.alone import Alone, AloneLoss
from nncli.graph import INPUT, Graph
from nncli.parts import Array
from nncli.randomness import uniform


class Walk:
    """The forward pass of a batch (x (*input, n), targets as the losses take them), without the engine.

    Nothing is shared, fused or computed in place. Random layers draw what a program of the same seed draws at epoch 0,
    step 0. `values` are the outputs by node index, x itself under INPUT; `cells` hold each node ready to run, `ends`
    each loss of the objective.
    """

    def __init__(
        self,
        graph: Graph,
        parameters: Mapping[str, Mapping[str, Array]],
        plan: Plan,
        objective: Objective,
        x: Array,
        targets: Mapping[str, Array],
        seed: int,
    ) -> None:
        self.graph, self.objective = graph, objective
        self.values: dict[int, Array] = {INPUT: x}
        self.cells: list[Alone] = []
        for index, node in enumerate(graph.nodes):
            cell = Alone(
                node.layer,
                *node.shapes,
                n=x.shape[-1],
                dtype=x.dtype,
                x=[self.values[source].copy() for source in node.inputs],
                p={name: array.copy() for name, array in parameters.get(node.owner, {}).items()},
                plan=plan.nodes.get(node.name, {}),
                evaluating=node.frozen,
                frozen=not node.trainable,
                uniform=functools.partial(uniform, seed, node.name, 0, 0, 0),
            )
            self.cells.append(cell)
            self.values[index] = cell.forward()
        self.ends = [AloneLoss(term.loss, self.values[term.node], self._target(term, targets)) for term in objective]
        self.loss = float(self._total())

    def _target(self, term: Term, targets: Mapping[str, Array]) -> Array:
        return (
            self.values[INPUT].reshape(self.values[term.node].shape)
            if term.target == INPUT_TARGET
            else targets[term.target]
        )

    def _total(self) -> Array:
        return np.asarray(sum(term.weight * end.forward() for term, end in zip(self.objective, self.ends, strict=True)))

    def loss_from(self, start: int) -> Array:
        """The mean loss with the arrays of the cell `start` as they are now; only what depends on it is done again."""
        changed = {start: self.cells[start].compute()}
        for index in range(start + 1, len(self.graph.nodes)):
            node, cell = self.graph.nodes[index], self.cells[index]
            if any(source in changed for source in node.inputs):
                kept = cell.x
                cell.x = [changed.get(source, x) for source, x in zip(node.inputs, kept, strict=True)]
                changed[index] = cell.compute()
                cell.x = kept
        outputs = [end.x for end in self.ends]
        for term, end in zip(self.objective, self.ends, strict=True):
            end.x = changed.get(term.node, end.x)
        loss = self._total()
        for end, output in zip(self.ends, outputs, strict=True):
            end.x = output
        return loss


class Through:
    """A node's arrays, and the loss of the whole network as the only output.

    Its gradients are those that the program gave, so this checks all that lies between the node and the loss.
    """

    def __init__(self, walk: Walk, index: int, gradients: Mapping[str, Array]) -> None:
        self.walk, self.index, self._gradients = walk, index, gradients
        self.c: Array = np.ones(())

    @property
    def terms(self) -> float:
        return max(term.weight * end.terms for term, end in zip(self.walk.objective, self.walk.ends, strict=True))

    @property
    def values(self) -> Mapping[str, Array]:
        return self.walk.cells[self.index].values

    def forward(self) -> Array:
        return self.walk.loss_from(self.index)

    def gradients(self, c: Array | None = None) -> Mapping[str, Array]:
        return self._gradients

    def axes(self, name: str) -> tuple[str, ...]:
        return self.walk.cells[self.index].axes(name)


@contextmanager
def arriving(cell: Alone, dy: Array) -> Iterator[Alone]:
    """The node with dL/dy as the error of its outputs."""
    kept, cell.c = cell.c, dy
    try:
        yield cell
    finally:
        cell.c = kept
