"""What data are like, in figures: of samples, of targets, of classes, and which samples are there twice."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nncli.data.batches import Preprocessing, passes
from nncli.data.dataset import TARGET, Dataset
from nncli.data.splits import Kind
from nncli.data.table import Encoding, State
from nncli.parts import Array, Shape


@dataclass(frozen=True)
class Figures:
    """Of N samples, in float64.

    Shapes
        low, high, mean, std (F,) of each number of a sample, over the samples; std is divided by N

    `blank` is how many samples consist of one number only, again and again.
    """

    samples: int
    shape: Shape
    low: Array
    high: Array
    mean: Array
    std: Array
    blank: int = 0

    @property
    def minimum(self) -> float:
        return float(self.low.min())

    @property
    def maximum(self) -> float:
        return float(self.high.max())

    @cached_property
    def centre(self) -> float:
        """The mean of all numbers."""
        return float(self.mean.mean())

    @cached_property
    def deviation(self) -> float:
        """The deviation of all numbers: within each number of a sample and between them."""
        return math.sqrt(float(np.mean(self.std**2 + (self.mean - self.centre) ** 2)))

    @property
    def constant(self) -> Array:
        """Which numbers (F,) are the same in all samples."""
        return np.equal(self.low, self.high)


def figures(dataset: Dataset, before: Preprocessing | None = None, what: str = "looking at samples") -> Figures:
    """Of the samples as they are stored, or after the steps `before`.

    Source: Chan, Golub & LeVeque 1983, "Algorithms for computing the sample variance", for adding up blocks.
    """
    steps = before or Preprocessing()
    shape = steps.shape(dataset.shape)
    low, high = np.full(math.prod(shape), np.inf), np.full(math.prod(shape), -np.inf)
    mean, squares = np.zeros_like(low), np.zeros_like(low)
    count = blank = 0
    for block in passes(dataset, steps, what)():
        x = block.reshape(-1, block.shape[-1])
        n = x.shape[1]
        np.minimum(low, x.min(axis=1), out=low)
        np.maximum(high, x.max(axis=1), out=high)
        if len(x) > 1:
            blank += int(np.count_nonzero(x.min(axis=0) == x.max(axis=0)))
        here = x.mean(axis=1)
        x -= here[:, None]
        distance = here - mean
        squares += np.einsum("fn,fn->f", x, x) + distance**2 * (count * n / (count + n))
        mean += distance * (n / (count + n))
        count += n
    constant = low == high  # whose sums are rounded
    std = np.where(constant, 0.0, np.sqrt(squares / count))
    return Figures(count, shape, low, high, np.where(constant, low, mean), std, blank)


def target_figures(dataset: Dataset, name: str = TARGET) -> Figures:
    """Of a target that is values: F is how many numbers it has."""
    target = dataset.target(name)
    values = _own(dataset, target.array).reshape(len(dataset), -1).astype(np.float64)
    low, high, mean, std = (getattr(values, what)(axis=0) for what in ("min", "max", "mean", "std"))
    return Figures(len(values), target.shape, low, high, mean, std)


def class_counts(dataset: Dataset, classes: int, name: str = TARGET) -> Array:
    """How many samples (classes,) each class has, of a target that is class numbers below `classes`."""
    counts: Array = np.bincount(_own(dataset, dataset.target(name).array), minlength=classes)
    return counts


def kept_bytes(dataset: Dataset) -> int:
    """Bytes that the samples and targets take."""
    own = dataset.x.size * dataset.x.dtype.itemsize
    share = len(dataset) / len(dataset.x)
    return round(share * (own + sum(target.array.nbytes for target in dataset.targets.values())))


def first_of_each(dataset: Dataset, classes: int | None, each: int, name: str = TARGET) -> list[Array]:
    """The places in the split of the first `each` samples of each class; without classes one list of so many samples,
    evenly from the first to the last."""
    if classes is None:
        return [np.linspace(0, len(dataset) - 1, min(each, len(dataset))).astype(np.intp)]
    labels = _own(dataset, dataset.target(name).array)
    return [np.flatnonzero(labels == number)[:each] for number in range(classes)]


def _own(dataset: Dataset, array: Array) -> Array:
    return array if dataset.rows is None else array[dataset.rows]


# -- the same sample twice ---------------------------------------------------------------------------------------------


class Known:
    """The samples of a split, to be found again in others; by digests of 16 bytes, so that none is kept."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self._first: dict[bytes, int] = {}
        self._repeats: list[tuple[int, int]] = []
        for place, digest in enumerate(_digests(dataset)):
            first = self._first.setdefault(digest, place)
            if first != place:
                self._repeats.append((first, place))

    @property
    def repeats(self) -> int:
        """How many samples have stood in the split before."""
        return len(self._repeats)

    def contradictions(self, name: str = TARGET) -> int:
        """How many of those repeated samples have another target than the first of their kind."""
        t = _own(self.dataset, self.dataset.target(name).array)
        return sum(not np.array_equal(t[first], t[place]) for first, place in self._repeats)

    def found_in(self, other: Dataset) -> int:
        """How many samples of another split are among these. They are of the same type where files are alike."""
        if other.x.dtype != self.dataset.x.dtype or other.shape != self.dataset.shape:
            return 0
        return sum(digest in self._first for digest in _digests(other))


def _digests(dataset: Dataset) -> Iterator[bytes]:
    """Of each sample, in order."""
    for block in passes(dataset, Preprocessing(), "comparing samples", dataset.x.dtype)():
        if block.dtype.kind == "f":
            block += 0.0  # -0.0 equals 0.0
        content = memoryview(block.reshape(-1, block.shape[-1]).tobytes("F"))
        size = len(content) // block.shape[-1]
        for first in range(0, len(content), size):
            yield hashlib.blake2b(content[first : first + size], digest_size=16).digest()


# -- columns -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: which numbers of a sample it is, and how missing values of it are filled.

    `categories` are the texts that its numbers stand for, () where it is a number. `fill` is a number or a category;
    None where nothing is filled in.
    """

    name: str
    place: slice
    categories: tuple[str, ...] = ()
    fill: float | str | None = None


def columns(learned: State) -> list[Column]:
    """Those of what was learned of a table, in order; none where it was no table."""
    encoding = Encoding.restore(learned)
    if encoding is None:
        return []
    found, start = [], 0
    for name, fill, categories in zip(encoding.names, encoding.fills, encoding.categories, strict=True):
        stop = start + (len(categories) or 1)
        filled: float | str | None = None
        if not math.isnan(fill):
            filled = categories[int(fill)] if categories else fill
        found.append(Column(name, slice(start, stop), categories, filled))
        start = stop
    return found


# -- a split -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Overview:
    """A split: its samples as stored and as the network takes them, and its targets by name.

    `counts` (classes,) are of targets that are class numbers, `values` of those that are values. `repeats` are samples
    that have stood in the split before, `contradictions` those of them with another class than the first time, `known`
    those that the training split has too (of the training split itself 0).
    """

    stored: Figures
    taken: Figures
    counts: Mapping[str, Array]
    values: Mapping[str, Figures]
    repeats: int = 0
    contradictions: int = 0
    known: int = 0


def overview(
    dataset: Dataset,
    kinds: Mapping[str, Kind],
    classes: int | None,
    steps: Preprocessing,
    train: Known | None = None,
) -> tuple[Overview, Known]:
    """A split, and its samples for comparison with others; `train` are those of the training split.

    `kinds` are the targets to look at; `classes` is the number of classes of the first that is class numbers.
    """
    numbered = [name for name, kind in kinds.items() if kind == "classes"]
    stored = figures(dataset)
    taken = figures(dataset, steps, "looking at samples after preprocessing") if steps.steps else stored
    counts = {}
    for place, name in enumerate(numbered):
        least = int(_own(dataset, dataset.target(name).array).max()) + 1
        counts[name] = class_counts(dataset, max(least, classes or 0) if place == 0 else least, name)
    values = {name: target_figures(dataset, name) for name, kind in kinds.items() if kind == "values"}
    own = Known(dataset)
    contradictions = own.contradictions(numbered[0]) if numbered else 0
    known = train.found_in(dataset) if train is not None else 0
    return Overview(stored, taken, counts, values, own.repeats, contradictions, known), own
