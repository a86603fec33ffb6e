"""Networks for the engine's tests, and batches to run them on."""

from __future__ import annotations

from typing import Any

import numpy as np

from nncli.engine import Model, Plan, Program
from nncli.engine.shard import Shard
from nncli.graph import Graph, build
from nncli.parts import Array
from nncli.spec import Loaded, read_text

HEAD = "loss: softmax_cross_entropy\nmetrics: [accuracy]\n"

TEXTS = {
    "chain": "network: [{dense: 7}, relu, {dense: 5}, tanh, {dense: 3}]",
    "views": """
network: [{conv2d: {filters: 4, kernel: 3, padding: same}}, relu, {max_pool2d: 2}, flatten, {dropout: 0.3}, {dense: 3}]
""",
    "residual": """
network:
  - {conv2d: {filters: 4, kernel: 3, padding: same}, name: stem}
  - relu
  - {conv2d: {filters: 4, kernel: 3, padding: same}, name: branch}
  - {add: {}, inputs: [stem, branch]}
  - relu
  - {conv2d: {filters: 2, kernel: 1}, name: a}
  - {sigmoid: {}, name: b, inputs: [a]}
  - {concat: {}, inputs: [a, b, b], name: joined}
  - {avg_pool2d: 2}
  - flatten
  - {dense: 3}
""",
    "fan": """
network:
  - {flatten: {}, name: flat}
  - {dense: 6, name: one, inputs: [flat]}
  - {relu: {}, name: r}
  - {leaky_relu: 0.1, name: l, inputs: [one]}
  - {add: {}, inputs: [r, l, one, r]}
  - {dense: 3, name: out}
""",
    "twice": """
network:
  - {flatten: {}, name: flat}
  - {dense: 3, name: one}
  - {add: {}, inputs: [one, one], name: doubled}
  - tanh
""",
    "own weights": """
network:
  - {locally_connected2d: {filters: 3, kernel: 3, padding: same}, name: local}
  - hard_tanh
  - gain
  - {prelu: {}, name: p}
  - {gelu: {}, name: q}
  - {add: {}, inputs: [p, q]}
  - {learned_pool2d: {size: 2, weights: per_position}}
  - {gaussian_noise: 0.1}
  - silu
  - learned_pool2d
  - flatten
  - {dense: 5}
  - hard_swish
  - {dense: 4}
  - selu
  - {alpha_dropout: 0.2}
  - {dense: 3}
""",
    "parallel views": """
network:
  - {conv2d: {filters: 3, kernel: 3}, name: c}
  - {flatten: {}, name: f, inputs: [c]}
  - {relu: {}, name: r, inputs: [c]}
  - {flatten: {}, name: g, inputs: [r]}
  - {concat: {}, inputs: [f, g]}
  - {dense: 3, name: out}
""",
}
SHAPES = {"chain": (6,)}


def loaded(name: str) -> Loaded:
    return read_text(HEAD + TEXTS[name], f"{name}.yaml")


def graph(name: str, shape: tuple[int, ...] | None = None) -> Graph:
    read = loaded(name)
    faults = list(read.faults)
    made = build(read.config.network, shape or SHAPES.get(name, (1, 6, 6)), read.document, faults)
    assert made is not None, faults
    return made


def model(
    name: str, shards: int = 1, dtype: Any = np.float64, loss: str = "softmax_cross_entropy", seed: int = 0
) -> Model:
    from nncli import registry

    made = graph(name)
    nodes = {node.name: dict(node.layer.choose(node.shapes, 4, np.dtype(dtype).itemsize)) for node in made.nodes}
    model = Model(made, Plan(shards, 1, nodes), dtype, registry.loss[loss](), seed)
    model.parameters.initialize(made, seed)
    rng = np.random.default_rng(5)
    for entry in model.parameters.entries:  # biases begin at zero, where faults hide
        if not entry.parameter.decay:
            model.parameters.views[entry.node][entry.name][...] = rng.normal(size=entry.parameter.shape)
    return model


class Batch:
    """n random samples and their targets, to be loaded shard by shard."""

    def __init__(self, graph: Graph, n: int, dtype: Any, seed: int = 1) -> None:
        rng = np.random.default_rng(seed)
        self.x: Array = rng.normal(size=(*graph.input, n)).astype(dtype)
        self.t: Array = rng.integers(graph.output[0], size=n)

    def __call__(self, shard: Shard) -> None:
        shard.x[...] = self.x[..., shard.start : shard.start + shard.n]
        shard.t[...] = self.t[shard.start : shard.start + shard.n]


def gradient(model: Model, program: Program) -> Array:
    """Of the batch that the program has just run: that of its shards, added."""
    return sum(model.gradients[1 : len(program.shards)], model.gradients[0].copy())
