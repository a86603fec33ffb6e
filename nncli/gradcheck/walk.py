"""A graph worked through plainly: every node alone, with memory of its own, one after the other."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np

from nncli.engine import Plan
from nncli.gradcheck.alone import Alone, AloneLoss
from nncli.graph import INPUT, Graph
from nncli.parts import Array, Loss
from nncli.randomness import uniform


class Walk:
    """The forward pass of a batch (x (*input, n), t as the loss takes it), without the engine.

    Nothing is shared, fused or computed in place. Random layers draw what a program of the same seed draws at epoch 0,
    step 0. `values` are the outputs by node index, x itself under INPUT; `cells` hold each node ready to run.
    """

    def __init__(
        self,
        graph: Graph,
        parameters: Mapping[str, Mapping[str, Array]],
        plan: Plan,
        loss: Loss,
        x: Array,
        t: Array,
        seed: int,
    ) -> None:
        self.graph = graph
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
        self.end = AloneLoss(loss, self.values[len(graph.nodes) - 1], t)
        self.loss = float(self.end.forward())

    def loss_from(self, start: int) -> Array:
        """The mean loss with the arrays of the cell `start` as they are now; only what depends on it is done again."""
        changed = {start: self.cells[start].forward()}
        for index in range(start + 1, len(self.graph.nodes)):
            node, cell = self.graph.nodes[index], self.cells[index]
            if any(source in changed for source in node.inputs):
                kept = cell.x
                cell.x = [changed.get(source, x) for source, x in zip(node.inputs, kept, strict=True)]
                changed[index] = cell.forward()
                cell.x = kept
        kept_x = self.end.x
        self.end.x = changed[len(self.graph.nodes) - 1]
        loss = self.end.forward()
        self.end.x = kept_x
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
        return self.walk.end.terms

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
