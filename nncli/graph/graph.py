"""The immutable graph that everything behind the configuration works on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from nncli.parts import Declared, Layer, Parameter, Shape

INPUT = -1
"""Index that stands for the network's input among a node's inputs."""

ALIGNMENT = 64
"""Bytes. A parameter starts at a multiple of it in its vector: a cache line, and the width of AVX-512."""


@dataclass(frozen=True, slots=True)
class Node:
    """One layer at its place: `inputs` are indices into `Graph.nodes` or INPUT, `shapes` those of one sample.

    `shares` names the node whose parameters it uses instead of its own. Parameters of a node that is not `trainable`
    stay as they are. `groups` are parameters with settings of their own, by name: an index into the configuration's
    groups.
    """

    name: str
    layer: Layer
    inputs: tuple[int, ...]
    shapes: tuple[Shape, ...]
    declared: Declared
    initializers: dict[str, Any]
    shares: str | None = None
    trainable: bool = True
    groups: Mapping[str, int] = field(default_factory=dict)

    @property
    def type(self) -> str:
        return self.layer.type_name

    @property
    def owner(self) -> str:
        """The name of the node that the parameters belong to."""
        return self.shares or self.name

    @property
    def trained(self) -> bool:
        """Whether training changes parameters that this node uses."""
        return self.trainable and bool(self.declared.parameters)

    @property
    def frozen(self) -> bool:
        """Whether it works as in evaluation while the rest is trained, so that what it keeps stays as it is too."""
        return not self.trainable and bool(self.declared.state)

    @property
    def parameter_count(self) -> int:
        """Of its own parameters."""
        if self.shares is not None:
            return 0
        return sum(math.prod(p.shape) for p in self.declared.parameters.values())


@dataclass(frozen=True, slots=True)
class Entry:
    """A parameter's place in the vector of all parameters (elements from `start`)."""

    node: str
    name: str
    parameter: Parameter
    start: int

    @property
    def size(self) -> int:
        return math.prod(self.parameter.shape)

    @property
    def stop(self) -> int:
        return self.start + self.size


class Segment(NamedTuple):
    """A run of the parameter vector that is updated in one way: elements from `start` to `stop`.

    `group` is an index into the configuration's groups, None for the optimizer's own settings.
    """

    start: int
    stop: int
    decay: bool = True
    group: int | None = None
    trainable: bool = True


@dataclass(frozen=True)
class Graph:
    """Nodes in an order in which each comes after what it reads; the last one is the output."""

    input: Shape
    nodes: tuple[Node, ...]

    @property
    def output(self) -> Shape:
        return self.nodes[-1].declared.output

    @cached_property
    def readers(self) -> dict[int, tuple[int, ...]]:
        """The nodes that read each node (and INPUT), once for each time they do, in order."""
        found: dict[int, list[int]] = {index: [] for index in range(INPUT, len(self.nodes))}
        for index, node in enumerate(self.nodes):
            for source in node.inputs:
                found[source].append(index)
        return {index: tuple(readers) for index, readers in found.items()}

    @cached_property
    def indices(self) -> int | None:
        """How many different whole numbers from 0 the input may hold; None where it may hold any number.

        What layers ask for that read the input, or a view of it.
        """
        bounds = []
        views = {INPUT}
        for index, node in enumerate(self.nodes):
            if node.inputs[0] in views:
                bound = node.layer.indices()
                if bound is not None:
                    bounds.append(bound)
                elif node.layer.traits.view:
                    views.add(index)
        return min(bounds, default=None)

    @property
    def parameter_count(self) -> int:
        return sum(node.parameter_count for node in self.nodes)

    @property
    def flops(self) -> int:
        """Of one sample's forward pass; a multiplication and an addition are two."""
        return sum(node.declared.flops for node in self.nodes)

    def table(self, itemsize: int) -> tuple[tuple[Entry, ...], tuple[Segment, ...], int]:
        """Each parameter's place in one vector, the runs of it that are updated in one way, and its length.

        Places are aligned to cache lines; the gaps hold zeros that no optimizer moves.
        """
        entries: list[Entry] = []
        runs: list[Segment] = []
        unit = ALIGNMENT // itemsize
        end = 0
        kinds: dict[tuple[bool, int | None, bool], list[tuple[str, str, Parameter]]] = {}
        for node, name, parameter in self._parameters():
            kind = (node.trainable, node.groups.get(name), parameter.decay)
            kinds.setdefault(kind, []).append((node.name, name, parameter))
        for kind in sorted(kinds, key=lambda kind: (not kind[0], -1 if kind[1] is None else kind[1], not kind[2])):
            start = end
            for owner, name, parameter in kinds[kind]:
                entries.append(Entry(owner, name, parameter, end))
                end = -(-entries[-1].stop // unit) * unit
            trainable, group, decay = kind
            runs.append(Segment(start, end, decay, group, trainable))
        return tuple(entries), tuple(runs), end

    def _parameters(self) -> Iterator[tuple[Node, str, Parameter]]:
        for node in self.nodes:
            if node.shares is None:
                for name, parameter in node.declared.parameters.items():
                    yield node, name, parameter
