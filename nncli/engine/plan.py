"""How a network is worked through on this machine: shards, BLAS threads, and what each layer chose.

A plan follows from shapes and the number of threads alone, so that one seed gives the same bytes each time; it is
stored in the checkpoint and used again when a run is resumed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nncli.graph import Graph

SMALL_STEP = 40e6
"""FLOPs of a step below which threads cost more than they give (0.4 ms on the machine of `performance.md`)."""
REUSE = 8
"""A node re-uses its weights if it does this many times more operations than one product with them needs."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`shards` parts of a batch, each worked through by one thread with `blas` threads inside a matrix product.

    `nodes` holds the choices of the layers that have some (algorithm, block sizes), by node name.
    """

    shards: int = 1
    blas: int = 1
    nodes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def describe(self) -> str:
        """One line for people."""
        shards = f"{self.shards} shards" if self.shards > 1 else "1 shard"
        return f"{shards}, {self.blas} BLAS thread{'s'[: self.blas != 1]}"


def processors() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def make_plan(graph: Graph, n: int, itemsize: int, threads: int | None = None) -> Plan:
    """The plan for batches of n samples with at most `threads` threads (None: all processors).

    Measured on two cores: small networks are fastest on one thread; those whose work is one large product per layer
    with BLAS's own threads; those that re-use their weights over many positions with a shard for each thread.
    """
    threads = threads or processors()
    flops = 3 * graph.flops * n
    shards = blas = 1
    if threads > 1 and n > 1 and flops > SMALL_STEP:
        reused = sum(
            node.declared.flops for node in graph.nodes if node.declared.flops > 2 * REUSE * node.parameter_count
        )
        if 2 * reused > graph.flops:
            shards = min(threads, n)
        else:
            blas = threads
    return plan_with(graph, n, itemsize, shards, blas)


def plan_with(graph: Graph, n: int, itemsize: int, shards: int, blas: int) -> Plan:
    """The plan with so many shards and BLAS threads; the layers choose for them."""
    part = -(-n // shards)
    nodes = {node.name: dict(node.layer.choose(node.shapes, part, itemsize)) for node in graph.nodes}
    return Plan(shards, blas, {name: chosen for name, chosen in nodes.items() if chosen})


def split(n: int, shards: int) -> list[int]:
    """Sizes of the shards of a batch: as equal as can be, the larger first, none empty."""
    shards = min(shards, n)
    return [n // shards + (index < n % shards) for index in range(shards)]
