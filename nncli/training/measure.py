"""Loss and metrics of a whole split, and the metrics of a batch while it is in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nncli.engine import Program
from nncli.engine.shard import Each, Shard
from nncli.parts import Array
from nncli.training.objective import Measured
from nncli.training.progress import Running

if TYPE_CHECKING:
    from nncli.data.batches import Loader
    from nncli.training.setup import Setup

LEAST_BATCH = 128
"""Samples. Measuring has no reason for small batches; both `train` and `eval` use this, so that they agree."""


class Meter:
    """Updates metrics from the outputs of each shard, in the shard's thread; `take` gives the batch's totals."""

    def __init__(self, metrics: dict[str, Measured]) -> None:
        self.metrics = metrics
        self._totals: dict[int, dict[str, Array]] = {}
        self._work: dict[Shard, dict[str, dict[str, Array]]] = {}

    def __call__(self, shard: Shard) -> None:
        if not self.metrics:
            return
        work = self._work.get(shard)
        if work is None:
            work = self._work[shard] = self._make(shard)
        totals = self._totals.setdefault(
            shard.index, {name: np.zeros(measured.size) for name, measured in self.metrics.items()}
        )
        for name, (metric, term, _) in self.metrics.items():
            totals[name].fill(0)
            metric.update(totals[name], shard.values[term.node], shard.target(term), work[name])

    def _make(self, shard: Shard) -> dict[str, dict[str, Array]]:
        return {
            name: {
                key: np.zeros(work.shape, work.dtype or shard.dtype)
                for key, work in metric.workspace(output, shard.n).items()
            }
            for name, (metric, _, output) in self.metrics.items()
        }

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


def measure_split(setup: Setup, loader: Loader) -> Running:
    """Loss and metrics over all samples of a split, in their order, without dropout."""
    running, meter = Running(setup.metrics, setup.model.objective), Meter(setup.metrics)
    n = len(loader)
    batch = min(n, max(setup.config.train.batch, LEAST_BATCH))
    rows = np.arange(n)
    for start in range(0, n, batch):
        part = rows[start : start + batch]
        program = setup.model.program(len(part), training=False)
        program.run(loading(loader, part), measure=meter)
        running.add(program.losses, program.weights, len(part), meter.take(program))
    return running
