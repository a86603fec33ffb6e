"""Parameters as one vector with named views; gradients likewise."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from nncli.graph import Graph
from nncli.graph.graph import ALIGNMENT, Entry
from nncli.memory import claim
from nncli.parts import Array
from nncli.randomness import generator

Views = dict[str, dict[str, Array]]


def aligned_zeros(length: int, dtype: DTypeLike) -> Array:
    """Zeros that start at a cache line. Raises MemoryError."""
    dtype = np.dtype(dtype)
    claim(length * dtype.itemsize)
    raw = np.zeros(length * dtype.itemsize + ALIGNMENT, np.uint8)
    skip = -raw.ctypes.data % ALIGNMENT
    return raw[skip : skip + length * dtype.itemsize].view(dtype)


class Form:
    """Where the parameters of a graph lie in a vector of `length` numbers, cut into `segments` that are updated in one
    way. It takes no memory, however many there are."""

    def __init__(self, graph: Graph, dtype: DTypeLike) -> None:
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.entries, self.segments, self.length = graph.table(self.dtype.itemsize)

    @property
    def nbytes(self) -> int:
        """Of one vector."""
        return self.length * self.dtype.itemsize

    def views_of(self, vector: Array) -> Views:
        views: Views = {}
        for entry in self.entries:
            array = vector[entry.start : entry.stop].reshape(entry.parameter.shape)
            views.setdefault(entry.node, {})[entry.name] = array
        return views

    def entry(self, node: str, name: str) -> Entry:
        return next(e for e in self.entries if (e.node, e.name) == (node, name))


class Parameters(Form):
    """All parameters of a graph in one vector `w`.

    `views` are the arrays by node and name, those that nodes share under their owner. `state` are arrays that are kept
    but not trained.
    """

    def __init__(self, graph: Graph, dtype: DTypeLike) -> None:
        super().__init__(graph, dtype)
        self.w = aligned_zeros(self.length, dtype)
        self.views = self.views_of(self.w)
        self.state: Views = {}
        for node in graph.nodes:
            for name, state in node.declared.state.items():
                self.state.setdefault(node.name, {})[name] = np.full(state.shape, state.fill, dtype)

    def vector(self) -> Array:
        """A zero vector of the same form, for gradients and for what an optimizer keeps."""
        return aligned_zeros(self.length, self.dtype)

    def held(self) -> Parameters:
        """The same parameters, with a state of their own that nobody reads: what is written to it is lost."""
        held = copy.copy(self)
        held.state = {node: {name: s.copy() for name, s in states.items()} for node, states in self.state.items()}
        return held

    def of(self, vector: Array) -> Parameters:
        """Parameters of the same form whose values are those of another vector."""
        other = copy.copy(self)
        other.w, other.views = vector, self.views_of(vector)
        return other

    def initialize(self, graph: Graph, seed: int) -> None:
        """Draw the initial values: each array from its own generator, so that no node changes another's."""
        for node in graph.nodes:
            for name, initializer in node.initializers.items():
                rng = generator(seed, f"init/{node.name}/{name}")
                self.views[node.name][name][...] = initializer.draw(rng, node.declared.parameters[name])
