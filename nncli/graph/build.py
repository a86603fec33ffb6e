"""From the entries of `network` to a graph; every fault is collected, and each names both places."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase
from typing import Any

from nncli import registry
from nncli.errors import Fault, NncliError, nearest
from nncli.graph.graph import INPUT, Graph, Node
from nncli.parts import Declared, Parameter, Shape
from nncli.spec.config import Group, NodeSpec
from nncli.spec.yaml12 import Document


def build(
    specs: Sequence[NodeSpec],
    shape: Shape,
    document: Document,
    faults: list[Fault],
    groups: Sequence[Group] = (),
    outputs: Collection[str] = (),
) -> Graph | None:
    """The graph of these entries for samples of `shape`; None, with the faults added, where they make none.

    `outputs` are nodes that something besides other nodes reads.
    """
    return _Builder(specs, shape, document, faults, groups, outputs).build()


_Declarations = dict[int, tuple[tuple[Shape, ...], Declared]]
"""Input shapes and declarations by position in the file."""


class _Builder:
    def __init__(
        self,
        specs: Sequence[NodeSpec],
        shape: Shape,
        document: Document,
        faults: list[Fault],
        groups: Sequence[Group],
        outputs: Collection[str],
    ) -> None:
        self.specs = specs
        self.outputs = outputs
        self.groups = groups
        self.input = shape
        self.document = document
        self.faults = faults
        self.before = len(faults)
        self.sources: list[tuple[int, ...]] = []

    def build(self) -> Graph | None:
        if not self.specs:
            return None
        names = self._names()
        self.sources = [self._inputs(position, names) for position in range(len(self.specs))]
        order = self._order()
        if len(order) < len(self.specs):
            self._cycle(set(order))
            return None
        self._dead(order)
        declared = self._declare(order)
        owners = self._share(names, declared)
        grouped = self._group(declared)
        if len(self.faults) > self.before or any(spec.layer is None for spec in self.specs):
            return None
        return self._assemble(order, declared, owners, grouped)

    def fault(self, spec: NodeSpec, message: str, hint: str = "", *below: str | int) -> None:
        self.faults.append(self.document.fault((*spec.place, *below), message, hint))

    def where(self, spec: NodeSpec) -> str:
        """A node with its place, for messages that name a second one."""
        values = self.document.values.get(spec.place)
        return f"'{spec.name}'" + (f" (line {values[0]})" if values else "")

    def _names(self) -> dict[str, int]:
        names: dict[str, int] = {}
        for position, spec in enumerate(self.specs):
            if spec.name in names:
                first = self.where(self.specs[names[spec.name]])
                self.fault(spec, f"two nodes are called {first}", "names are how nodes are read and stored", "name")
            names.setdefault(spec.name, position)
        return names

    def _inputs(self, position: int, names: dict[str, int]) -> tuple[int, ...]:
        """Positions of what an entry reads; unknown names are faults and left out."""
        spec = self.specs[position]
        if spec.inputs is None:
            return (position - 1,) if position else (INPUT,)
        found = []
        for place, name in enumerate(spec.inputs):
            if name == "input":
                found.append(INPUT)
            elif name in names:
                found.append(names[name])
            else:
                hint = nearest(name, [*names, "input"])
                self.fault(spec, f"{self.where(spec)} reads '{name}', which no node is called", hint, "inputs", place)
        if not spec.inputs:
            self.fault(
                spec, f"{self.where(spec)} reads nothing", "leave `inputs` out to read the node before", "inputs"
            )
        return tuple(found)

    def _order(self) -> list[int]:
        """Kahn's order, the earliest entry of the file first among those that are ready."""
        waiting = [len({s for s in sources if s != INPUT}) for sources in self.sources]
        readers: dict[int, set[int]] = {}
        for position, sources in enumerate(self.sources):
            for source in sources:
                readers.setdefault(source, set()).add(position)
        ready = [position for position, count in enumerate(waiting) if count == 0]
        order = []
        while ready:
            position = heapq.heappop(ready)
            order.append(position)
            for reader in readers.get(position, ()):
                waiting[reader] -= 1
                if waiting[reader] == 0:
                    heapq.heappush(ready, reader)
        return order

    def _cycle(self, ordered: set[int]) -> None:
        """Walk back along what is not ordered until a node comes twice: that is a cycle."""
        position = next(p for p in range(len(self.specs)) if p not in ordered)
        path: list[int] = []
        while position not in path:
            path.append(position)
            position = next(s for s in self.sources[position] if s != INPUT and s not in ordered)
        cycle = path[path.index(position) :]
        first = min(cycle)
        turn = cycle.index(first)
        names = [self.where(self.specs[p]) for p in (*cycle[turn:], *cycle[:turn], first)]
        message = "a cycle: " + ", which reads ".join(names)
        self.fault(self.specs[first], message, "a node can read only what comes before it", "inputs")

    def _dead(self, order: list[int]) -> None:
        """The last entry that nobody reads is the output; others that nobody reads are dead."""
        read = {source for sources in self.sources for source in sources}
        sinks = [position for position in range(len(self.specs)) if position not in read]
        for position in sinks[:-1]:
            if self.specs[position].name in self.outputs:
                continue
            message = (
                f"nobody reads {self.where(self.specs[position])}; the output is {self.where(self.specs[sinks[-1]])}"
            )
            self.fault(self.specs[position], message, "name it in the `inputs` of another node, or remove it")
        order.sort(key=lambda position: position == sinks[-1])

    def _declare(self, order: list[int]) -> _Declarations:
        """Input shapes and declarations, as far as they can be told past faults."""
        found: _Declarations = {}
        for position in order:
            spec, sources = self.specs[position], self.sources[position]
            if spec.layer is None or not self._arity(spec, sources):
                continue
            shapes = [self.input if s == INPUT else found[s][1].output for s in sources if s == INPUT or s in found]
            if len(shapes) < len(sources) or not shapes:
                continue
            try:
                found[position] = tuple(shapes), spec.layer.declare(*shapes)
            except NncliError as error:
                for fault in error.faults:
                    read = ", ".join(
                        f"{'the input' if s == INPUT else self.where(self.specs[s])} gives {list(shape)}"
                        for s, shape in zip(sources, shapes, strict=True)
                    )
                    self.fault(spec, f"{self.where(spec)}: {fault.message}; {read}", fault.hint)
        return found

    def _arity(self, spec: NodeSpec, sources: tuple[int, ...]) -> bool:
        least, most = spec.layer.traits.inputs
        count = len(spec.inputs) if spec.inputs is not None else 1
        if count == 0 or count != len(sources):
            return False
        if count < least:
            hint = "give them as `inputs: [first, second]`"
            self.fault(spec, f"{spec.layer.type_name} reads at least {least} nodes, not {count}", hint)
        elif most is not None and count > most:
            hint = "join them first, with `add` or `concat`"
            self.fault(spec, f"{spec.layer.type_name} reads {most} node{'s'[: most != 1]}, not {count}", hint, "inputs")
        else:
            return True
        return False

    def _share(self, names: dict[str, int], declared: _Declarations) -> dict[int, int]:
        """Positions of the owners of parameters, for the entries that share them."""
        owners = {}
        for position, spec in enumerate(self.specs):
            if spec.share is None:
                continue
            if spec.share not in names or names[spec.share] == position:
                hint = nearest(spec.share, [name for name in names if name != spec.name])
                what = "itself" if spec.share == spec.name else f"'{spec.share}', which no node is called"
                self.fault(spec, f"{self.where(spec)} shares the parameters of {what}", hint, "share")
                continue
            owners[position] = names[spec.share]
            if position in declared and names[spec.share] in declared:
                self._may_share(position, names[spec.share], declared)
        return owners

    def _may_share(self, position: int, owner: int, declared: _Declarations) -> None:
        spec, other = self.specs[position], self.specs[owner]
        mine, theirs = ({name: p.shape for name, p in declared[at][1].parameters.items()} for at in (position, owner))
        if other.share is not None:
            message, hint = f"{self.where(other)} has no parameters of its own", f"write `share: {other.share}`"
        elif not theirs:
            message, hint = f"{self.where(other)} has no parameters", "leave `share` out"
        elif spec.layer.type_name != other.layer.type_name or mine != theirs:
            message = f"{self.where(spec)} has the parameters {_listed(mine)}, {self.where(other)} {_listed(theirs)}"
            hint = "nodes that share parameters are of one layer and have parameters of equal shapes"
        elif not spec.trainable:
            message, hint = (
                "parameters that are shared are kept as they are where they belong",
                (f"write `trainable: false` at {self.where(other)}"),
            )
        else:
            return
        self.fault(spec, message, hint, "share")

    def _group(self, declared: _Declarations) -> dict[int, dict[str, int]]:
        """The group of each parameter that has one, by position and name."""
        found: dict[int, dict[str, int]] = {}
        for position, (_, parts) in declared.items():
            spec = self.specs[position]
            for name in parts.parameters if spec.share is None else ():
                for index, group in enumerate(self.groups):
                    of_node = any(fnmatchcase(spec.name, pattern) for pattern in group.nodes)
                    if of_node and any(fnmatchcase(name, pattern) for pattern in group.parameters):
                        found.setdefault(position, {}).setdefault(name, index)
        if len(declared) == len(self.specs):
            self._idle(declared)
        return found

    def _idle(self, declared: _Declarations) -> None:
        """Patterns of groups that no parameter fits. Those for parameters are looked at where some node is fit."""
        owners = {
            self.specs[position].name: list(parts.parameters)
            for position, (_, parts) in declared.items()
            if parts.parameters and self.specs[position].share is None
        }
        for index, group in enumerate(self.groups):
            fit = [name for name in owners if any(fnmatchcase(name, pattern) for pattern in group.nodes)]
            for place, pattern in enumerate(group.nodes):
                if not any(fnmatchcase(name, pattern) for name in owners):
                    message = f"no node with parameters of its own fits '{pattern}'"
                    self._idle_fault((index, "nodes", place), message, nearest(pattern, list(owners)))
            names = sorted({name for node in fit for name in owners[node]})
            for place, pattern in enumerate(group.parameters):
                if fit and not any(fnmatchcase(name, pattern) for name in names):
                    message = f"no parameter of {', '.join(fit[:3])}{', ...' if len(fit) > 3 else ''} fits '{pattern}'"
                    self._idle_fault((index, "parameters", place), message, nearest(pattern, names))

    def _idle_fault(self, where: tuple[int, str, int], message: str, hint: str) -> None:
        self.faults.append(self.document.fault(("groups", *where), message, hint))

    def _assemble(
        self,
        order: list[int],
        declared: _Declarations,
        owners: dict[int, int],
        grouped: dict[int, dict[str, int]],
    ) -> Graph:
        place = {INPUT: INPUT, **{position: index for index, position in enumerate(order)}}
        readers: dict[int, list[int]] = {}
        for position in order:
            for source in self.sources[position]:
                readers.setdefault(source, []).append(position)
        nodes = []
        for position in order:
            spec, (shapes, parts) = self.specs[position], declared[position]
            suited = self._suited(position, readers)
            initializers = {name: _initializer(parameter, suited) for name, parameter in parts.parameters.items()}
            inputs = tuple(place[source] for source in self.sources[position])
            owner = owners.get(position)
            trainable = spec.trainable if owner is None else self.specs[owner].trainable
            shares = None if owner is None else self.specs[owner].name
            nodes.append(
                Node(
                    spec.name,
                    spec.layer,
                    inputs,
                    shapes,
                    parts,
                    initializers if owner is None else {},
                    shares,
                    trainable,
                    grouped.get(position, {}),
                )
            )
        return Graph(self.input, tuple(nodes))

    def _suited(self, position: int, readers: dict[int, list[int]]) -> str:
        """The initializer for weights whose output reaches these activations first."""
        for reader in readers.get(position, ()):
            suits = self.specs[reader].layer.traits.suits
            if suits == "pass":
                return self._suited(reader, readers)
            if suits is not None:
                return str(suits)
        return "glorot"


def _listed(shapes: dict[str, Shape]) -> str:
    return ", ".join(f"{name} {list(shape)}" for name, shape in shapes.items()) or "none"


def _initializer(parameter: Parameter, suited: str) -> Any:
    init = parameter.init
    if isinstance(init, int | float):
        return registry.initializer["constant"](float(init))
    if init is None:
        init = suited if parameter.decay else "zeros"
    return registry.initializer[init]() if isinstance(init, str) else init
