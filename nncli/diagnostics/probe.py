"""A step of a model, watched call by call: arrays share memory, so each is looked at right after it was written."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from nncli.diagnostics.figures import INPUT_NAME, NodeFigures, ParameterFigures, Probe
from nncli.engine import Model
from nncli.engine.shard import Shard
from nncli.engine.wiring import Mode
from nncli.graph import INPUT, Graph
from nncli.parts import Array

BLOCK = 1 << 17
"""Numbers that are looked at together: 1 MiB of float64."""


def probe(model: Model, n: int, load: Callable[[Shard], None], epoch: int = 0, step: int = 0) -> Probe:
    """The figures of a training step on a batch of n samples, at the model's parameters.

    Dropout and the like draw the noise of this epoch and step. Nothing of the model changes: gradients go to vectors of
    their own, and what layers keep without training it is put back. Activations are not fused into the nodes before
    them, so that every node has its figures.
    """
    program, gradients = model.apart(n, fuse=False)
    state = model.parameters.state
    kept = {node: {name: array.copy() for name, array in arrays.items()} for node, arrays in state.items()}
    watches = [_Watch(model.graph, shard) for shard in program.shards]

    def job(index: int) -> None:
        watches[index].follow(load, epoch, step)

    program.workers.run(job, len(watches))
    for node, arrays in kept.items():
        for name, array in arrays.items():
            state[node][name][...] = array
    with np.errstate(all="ignore"):
        for other in gradients[1 : len(watches)]:
            gradients[0] += other
        parameters = _parameters(model, gradients[0])
        nodes = [
            _node(index, model.graph, [watch.seen[index] for watch in watches], program.weight, n, parameters)
            for index in range(INPUT, len(model.graph.nodes))
        ]
    return Probe(n, tuple(nodes))


@dataclass
class _Seen:
    """What one shard saw of a node, in float64. Arrays have one entry for each number of a sample.

    mean, square    of the number over the samples: the mean, and the sum of squared distances from it
    flat            whether it lay in the flat part of its activation for all of them; `outside` counts all that did
    error           the sum of squares of dL/dy
    """

    n: int
    mean: Array
    square: Array
    flat: Array | None = None
    outside: int = 0
    error: float | None = None

    @classmethod
    def of(cls, y: Array, bounds: tuple[float, float] | None) -> _Seen:
        rows = y.reshape(-1, y.shape[-1])
        n = rows.shape[1]
        seen = cls(n, np.empty(len(rows)), np.empty(len(rows)))
        seen.flat = np.empty(len(rows), bool) if bounds is not None else None
        height = max(1, BLOCK // n)
        for start in range(0, len(rows), height):
            part = slice(start, start + height)
            block = rows[part].astype(np.float64)
            if bounds is not None and seen.flat is not None:
                outside = (rows[part] <= bounds[0]) | (rows[part] >= bounds[1])
                seen.flat[part] = outside.all(axis=1)
                seen.outside += int(np.count_nonzero(outside))
            seen.mean[part] = block.mean(axis=1)
            block -= seen.mean[part, None]
            seen.square[part] = np.einsum("ij,ij->i", block, block)
        return seen

    def joined(self, other: _Seen) -> _Seen:
        """With that of another shard (Chan, Golub & LeVeque 1983, "Algorithms for computing the sample variance")."""
        n = self.n + other.n
        distance = other.mean - self.mean
        mean = self.mean + distance * (other.n / n)
        square = self.square + other.square + distance**2 * (self.n * other.n / n)
        flat = self.flat & other.flat if self.flat is not None and other.flat is not None else None
        error = self.error + other.error if self.error is not None and other.error is not None else None
        return _Seen(n, mean, square, flat, self.outside + other.outside, error)


class _Watch:
    """Follows a shard through a step."""

    def __init__(self, graph: Graph, shard: Shard) -> None:
        self.graph, self.shard = graph, shard
        self.seen: dict[int, _Seen] = {}
        wiring = shard.wiring
        self.views: dict[int, list[int]] = {}
        for index, mode in wiring.mode.items():
            if mode is Mode.VIEW:
                self.views.setdefault(wiring.writer[index], []).append(index)

    def follow(self, load: Callable[[Shard], None], epoch: int, step: int) -> None:
        def loaded(shard: Shard) -> None:
            load(shard)
            self._look(INPUT, shard.x)

        for kind, index, what in self.shard.calls(loaded, epoch, step):
            if kind == "forward":
                self._look(index, what.y)
            elif kind == "arrived":
                dy = what.dy.reshape(-1, self.shard.n)
                height = max(1, BLOCK // self.shard.n)
                blocks = (dy[start : start + height].astype(np.float64) for start in range(0, len(dy), height))
                self.seen[index].error = math.fsum(float(np.einsum("ij,ij->", block, block)) for block in blocks)

    def _look(self, index: int, y: Array) -> None:
        """At what a node wrote, and at the views of it, which have no calls."""
        bounds = None if index == INPUT else self.graph.nodes[index].layer.flat()
        self.seen[index] = _Seen.of(y, bounds)
        for view in self.views.get(index, ()):
            self.seen[view] = _Seen.of(self.shard.frames[view].y, None)


def _parameters(model: Model, gradient: Array) -> dict[str, dict[str, ParameterFigures]]:
    views = model.parameters.views_of(gradient)
    found: dict[str, dict[str, ParameterFigures]] = {}
    for node, arrays in model.parameters.views.items():
        found[node] = {name: ParameterFigures(_norm(views[node][name]), _norm(w)) for name, w in arrays.items()}
    return found


def _norm(array: Array) -> float:
    flat = array.ravel().astype(np.float64)
    return math.sqrt(float(np.dot(flat, flat)))


def _node(
    index: int,
    graph: Graph,
    parts: Sequence[_Seen],
    weight: float,
    n: int,
    parameters: dict[str, dict[str, ParameterFigures]],
) -> NodeFigures:
    seen = parts[0]
    for other in parts[1:]:
        seen = seen.joined(other)
    size = len(seen.mean)
    mean = float(seen.mean.mean())
    signal = float(seen.square.mean()) / n
    between = float(np.square(seen.mean - mean).mean())
    if index == INPUT:
        return NodeFigures(INPUT_NAME, mean, signal + between, signal)
    node = graph.nodes[index]
    bounds, dead, saturated = node.layer.flat(), None, None
    if bounds is not None and seen.flat is not None:
        dead = float(seen.flat.reshape(node.declared.output[0], -1).all(axis=1).mean())
        saturated = seen.outside / (size * n) if all(map(math.isfinite, bounds)) else None
    # dL/dy is that of the batch's mean: a sample's own is larger by what the sum of losses was divided by.
    gradient = None if seen.error is None else weight * math.sqrt(seen.error / n)
    return NodeFigures(
        node.name, mean, signal + between, signal, dead, saturated, gradient, parameters.get(node.name, {})
    )
