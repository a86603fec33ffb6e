"""Initial weights from a checkpoint, by node name: `init_from`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np

from nncli import checkpoint
from nncli.checkpoint import NamedArray, Snapshot
from nncli.engine.parameters import Parameters
from nncli.errors import CheckpointError, Fault, nearest
from nncli.graph import Graph
from nncli.parts import Shape
from nncli.spec.config import InitFrom


@dataclass(frozen=True)
class Initial:
    """What is taken from a checkpoint: parameters and state by node, and which nodes begin anew."""

    file: Path
    parameters: dict[str, dict[str, NamedArray]]
    state: dict[str, dict[str, NamedArray]]
    new: tuple[str, ...]

    def apply(self, parameters: Parameters) -> None:
        for taken, views in ((self.parameters, parameters.views), (self.state, parameters.state)):
            for node, arrays in taken.items():
                for name, named in arrays.items():
                    with np.errstate(all="ignore"):
                        views[node][name][...] = named.array

    def describe(self) -> str:
        """One line for people."""
        count = len(self.parameters)
        new = f"; new: {', '.join(self.new)}" if self.new else ""
        return f"weights of {count} node{'s'[: count != 1]} from {self.file}{new}"


def initial_weights(wanted: InitFrom, base: Path, graph: Graph) -> Initial:
    """What the checkpoint has for the nodes of the network that the patterns name; averaged weights where it has some.

    Raises CheckpointError where it cannot be read, where arrays of one name have different shapes, or where it has
    nothing for any of the nodes.
    """
    file = checkpoint.resolve(base / wanted.path)
    snapshot = checkpoint.read(file)
    stored = snapshot.model_ema or snapshot.model
    owners = [node for node in graph.nodes if node.shares is None and node.declared.parameters]
    faults: list[Fault] = []
    taken: dict[str, dict[str, NamedArray]] = {}
    state: dict[str, dict[str, NamedArray]] = {}
    for node in owners:
        if not any(fnmatchcase(node.name, pattern) for pattern in wanted.nodes) or node.name not in stored:
            continue
        shapes = {name: parameter.shape for name, parameter in node.declared.parameters.items()}
        faults += _differences(node.name, shapes, stored[node.name], str(file))
        taken[node.name] = dict(stored[node.name])
        if node.declared.state:
            shapes = {name: kept.shape for name, kept in node.declared.state.items()}
            state[node.name] = dict(snapshot.state.get(node.name, {}))
            faults += _differences(f"{node.name}/state", shapes, state[node.name], str(file))
    if faults:
        raise CheckpointError(faults)
    if not taken:
        raise CheckpointError(_nothing(wanted, [node.name for node in owners], snapshot, str(file)))
    return Initial(file, taken, state, tuple(node.name for node in owners if node.name not in taken))


def _differences(node: str, shapes: dict[str, Shape], stored: Mapping[str, NamedArray], file: str) -> list[Fault]:
    faults = []
    hint = (
        f"call the node otherwise to begin it anew, or name those to take: `init_from: {{path: {file}, nodes: [...]}}`"
    )
    for name in sorted(shapes.keys() | stored.keys()):
        found = list(stored[name].array.shape) if name in stored else "nothing"
        expected = list(shapes[name]) if name in shapes else "nothing"
        if found != expected:
            message = f"another shape: {found} in the checkpoint, {expected} in the network"
            faults.append(Fault(message, f"/model/{node}/{name}", hint, file))
    return faults


def _nothing(wanted: InitFrom, owners: list[str], snapshot: Snapshot, file: str) -> Fault:
    fitting = [name for name in owners if any(fnmatchcase(name, pattern) for pattern in wanted.nodes)]
    if not fitting:
        message = f"no node of the network with parameters fits {', '.join(map(repr, wanted.nodes))}"
        return Fault(message, "init_from.nodes", nearest(wanted.nodes[0], owners), file)
    has = ", ".join(list(snapshot.model)[:10])
    return Fault(f"the checkpoint has none of the nodes {', '.join(fitting[:10])}", "/model", f"it has {has}", file)
