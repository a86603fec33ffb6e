"""Checks backpropagation of a whole network: each node against the error that arrives at it, and all of it together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from nncli.engine import Model, Program
from nncli.engine.shard import Shard
from nncli.engine.trace import Trace
from nncli.gradcheck.alone import Alone, AloneLoss, input_name
from nncli.gradcheck.check import LIMIT, Finding, Options, Subject, Verdict, check_array
from nncli.gradcheck.numeric import EPS
from nncli.gradcheck.walk import Through, Walk, arriving
from nncli.gradcheck.witness import Witness, disagreements
from nncli.graph import INPUT
from nncli.parts import Array

SAME = 1e-10
"""Largest difference, as part of the largest value, between a node in the program and alone. Only rounding differs."""
QUICK = Options(directions=1, tries=3, small=8, width=1e-6, sure=1e-6)
"""How each array is checked through the whole network: along one line at random, which finds a fault as surely as many;
where it is, the node alone shows. A line takes many passes of all that comes after the node. A kink anywhere spoils the
loss, so that the first step is small, although rounding then leaves no more than seven digits."""
WHOLE = Options(directions=1, tries=6, small=8)
"""The same along another line, which decides where the first one did not find that they agree."""
BESIDE = 1e-2
"""How far inputs are moved at random to leave kinks, as part of their size."""


@dataclass(frozen=True)
class Row:
    """What came out for one array of one node. `node` is `loss` for the loss.

    alone     the node by itself, from the error that arrives at it
    whole     the same gradient as derivative of the network's loss; None for the loss, where that is the same
    memory    how the node's result in the program differs from its result alone; empty where it does not
    witness   how far another library's output or gradient is from the node's; None where there is none
    ahead     whether it is wrong before the way back: what reads it is wrong too
    """

    node: str
    type: str
    alone: Finding
    whole: Finding | None = None
    memory: str = ""
    witness: float | None = None
    ahead: bool = False

    @property
    def contradicted(self) -> bool:
        return self.witness is not None and not self.witness <= LIMIT

    @property
    def faulty(self) -> bool:
        """Whether the fault is here, not only further on."""
        return bool(self.memory) or self.alone.verdict == "wrong" or self.contradicted

    @property
    def verdict(self) -> Verdict:
        if self.faulty:
            return "wrong"
        if self.whole is not None and self.whole.verdict == "wrong":
            return "wrong"
        return self.alone.verdict

    @property
    def note(self) -> str:
        if self.memory:
            return self.memory
        if self.alone.verdict == "wrong":
            return self.alone.note or "differs from the numeric gradient"
        if self.contradicted:
            return f"output or gradient is {self.witness:.1e} from that of the other library"
        if self.whole is not None and self.whole.verdict == "wrong":
            return "agrees alone, but not as derivative of the loss: a fault follows on the way to it"
        if self.alone.inexact:
            return "too small beside the outputs for a numeric gradient: nothing could be compared"
        if self.alone.verdict == "undecided":
            return "every output has a kink here: nothing could be compared"
        return ""


@dataclass(frozen=True)
class Batch:
    """Samples x (*input, n) and targets by name, in float64."""

    x: Array
    targets: Mapping[str, Array]

    @property
    def n(self) -> int:
        return int(self.x.shape[-1])

    def load(self, shard: Shard) -> None:
        part = slice(shard.start, shard.start + shard.n)
        shard.x[...] = self.x[..., part]
        for name, array in shard.targets.items():
            array[...] = self.targets[name][..., part]

    def other(self) -> Batch:
        """Another batch of the same size."""
        targets = {name: np.roll(array, 1, axis=-1) for name, array in self.targets.items()}
        return Batch(np.roll(self.x, 1, axis=-1) * 0.9, targets)


def trace(model: Model, batch: Batch) -> tuple[Program, Trace]:
    """A step of the program, after one on another batch, so that what is left over from that would be noticed."""
    program, _ = model.apart(batch.n, input_gradient=True)
    program.run(batch.other().load)
    return program, program.trace(batch.load)


def check_part(part: Alone | AloneLoss, name: str, type_: str, options: Options, against: Witness | None) -> list[Row]:
    """Every array of a layer or loss that is no part of a network."""
    y, gradients = part.forward(), dict(part.gradients())
    heard = disagreements(against, part, y, gradients) if against is not None else None
    return [
        Row(name, type_, check_array(part, array, options), witness=(heard or {}).get(array)) for array in gradients
    ]


def check_network(model: Model, batch: Batch, options: Options, against: Witness | None = None) -> Iterator[Row]:
    """Every parameter's and every node's input gradient, in the order of the way back: the loss first.

    The program is the one that trains (its plan, its shared memory), in float64. The numeric side is the plain walk of
    `nncli.gradcheck.walk`.
    """
    assert model.objective
    program, seen = trace(model, batch)
    walk = Walk(model.graph, model.parameters.views, model.plan, model.objective, batch.x, batch.targets, model.seed)
    graph = model.graph
    last = len(graph.nodes) - 1
    yield from _losses(walk, seen, options, against)
    finished_by = program.shards[0].wiring.finished_by
    for index in range(last, -1, -1):
        node = graph.nodes[index]
        forward = walk.cells[index].trespass()
        if not forward and index in seen.outputs:
            forward = _differs("the output", seen.outputs[index], walk.values[finished_by.get(index, index)])
        if index not in seen.arrived:
            continue
        ahead = bool(forward)
        arrived = seen.arrived[index]
        forward = forward or _differs("the error that arrives", arrived, _expected(model, seen, index))
        given = seen.gradients[index] | {
            input_name(place): seen.errors[index, place]
            for place in range(len(node.inputs))
            if (index, place) in seen.errors
        }
        with arriving(walk.cells[index], arrived) as cell:
            alone = cell.gradients()
            heard = disagreements(against, cell, walk.values[index], alone) if against is not None else None
            for name, gradient in given.items():
                memory = forward
                if not memory and np.isfinite(alone[name]).all():
                    noise = EPS * float(np.abs(arrived).sum()) * max(1.0, *(float(np.abs(x).max()) for x in cell.x))
                    memory = _differs("this gradient", gradient, alone[name], noise)
                finding = _beside_kinks(cell, name, options)
                whole = through(Through(walk, index, given), name, options.seed)
                yield Row(node.name, node.type, finding, whole, memory, (heard or {}).get(name), ahead)


def _losses(walk: Walk, seen: Trace, options: Options, against: Witness | None) -> Iterator[Row]:
    """Each loss with the error that it gives."""
    for place, (term, end) in enumerate(zip(walk.objective, walk.ends, strict=True)):
        value, error = end.forward(), end.gradients()[input_name(0)]
        memory = _differs("the loss", np.asarray(seen.losses[place]), value)
        ahead = bool(memory)
        if place < len(seen.loss_errors):
            memory = memory or _differs("the error from the loss", seen.loss_errors[place], term.weight * error)
        heard = disagreements(against, end, value, {input_name(0): error}) if against is not None else None
        found = check_array(end, input_name(0), options)
        yield Row(term.name, term.loss.type_name, found, None, memory, (heard or {}).get(input_name(0)), ahead)


def _beside_kinks(cell: Alone, name: str, options: Options) -> Finding:
    """Where outputs have a kink at these very inputs (ReLU at 0, a maximum that stands twice), the node is compared
    at inputs close by as well."""
    found = check_array(cell, name, options)
    if not found.kinks or found.verdict == "wrong" or cell.layer.indices() is not None:
        return found
    rng = np.random.default_rng(options.seed)
    kept = cell.x
    cell.x = [x + BESIDE * max(float(np.sqrt(np.mean(x * x))), BESIDE) * rng.normal(size=x.shape) for x in kept]
    beside = check_array(cell, name, options)
    cell.x = kept
    if beside.kinks >= found.kinks:
        return found
    return replace(beside, error=max(beside.error, found.error), avoided=found.kinks - beside.kinks)


def through(subject: Subject, name: str, seed: int) -> Finding:
    """The array as what the loss depends on."""
    found = check_array(subject, name, replace(QUICK, seed=seed))
    if found.verdict == "agrees":
        return found
    return check_array(subject, name, replace(WHOLE, seed=seed + 1))


def _expected(model: Model, seen: Trace, index: int) -> Array:
    """The error that should arrive at a node: what the loss and all of its readers give it."""
    graph = model.graph
    total = np.zeros_like(seen.arrived[index])
    for term, error in zip(model.objective, seen.loss_errors, strict=False):
        if term.node == index:
            total += error
    for reader in sorted(set(graph.readers[index])):
        for place, source in enumerate(graph.nodes[reader].inputs):
            if source == index != INPUT and (reader, place) in seen.errors:
                total += seen.errors[reader, place]
    return total


def _differs(what: str, found: Array, expected: Array, noise: float = 0.0) -> str:
    """How a result of the program differs from the plain one; empty where only rounding does.

    `noise` is what rounding makes of sums that come to 0, such as the gradient of a bias before `batch_norm`.
    """
    scale = max(float(np.abs(found).max(initial=0.0)), float(np.abs(expected).max(initial=0.0)))
    difference = float(np.abs(found - expected).max(initial=0.0))
    if difference <= SAME * scale + noise:
        return ""
    return f"in the network {what} is not that of the node alone, by {difference / scale:.1e}: memory used twice?"
