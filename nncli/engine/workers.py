"""Threads that work through the shards of a batch together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Any

import numpy as np

from nncli.parts import Array

Job = Callable[[int], Any]


class Workers:
    """`count` threads, the caller's one of them; the others wait between jobs."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._jobs: list[SimpleQueue[tuple[Job, int] | None]] = []
        self._done: SimpleQueue[tuple[int, Any, BaseException | None]] = SimpleQueue()
        for index in range(1, count):
            jobs: SimpleQueue[tuple[Job, int] | None] = SimpleQueue()
            threading.Thread(target=self._work, args=(jobs,), name=f"nncli-shard-{index}", daemon=True).start()
            self._jobs.append(jobs)

    def _work(self, jobs: SimpleQueue[tuple[Job, int] | None]) -> None:
        with np.errstate(all="ignore"):
            while (work := jobs.get()) is not None:
                job, index = work
                try:
                    self._done.put((index, job(index), None))
                except BaseException as error:
                    self._done.put((index, None, error))

    def run(self, job: Job, count: int) -> list[Any]:
        """The results of job(0) … job(count − 1), worked at together. What one of them raises is raised here, once
        all have ended."""
        for index in range(1, count):
            self._jobs[index - 1].put((job, index))
        results: list[Any] = [None] * count
        errors: list[BaseException] = []
        with np.errstate(all="ignore"):
            try:
                results[0] = job(0)
            except BaseException as error:
                errors.append(error)
        for _ in range(1, count):
            index, result, raised = self._done.get()
            results[index] = result
            if raised is not None:
                errors.append(raised)
        if errors:
            raise next((e for e in errors if not isinstance(e, threading.BrokenBarrierError)), errors[0])
        return results

    def close(self) -> None:
        """End the threads."""
        for jobs in self._jobs:
            jobs.put(None)
        self._jobs = []


class ShardSum:
    """Adds a small array over the shards of a step, in place and in fixed order."""

    def __init__(self, shards: int) -> None:
        self._barrier = threading.Barrier(shards)
        self._given: list[Array | None] = [None] * shards

    def abort(self) -> None:
        """Let shards that wait for one that failed give up."""
        self._barrier.abort()

    def reset(self) -> None:
        self._barrier.reset()

    def bound(self, shard: int) -> Callable[[Array], None]:
        """`sum_over_shards` of one shard's frames."""

        def add(array: Array) -> None:
            self._given[shard] = array
            self._barrier.wait()
            total = _ordered_sum(self._given)
            self._barrier.wait()
            array[...] = total

        return add if len(self._given) > 1 else _alone


def _ordered_sum(arrays: Sequence[Array | None]) -> Array:
    first, *others = (array for array in arrays if array is not None)
    total = first.copy()
    for other in others:
        total += other
    return total


def _alone(array: Array) -> None:
    """One shard holds the whole batch already."""
