"""Loss and metrics of a whole split, and the metrics of a batch while it is in memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from nncli import progress
from nncli.engine import Program, Term
from nncli.engine.shard import Each, Shard
from nncli.parts import Array, LossFrame
from nncli.training.objective import Measured
from nncli.training.progress import Running

if TYPE_CHECKING:
    from nncli.data.batches import Loader, Scale
    from nncli.training.setup import Setup

LEAST_BATCH = 128
"""Samples. Measuring has no reason for small batches; both `train` and `eval` use this, so that they agree."""


class _Own:
    """Output and target of a loss for one shard, in the target's own units, and the loss of these.

    In float64: in units of its own a target may be large beside its deviation. The loss has the same formula; what
    is made small is that of the scaled numbers.
    """

    def __init__(self, shard: Shard, term: Term, scale: Scale) -> None:
        self.term, self.scale = term, scale
        self.scaled = shard.values[term.node], shard.target(term)
        self.y: Array = np.zeros(self.scaled[0].shape)
        self.t: Array = np.zeros(self.scaled[1].shape)
        works = term.loss.workspace(self.y.shape[:-1], shard.n).items()
        self.frame = LossFrame(n=shard.n, total=shard.whole, weight=float(shard.whole), x=self.y, t=self.t)
        self.frame.work = {key: np.zeros(work.shape, work.dtype or np.float64) for key, work in works}
        self.frame.views = term.loss.prepare(self.frame)

    def lose(self) -> float:
        """The sum of the loss over the shard; afterwards `y` and `t` hold this batch."""
        for scaled, own in zip(self.scaled, (self.y, self.t), strict=True):
            self.scale.own(scaled.reshape(-1, scaled.shape[-1]), own.reshape(-1, own.shape[-1]))
        return float(self.term.loss.forward(self.frame))


class Meter:
    """Updates metrics from the outputs of each shard, in the shard's thread; `take` gives the batch's totals.

    Where targets are scaled, it measures in their own units, losses too.
    """

    def __init__(self, metrics: dict[str, Measured], scales: Mapping[str, Scale] | None = None) -> None:
        self.metrics, self.scales = metrics, scales or {}
        self._totals: dict[int, dict[str, Array]] = {}
        self._sums: dict[int, list[float]] = {}
        self._work: dict[Shard, dict[str, dict[str, Array]]] = {}
        self._own: dict[Shard, dict[int, _Own]] = {}

    def __call__(self, shard: Shard) -> None:
        if not self.metrics and not self.scales:
            return
        work = self._work.get(shard)
        if work is None:
            work = self._work[shard] = self._make(shard)
        totals = self._totals.setdefault(
            shard.index, {name: np.zeros(measured.size) for name, measured in self.metrics.items()}
        )
        own = self._own[shard]
        if own:
            places = range(len(shard.objective))
            self._sums[shard.index] = [own[place].lose() if place in own else 0.0 for place in places]
        for name, (metric, term, _) in self.metrics.items():
            totals[name].fill(0)
            unscaled = own.get(shard.objective.index(term)) if own else None
            y, t = (shard.values[term.node], shard.target(term)) if unscaled is None else (unscaled.y, unscaled.t)
            metric.update(totals[name], y, t, work[name])

    def _make(self, shard: Shard) -> dict[str, dict[str, Array]]:
        self._own[shard] = {
            place: _Own(shard, term, self.scales[term.target])
            for place, term in enumerate(shard.objective)
            if term.target in self.scales
        }
        return {
            name: {
                key: np.zeros(work.shape, work.dtype or (np.float64 if term.target in self.scales else shard.dtype))
                for key, work in metric.workspace(output, shard.n).items()
            }
            for name, (metric, term, output) in self.metrics.items()
        }

    def losses(self, program: Program) -> tuple[float, ...]:
        """The mean losses of the batch that the program has just run, in the targets' own units."""
        if not self.scales:
            return program.losses
        columns = zip(*(self._sums[shard.index] for shard in program.shards), strict=True)
        return tuple(
            math.fsum(column) / weight if term.target in self.scales else loss
            for term, column, weight, loss in zip(
                program.objective, columns, program.weights, program.losses, strict=True
            )
        )

    def loss(self, program: Program) -> float:
        """Their weighted sum."""
        pairs = zip(program.objective, self.losses(program), strict=True)
        return math.fsum(term.weight * loss for term, loss in pairs)

    def take(self, program: Program) -> dict[str, Array]:
        """Totals of the batch that the program has just run: those of its shards, in their order."""
        sums = {name: np.zeros(measured.size) for name, measured in self.metrics.items()}
        for shard in program.shards:
            for name, total in sums.items():
                total += self._totals[shard.index][name]
        return sums


def loading(loader: Loader, rows: Array) -> Each:
    """What fills a shard with its part of these rows, in the shard's thread."""

    def load(shard: Shard) -> None:
        loader.fill(rows[shard.start : shard.start + shard.n], shard.x, shard.targets)

    return load


def measure_split(setup: Setup, loader: Loader, stop: Callable[[], bool] = lambda: False) -> Running | None:
    """Loss and metrics over all samples of a split, in their order, without dropout; None where `stop()` said so
    between two batches."""
    running, meter = Running(setup.metrics, setup.model.objective), Meter(setup.metrics, setup.preprocessing.scales)
    n = len(loader)
    batch = min(n, max(setup.config.train.batch, LEAST_BATCH))
    rows = np.arange(n)
    for start in progress.track(range(0, n, batch), "measuring", unit="batches"):
        if stop():
            return None
        part = rows[start : start + batch]
        program = setup.model.program(len(part), training=False)
        program.run(loading(loader, part), measure=meter)
        running.add(meter.losses(program), program.weights, len(part), meter.take(program))
    return running
