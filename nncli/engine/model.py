"""A graph with its parameters, and the programs that run it at the batch sizes that come up."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from nncli.engine.layout import Arena
from nncli.engine.objective import Objective, objective_of
from nncli.engine.parameters import Form, Parameters
from nncli.engine.plan import Plan
from nncli.engine.program import Program
from nncli.engine.workers import Workers
from nncli.graph import Graph
from nncli.parts import Array, Loss


class Model:
    """Parameters, one gradient vector for each shard, and programs made when first needed.

    Raises MemoryError where there is not enough memory.
    """

    def __init__(
        self, graph: Graph, plan: Plan, dtype: DTypeLike, loss: Loss | Objective | None = None, seed: int = 0
    ) -> None:
        self.graph, self.plan, self.seed = graph, plan, seed
        self.objective = objective_of(loss, graph)
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.parameters = Parameters(graph, dtype)
        self.gradients: list[Array] = []
        self.workers = Workers(plan.shards)
        self._arena = Arena()
        self._programs: dict[tuple[int, bool, bool], Program] = {}

    def program(self, n: int, training: bool, frozen: bool = False) -> Program:
        """The program for batches of n samples.

        A `frozen` one works as in training but leaves parameters, their gradients and what is kept with nodes as they
        are; it gives dL/dx of the network's input.
        """
        found = self._programs.get((n, training, frozen))
        if found is None:
            if training and not frozen and not self.gradients:
                self.gradients = [self.parameters.vector() for _ in range(self.plan.shards)]
            found = Program(
                self.graph,
                self.parameters.held() if frozen else self.parameters,
                n,
                self.plan,
                training=training,
                loss=self.objective,
                gradients=self.gradients if training and not frozen else None,
                arena=self._arena,
                workers=self.workers,
                seed=self.seed,
                input_gradient=frozen,
            ).allocate()
            self._programs[n, training, frozen] = found
        return found

    def apart(self, n: int, **options: Any) -> tuple[Program, list[Array]]:
        """A training program with memory of its own, to look at, and the gradients of its shards.

        `options` are more of the program's.
        """
        gradients = [self.parameters.vector() for _ in range(self.plan.shards)]
        program = Program(
            self.graph,
            self.parameters,
            n,
            self.plan,
            training=True,
            loss=self.objective,
            gradients=gradients,
            workers=self.workers,
            seed=self.seed,
            **options,
        ).allocate()
        return program, gradients

    def limits(self) -> AbstractContextManager[Any]:
        """While it is entered, BLAS uses the plan's number of threads."""
        from threadpoolctl import threadpool_limits

        return threadpool_limits(limits=self.plan.blas, user_api="blas")  # type: ignore[no-any-return]

    def close(self) -> None:
        self.workers.close()


def program_bytes(
    graph: Graph, plan: Plan, dtype: DTypeLike, n: int, loss: Loss | Objective | None, training: bool = True
) -> int:
    """What the arrays of a batch of n samples take; nothing is taken to find out."""
    form, workers = Form(graph, dtype), Workers(1)
    return Program(graph, form, n, plan, training=training, loss=loss, workers=workers).memory_bytes


def parameter_bytes(graph: Graph, dtype: DTypeLike, vectors: int) -> int:
    """What so many vectors of the parameters' length take, and what is kept with nodes besides."""
    form = Form(graph, dtype)
    states = sum(math.prod(state.shape) for node in graph.nodes for state in node.declared.state.values())
    return vectors * form.nbytes + states * form.dtype.itemsize


def memory_bytes(graph: Graph, plan: Plan, dtype: DTypeLike, n: int, loss: Loss | Objective | None, slots: int) -> int:
    """What training with batches of n samples will take: parameters, gradients, an optimizer's `slots`, and arrays."""
    vectors = 1 + plan.shards + slots
    return program_bytes(graph, plan, dtype, n, loss) + parameter_bytes(graph, dtype, vectors)
