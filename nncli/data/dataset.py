"""Samples, batch first and in the type they were stored in, with the place they came from."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from nncli.data.streamed import Streamed
from nncli.errors import DataError, Fault
from nncli.parts import Array, Shape

LIMIT = float(np.finfo(np.float32).max)
"""The largest magnitude that a number of a data file may have; what is beyond it would become infinite in float32."""
MOST_CLASSES = 2**31 - 1
_BLOCK = 2**18
"""Numbers looked at in one go, so that a check needs no memory of the data's size."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an array came from: the file, and its name in that file (empty where the file holds one array).

    `lines` (N,) are the lines of a text file where its rows begin, counted from 1; `files` (N,) the files where each
    row has its own.
    """

    file: str
    array: str = ""
    lines: Array | None = field(default=None, compare=False, repr=False)
    files: Sequence[Path] = field(default=(), compare=False, repr=False)

    def __str__(self) -> str:
        return ": ".join(part for part in (self.file, self.array) if part)

    def error(self, message: str, hint: str = "", row: int | None = None) -> DataError:
        """The error that names this array and the row, counted from 0; in a text file it is the line."""
        if row is not None and self.files:
            return DataError(Fault(message, self.array, hint, str(self.files[row])))
        if row is not None and self.lines is not None:
            return DataError(Fault(message, self.array, hint, self.file, int(self.lines[row])))
        place = ", ".join(part for part in (self.array, f"row {row}" if row is not None else "") if part)
        return DataError(Fault(message, place, hint, self.file))

    def empty(self, shape: Shape) -> DataError:
        return self.error(f"is empty, its shape is {list(shape)}", "at least one sample is needed")


@dataclass(frozen=True, slots=True)
class Target:
    """What losses and metrics compare outputs with, for all samples (N, …), and where it came from.

    `names` are those of the classes that it numbers, where the data name them.
    """

    array: Array
    origin: Origin
    names: tuple[str, ...] = ()

    @property
    def shape(self) -> Shape:
        """Of one target; () for a number."""
        return self.array.shape[1:]


TARGET = "y"
"""The name of a target that is not named."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """N samples.

    Shapes
        x (N, …) C-contiguous   each of `targets` (N, …), by name   rows (n,) or None

    `rows` picks the samples of a split out of arrays that splits share, and ascends; None picks all. x may be in its
    file, targets are in memory. Made by `Dataset.of`.
    """

    x: Array | Streamed
    targets: Mapping[str, Target]
    x_origin: Origin
    rows: Array | None = None

    @classmethod
    def of(cls, x: Array, t: Array | None, x_origin: Origin, t_origin: Origin | None = None) -> Dataset:
        """Checked samples with one target or none; as `with_targets`."""
        targets = {} if t is None else {TARGET: Target(t, t_origin or x_origin)}
        return cls.with_targets(x, x_origin, targets)

    @classmethod
    def with_targets(cls, x: Array | Streamed, x_origin: Origin, targets: Mapping[str, Target]) -> Dataset:
        """Checked samples: real numbers, at least one sample, as many targets, nothing infinite or NaN.

        One number for each sample is read as a vector of one feature, (N, H, W) as images of one channel.

        Raises DataError that names the file, the array and the row.
        """
        _check_array(x, x_origin)
        for target in targets.values():
            t, origin = target.array, target.origin
            _check_array(t, origin)
            if len(t) != len(x):
                message = f"{len(t)} targets for {len(x)} samples in {_beside(origin, x_origin)}"
                raise origin.error(message, "each sample has one target; the two arrays must be of equal length")
        for array, origin in ((x, x_origin), *((target.array, target.origin) for target in targets.values())):
            if array.dtype.kind == "f":
                _check_finite(array, origin)
        if x.ndim in (1, 3):
            x = x.reshape(len(x), 1, *x.shape[1:])
        stored = {name: replace(target, array=np.ascontiguousarray(target.array)) for name, target in targets.items()}
        return cls(x if isinstance(x, Streamed) else np.ascontiguousarray(x), stored, x_origin)

    def __len__(self) -> int:
        return len(self.x) if self.rows is None else len(self.rows)

    @property
    def shape(self) -> Shape:
        """Of one sample."""
        return self.x.shape[1:]

    @property
    def t(self) -> Array | None:
        """The target that is not named, if there is one."""
        return self.targets[TARGET].array if TARGET in self.targets else None

    def target(self, name: str) -> Target:
        """Raises DataError where the data have none of this name."""
        if name not in self.targets:
            raise self.x_origin.error(*missing_target(name, list(self.targets)))
        return self.targets[name]

    def samples(self, places: Array) -> Array:
        """Some of the samples (n, …) as an array of their own, in the type they are stored in."""
        rows = places if self.rows is None else self.rows[places]
        if not isinstance(self.x, Streamed):
            return self.x[rows]
        picked: Array = np.empty((len(rows), *self.shape), self.x.dtype)
        self.x.take(rows, picked)
        return picked

    def subset(self, rows: Array) -> Dataset:
        """Some of the samples, by their place in x; nothing but the numbers of the rows is copied."""
        return replace(self, rows=np.ascontiguousarray(rows, dtype=np.intp))

    def shaped(self, shape: Shape, wanted_by: str) -> Dataset:
        """The same samples in another shape: vectors to images and back, and axes of length 1 put in or left out.

        Raises DataError that names both shapes and what wanted the other one.
        """
        if self.shape == shape:
            return self
        same_axes = _long_axes(self.shape) == _long_axes(shape)
        flat = 1 in (len(self.shape), len(shape)) and math.prod(self.shape) == math.prod(shape)
        if not (same_axes or flat):
            hint = ""
            if len(shape) == len(self.shape) == 3 and (self.shape[2], *self.shape[:2]) == shape:
                hint = "the channels are the last axis of the file: give the source `layout: nhwc`"
            raise self.x_origin.error(f"a sample is {_counted(self.shape)}, {wanted_by} {_counted(shape)}", hint)
        return replace(self, x=self.x.reshape(len(self.x), *shape))

    def labelled(self, name: str = TARGET) -> Dataset:
        """The same samples with a target that is class numbers (N,) of type intp.

        Raises DataError where there is none, or a number is negative or not whole.
        """
        if not self.targets:
            raise self.x_origin.error("the data have no labels", "the loss needs them: name them in the data source")
        target = self.target(name)
        t, origin = target.array, target.origin
        if t.ndim == 2 and t.shape[1] == 1:
            t = t.reshape(len(t))
        if t.ndim != 1:
            hint = "of one-hot rows take the class numbers: y.argmax(axis=1)" if t.ndim == 2 else ""
            raise origin.error(f"a label is one whole number, here a row has the shape {list(t.shape[1:])}", hint)
        if t.dtype.kind == "f":
            hint = "save whole numbers, y.astype(int), or choose a loss for values such as `least_squares`"
            raise origin.error(f"labels are whole numbers from 0, these are of type {t.dtype}", hint)
        if int(t.min()) < 0 or int(t.max()) >= MOST_CLASSES:
            row = int(np.argmax((t < 0) | (t >= MOST_CLASSES)))
            raise origin.error(f"label {t[row]} is no class number", "classes are counted from 0", row)
        labels = replace(target, array=np.ascontiguousarray(t, dtype=np.intp))
        return replace(self, targets={**self.targets, name: labels})

    def numbered(self, known: tuple[str, ...], name: str = TARGET) -> Dataset:
        """The same samples with a target that numbers its classes as `known` does, the names of the training data.

        Where one of the two names no classes, whole numbers are names of themselves. Raises DataError that names the
        first row of a class that `known` does not have.
        """
        target = self.target(name)
        if target.names in ((), known):
            return self
        if known:
            place = {text: number for number, text in enumerate(known)}
        else:
            place = {text: int(text) for text in target.names if text.isdecimal()}
        numbers = np.array([place.get(text, -1) for text in target.names], dtype=np.intp)[target.array]
        if (numbers < 0).any():
            row = int(np.argmax(numbers < 0))
            what = f"the class '{target.names[target.array[row]]}'"
            if not known:
                hint = "classes of other data are named by their numbers: 0, 1, ..."
                raise target.origin.error(f"{what} has a name, the training data's have none", hint, row)
            shown = ", ".join(known[:5]) + (f" and {len(known) - 5} more" if len(known) > 5 else "")
            raise target.origin.error(f"{what} is none of the training data's: {shown}", "", row)
        return replace(self, targets={**self.targets, name: replace(target, array=numbers, names=known)})

    def check_classes(self, classes: int, why: str, name: str = TARGET) -> None:
        """Raises DataError that names the first label that is not below `classes`; `why` says who sets the bound."""
        t, origin = self.target(name).array, self.target(name).origin
        if int(t.max()) < classes:
            return
        row = int(np.argmax(t >= classes))
        hint = ""
        if int(t.min()) == 1 and int(t.max()) == classes:
            hint = "these labels begin at 1: save them less 1"
        raise origin.error(f"label {t[row]}, but {why}: 0 to {classes - 1}", hint, row)

    def check_indices(self, bound: int) -> None:
        """Raises DataError that names the first sample with a number that is not whole, from 0, and below `bound`."""
        for start, block in _blocks(self.x.reshape(len(self.x), -1)):
            bad = (block < 0) | (block >= bound) | (block != np.trunc(block))
            if bad.any():
                row, place = (int(places[0]) for places in np.nonzero(bad))
                hint = "it is read by an `embedding`: make its `count` larger than the largest number of the data"
                wanted = f"the network reads whole numbers from 0 to {bound - 1}"
                message = f"the number {block[row, place]:g} is no index: {wanted}"
                raise self.x_origin.error(message, hint, start + row)

    def check_values(self, output: Shape, span: tuple[float, float] | None = None, name: str = TARGET) -> None:
        """Raises DataError unless a target has the shape of the network's output, axes of length 1 aside.

        With `span` no value may be less than its first or more than its second number.
        """
        target = self.target(name)
        t, origin = target.array, target.origin
        if _long_axes(target.shape) != _long_axes(output):
            hint = ""
            if t.ndim == 1 and t.dtype.kind in "iub":
                hint = "for class numbers choose a loss such as `softmax_cross_entropy`"
            found, wanted = list(target.shape), list(output)
            raise origin.error(f"a target has the shape {found}, the network's output {wanted}", hint)
        if span is not None and (float(t.min()) < span[0] or float(t.max()) > span[1]):
            beyond = ((t < span[0]) | (t > span[1])).reshape(len(t), -1)
            row, place = (int(places[0]) for places in np.nonzero(beyond))
            value = t.reshape(len(t), -1)[row, place]
            message = f"the target {value:g} is beyond what the loss takes: {span[0]:g} to {span[1]:g}"
            raise origin.error(message, "scale the targets, or choose a loss such as `least_squares`", row)


def missing_target(name: str, known: list[str]) -> tuple[str, str]:
    """Message and hint for a target that is not there."""
    if not known:
        return "the data have no targets", "the loss needs them: name them in the data source"
    what = "no target without a name" if name == TARGET else f"no target {name!r}"
    return f"the data have {what}", f"they have {', '.join(known)}: write `target: {known[0]}` beside the loss"


def _long_axes(shape: Shape) -> Shape:
    return tuple(length for length in shape if length != 1)


def _counted(shape: Shape) -> str:
    count = math.prod(shape)
    return f"{list(shape)} ({count} number{'s' if count != 1 else ''})"


def _beside(origin: Origin, other: Origin) -> str:
    """How a message on `origin` names the other one."""
    return other.array if other.file == origin.file and other.array else str(other)


def check_type(dtype: np.dtype[Any], origin: Origin) -> None:
    """Raises DataError unless it is a type of real numbers."""
    if dtype.kind in "biuf":
        return
    kinds = {"O": "Python objects", "c": "complex numbers", "U": "texts", "S": "bytes", "V": "records"}
    hint = "nncli never unpickles; " if dtype.hasobject else ""
    what = kinds.get(dtype.kind, str(dtype))
    raise origin.error(f"holds {what}, not real numbers", f"{hint}save a plain array of integers or floats")


def _blocks(array: Array | Streamed) -> Iterator[tuple[int, Any]]:
    """The first row and the rows of each of the parts that an array is looked at in."""
    step = max(1, _BLOCK // max(1, array.size // len(array)))
    parts = (
        (array[start : start + step] for start in range(0, len(array), step))
        if isinstance(array, np.ndarray)
        else array.blocks()
    )
    start = 0
    for part in parts:
        yield start, part
        start += len(part)


def _check_array(array: Array | Streamed, origin: Origin) -> None:
    check_type(array.dtype, origin)
    if array.ndim == 0:
        raise origin.error("is a single number, not an array of samples", "its first axis counts the samples")
    if array.size == 0:
        raise origin.empty(array.shape)


def _check_finite(array: Array | Streamed, origin: Origin) -> None:
    """Raises DataError that names the first row with a number that is NaN, infinite or beyond float32."""
    for start, block in _blocks(array):
        with np.errstate(invalid="ignore", over="ignore"):
            if float(block.min()) >= -LIMIT and float(block.max()) <= LIMIT:
                continue
            bad = tuple(int(places[0]) for places in np.nonzero(~(np.abs(block.astype(np.float64)) <= LIMIT)))
        value = float(block[bad])
        at = f" at {list(bad[1:])}" if len(bad) > 1 else ""
        beyond = ", too large for float32" if math.isfinite(value) else ""
        hint = "take such rows out, or put a finite number in"
        raise origin.error(f"the number{at} is {value:g}{beyond}", hint, start + bad[0])
