"""Times of a training run: of each node, of a step, of its update, and of the data path.

The machine may be busy with other things, so what is compared is measured in turns, a little of each in every round,
and what is reported are medians.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from nncli.benchmark.workload import Workload
from nncli.engine import Program
from nncli.engine.shard import Shard
from nncli.parts import Array
from nncli.training import events
from nncli.training.loop import Run

PRODUCT = 1024
"""Side of the matrices whose product stands for the most that the machine can do."""
ROUND = 0.05
"""Seconds that each of the things compared takes in a round, if one step is not longer."""
WARM_UP = 3
"""Steps of each kind before anything counts."""

Progress = Callable[[float], None]
"""Told what share of the measuring is done."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Measure until `steps` steps of each kind, or for `seconds` in all, whichever is first; at least once."""

    steps: int | None = None
    seconds: float = 5.0


@dataclass
class Times:
    """Seconds, one number for each step.

    step        forward, backward, update       update    the optimizer's part of it
    trained     step of the training loop: data path, metrics and history included
    product     one matrix product of the peak, on each of the plan's threads at once
    forward, backward    by node; means over the shards, which run at the same time
    """

    step: list[float] = field(default_factory=list)
    update: list[float] = field(default_factory=list)
    trained: list[float] = field(default_factory=list)
    product: list[float] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    forward: dict[int, list[float]] = field(default_factory=dict)
    backward: dict[int, list[float]] = field(default_factory=dict)


class Bench:
    """The things that are measured in turn, all of one run."""

    def __init__(self, workload: Workload) -> None:
        self.run, self.times = workload.run, Times()
        self.program: Program = self.run.model.program(self.run.batch, training=True)
        self._batch = [
            (np.empty_like(shard.x), {name: np.empty_like(target) for name, target in shard.targets.items()})
            for shard in self.program.shards
        ]
        for shard, (x, targets) in zip(self.program.shards, self._batch, strict=True):
            self.run.setup.train.fill(np.arange(shard.start, shard.start + shard.n), x, targets)
        self._trained = trained_steps(self.run)
        self._multiply = products(self.run)
        self._number = itertools.count(1)

    def measure(self, limits: Limits, progress: Progress = lambda share: None) -> Times:
        """Rounds of all kinds of steps, until the limits are reached."""
        kinds = (self.step, self.nodes, self.trained, self.product)
        for kind in kinds:
            for _ in range(WARM_UP):
                kind()
        self.times = Times()
        begun = perf_counter()
        done = 0
        while not done or ((limits.steps is None or done < limits.steps) and perf_counter() - begun < limits.seconds):
            left = None if limits.steps is None else limits.steps - done
            for kind in kinds:
                count = repeat(kind, left)
                if kind == self.step:
                    done += count
            shares = (perf_counter() - begun) / (limits.seconds or 1.0), done / (limits.steps or done)
            progress(min(1.0, shares[0] if limits.steps is None else max(shares)))
        return self.times

    def batch(self) -> tuple[Array, Array]:
        """The samples and the first target that steps are measured on, batch last; without one the samples again."""
        targets = [next(iter(targets.values()), x) for x, targets in self._batch]
        return np.concatenate([x for x, _ in self._batch], -1), np.concatenate(targets, -1)

    def load(self, shard: Shard) -> None:
        """A plain copy: other arrays of a step share memory with the input, so it has to be written anew."""
        x, targets = self._batch[shard.index]
        np.copyto(shard.x, x)
        for name, target in targets.items():
            np.copyto(shard.targets[name], target)

    def step(self) -> None:
        """A step on a batch that is in the program's memory already."""
        number = next(self._number)
        updater = self.run.updater
        for shard in self.program.shards:
            self.load(shard)
        start = perf_counter()
        self.program.run(None, 0, number)
        between = perf_counter()
        updater.apply(updater.gather(len(self.program.shards)), self.run.setup.config.optimizer.lr, number)
        end = perf_counter()
        self.times.step.append(end - start)
        self.times.update.append(end - between)

    def steps_for(self, seconds: float) -> list[float]:
        """Steps for a while, at least one; their seconds."""
        before = len(self.times.step)
        begun = perf_counter()
        while len(self.times.step) == before or perf_counter() - begun < seconds:
            self.step()
        return self.times.step[before:]

    def trained(self) -> None:
        """A step of the training loop."""
        start = perf_counter()
        next(self._trained)
        self.times.trained.append(perf_counter() - start)

    def product(self) -> None:
        start = perf_counter()
        self._multiply()
        self.times.product.append(perf_counter() - start)

    def nodes(self) -> None:
        """A step call by call, with the time of each."""
        shards = self.run.model.workers.run(self._calls, len(self.program.shards))
        for times, kinds in ((self.times.forward, ("forward",)), (self.times.backward, ("arrived", "backward"))):
            found: dict[int, float] = {}
            for shard in shards:
                for (kind, node), seconds in shard.items():
                    if kind in kinds:
                        found[node] = found.get(node, 0.0) + seconds / len(shards)
            for node, seconds in found.items():
                times.setdefault(node, []).append(seconds)
        losses = [s for shard in shards for (kind, _), s in shard.items() if kind.startswith("loss")]
        self.times.loss.append(sum(losses) / len(shards))

    def _calls(self, index: int) -> dict[tuple[str, int], float]:
        """Seconds of each call of a shard's step. What follows a node's way back, adding its errors to others, is
        done when the next call is asked for; it counts as that call's."""
        found: dict[tuple[str, int], float] = {}
        self.load(self.program.shards[index])
        calls = self.program.shards[index].calls(None, 0, 0)
        while True:
            start = perf_counter()
            call = next(calls, None)
            seconds = perf_counter() - start
            if call is None:
                return found
            found[call.kind, call.node] = seconds


def repeat(kind: Callable[[], None], most: int | None) -> int:
    """Call it for a round's time, at most so many times; returns how many."""
    begun = perf_counter()
    for count in itertools.count(1):
        kind()
        if count == most or perf_counter() - begun >= ROUND:
            return count
    raise AssertionError


def trained_steps(run: Run) -> Iterator[events.Event]:
    """Steps of the training loop without end: at the end of an epoch the next one begins."""
    while True:
        for event in run.epoch():
            if isinstance(event, events.Stepped):
                yield event
        run.progress.epoch += 1
        run.progress.cursor = 0


def products(run: Run) -> Callable[[], Any]:
    """A function that multiplies two matrices of the run's type, as many at once as the plan has shards."""
    rng = np.random.default_rng(0)
    count = run.setup.plan.shards
    matrices = [tuple(rng.random((PRODUCT, PRODUCT)).astype(run.model.dtype) for _ in range(3)) for _ in range(count)]

    def multiply(index: int) -> None:
        a, b, c = matrices[index]
        np.matmul(a, b, out=c)

    return lambda: run.model.workers.run(multiply, count)


# -- figures -----------------------------------------------------------------------------------------------------------


def peak_flops(run: Run, times: Times) -> float:
    """FLOP/s of the matrix product, on all of the plan's threads."""
    return 2 * PRODUCT**3 * run.setup.plan.shards / median(times.product)


def node_rows(run: Run, program: Program, times: Times, peak: float) -> list[dict[str, Any]]:
    """One row for each node. `fused_into` names the node that applies this one on its way forward."""
    graph, shard = run.setup.graph, program.shards[0]
    finished_by = {end: start for start, end in shard.wiring.finished_by.items()}
    rows = []
    for index, node in enumerate(graph.nodes):
        forward, backward = (median(t[index]) if index in t else 0.0 for t in (times.forward, times.backward))
        flops = node.declared.flops * run.batch
        frame = shard.frames[index]
        passes = bool(frame.g) + any(dx is not None for dx in frame.dxs) if index in times.backward else 0
        seconds = forward + backward
        speed = flops * (1 + passes) / seconds if flops and seconds else None
        rows.append(
            {
                "name": node.name,
                "type": node.type,
                "algorithm": algorithm(run.setup.plan.nodes.get(node.name, {})),
                "forward_ms": forward * 1e3,
                "backward_ms": backward * 1e3,
                "gflops": speed and speed / 1e9,
                "forward_gflops": flops / forward / 1e9 if flops and forward else None,
                "backward_gflops": flops * passes / backward / 1e9 if flops and passes and backward else None,
                "peak_share": speed and speed / peak,
                "fused_into": graph.nodes[finished_by[index]].name if index in finished_by else None,
            }
        )
    return rows


def algorithm(chosen: Any) -> str:
    """The algorithm of a node's plan: its name, or where passes have their own, those of forward, weight and input
    gradient."""
    if isinstance(name := chosen.get("algorithm"), str):
        return name
    names = chosen.get("algorithm", {})
    return "/".join(dict.fromkeys(str(value) for value in names.values())) if isinstance(names, dict) else ""
