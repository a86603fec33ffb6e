"""`nncli bench --tune`: the plan that is fastest on this machine, found by trying.

Two plans are compared in turns, a little of each, so that what else the machine does falls on both.
"""

from __future__ import annotations

import dataclasses
import itertools
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple, TypeAlias

from nncli.benchmark.timing import Bench, Times
from nncli.benchmark.workload import Workload
from nncli.engine import Model, Plan
from nncli.engine.plan import combined, plan_with, processors
from nncli.graph import Graph
from nncli.parts import Plain
from nncli.training.loop import Run
from nncli.training.setup import Setup

WORTH = 0.97
"""A choice is changed where another takes less than this share of its time: less than that may be chance."""
TURN = 0.15
"""Seconds of each side in a turn, after as many that do not count: when another side's threads have run, it takes the
system a tenth of a second to spread these over the processors. In turns of 0.05 s two shards took 13 ms for a step of
8 ms."""
TURNS = 3
"""Of each comparison at least."""
SPLITS, NODES, WHOLE = 0.2, 0.6, 0.2
"""Shares of the time: how many threads, what each node does, and whether the whole is faster."""
FORWARD = "forward"
"""The pass whose time is that of a node's way forward; all others are part of its way back."""

Progress: TypeAlias = Callable[[float], None]


class Change(NamedTuple):
    """What a node does otherwise in one of its passes; `ratio` is the time of its way there over the usual."""

    node: str
    which: str
    choice: Plain
    ratio: float


class Tuned(NamedTuple):
    """The fastest plan, the milliseconds of a step with it and with the usual one, and what is not as usual."""

    plan: Plan
    usual: Plan
    step_ms: float
    usual_ms: float
    changes: tuple[Change, ...] = ()


def tune(workload: Workload, seconds: float, progress: Progress = lambda share: None) -> Tuned:
    """Splits of the threads, then every alternative of every node, then the whole against the usual plan."""
    setup = workload.run.setup
    usual = setup.plan
    split = _fastest_split(setup, seconds * SPLITS)
    progress(SPLITS)
    plan, changes = _tuned_nodes(setup, split, seconds * NODES, lambda share: progress(SPLITS + NODES * share))
    times = _compared(setup, (usual, plan), seconds * WHOLE, Bench.step)
    before, after = (median(each.step) * 1e3 for each in times)
    progress(1.0)
    if plan == usual or after >= before:
        return Tuned(usual, usual, before, before)
    return Tuned(plan, usual, after, before, changes)


def tuned_on() -> str:
    """The machine, for people."""
    return f"{platform.machine()} with {processors()} processors"


def _fastest_split(setup: Setup, seconds: float) -> Plan:
    """The usual plan, or one with another number of shards or BLAS threads."""
    threads = setup.config.threads or processors()
    splits = dict.fromkeys(
        [(setup.plan.shards, setup.plan.blas), (1, 1), (1, threads), (min(threads, _batch(setup)), 1)]
    )
    if len(splits) == 1:
        return setup.plan
    plans = [_plan(setup, *split) for split in splits]
    steps = [median(times.step) for times in _compared(setup, plans, seconds, Bench.step)]
    fastest = min(range(len(steps)), key=steps.__getitem__)
    return plans[fastest] if steps[fastest] < WORTH * steps[0] else setup.plan


def _tuned_nodes(setup: Setup, start: Plan, seconds: float, progress: Progress) -> tuple[Plan, tuple[Change, ...]]:
    """Every node with the fastest alternative of each of its passes.

    In a round each node tries one alternative of one of its passes on the way forward, or back: nodes and the two ways
    are timed apart, so that many are tried at once.
    """
    offers = _offers(setup, start)
    rounds = list(_rounds(offers))
    best: dict[tuple[str, str], Change] = {}
    for number, tried in enumerate(rounds):
        plan = _changed(start, {node: [choice for _, choice in parts] for node, parts in tried.items()})
        before, after = _compared(setup, (start, plan), seconds / len(rounds), Bench.nodes)
        for index, node in enumerate(setup.graph.nodes):
            for which, choice in tried.get(node.name, ()):
                way = "forward" if which == FORWARD else "backward"
                ratio = median(getattr(after, way)[index]) / median(getattr(before, way)[index])
                found = best.get((node.name, which))
                if ratio < (WORTH if found is None else found.ratio):
                    best[node.name, which] = Change(node.name, which, choice, ratio)
        progress((number + 1) / len(rounds))
    chosen: dict[str, list[Plain]] = {}
    for change in best.values():
        chosen.setdefault(change.node, []).append(change.choice)
    return _changed(start, chosen), tuple(best.values())


Offers: TypeAlias = dict[str, dict[str, list[Plain]]]
Tried: TypeAlias = dict[str, list[tuple[str, Plain]]]


def _offers(setup: Setup, start: Plan) -> Offers:
    """What could change, by node and pass."""
    part, itemsize = -(-_batch(setup) // start.shards), setup.model.dtype.itemsize
    found: Offers = {}
    for node in setup.graph.nodes:
        usual = start.nodes.get(node.name, {})
        for which, choices in node.layer.alternatives(node.shapes, part, itemsize).items():
            other = [choice for choice in choices if not choice.items() <= usual.items()]
            if other:
                found.setdefault(node.name, {})[which] = other
    return found


def _rounds(offers: Offers) -> Iterator[Tried]:
    """What each node tries at the same time: one alternative forward, and one of one pass on the way back."""
    queues = {
        node: (
            [(FORWARD, choice) for choice in passes.get(FORWARD, [])],
            [(which, choice) for which, choices in passes.items() if which != FORWARD for choice in choices],
        )
        for node, passes in offers.items()
    }
    for number in itertools.count():
        tried = {node: [queue[number] for queue in pair if number < len(queue)] for node, pair in queues.items()}
        if not any(tried.values()):
            return
        yield tried


def _changed(plan: Plan, choices: Mapping[str, Sequence[Plain]]) -> Plan:
    nodes = {name: combined(chosen, choices.get(name, ())) for name, chosen in plan.nodes.items()}
    return dataclasses.replace(plan, nodes=nodes)


def _compared(setup: Setup, plans: Sequence[Plan], seconds: float, kind: Callable[[Bench], None]) -> list[Times]:
    """Times with each of the plans, in turns."""
    with ExitStack() as stack:
        benches = [stack.enter_context(_bench(setup, plan)) for plan in plans]
        begun = perf_counter()
        for turn in itertools.count(1):
            for bench in benches:
                with bench.run.model.limits():
                    counted, bench.times = bench.times, Times()
                    _repeat(kind, bench, TURN)
                    bench.times = counted
                    _repeat(kind, bench, TURN)
            if turn >= TURNS and perf_counter() - begun >= seconds:
                return [bench.times for bench in benches]
    raise AssertionError


def _repeat(kind: Callable[[Bench], None], bench: Bench, seconds: float) -> None:
    until = perf_counter() + seconds
    kind(bench)
    while perf_counter() < until:
        kind(bench)


@contextmanager
def _bench(setup: Setup, plan: Plan) -> Iterator[Bench]:
    """The run with another plan, at weights of its own."""
    model = Model(setup.graph, plan, setup.config.dtype, setup.model.objective, setup.config.seed)
    try:
        run = Run(dataclasses.replace(setup, plan=plan, model=model), Path())
        run.begin()
        yield Bench(Workload(run, ""))
    finally:
        model.close()


def _plan(setup: Setup, shards: int, blas: int) -> Plan:
    graph: Graph = setup.graph
    return plan_with(graph, _batch(setup), setup.model.dtype.itemsize, shards, blas)


def _batch(setup: Setup) -> int:
    return min(setup.config.train.batch, len(setup.train))


def document(tuned: Tuned) -> dict[str, Any]:
    """What `bench --tune --json` says of it."""
    return {
        "plan": tuned.plan.describe(),
        "usual_plan": tuned.usual.describe(),
        "step_ms": tuned.step_ms,
        "usual_step_ms": tuned.usual_ms,
        "changes": [
            {"node": change.node, "pass": change.which, "choice": dict(change.choice), "ratio": change.ratio}
            for change in tuned.changes
        ],
    }
