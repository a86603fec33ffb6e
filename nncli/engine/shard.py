"""One shard of a batch: its arrays, its frames, and its way through the network."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

import numpy as np

from nncli.engine.layout import Layout, carve, size_of
from nncli.engine.objective import INPUT_TARGET, Objective, Term, output_shape
from nncli.engine.parameters import Form, Parameters, Views
from nncli.engine.plan import Plan
from nncli.engine.wiring import Mode, Wiring
from nncli.graph import INPUT, Graph
from nncli.parts import Array, Frame, LossFrame, Mixed, Shape, Work
from nncli.randomness import uniform

Each = Callable[["Shard"], None]


class Call(NamedTuple):
    """What has just happened in a step: `what` is of the node's frame, except for a loss (its sum over the shard) and
    a loss error (dL/dy of the output). "arrived": dy is complete, and the node's way back is next; "backward": it is
    done, before its errors are added to those of other readers."""

    kind: Literal["forward", "loss", "loss error", "arrived", "backward"]
    node: int
    what: Any


NO_WEIGHT = 1e-30
"""Stands for the weight of a batch whose samples all have weight 0: nothing is divided by 0, and in means over many
batches it counts for nothing."""


class Shard:
    """`n` samples from `start` of a batch of `whole`, worked through by one thread.

    Moments of a step: 0 the input is there; 1 + i node i forward; last + 1 loss forward; last + 2 loss backward;
    then the nodes backward in reverse order.
    """

    def __init__(
        self,
        graph: Graph,
        wiring: Wiring,
        parameters: Form,
        plan: Plan,
        index: int,
        n: int,
        start: int,
        whole: int,
        training: bool,
        objective: Objective,
        gradient: Views | None,
        seed: int,
    ) -> None:
        self.graph, self.wiring, self.parameters, self.plan = graph, wiring, parameters, plan
        self.index, self.n, self.start, self.whole = index, n, start, whole
        self.training, self.objective = training, objective
        self.gradient, self.seed = gradient, seed
        self.dtype = parameters.dtype
        self.epoch = self.step = 0
        self.total: Callable[[Array], None] = _nothing
        self.frames: list[Frame] = []
        self.works: list[Mapping[str, Work]] = []
        self.layout = Layout()
        self.bytes = self.bytes_beside = 0
        self.x: Array
        self.y: Array
        self.values: dict[int, Array]
        """Outputs by node; only those that a loss reads are there when all nodes are done."""
        self.targets: dict[str, Array] = {}
        """What is to be loaded besides x, by name."""
        self.mixed: dict[str, Mixed] = {}
        """The same of targets that are mixed."""
        self.dx: Array | None = None
        """dL/dx of the network's input, where the program was asked for it."""
        self.dy: Array | None = None
        """dL/dy of the output: written by the losses, or without one by the caller, between forward and backward."""

    # -- memory ------------------------------------------------------------------------------------------------------

    def place(self) -> int:
        """Find out what memory is needed when, and where it lies; returns the bytes of its block.

        `bytes_beside` are those of what starts as zeros, which has memory of its own.
        """
        nodes, wiring, need = self.graph.nodes, self.wiring, self.layout.need
        last = len(nodes)
        end = 2 * last + 3
        need(("value", INPUT), size_of((*self.graph.input, self.n), self.dtype), 0)
        for index, node in enumerate(nodes):
            forward, backward = index + 1, end - 1 - index
            back = backward if wiring.needed[index] else forward
            traits = node.layer.traits
            value = ("value", wiring.value[index])
            need(value, size_of((*node.declared.output, self.n), self.dtype), forward)
            if traits.needs_y:
                need(value, 0, back)
            for source in node.inputs:
                need(("value", wiring.value[source]), 0, back if traits.needs_x else forward)
            works = node.layer.workspace(node.shapes, self.n, self.plan.nodes.get(node.name, {}))
            self.works.append(works)
            self._need_work(index, works, forward, back)
            if wiring.needed[index]:
                self._need_errors(index, backward)
        need(("value", wiring.value[last - 1]), 0, last + 2 if self.training else end)
        for node_index in wiring.kept:
            need(("value", wiring.value[node_index]), 0, last + 2 if self.training else end)
        if not self.objective and wiring.needed[last - 1]:
            need(("error", wiring.error[last - 1]), 0, last + 2)
        for place, term in enumerate(self.objective):
            output = output_shape(self.graph, term.node)
            works = term.loss.workspace(output, self.n)
            self.works.append(works)
            self._need_work(last + place, works, last + 1, last + 2)
            if wiring.needed[term.node]:
                key = ("error", wiring.error[term.node]) if place in wiring.begins else ("extra error", place)
                need(key, size_of((*output, self.n), self.dtype), last + 2)
        self.bytes = self.layout.place()
        return self.bytes

    def _need_work(self, index: int, works: Mapping[str, Work], forward: int, back: int) -> None:
        scratch = 0
        for name, work in works.items():
            size = size_of(work.shape, work.dtype or self.dtype)
            if work.scratch:
                scratch += -(-size // 64) * 64
            elif work.zero:
                self.bytes_beside += size
            else:
                self.layout.need(("work", index, name), size, forward, back)
        if scratch:
            self.layout.need("scratch", scratch, 0, 2 * len(self.graph.nodes) + 3)

    def _need_errors(self, index: int, backward: int) -> None:
        """dy until the node's way back; each dx from then on, or beside it where it is added to another."""
        node, wiring = self.graph.nodes[index], self.wiring
        size = size_of((*node.declared.output, self.n), self.dtype)
        self.layout.need(("error", wiring.error[index]), size, backward)
        if index in wiring.adds:
            for name, parameter in node.declared.parameters.items():
                self.layout.need(("gradient", index, name), size_of(parameter.shape, self.dtype), backward)
        for place, (source, shape) in enumerate(zip(node.inputs, node.shapes, strict=True)):
            size = size_of((*shape, self.n), self.dtype)
            if not wiring.asked(index, place):
                continue
            if (index, place) in wiring.first:
                last = 2 * len(self.graph.nodes) + 3
                self.layout.need(("error", wiring.error[source]), size, backward, last if source == INPUT else None)
            elif wiring.mode[index] is not Mode.VIEW:
                self.layout.need(("extra", index, place), size, backward)

    # -- frames ------------------------------------------------------------------------------------------------------

    def make(self, block: Array) -> None:
        """Carve every array from the block, once, and bind the calls of a step."""
        values = {INPUT: self._carve(block, ("value", INPUT), self.graph.input)}
        wiring, nodes = self.wiring, self.graph.nodes
        for index, node in enumerate(nodes):
            values[index] = self._carve(block, ("value", wiring.value[index]), node.declared.output)
        errors = {
            index: self._carve(
                block, ("error", storage), self.graph.input if index == INPUT else nodes[index].declared.output
            )
            for index, storage in wiring.error.items()
        }
        self.x, self.y, self.values = values[INPUT], values[len(nodes) - 1], values
        self.dx, self.dy = errors.get(INPUT), errors.get(len(nodes) - 1)
        self._forward: list[tuple[int, Callable[[Frame], None], Frame]] = []
        self._backward: list[tuple[int, Callable[[Frame], None] | None, Frame, list[tuple[Array, Array]]]] = []
        for index in range(len(nodes)):
            self._frame(block, index, values, errors)
        self._backward.reverse()
        self._losses: list[LossFrame] = []
        self._errors: list[tuple[Term, LossFrame, Array | None]] = []
        for place, term in enumerate(self.objective):
            self._term(block, place, term, errors)

    def _term(self, block: Array, place: int, term: Term, errors: dict[int, Array]) -> None:
        output = self.values[term.node]
        frame = LossFrame(n=self.n, total=self.whole, weight=float(self.whole), x=output, t=self.target(term))
        if term.mixed and self.training:
            frame.mixed = self.mixed.setdefault(term.target, Mixed.of(self.n, self.dtype))
        total = errors.get(term.node)
        if total is not None:
            begins = place in self.wiring.begins
            frame.dx = total if begins else self._carve(block, ("extra error", place), output.shape[:-1])
            self._errors.append((term, frame, None if begins else total))
        frame.work = self._work(block, len(self.graph.nodes) + place)
        frame.views = term.loss.prepare(frame)
        self._losses.append(frame)

    def target(self, term: Term) -> Array:
        """The array that a loss compares its output with, made when it is first asked for."""
        output = self.values[term.node]
        if term.target == INPUT_TARGET:
            return self.x.reshape(output.shape)
        if term.target not in self.targets:
            made = np.zeros(self.n, np.intp) if term.loss.target == "classes" else np.zeros_like(output)
            self.targets[term.target] = made
        return self.targets[term.target]

    @property
    def t(self) -> Array:
        """The only target that is to be loaded."""
        (target,) = self.targets.values()
        return target

    def _frame(self, block: Array, index: int, values: dict[int, Array], errors: dict[int, Array]) -> None:
        node, wiring, parameters = self.graph.nodes[index], self.wiring, self.parameters
        assert isinstance(parameters, Parameters)
        dxs: list[Array | None] = []
        sums: list[tuple[Array, Array]] = []
        mode = wiring.mode[index]
        for place, (source, shape) in enumerate(zip(node.inputs, node.shapes, strict=True)):
            dx = None
            if wiring.needed[index] and wiring.asked(index, place):
                dx = errors[source]
                if (index, place) not in wiring.first:
                    if mode is Mode.VIEW:
                        extra = errors[index].reshape(dx.shape)
                    else:
                        extra = self._carve(block, ("extra", index, place), shape)
                    sums.append((dx, extra))
                    dx = extra
            dxs.append(dx)
        training = self.training and not node.frozen
        frame = Frame(n=self.n, total=self.whole, training=training, dxs=tuple(dxs), dx=dxs[0])
        frame.leads = self.index == 0
        frame.xs = tuple(values[source] for source in node.inputs)
        frame.x, frame.y = frame.xs[0], values[index]
        if wiring.needed[index]:
            frame.dy = errors[index]
        frame.p = parameters.views.get(node.owner, {})
        frame.g = None
        if self.gradient is not None and node.trainable:
            frame.g = self.gradient.get(node.owner, {})
            if index in wiring.adds:
                totals, frame.g = frame.g, self._extra_gradients(block, index)
                sums += [(totals[name], extra) for name, extra in frame.g.items()]
        frame.state = parameters.state.get(node.name, {})
        frame.plan = self.plan.nodes.get(node.name, {})
        frame.sum_over_shards = self.total
        if node.layer.traits.random:
            frame.uniform = functools.partial(self._uniform, node.name)
        if index in wiring.finished_by:
            frame.finish = self.graph.nodes[wiring.finished_by[index]].layer.apply  # type: ignore[attr-defined]
        frame.work = self._work(block, index)
        if mode is not Mode.VIEW:
            frame.views = node.layer.prepare(frame)
        self.frames.append(frame)
        if mode in (Mode.COMPUTE, Mode.IN_PLACE):
            self._forward.append((index, node.layer.forward, frame))
        if wiring.needed[index]:
            self._backward.append((index, node.layer.backward if mode is not Mode.VIEW else None, frame, sums))

    def _extra_gradients(self, block: Array, index: int) -> dict[str, Array]:
        spans = self.layout.spans
        return {
            name: carve(block, spans["gradient", index, name].offset, parameter.shape, self.dtype)
            for name, parameter in self.graph.nodes[index].declared.parameters.items()
        }

    def _carve(self, block: Array, key: Any, shape: Shape) -> Array:
        return carve(block, self.layout.spans[key].offset, (*shape, self.n), self.dtype)

    def _work(self, block: Array, index: int) -> dict[str, Array]:
        arrays = {}
        offset = self.layout.spans["scratch"].offset if "scratch" in self.layout.spans else 0
        for name, work in self.works[index].items():
            dtype = work.dtype or self.dtype
            if work.scratch:
                arrays[name] = carve(block, offset, work.shape, dtype)
                offset += -(-arrays[name].nbytes // 64) * 64
            elif work.zero:
                arrays[name] = np.zeros(work.shape, dtype)
            else:
                arrays[name] = carve(block, self.layout.spans["work", index, name].offset, work.shape, dtype)
        return arrays

    def _uniform(self, use: str, out: Array) -> None:
        uniform(self.seed, use, self.epoch, self.step, self.start, out)

    # -- a step ------------------------------------------------------------------------------------------------------

    def run(self, load: Each | None, epoch: int, step: int, measure: Each | None) -> tuple[float, ...]:
        """Load, forward, losses, measure, backward; returns the sum of each loss over the shard."""
        sums = self.forward(load, epoch, step)
        if measure is not None:
            measure(self)
        self.backward()
        return sums

    def forward(self, load: Each | None, epoch: int, step: int) -> tuple[float, ...]:
        """Load, forward, losses."""
        self.epoch, self.step = epoch, step
        if load is not None:
            load(self)
        for _, forward, frame in self._forward:
            forward(frame)
        return tuple(map(self._lose, self.objective, self._losses))

    def backward(self) -> None:
        """From the losses, or from what stands in `dy` without one, to the gradients."""
        if not self._backward:
            return
        for term, error, total in self._errors:
            self._begin(term, error, total)
        for _, backward, frame, extras in self._backward:
            if backward is not None:
                backward(frame)
            for total, extra in extras:
                np.add(total, extra, out=total)

    def _lose(self, term: Term, frame: LossFrame) -> float:
        """The sum of a loss over the shard, once the batch's weight is known."""
        if term.loss.weighs():
            weight = np.array([term.loss.weight(frame)])
            self.total(weight)
            frame.weight = float(weight[0]) or NO_WEIGHT
        return float(term.loss.forward(frame))

    @staticmethod
    def _begin(term: Term, frame: LossFrame, total: Array | None) -> None:
        """The error from a loss; added to what other losses gave where it does not come first."""
        term.loss.backward(frame)
        if term.weight != 1:
            np.multiply(frame.dx, term.weight, out=frame.dx)
        if total is not None:
            np.add(total, frame.dx, out=total)

    @property
    def weights(self) -> tuple[float, ...]:
        """What the batch's sum of each loss is divided by."""
        return tuple(frame.weight for frame in self._losses)

    def calls(self, load: Each | None, epoch: int, step: int) -> Iterator[Call]:
        """A step like `run`, one call at a time, each made when the next is asked for."""
        self.epoch, self.step = epoch, step
        if load is not None:
            load(self)
        for index, forward, frame in self._forward:
            forward(frame)
            yield Call("forward", index, frame)
        for term, lost in zip(self.objective, self._losses, strict=True):
            yield Call("loss", term.node, self._lose(term, lost))
        if self._backward:
            for term, lost, total in self._errors:
                self._begin(term, lost, total)
                yield Call("loss error", term.node, lost.dx)
        for index, backward, frame, extras in self._backward:
            yield Call("arrived", index, frame)
            if backward is not None:
                backward(frame)
            yield Call("backward", index, frame)
            for total, extra in extras:
                np.add(total, extra, out=total)


def _nothing(array: Array) -> None:
    """Stands in until the program binds the sum over its shards."""
