"""What a run will take of memory, known before anything runs, and whether this machine has it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from nncli.data.augmentation import augmentation_bytes
from nncli.engine import Objective, Plan
from nncli.engine.model import memory_bytes, parameter_bytes, program_bytes
from nncli.errors import Fault, UsageError
from nncli.graph import Graph
from nncli.memory import available as available_memory
from nncli.memory import gib
from nncli.parts import Shape
from nncli.spec.config import Config
from nncli.spec.yaml12 import Path as Place
from nncli.training.objective import objective

Needs: TypeAlias = dict[str, int]
"""Bytes, by what takes them."""
At: TypeAlias = Callable[[Place, str, str], Fault]
"""A fault at a place of the configuration, from its message and hint: `Document.fault`."""
PARAMETERS = "parameters and what training keeps of each"
WRITING = "writing a checkpoint"
WRITTEN = 2
"""A checkpoint is in memory so many times while it is written."""
_SHOWN = 0.02
"""Share of the whole from which on a part is told."""


def refuse(what: str, needs: Needs, graphs: Sequence[Graph], at: At, batch: Place) -> int:
    """Bytes needed in all. Raises UsageError where this machine has less, which says what takes how much.

    `what` is what needs them; `batch` is the field that says how large a batch is.
    """
    needed, free = sum(needs.values()), available_memory()
    if free is None or needed <= free:
        return needed
    parts = [f"{name} {gib(size)}" for name, size in needs.items() if size >= _SHOWN * needed]
    message = f"{what} needs {gib(needed)} of memory, {gib(free)} are free: {', '.join(parts)}"
    largest = max(needs, key=lambda name: needs[name])
    if largest not in (PARAMETERS, WRITING):
        raise UsageError(at(batch, message, f"a smaller `{'.'.join(map(str, batch))}` needs less"))
    node = max((node for graph in graphs for node in graph.nodes), key=lambda node: node.parameter_count)
    hint = f"make '{node.name}' smaller: it has {node.parameter_count:,} parameters"
    raise UsageError(at((), message, hint))


def forecast(graph: Graph, plan: Plan, config: Config, n: int) -> int:
    """Bytes of the arrays of training in batches of n samples, without the data and what `diagnose` needs."""
    network = memory_bytes(graph, plan, config.dtype, n, objective(config, graph), vectors_of(config))
    return network + _augmentation(graph, config, n)


def vectors_of(config: Config) -> int:
    """Vectors of the parameters' length that training keeps besides weights and gradients."""
    train = config.train
    return len(config.optimizer.slots()) + (train.ema is not None) + (train.accumulate > 1)


def training_needs(graph: Graph, plan: Plan, config: Config, n: int, measured: int) -> Needs:
    """Of training in batches of n samples, where other splits are measured in batches of `measured` (0: none are)."""
    terms, dtype = objective(config, graph), config.dtype
    step = program_bytes(graph, plan, dtype, n, terms)
    needs = {
        PARAMETERS: parameter_bytes(graph, dtype, 1 + plan.shards + vectors_of(config)),
        f"a batch of {n}": step + _augmentation(graph, config, n),
    }
    if measured:
        needs |= _beyond(
            step, f"measuring in batches of {measured}", program_bytes(graph, plan, dtype, measured, terms, False)
        )
    if config.diagnose is not None:
        needs["looking into the network"] = memory_bytes(graph, plan, dtype, n, terms, 0)
    stored = 1 + len(config.optimizer.slots()) + (config.train.ema is not None)
    needs[WRITING] = WRITTEN * parameter_bytes(graph, dtype, stored)
    return needs


def evaluation_needs(graph: Graph, plan: Plan, dtype: DTypeLike, terms: Objective | None, n: int) -> Needs:
    """Of running a network in batches of n samples: its weights are in memory twice, as read and as used."""
    return {
        PARAMETERS: parameter_bytes(graph, dtype, 2),
        f"a batch of {n}": program_bytes(graph, plan, dtype, n, terms, False),
    }


def probe_needs(graph: Graph, plan: Plan, dtype: DTypeLike, terms: Objective, n: int) -> Needs:
    """Of one training step on n samples that is looked at."""
    return {
        PARAMETERS: parameter_bytes(graph, dtype, 1 + plan.shards),
        f"a batch of {n}": program_bytes(graph, plan, dtype, n, terms) + _sample(graph.input, n),
    }


def check_needs(graph: Graph, plan: Plan, terms: Objective, n: int) -> Needs:
    """Of `gradcheck` with n samples, in float64: a step of the program with a copy of every array, and every node again
    with arrays of its own."""
    values = [graph.input, *(node.declared.output for node in graph.nodes)]
    arrays = sum(_sample(shape, n) for shape in values)
    return {
        PARAMETERS: parameter_bytes(graph, np.float64, 4 + plan.shards),
        f"a batch of {n}": program_bytes(graph, plan, np.float64, n, terms) + 6 * arrays,
    }


def _augmentation(graph: Graph, config: Config, n: int) -> int:
    steps = config.data.augment if config.data is not None else ()
    return augmentation_bytes(steps, graph.input, n, config.dtype)


def _beyond(step: int, name: str, size: int) -> Needs:
    """Programs use one block in turn; one that needs more gets another, and the first stays."""
    return {name: size} if size > step else {}


def _sample(shape: Shape, n: int) -> int:
    return math.prod(shape) * n * 8
