"""A graph made ready to run for one batch size: the frames of every node and shard, and the order of calls."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from nncli.engine.layout import Arena
from nncli.engine.objective import Objective, objective_of, read_by
from nncli.engine.parameters import Form
from nncli.engine.plan import Plan, split
from nncli.engine.shard import Call, Shard
from nncli.engine.trace import Trace
from nncli.engine.wiring import Wiring
from nncli.engine.workers import ShardSum, Workers
from nncli.graph import Graph
from nncli.parts import Array, Loss

Each = Callable[[Shard], None]
"""Something done with a shard, in the shard's thread."""


class Program:
    """Forward and, when `training`, backward for batches of n samples.

    `parameters` may be no more than their form, as long as only memory is asked for. `gradients` are vectors like that
    of the parameters, one for each shard; without them parameters are frozen.
    `input_gradient` asks for dL/dx too. Without `fuse` every activation has a call of its own. Programs that share an
    `arena` are run in turn, never together.

    Shapes: `shards[k].x` (*input, nₖ), `.t` (nₖ,) class numbers or (*output, nₖ) values, `.y` (*output, nₖ); samples
    `start` … `start + nₖ` of the batch.
    """

    def __init__(
        self,
        graph: Graph,
        parameters: Form,
        n: int,
        plan: Plan,
        *,
        training: bool,
        loss: Loss | Objective | None = None,
        gradients: list[Array] | None = None,
        arena: Arena | None = None,
        workers: Workers | None = None,
        seed: int = 0,
        input_gradient: bool = False,
        fuse: bool = True,
    ) -> None:
        self.graph, self.n, self.training = graph, n, training
        self.objective = objective_of(loss, graph)
        self.losses: tuple[float, ...] = ()
        """The mean of each loss over the last batch."""
        self.dtype: np.dtype[Any] = parameters.dtype
        sizes = split(n, plan.shards)
        self.workers = workers or Workers(len(sizes))
        self._sum = ShardSum(len(sizes))
        reads = read_by(self.objective)
        outputs = [term.node for term in self.objective] or None
        wiring = Wiring(graph, training, input_gradient, fuse, outputs, reads)
        shards = []
        for index, size in enumerate(sizes):
            gradient = parameters.views_of(gradients[index]) if gradients is not None and training else None
            start = sum(sizes[:index])
            shard = Shard(
                graph, wiring, parameters, plan, index, size, start, n, training, self.objective, gradient, seed
            )
            shard.total = self._sum.bound(index)
            shards.append(shard)
        self.shards = tuple(shards)
        self.block_bytes = sum([shard.place() for shard in self.shards])
        self.memory_bytes = self.block_bytes + sum(shard.bytes_beside for shard in self.shards)
        self._arena = arena or Arena()

    def allocate(self) -> Program:
        """Take memory and make every frame; to be called once, before the program is run."""
        block = self._arena.reserve(self.block_bytes)
        offset = 0
        for shard in self.shards:
            shard.make(block[offset : offset + shard.bytes])
            offset += shard.bytes
        return self

    def run(self, load: Each | None = None, epoch: int = 0, step: int = 0, measure: Each | None = None) -> float:
        """One batch: `load` fills x and t of each shard, `measure` sees y and t; returns the mean loss (0 without one).

        `epoch` and `step` (from 0) key the random numbers of this batch.
        """

        def job(index: int) -> tuple[float, ...]:
            return self.shards[index].run(load, epoch, step, measure)

        sums = self._together(job)
        columns = zip(*sums, strict=True)
        self.losses = tuple(math.fsum(column) / weight for column, weight in zip(columns, self.weights, strict=True))
        return math.fsum(term.weight * loss for term, loss in zip(self.objective, self.losses, strict=True))

    def forward(self, load: Each | None = None, epoch: int = 0, step: int = 0) -> None:
        """The first half of a step without a loss: afterwards `y` of each shard is there, and `dy` is to be written.

        Nothing of the program may run in between but `backward`; programs with another arena may.
        """
        self._together(lambda index: self.shards[index].forward(load, epoch, step))

    def backward(self) -> None:
        """The second half: from `dy` of each shard to gradients, and to `dx` where the program was asked for it."""
        self._together(lambda index: self.shards[index].backward())

    def _together(self, work: Callable[[int], Any]) -> list[Any]:
        """The results of all shards; where one fails, those that wait for it give up."""

        def job(index: int) -> Any:
            try:
                return work(index)
            except BaseException:
                self._sum.abort()
                raise

        try:
            return self.workers.run(job, len(self.shards))
        except BaseException:
            self._sum.reset()
            raise

    @property
    def weights(self) -> tuple[float, ...]:
        """What the sums of the last batch's losses were divided by: its samples, unless a loss weighs them."""
        return self.shards[0].weights

    @property
    def weight(self) -> float:
        """That of the first loss; without one the number of samples."""
        return self.weights[0] if self.objective else float(self.n)

    def first_nonfinite(self, load: Each | None, epoch: int, step: int) -> tuple[str, str] | None:
        """Run the batch again and name the first node that gives something not finite, and what: its output, its
        error or a parameter's gradient. None where all is finite."""

        def job(index: int) -> list[tuple[int, str, str]]:
            # to the end, because other shards may wait for this one
            calls = enumerate(self.shards[index].calls(load, epoch, step))
            found = [(moment, call.node, what) for moment, call in calls if (what := _not_finite(call))]
            return [(moment, self.graph.nodes[node].name, what) for moment, node, what in found[:1]]

        found = [item for items in self.workers.run(job, len(self.shards)) for item in items]
        if not found:
            return None
        _, node, what = min(found)
        return node, what

    def trace(self, load: Each | None = None, epoch: int = 0, step: int = 0) -> Trace:
        """Run one batch and keep a copy of every array on the way. Allocates by batch size: for checks."""

        def job(index: int) -> Trace:
            return Trace.of(self.shards[index].calls(load, epoch, step))

        return Trace.joined(self.workers.run(job, len(self.shards)), self.objective, self.weights)


def _not_finite(call: Call) -> str:
    """What of a call's results is infinite or NaN; empty where nothing is."""
    arrays: list[tuple[str, Any]] = []
    if call.kind == "forward":
        arrays = [("output", call.what.y)]
    elif call.kind == "loss":
        arrays = [("loss", call.what)]
    elif call.kind == "loss error":
        arrays = [("error from the loss", call.what)]
    elif call.kind == "backward":
        arrays = [("gradient", g) for g in (call.what.g or {}).values()]
        arrays += [("error", dx) for dx in call.what.dxs if dx is not None]
    return next((name for name, array in arrays if not np.isfinite(array).all()), "")
