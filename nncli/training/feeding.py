"""What fills the arrays of a training step, and the thread that prepares the next batch where there is much to do."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from nncli.data.augmentation import Augmenter
from nncli.data.batches import Loader
from nncli.engine import Model, Program
from nncli.engine.shard import Each, Shard
from nncli.parts import Array, Mixed
from nncli.training.measure import loading

WORTH = 1e8
"""FLOPs of a training step from which on the next batch is prepared beside it: about a millisecond.

Handing a batch over costs 0.1 ms of processor time, and threads whose calls are short wait for each other in the
interpreter. Measured in six rounds on a machine with other load, with the next batch beside the step against in line:
LeNet takes 0.84 and 0.97 of the time (2 threads, 1 thread), a network whose steps take 0.14 ms 1.2 of it. The bound
lies between the two and was not tuned.
"""


class Wanted(NamedTuple):
    """The batch of this `number` in this epoch, both from 0, and the `rows` of the training split in it."""

    epoch: int
    number: int
    rows: Array

    def equals(self, other: Wanted) -> bool:
        return self[:2] == other[:2] and np.array_equal(self.rows, other.rows)


@dataclass(frozen=True, slots=True)
class _Buffers:
    """A whole batch: samples (…, n), targets and mixed targets by name."""

    x: Array
    targets: Mapping[str, Array]
    mixed: Mapping[str, Mixed]

    @classmethod
    def of(cls, program: Program) -> _Buffers:
        """For the batches of a program."""
        shard, n = program.shards[0], program.n

        def like(array: Array) -> Array:
            return np.empty((*array.shape[:-1], n), array.dtype)

        mixed = {name: Mixed.of(n, shard.dtype) for name in shard.mixed}
        return cls(like(shard.x), {name: like(t) for name, t in shard.targets.items()}, mixed)

    def __call__(self, shard: Shard) -> None:
        """Fill a shard with its part."""
        part = slice(shard.start, shard.start + shard.n)
        np.copyto(shard.x, self.x[..., part])
        for name, t in shard.targets.items():
            np.copyto(t, self.targets[name][..., part])
        for name, pair in shard.mixed.items():
            np.copyto(pair.second, self.mixed[name].second[part])
            np.copyto(pair.share, self.mixed[name].share[part])


class Feed:
    """Batches of the training split, as the programs of a model take them.

    Without augmentation each shard gathers its samples in its own thread when its step begins, because there is little
    to gain from a thread that prepares the next batch ahead: of the processor time of a training step of the six
    workloads of `tests/benchmarks`, gathering, converting and preprocessing are 0.1 to 5 % (8 of 150 µs where the step
    is shortest, 85 of 2,200 µs for the perceptron, 91 of 14,000 µs for LeNet on bytes).

    With augmentation one thread prepares the whole of the next batch while this one is trained on, if a step is `WORTH`
    it. What a batch holds
    follows from the seed, the epoch and its number alone, so that nothing depends on whether it was prepared ahead.
    """

    def __init__(self, loader: Loader, model: Model, augmenter: Augmenter | None) -> None:
        self.loader, self.model, self.augmenter = loader, model, augmenter
        self._buffers: dict[tuple[int, bool], _Buffers] = {}
        self._turn = False
        self._given: tuple[Wanted, _Buffers] | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._ahead: tuple[Wanted, Future[_Buffers]] | None = None

    def load(self, wanted: Wanted) -> Each:
        """What fills each shard with its part of this batch; to be used before the next batch is asked for."""
        if self.augmenter is None:
            return loading(self.loader, wanted.rows)
        if self._given is not None and self._given[0].equals(wanted):
            return self._given[1]
        if self._ahead is not None:
            (prepared, future), self._ahead = self._ahead, None
            self._given = prepared, future.result()
            if prepared.equals(wanted):
                return self._given[1]
        self._given = None
        buffers = self._prepare(self._of(len(wanted.rows)), wanted)
        self._given = wanted, buffers
        return buffers

    def ahead(self, wanted: Wanted) -> None:
        """Begin to prepare this batch, which `load` will be asked for next; what it gave last stays as it is."""
        if self.augmenter is None or self._ahead is not None or self._step_flops(len(wanted.rows)) < WORTH:
            return
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="nncli-data")
        buffers = self._of(len(wanted.rows))
        self._ahead = wanted, self._thread.submit(self._prepare, buffers, wanted)

    def _step_flops(self, n: int) -> int:
        """Forward once, and about twice as much backward."""
        return 3 * self.model.graph.flops * n

    def close(self) -> None:
        """End the thread, once it is done with what it has begun."""
        if self._thread is not None:
            self._thread.shutdown()
        self._thread = self._ahead = None

    def _of(self, n: int) -> _Buffers:
        """Buffers other than those that were given last: there are two for each size, used in turn."""
        self._turn = not self._turn
        key = n, self._turn
        if key not in self._buffers:
            self._buffers[key] = _Buffers.of(self.model.program(n, training=True))
        return self._buffers[key]

    def _prepare(self, buffers: _Buffers, wanted: Wanted) -> _Buffers:
        assert self.augmenter is not None
        with np.errstate(all="ignore"):
            self.loader.fill(wanted.rows, buffers.x, buffers.targets)
            self.augmenter.apply(buffers.x, buffers.targets, buffers.mixed, wanted.epoch, wanted.number)
        return buffers
