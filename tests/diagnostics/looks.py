"""Networks to look into, and a look at them on standardized random numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from nncli.diagnostics import Finding, Probe, judge, probe
from nncli.engine import Model, Plan
from nncli.graph import Graph, build
from nncli.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from nncli.parts import Array
from nncli.spec import read_text
from tests.engine.networks import Batch

SHAPE = (64,)


def chain(activation: str, layers: int, units: int = 128, extra: str = "") -> str:
    """So many dense layers, each with its activation, and one more."""
    hidden = f"{{dense: {{units: {units}{extra}}}}}, {activation}, " * layers
    return f"network: [{hidden}{{dense: 10}}]"


def model(text: str, shape: tuple[int, ...] = SHAPE, dtype: Any = np.float32, shards: int = 1, seed: int = 0) -> Model:
    """At its initial weights."""
    read = read_text("loss: softmax_cross_entropy\n" + text, "network.yaml")
    faults = list(read.faults)
    graph = build(read.config.network, shape, read.document, faults)
    assert graph is not None, faults
    made = Model(graph, Plan(shards), dtype, SoftmaxCrossEntropy(), seed)
    made.parameters.initialize(graph, seed)
    return made


def scaled(made: Model, factor: float) -> Model:
    """With all weights so many times as large."""
    for segment in made.parameters.segments:
        if segment.decay:
            made.parameters.w[segment.start : segment.stop] *= factor
    return made


def look(made: Model, n: int = 128, x: Array | None = None, start: bool = True) -> tuple[Probe, list[Finding]]:
    batch = Batch(made.graph, n, made.dtype)
    if x is not None:
        batch.x = x
    seen = probe(made, n, batch)
    return seen, judge(made.graph, seen, start)


def kinds(made: Model, **options: Any) -> set[str]:
    return {finding.kind for finding in look(made, **options)[1]}


__all__ = ["SHAPE", "Graph", "chain", "kinds", "look", "model", "scaled"]
