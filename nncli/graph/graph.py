"""The immutable graph that everything behind the configuration works on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from nncli.parts import Declared, Layer, Parameter, Shape

INPUT = -1
"""Index that stands for the network's input among a node's inputs."""

ALIGNMENT = 64
"""Bytes. A parameter starts at a multiple of it in its vector: a cache line, and the width of AVX-512."""


@dataclass(frozen=True, slots=True)
class Node:
    """One layer at its place: `inputs` are indices into `Graph.nodes` or INPUT, `shapes` those of one sample."""

    name: str
    layer: Layer
    inputs: tuple[int, ...]
    shapes: tuple[Shape, ...]
    declared: Declared
    initializers: dict[str, Any]

    @property
    def type(self) -> str:
        return self.layer.type_name

    @property
    def parameter_count(self) -> int:
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

    def table(self, itemsize: int) -> tuple[tuple[Entry, ...], int, int]:
        """Each parameter's place in one vector, the end of those with weight decay (they come first), and its length.

        Places are aligned to cache lines; the gaps hold zeros that no optimizer moves.
        """
        entries: list[Entry] = []
        unit = ALIGNMENT // itemsize
        end = decayed = 0
        for decay in (True, False):
            for node, name, parameter in self._parameters():
                if parameter.decay is decay:
                    entries.append(Entry(node, name, parameter, end))
                    end = -(-entries[-1].stop // unit) * unit
            decayed = end if decay else decayed
        return tuple(entries), decayed, end

    def _parameters(self) -> Iterator[tuple[str, str, Parameter]]:
        for node in self.nodes:
            for name, parameter in node.declared.parameters.items():
                yield node.name, name, parameter
