"""Named blocks: a list of nodes that is defined once and used many times, with parameters.

    blocks:
      residual:
        parameters: {filters: 16, stride: 1}      # with their defaults; one without a value must be given
        network:
          - conv2d: {filters: $filters, kernel: 3, stride: $stride, padding: same}
          - relu
          - {add: {}, inputs: [conv2d_1, input]}   # `input` is what the block reads
    network:
      - {residual: {filters: 32}, name: first, repeat: 3}

A use is replaced by the block's nodes, each called after the use and its own name (`first-1-conv2d_1`); the use's name
stands for the last of them. Everything behind this file sees a plain list of layers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple

from nncli import registry
from nncli.errors import Fault, nearest
from nncli.fields import Count, Section
from nncli.registry import section
from nncli.spec.config import InputNames, NodeName
from nncli.spec.entries import node_names, split_entry
from nncli.spec.reading import read
from nncli.spec.words import quoted, shown
from nncli.spec.yaml12 import Document, Path

MOST_NODES = 10_000
"""Nodes that a network may have: blocks of blocks grow fast."""
DEEPEST = 32
"""Blocks within blocks."""


@section
@dataclass(frozen=True, slots=True)
class Use:
    """What may stand beside a block where it is used: `repeat` puts so many of it one after the other."""

    name: NodeName | None = None
    inputs: InputNames | None = None
    trainable: bool = True
    repeat: Count = 1


_USE = Annotated[Use, Section()]
USE = tuple(field.name for field in dataclasses.fields(Use))


@dataclass(frozen=True)
class Block:
    """A block as the file defines it; `path` is where its list of nodes stands. Parameters without a value are None."""

    name: str
    parameters: dict[str, Any]
    entries: tuple[Any, ...]
    path: Path


@dataclass(frozen=True)
class Entry:
    """An entry of the network with the places its values came from, as a view of the document.

    `origins` are places elsewhere in the file, by the path inside the entry, for values that parameters brought in.
    `use` says which block it stands in, and where that is used. An entry is `broken` where a parameter has no value.
    """

    document: Document
    plain: Any
    base: Path
    origins: dict[Path, Path] = field(default_factory=dict)
    use: str = ""
    broken: bool = False

    def place(self, path: Path) -> Path:
        """Where in the file the value at a path inside the entry stands."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.origins:
                origin = self.origins[path[:end]]
                inside = isinstance(self.document.at(origin), dict | tuple)
                return (*origin, *path[end:]) if inside else origin
        return (*self.base, *path)

    def fault(self, path: Path, message: str, hint: str = "", *, key: bool = False) -> Fault:
        """As `Document.fault`, for a path that begins with `base`."""
        return self.document.fault(self.place(path[len(self.base) :]), message + self.use, hint, key=key)

    def at(self, path: Path) -> Any:
        """As `Document.at`, of the entry with its parameters put in."""
        return Document(self.plain, "").at(path[len(self.base) :])


class Reads(NamedTuple):
    """Names as they are written in a scope; what they mean is known once everything is unfolded."""

    scope: Scope
    names: tuple[str, ...]

    def resolve(self) -> tuple[str, ...]:
        return tuple(self.scope.resolve(name) for name in self.names)


@dataclass
class Scope:
    """Names inside one use of a block, and what they are called outside of all blocks."""

    prefix: str = ""
    names: dict[str, str | Reads] = field(default_factory=dict)
    outer: Scope | None = None

    def resolve(self, name: str) -> str:
        """The full name; a name that is known nowhere stays as it is."""
        scope: Scope | None = self
        while scope is not None:
            found = scope.names.get(name)
            if isinstance(found, Reads):
                return found.resolve()[0]
            if found is not None:
                return found
            scope = scope.outer
        return name


@dataclass
class Flat:
    """A layer's entry after all blocks are unfolded, its full name, and what names in it mean.

    `reads` is what it reads, unless it says so itself (None: the node before it).
    """

    entry: Entry
    name: str
    scope: Scope
    reads: Reads | None = None
    trainable: bool = True


def blocks_of(document: Document, faults: list[Fault]) -> dict[str, Block]:
    """The blocks that the file defines."""
    plain = document.plain.get("blocks")
    if plain is None:
        return {}
    path: Path = ("blocks",)
    if not isinstance(plain, dict):
        hint = "write `blocks: {name: [...]}`"
        faults.append(document.fault(path, f"expected blocks by name, found {shown(plain)}", hint))
        return {}
    found = {}
    for name, value in plain.items():
        block = _block(name, value, document, (*path, name), faults)
        if block is not None:
            found[name] = block
    return found


def _block(name: str, value: Any, document: Document, path: Path, faults: list[Fault]) -> Block | None:
    if name in registry.layer:
        faults.append(
            document.fault(path, f"{quoted(name)} is the name of a layer", "call the block otherwise", key=True)
        )
        return None
    parameters: Any = {}
    if isinstance(value, dict):
        for key in value:
            if key not in ("parameters", "network"):
                hint = nearest(key, ["parameters", "network"])
                faults.append(document.fault((*path, key), "unknown field", hint, key=True))
        parameters, value, path = value.get("parameters") or {}, value.get("network"), (*path, "network")
        if not isinstance(parameters, dict):
            hint = "write `parameters: {filters: 16}`: names with their defaults"
            message = f"expected parameters by name, found {shown(parameters)}"
            faults.append(document.fault((*path[:-1], "parameters"), message, hint))
            return None
    if not isinstance(value, tuple) or not value:
        hint = "write one `- layer` for each node, or `{parameters: {...}, network: [...]}`"
        faults.append(document.fault(path, f"expected a list of layers, found {shown(value)}", hint))
        return None
    return Block(name, parameters, value, path)


class Used(NamedTuple):
    """A use of a block: its entries with the parameters' values, what stands beside it, and the blocks around it."""

    body: list[Entry]
    beside: Use
    stack: tuple[str, ...]


class Unfolding:
    """The entries of `network` without blocks."""

    def __init__(self, document: Document, blocks: dict[str, Block], faults: list[Fault]) -> None:
        self.document, self.blocks, self.faults = document, blocks, faults
        self.flat: list[Flat] = []
        self.full = False
        self.section = "network"

    def network(self, entries: tuple[Any, ...], section: str = "network") -> list[Flat]:
        self.section = section
        located = [Entry(self.document, plain, (section, index)) for index, plain in enumerate(entries)]
        self._list(located, Scope(), (), True)
        return [] if self.full else self.flat

    def _list(self, entries: list[Entry], scope: Scope, stack: tuple[str, ...], trainable: bool) -> None:
        parts = [self._kind_and_name(entry) for entry in entries]
        for entry, (kind, _), name in zip(entries, parts, node_names(parts, self.blocks), strict=True):
            called = scope.prefix + name
            used = self._use(entry, kind, stack, called)
            scope.names[name] = called
            if used is None:
                self._add(Flat(entry, called, scope, trainable=trainable))
                continue
            self._repeat(used, called, scope, trainable and used.beside.trainable)
            if used.body and self.flat:
                scope.names[name] = self.flat[-1].name

    def _repeat(self, used: Used, name: str, scope: Scope, trainable: bool) -> None:
        """A block's nodes, as often as its use says, one after the other."""
        reads = Reads(scope, used.beside.inputs) if used.beside.inputs else None
        for number in range(1, used.beside.repeat + 1):
            if self.full:
                return
            called = f"{name}-{number}" if used.beside.repeat > 1 else name
            before = Reads(scope, (self.flat[-1].name if self.flat else "input",))
            inner = Scope(f"{called}-", {"input": reads or before}, scope)
            start = len(self.flat)
            self._list(used.body, inner, used.stack, trainable)
            if reads is not None and len(self.flat) > start and self.flat[start].reads is None:
                self.flat[start].reads = reads
            reads = None

    def _add(self, flat: Flat) -> None:
        if self.full:
            return
        if len(self.flat) == MOST_NODES:
            message = f"the network unfolds into more than {MOST_NODES:,} nodes"
            self.faults.append(self.document.fault((self.section,), message, "use smaller numbers in `repeat`"))
            self.full = True
            return
        self.flat.append(flat)

    def _kind_and_name(self, entry: Entry) -> tuple[str | None, str | None]:
        """The layer or block that an entry names, and its own name; what is wrong is said when it is read."""
        plain = entry.plain
        kind, _, extras = split_entry(plain, entry, entry.base, [])
        used = [key for key in plain if key in self.blocks] if isinstance(plain, dict) else []
        if len(used) == 1:
            kind, extras = used[0], plain
        name = extras.get("name")
        return kind, None if name is None else read(NodeName, name, entry, (*entry.base, "name"), [])

    def _use(self, entry: Entry, kind: str | None, stack: tuple[str, ...], called: str) -> Used | None:
        """The block that an entry uses; None for a layer."""
        if kind is None or kind not in self.blocks:
            return None
        block, path, faults = self.blocks[kind], (*entry.base, kind), self.faults
        if kind in stack or len(stack) == DEEPEST:
            chain = " uses ".join(quoted(name) for name in (*stack[stack.index(kind) :], kind)) if kind in stack else ""
            message = f"a block within itself: {chain}" if chain else f"blocks nest deeper than {DEEPEST}"
            faults.append(entry.fault(path, message, "a block can use only other blocks"))
            return Used([], Use(), stack)
        plain = entry.plain if isinstance(entry.plain, dict) else {kind: None}
        extras = {key: value for key, value in plain.items() if key != kind}
        beside = read(_USE, extras, entry, entry.base, faults) or Use()
        if beside.inputs is not None and len(beside.inputs) != 1:
            hint = "give the names of others as parameters: `inputs: [input, $other]`"
            faults.append(entry.fault((*entry.base, "inputs"), "a block reads one node", hint))
        arguments = self._arguments(entry, block, plain[kind], path, faults)
        note = f"; the block {quoted(kind)} is used as {quoted(called)}"
        body = [self._put(entry, block, arguments, index, note, faults) for index in range(len(block.entries))]
        return Used(body, beside, (*stack, kind))

    @staticmethod
    def _arguments(entry: Entry, block: Block, given: Any, path: Path, faults: list[Fault]) -> dict[str, Any]:
        known, called = list(block.parameters), f"the block {quoted(block.name)}"
        if given is not None and not isinstance(given, dict):
            if not known:
                faults.append(entry.fault(path, f"{called} has no parameters", "leave the value out"))
                return {}
            given = {known[0]: given}
        given = given or {}
        for name in given:
            if name not in known:
                hint = nearest(name, known) or "it has no parameters"
                faults.append(entry.fault((*path, name), f"{called} has no such parameter", hint, key=True))
        for name, default in block.parameters.items():
            if default is None and given.get(name) is None:
                hint = f"write `{block.name}: {{{name}: ...}}`"
                faults.append(entry.fault(path, f"{called} needs its parameter {quoted(name)}", hint))
        return {name: value for name, value in given.items() if name in known and value is not None}

    def _put(
        self, use: Entry, block: Block, arguments: dict[str, Any], index: int, note: str, faults: list[Fault]
    ) -> Entry:
        """An entry of a block with the parameters' values in it."""
        base = (*block.path, index)
        origins: dict[Path, Path] = {}
        broken = False
        short = not (isinstance(use.plain, dict) and isinstance(use.plain.get(block.name), dict))

        def put(value: Any, path: Path) -> Any:
            nonlocal broken
            if isinstance(value, dict):
                return {key: put(item, (*path, key)) for key, item in value.items()}
            if isinstance(value, tuple):
                return tuple(put(item, (*path, place)) for place, item in enumerate(value))
            if not isinstance(value, str) or not value.startswith("$"):
                return value
            name = value[1:]
            if name.startswith("$"):
                return name
            if name in arguments:
                origins[path] = use.place((block.name,) if short else (block.name, name))
                return arguments[name]
            if name not in block.parameters:
                hint = nearest(name, list(block.parameters)) or "give the block `parameters: {...}`"
                message = f"the block {quoted(block.name)} has no parameter {quoted(name)}"
                faults.append(self.document.fault((*base, *path), message, hint))
                broken = True
                return None
            broken |= block.parameters[name] is None
            origins[path] = (*block.path[:-1], "parameters", name)
            return block.parameters[name]

        plain = put(block.entries[index], ())
        return Entry(self.document, plain, base, origins, note, broken)


def once(faults: list[Fault]) -> Iterator[Fault]:
    """Faults of a block said once, for the first of its uses."""
    seen = set()
    for fault in faults:
        key = (fault.file, fault.line, fault.column, fault.path, fault.message.partition("; the block '")[0])
        if key not in seen:
            seen.add(key)
            yield fault
