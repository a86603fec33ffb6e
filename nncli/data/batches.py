"""From samples to batches in the program's arrays: gather, convert, transpose, preprocess."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from nncli.data.dataset import Dataset
from nncli.data.streamed import Streamed
from nncli.errors import CheckpointError, Fault
from nncli.parts import Array, Shape, Step
from nncli.randomness import generator

_FIT_BLOCK = 2**18
"""Numbers in one block while preprocessing is fitted: 2 MiB of float64."""
_LINE, _CROWDED = 64, 512
"""Bytes: of a line of the cache, and a distance of rows whose multiples fall onto few of its sets."""


def order(seed: int, epoch: int, n: int) -> Array:
    """The order of n samples in an epoch (counted from 0), the same whenever and wherever it is asked for."""
    return generator(seed, "shuffle", epoch).permutation(n)


_TARGETS = "targets"
"""Where scales of targets are kept, beside what the steps have learned."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Mean and deviation of a target in the training split, (K,) of its K numbers; the network learns
    ``(t − mean) / std``."""

    mean: Array
    std: Array

    @classmethod
    def fit(cls, dataset: Dataset, name: str) -> Scale:
        """In float64. What is constant keeps its unit: its std is 1."""
        t = dataset.target(name).array
        values = (t if dataset.rows is None else t[dataset.rows]).reshape(len(dataset), -1).astype(np.float64)
        mean = values.mean(axis=0)
        values -= mean
        std = np.sqrt(np.mean(np.square(values, out=values), axis=0))
        return cls(mean, np.where(std <= np.abs(mean) * np.finfo(np.float64).eps, 1.0, std))

    def scaled(self, t: Array) -> Array:
        """Targets (N, K) as the network learns them, in float64."""
        return (t - self.mean) / self.std

    def own(self, y: Array, out: Array) -> None:
        """Outputs or targets of the network (K, n) in the targets' own units, written to float64 `out`."""
        np.multiply(y, self.std[:, None], out=out)
        np.add(out, self.mean[:, None], out=out)


class Preprocessing:
    """A list of steps with what each has learned from the training split, and the scales of targets by their names."""

    def __init__(
        self,
        steps: Sequence[Step] = (),
        fitted: Sequence[Mapping[str, Array]] | None = None,
        scales: Mapping[str, Scale] | None = None,
    ) -> None:
        self.steps = tuple(steps)
        self.fitted = tuple(fitted) if fitted is not None else ({},) * len(self.steps)
        self.scales = dict(scales or {})
        assert len(self.fitted) == len(self.steps)

    @classmethod
    def fit(cls, steps: Sequence[Step], dataset: Dataset, targets: Sequence[str] = ()) -> Preprocessing:
        """Each step learns, in float64, from the samples as the steps before it leave them; `targets` get a scale."""
        done = cls()
        for step in steps:
            learned = step.fit(_passes(dataset, done), done.shape(dataset.shape)) if _learns(step) else {}
            done = cls((*done.steps, step), (*done.fitted, learned))
        return cls(done.steps, done.fitted, {name: Scale.fit(dataset, name) for name in targets})

    @classmethod
    def restore(
        cls, steps: Sequence[Step], state: Mapping[str, Mapping[str, Array]], targets: Sequence[str] = ()
    ) -> Preprocessing:
        """The opposite of `state`. Raises CheckpointError where a step or a target finds nothing of its own."""
        names = _names(steps)
        faults = [
            Fault(f"the checkpoint has nothing that '{step.type_name}' learned", f"/preprocess/{name}")
            for name, step in zip(names, steps, strict=True)
            if _learns(step) and not state.get(name)
        ]
        scales = _scales(state.get(_TARGETS, {}))
        faults += [
            Fault(f"the checkpoint has no scale of the target '{name}'", f"/preprocess/{_TARGETS}")
            for name in targets
            if name not in scales
        ]
        if faults:
            raise CheckpointError(faults)
        fitted = [{key: np.asarray(array) for key, array in state.get(name, {}).items()} for name in names]
        return cls(steps, fitted, {name: scales[name] for name in targets})

    def state(self) -> dict[str, dict[str, Array]]:
        """What was learned, by the name of the step (its place and type) and of the array."""
        named = zip(_names(self.steps), self.fitted, strict=True)
        learned = {name: dict(arrays) for name, arrays in named if arrays}
        if self.scales:
            learned[_TARGETS] = {"names": np.array(list(self.scales), dtype=np.str_)}
            for place, scale in enumerate(self.scales.values()):
                learned[_TARGETS] |= {f"{place}_mean": scale.mean, f"{place}_std": scale.std}
        return learned

    def shape(self, shape: Shape) -> Shape:
        """Of a sample after all steps. Raises ShapeError."""
        for step in self.steps:
            shape = step.shape(shape)
        return shape

    def bound(self, shape: Shape, dtype: np.dtype[Any]) -> Bound:
        """The steps for batches (…, n) of samples of this shape and this type.

        Raises CheckpointError where what was learned does not fit samples of this shape.
        """
        stages = []
        for name, step, arrays in zip(_names(self.steps), self.steps, self.fitted, strict=True):
            stage = _Stage(step, {key: array.astype(dtype) for key, array in arrays.items()}, step.shape(shape))
            try:
                stage.run(np.ones((*shape, 1), dtype), np.empty((*stage.shape, 1), dtype))
            except (KeyError, ValueError) as error:
                message = f"what '{step.type_name}' learned does not fit samples of the shape {list(shape)}: {error}"
                raise CheckpointError(Fault(message, f"/preprocess/{name}")) from None
            stages.append(stage)
            shape = stage.shape
        return Bound(stages)

    def undo(self, x: Array) -> bool:
        """Bring a batch (…, n) back to the data's own units, in place; False, with x as it is, where that cannot be."""
        pairs = list(zip(self.steps, self.fitted, strict=True))
        if any(type(step).undo is Step.undo for step in self.steps):
            return False
        try:
            for step, arrays in reversed(pairs):
                step.undo(x, {key: array.astype(x.dtype) for key, array in arrays.items()})
        except NotImplementedError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class _Stage:
    """A step with what it has learned, in the type of the batches; `shape` is that of a sample after it."""

    step: Step
    fitted: Mapping[str, Array]
    shape: Shape

    @property
    def in_place(self) -> bool:
        return type(self.step).transform is Step.transform

    def run(self, x: Array, out: Array) -> None:
        """With `out` the same as x where the step works in place."""
        if self.in_place:
            self.step.apply(x, self.fitted)
        else:
            self.step.transform(x, out, self.fitted)


class Bound:
    """Steps for batches of one shape and type. Those that change the shape need an array between them."""

    def __init__(self, stages: Sequence[_Stage]) -> None:
        self.stages = tuple(stages)
        self.last = max((place for place, stage in enumerate(stages) if not stage.in_place), default=-1)
        """The last step that writes to another array than it reads; -1: there is none, and all work in place."""

    def run(self, x: Array, out: Array, buffer: Callable[[str, Shape], Array]) -> None:
        """Apply all steps to a batch x, in place or by arrays that `buffer` gives; the result is in `out`."""
        for place, stage in enumerate(self.stages):
            after = x
            if not stage.in_place:
                after = out if place == self.last else buffer(f"after {place}", (*stage.shape, x.shape[-1]))
            stage.run(x, after)
            x = after

    def __call__(self, x: Array) -> Array:
        """All steps on a batch x: in place, or where they change the shape in an array of its own."""
        out = x if self.last < 0 else np.empty((*self.stages[self.last].shape, x.shape[-1]), x.dtype)
        self.run(x, out, lambda name, shape: np.empty(shape, x.dtype))
        return out


class Loader:
    """Fills a program's input and target arrays with samples of a dataset.

    Threads may fill at the same time; each has its own scratch, which grows to its largest batch and then stays.
    """

    def __init__(self, dataset: Dataset, preprocessing: Preprocessing, dtype: DTypeLike) -> None:
        self.dataset, self.preprocessing = dataset, preprocessing
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self._steps = preprocessing.bound(dataset.shape, self.dtype)
        self._x = dataset.x.reshape(len(dataset.x), -1)
        self._targets = {name: self._target(name) for name in dataset.targets}
        self._scratch = threading.local()

    def __len__(self) -> int:
        return len(self.dataset)

    def order(self, seed: int, epoch: int) -> Array:
        """The places of all samples in the order of an epoch (counted from 0), always the same for the same data.

        Samples that are in their file are mixed as well as their buffer allows.
        """
        if isinstance(self._x, Streamed):
            return self._x.order(seed, epoch, self.dataset.rows)
        return order(seed, epoch, len(self))

    def _target(self, name: str) -> Array:
        """Targets (N, K), scaled once for all batches: in the program's type a large mean would take their digits."""
        t = self.dataset.targets[name].array
        t = t.reshape(len(t), -1)
        scale = self.preprocessing.scales.get(name)
        return t if scale is None else scale.scaled(t).astype(self.dtype)

    def fill(self, indices: Array, x: Array, targets: Mapping[str, Array] | None = None) -> None:
        """Write the samples `indices` (n,) of the dataset, as the network takes them.

        Shapes
            x (…, n) of the loader's dtype   targets (n,) or (…, n); contiguous, n is the number of indices
        """
        rows = np.asarray(indices)
        if self.dataset.rows is not None:
            picked: Array = self._buffer("rows", (len(rows),), np.dtype(np.intp))
            rows = np.take(self.dataset.rows, rows, out=picked, mode="clip")
        raw = x if self._steps.last < 0 else self._between("raw", (*self.dataset.shape, len(rows)))
        self._gather("x", self._x, rows, raw)
        self._steps.run(raw, x, self._between)
        for name, t in (targets or {}).items():
            self._gather(f"target {name}", self._targets[name], rows, t)

    def _gather(self, name: str, source: Array | Streamed, rows: Array, out: Array) -> None:
        """Rows in the stored type, then one pass that transposes and converts.

        Measured for 64 × 784 bytes: 34 µs, of them 4 for the gathering. Transposing before converting takes 31 µs and a
        second buffer, a loop over the samples 58 µs. Rows whose distance is a large power of two compete for the same
        few lines of the cache: 64 × 3072 floats take 626 µs, with space between the rows 156 µs.
        """
        assert out.flags.c_contiguous
        n, size = len(rows), source.shape[1]
        # np.take with a `mode` that cannot fail writes to `out` at once; "raise" would buffer it.
        picked = self._buffer(name, (n, size), source.dtype)
        if isinstance(source, Streamed):
            source.take(rows, picked)
        else:
            np.take(source, rows, axis=0, out=picked, mode="clip")
        if size * picked.itemsize % _CROWDED == 0:
            spaced = self._buffer(f"{name} spaced", (n, size + _LINE // picked.itemsize), picked.dtype)[:, :size]
            np.copyto(spaced, picked)
            picked = spaced
        np.copyto(out.reshape(size, n), picked.T, casting="unsafe")

    def _between(self, name: str, shape: Shape) -> Array:
        return self._buffer(name, shape, self.dtype)

    def _buffer(self, name: str, shape: Shape, dtype: np.dtype[Any]) -> Array:
        size = math.prod(shape)
        flat: Array | None = getattr(self._scratch, name, None)
        if flat is None or flat.size < size:
            flat = np.empty(size, dtype)
            setattr(self._scratch, name, flat)
        return flat[:size].reshape(shape)


def _learns(step: Step) -> bool:
    return type(step).fit is not Step.fit


def _scales(state: Mapping[str, Array]) -> dict[str, Scale]:
    """By the names of their targets, as `Preprocessing.state` has them."""
    return {
        str(name): Scale(np.asarray(state[f"{place}_mean"]), np.asarray(state[f"{place}_std"]))
        for place, name in enumerate(state.get("names", ()))
        if f"{place}_mean" in state and f"{place}_std" in state
    }


def _names(steps: Sequence[Step]) -> list[str]:
    return [f"{place}_{step.type_name}" for place, step in enumerate(steps)]


def _passes(dataset: Dataset, before: Preprocessing) -> Callable[[], Iterator[Array]]:
    """Passes over a dataset in blocks (…, n), in order; a block is overwritten by the next."""
    loader = Loader(dataset, before, np.float64)

    def batches() -> Iterator[Array]:
        shape = before.shape(dataset.shape)
        size = math.prod(shape)
        step = min(len(loader), max(1, _FIT_BLOCK // size))
        block = np.empty(size * step)
        for start in range(0, len(loader), step):
            indices = np.arange(start, min(start + step, len(loader)))
            x = block[: size * len(indices)].reshape(*shape, len(indices))
            loader.fill(indices, x)
            yield x

    return batches
