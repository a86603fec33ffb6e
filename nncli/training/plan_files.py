"""Plans in files: what `bench --tune` measured, for `--plan` to use."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from nncli.checkpoint import atomic
from nncli.engine import Plan
from nncli.engine.plan import Planner, combined, plan_with, processors
from nncli.errors import Fault, SpecError, nearest
from nncli.fields import Count, Section
from nncli.graph import Graph
from nncli.graph.graph import Node
from nncli.parts import Plain
from nncli.registry import section
from nncli.spec.dump import inline
from nncli.spec.files import open_document
from nncli.spec.reading import read
from nncli.spec.yaml12 import Document

VERSION = 1
AGAIN = "make one for this configuration and machine with `nncli bench CONFIG --tune`"


@section
@dataclass(frozen=True, slots=True)
class PlanFile:
    """A plan, and what it is for: batches of `batch` samples in numbers of `dtype`.

    `shards` and `blas` are its threads; `nodes` are choices of layers by node and pass. `tuned_on` tells people where
    it was measured.
    """

    nncli_plan: Literal[1]
    batch: Count
    dtype: Literal["float32", "float64"]
    shards: Count
    blas: Count
    nodes: dict[str, dict[str, int | str]] = field(default_factory=dict)
    tuned_on: str = ""


def write_plan(path: Path, plan: Plan, batch: int, dtype: str, tuned_on: str) -> None:
    """Raises OutputError where the file cannot be written; then there is none, or the one before."""
    lines = [
        "# Made by `nncli bench --tune`: what was fastest. Use it with --plan.",
        f"nncli_plan: {VERSION}",
        f"tuned_on: {inline(tuned_on)}",
        f"batch: {batch}",
        f"dtype: {dtype}",
        f"shards: {plan.shards}",
        f"blas: {plan.blas}",
        "nodes:" if plan.nodes else "nodes: {}",
        *(f"  {name}: {inline(dict(chosen))}" for name, chosen in plan.nodes.items()),
    ]
    atomic.replace(path, ("\n".join(lines) + "\n").encode(), what="the plan", hint="write to another folder with -o")


def planner(path: Path) -> Planner:
    """What makes the plan of the file for a graph.

    Raises SpecError where the file is none of a plan; the planner where it does not fit the network, its batch or this
    machine. What it takes from the file is no more than what the layers offer, so that no plan can break one.
    """
    document = open_document(path)
    faults: list[Fault] = []
    stored = read(Annotated[PlanFile, Section()], document.plain, document, (), faults)
    if stored is None:
        raise SpecError([*faults[:-1], _with_hint(faults[-1])])
    return lambda graph, n, itemsize, threads: _fitted(stored, document, graph, n, itemsize, threads)


def _with_hint(fault: Fault) -> Fault:
    return fault if fault.hint else Fault(fault.message, fault.path, AGAIN, fault.file, fault.line, fault.column)


def _fitted(stored: PlanFile, document: Document, graph: Graph, n: int, itemsize: int, threads: int | None) -> Plan:
    dtype, most = "float64" if itemsize == 8 else "float32", threads or processors()
    faults: list[Fault] = []

    def wrong(path: tuple[str, ...], message: str, hint: str = AGAIN, key: bool = False) -> None:
        faults.append(document.fault(path, message, hint, key=key))

    if stored.dtype != dtype:
        wrong(("dtype",), f"the plan is for {stored.dtype}, the network works in {dtype}")
    if stored.batch != n:
        wrong(("batch",), f"the plan is for batches of {stored.batch}, these are of {n}")
    if stored.shards > n:
        wrong(("shards",), f"{stored.shards} shards of a batch of {n}", "at most one for each sample")
    if stored.shards * stored.blas > most:
        wrong(("shards",), f"the plan is for {stored.shards * stored.blas} threads, at most {most} may be used")
    if faults:
        raise SpecError(faults)
    usual = plan_with(graph, n, itemsize, stored.shards, stored.blas)
    part, nodes = -(-n // stored.shards), {node.name: node for node in graph.nodes}
    for name, chosen in stored.nodes.items():
        if name not in usual.nodes:
            near = nearest(name, list(usual.nodes))
            hint = f"did you mean '{near}'?" if near else AGAIN
            wrong(("nodes", name), f"the network has no node '{name}' that could choose", hint, key=True)
        elif not offered(nodes[name], chosen, usual.nodes[name], part, itemsize):
            wrong(("nodes", name), f"'{name}' does not offer this: the layer, its input or its tolerance is another")
    for name in usual.nodes:
        if name not in stored.nodes:
            wrong(("nodes",), f"the plan says nothing of '{name}'")
    if faults:
        raise SpecError(faults)
    return Plan(stored.shards, stored.blas, {name: stored.nodes[name] for name in usual.nodes})


def offered(node: Node, wanted: Plain, usual: Plain, n: int, itemsize: int) -> bool:
    """Whether a node's plan is the usual one with one alternative for some of its passes."""
    taken = [
        part
        for parts in node.layer.alternatives(node.shapes, n, itemsize).values()
        for part in _within(parts, wanted)[:1]
    ]
    return combined(usual, taken) == dict(wanted)


def _within(parts: tuple[Plain, ...], wanted: Plain) -> list[Plain]:
    """The entries that the plan agrees with, those with the most keys first."""
    found = [part for part in parts if part.items() <= wanted.items()]
    return sorted(found, key=len, reverse=True)
