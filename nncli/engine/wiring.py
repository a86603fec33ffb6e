"""Which arrays of a program share memory: views, work in place, fused activations, errors written over errors.

Decided from traits alone, once for a graph; sizes and addresses come later (`layout`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import Enum

from nncli.graph import INPUT, Graph


class Mode(Enum):
    """How the output of a node comes about."""

    COMPUTE = "computed into memory of its own"
    IN_PLACE = "computed over its input"
    FUSED = "by the node before, as its `finish`"
    VIEW = "the input itself, in another shape"


class Wiring:
    """Modes and shared storages of a graph's outputs (`value`) and their gradients (`error`), by node index.

    A storage is named by the index of the node that writes it first; INPUT is the network's input. `error` holds
    only what is needed: gradients of outputs that depend on something trained (or on the input, if that is asked) and
    that the network's output depends on with a derivative. `adds` are nodes whose gradients of parameters are added to
    those of a node behind them that shares the parameters.

    `outputs` are the nodes whose outputs losses read, one for each loss (None: the last node); `begins` are the losses
    that write the error of their node first. What `kept` names is read by something besides the nodes and stays.

    Without `fuse` every activation has a call of its own, so that what it reads can be seen.
    """

    def __init__(
        self,
        graph: Graph,
        training: bool,
        input_gradient: bool = False,
        fuse: bool = True,
        outputs: Sequence[int] | None = None,
        kept: Collection[int] = (),
    ) -> None:
        self.graph = graph
        self.outputs = (len(graph.nodes) - 1,) if outputs is None else tuple(outputs)
        self.kept = frozenset((*self.outputs, *kept))
        self.training = training
        self.fuse = fuse
        self.mode: dict[int, Mode] = {}
        self.value: dict[int, int] = {INPUT: INPUT}
        self.writer: dict[int, int] = {INPUT: INPUT}
        self.finished_by: dict[int, int] = {}
        for index in range(len(graph.nodes)):
            self._wire(index)
        reached = self._reached()
        self.needed: dict[int, bool] = {INPUT: input_gradient and INPUT in reached}
        for index, node in enumerate(graph.nodes):
            below = any(self.asked(index, place) for place in range(len(node.inputs)))
            self.needed[index] = training and index in reached and (below or node.trained)
        self.adds: set[int] = set()
        self.error: dict[int, int] = {}
        self.first: set[tuple[int, int]] = set()
        self.begins: set[int] = set()
        if training:
            self._errors()

    def asked(self, index: int, place: int) -> bool:
        """Whether a node's way back, if it has one, is asked for dL/dx of this input."""
        node = self.graph.nodes[index]
        return self.needed[node.inputs[place]] and node.layer.indices() is None

    def _reached(self) -> set[int]:
        """What the outputs have derivatives with respect to, INPUT among it."""
        found = set(self.outputs)
        for index in range(len(self.graph.nodes) - 1, -1, -1):
            node = self.graph.nodes[index]
            if index in found and node.layer.indices() is None:
                found |= set(node.inputs)
        return found

    def _wire(self, index: int) -> None:
        node = self.graph.nodes[index]
        traits, source = node.layer.traits, node.inputs[0]
        mode = Mode.COMPUTE
        if traits.view or (traits.evaluation == "identity" and not self.training):
            mode = Mode.VIEW
        elif traits.in_place and self._may_overwrite(index):
            mode = Mode.IN_PLACE
            if self.fuse and traits.fusable and self._finishes(source):
                mode = Mode.FUSED
                self.finished_by[source] = index
        self.mode[index] = mode
        self.value[index] = index if mode is Mode.COMPUTE else self.value[source]
        self.writer[index] = self.writer[source] if mode is Mode.VIEW else index

    def _finishes(self, source: int) -> bool:
        """Whether this node will apply an activation to its output, and none is given to it yet."""
        if self.mode.get(source) is not Mode.COMPUTE or source in self.finished_by:
            return False
        return self.graph.nodes[source].layer.traits.finishes

    def _may_overwrite(self, index: int) -> bool:
        """Whether nobody else reads what this node reads, now or on the way back."""
        node = self.graph.nodes[index]
        source = node.inputs[0]
        while len(self.graph.readers[source]) == 1 and source not in self.kept:
            if source == INPUT:
                return not (self.training and node.layer.traits.needs_x)
            if self.mode[source] is not Mode.VIEW:
                writer = self.graph.nodes[source]
                return not (self.training and (node.layer.traits.needs_x or writer.layer.traits.needs_y))
            source = self.graph.nodes[source].inputs[0]
        return False

    def _errors(self) -> None:
        """Walk back, from the losses: the first reader of a value writes its error, those after it add to it."""
        for place, node_index in enumerate(self.outputs):
            if self.needed[node_index] and node_index not in self.error:
                self.error[node_index] = node_index
                self.begins.add(place)
        written: set[str] = set()
        for index in range(len(self.graph.nodes) - 1, -1, -1):
            if not self.needed[index]:
                continue
            node = self.graph.nodes[index]
            if node.owner in written and node.trained:
                self.adds.add(index)
            written.add(node.owner)
            for place, source in enumerate(node.inputs):
                if not self.asked(index, place) or source in self.error:
                    continue
                self.first.add((index, place))
                over = self.mode[index] is Mode.VIEW or (node.layer.traits.in_place and len(node.inputs) == 1)
                self.error[source] = self.error[index] if over else source
