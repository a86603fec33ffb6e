"""From figures of data to findings: what about them keeps a network from learning, or its figures from being true."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from nncli.data.overview import Column, Figures, Overview
from nncli.diagnostics.judgement import LARGE_INPUT, Finding
from nncli.parts import Array

SMALL_INPUT = 0.01
"""Root mean square of all numbers that the network reads: with weights for numbers around 1 biases drown them."""
UNEQUAL_NUMBERS = 100.0
"""Deviations of two columns: the gradients of their weights differ as much, and one step size has to serve both."""
FAR = 30.0
"""Deviations from a column's mean. Of numbers that are normally distributed none lies beyond 6."""
ALONE = 0.98
"""Of √(n − 1), the largest distance that one of n numbers can have: then its square is nearly all of their variance."""
UNEQUAL_CLASSES = 10.0
"""The samples of the most frequent class, of those of the rarest one."""
OTHER_SCALE = 3.0
"""The deviation of a split, of that of the training split; also the difference of their means, in deviations."""
LEAST_SAMPLES = 20
"""In a split, before its mean and deviation are compared with others."""
TWICE = 0.01
"""Of a split, samples that the training split has too. Small tables have single rows that are equal by chance."""
REPEATED = 0.1
"""Of the training split, samples that have stood in it before."""
REACH = 0.01
"""Of what lies between a generator's bounds: what samples lack of the data that nobody would see."""
MOSTLY_MISSING = 0.5
NAMED = 64
"""Numbers of a vector up to which a constant one is worth a word; images as vectors have borders."""
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of the data besides their figures.

    columns      of a table; empty where there is none
    gaps         missing values by split and column, `rows` of each split as they are counted
    names        of the classes
    drawn        the splits that were drawn from the training samples
    stratified   whether they were drawn in proportion to the classes
    indices      the network reads whole numbers as indices: their size means nothing
    normalized   the network's first layer brings numbers to one size by itself
    weighs       the loss has weights of classes
    sorted_      samples are not shuffled, and come class by class
    scalable     the targets that `standardize_targets` would scale and does not
    bounds       what a generator's samples lie between; None: anywhere
    density      samples are drawn anew without end: none is there twice
    """

    columns: Sequence[Column] = ()
    gaps: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    drawn: tuple[str, ...] = ()
    stratified: bool = False
    indices: bool = False
    normalized: bool = False
    weighs: bool = False
    sorted_: bool = False
    scalable: tuple[str, ...] = ()
    bounds: tuple[float, float] | None = None
    density: bool = False


def judge_data(splits: Mapping[str, Overview], context: Context) -> list[Finding]:
    """What is wrong with the data of a configuration; `splits` by name, with `train` among them."""
    judge = _Judge(splits, context)
    parts = [judge.classes(), judge.copies(), judge.numbers(), judge.columns(), judge.scales(), judge.targets()]
    return [finding for part in parts for finding in part]


def _finding(kind: str, evidence: str, remedy: str) -> Finding:
    return Finding(kind, (), evidence, remedy)


class _Judge:
    def __init__(self, splits: Mapping[str, Overview], context: Context) -> None:
        self.splits, self.context = splits, context
        self.train = splits["train"]

    # -- classes -------------------------------------------------------------------------------------------------------

    def classes(self) -> Iterator[Finding]:
        name = next(iter(self.train.counts), None)
        if name is None:
            return
        counts = {split: one.counts[name] for split, one in self.splits.items()}
        size = max(len(one) for one in counts.values())
        padded = {split: np.pad(one, (0, size - len(one))) for split, one in counts.items()}
        yield from self._absent(padded)
        yield from self._unequal(padded["train"])
        if self.context.sorted_:
            evidence = "samples are not shuffled, and come class by class: a batch holds one class only"
            yield _finding("sorted samples", evidence, "leave `shuffle: false` out")

    def _absent(self, counts: Mapping[str, Array]) -> Iterator[Finding]:
        everywhere = sum(counts.values())
        assert not isinstance(everywhere, int)
        nowhere = everywhere == 0
        if nowhere.any():
            evidence = f"no split has a sample of {self._listed(nowhere)}"
            remedy = "make `input.classes` and the last layer no larger than the number of classes there are"
            yield _finding("classes without samples", evidence, remedy)
        for split, here in counts.items():
            absent = (here == 0) & ~nowhere
            if not absent.any():
                continue
            evidence = f"the {split} split has no sample of {self._listed(absent)}"
            if split == "train":
                remedy = "the network cannot learn it: give training samples of it, or leave it out of the other splits"
            elif split in self.context.drawn and not self.context.stratified:
                remedy = "`stratified: true` draws splits with the classes in proportion"
            else:
                remedy = f"take a larger {split} split; its figures say nothing of what it does not have"
            yield _finding("classes missing from a split", evidence, remedy)

    def _unequal(self, counts: Array) -> Iterator[Finding]:
        most, some = int(np.argmax(counts)), np.flatnonzero(counts)
        least = int(some[np.argmin(counts[some])])
        if counts[most] < UNEQUAL_CLASSES * counts[least] or self.context.weighs:
            return
        share = counts[most] / counts.sum()
        evidence = (
            f"{self._called(most)} has {counts[most]:,} training samples, {self._called(least)} {counts[least]:,}; "
            f"who always says {self._called(most)} is right for {share:.1%} of them"
        )
        remedy = "measure `macro_f1` beside the accuracy; `class_weights` of the loss make rare classes count for more"
        if len(some) == len(counts) <= 10:
            weights = counts.sum() / (len(counts) * counts)
            remedy += f": [{', '.join(f'{weight:.3g}' for weight in weights)}] makes all count alike"
        yield _finding("unequal classes", evidence, remedy)

    def _called(self, number: int) -> str:
        names = self.context.names
        return f"'{names[number]}'" if number < len(names) else f"class {number}"

    def _listed(self, which: Array) -> str:
        return _some([self._called(int(number)) for number in np.flatnonzero(which)])

    # -- samples -------------------------------------------------------------------------------------------------------

    def copies(self) -> Iterator[Finding]:
        if self.context.density:
            return
        for split, one in self.splits.items():
            n = one.stored.samples
            if split != "train" and one.known >= max(1.0, TWICE * n):
                share = f"{one.known:,} of {n:,} samples of the {split} split ({one.known / n:.1%})"
                remedy = f"take them out of one of the two: figures of the {split} split are too good by them"
                yield _finding("samples in two splits", f"{share} are in the training split too", remedy)
        n, one = self.train.stored.samples, self.train
        if one.repeats >= REPEATED * n:
            evidence = f"{one.repeats:,} of {n:,} training samples ({one.repeats / n:.1%}) repeat others"
            remedy = "take them out, if they are copies of one thing; splits drawn from them hold copies too"
            yield _finding("repeated samples", evidence, remedy)
        media = len(one.stored.shape) > 1
        if one.contradictions >= (1 if media else max(1.0, TWICE * n)):
            evidence = f"{one.contradictions:,} training samples equal another one of a different class"
            yield _finding("contradictions", evidence, "look at their labels: no network can tell such samples apart")

    def numbers(self) -> Iterator[Finding]:
        for split, one in self.splits.items():
            blank, media = one.stored.blank, len(one.stored.shape) > 1 and not self.context.indices
            if blank and media:
                them = f"{blank:,} sample{'s' if blank > 1 else ''} of the {split} split"
                evidence = f"{them} consist{'' if blank > 1 else 's'} of one number only, again and again"
                yield _finding("blank samples", evidence, "look at the files, and take empty ones out")

    def columns(self) -> Iterator[Finding]:
        constant, columns, n = self.train.stored.constant, self.context.columns, self.train.stored.samples
        named = [column.name for column in columns if constant[column.place].all()]
        if named and n > 1:
            quoted = _some([f"'{name}'" for name in named])
            them = f"column{'s' if len(named) > 1 else ''} {quoted}"
            evidence = f"{them} {'have' if len(named) > 1 else 'has'} one value in all {n:,} training samples"
            ignored = ", ".join(named[:_SHOWN]) + (", ..." if len(named) > _SHOWN else "")
            yield _finding("constant columns", evidence, f"nothing can be learned from that: `ignore: [{ignored}]`")
        elif not columns and constant.any() and len(constant) <= NAMED and len(self.train.stored.shape) == 1 and n > 1:
            places = _some([str(place) for place in np.flatnonzero(constant)])
            evidence = f"of the {len(constant)} numbers of a sample {places} (from 0) never change in training"
            yield _finding("constant numbers", evidence, "leave them out: nothing can be learned from them")
        for name, missing in self.context.gaps.get("train", {}).items():
            if missing > MOSTLY_MISSING * n:
                evidence = f"column '{name}' has no value in {missing:,} of {n:,} training rows ({missing / n:.0%})"
                yield _finding("mostly missing", evidence, f"what is filled in says little: `ignore: [{name}]`")

    # -- size ----------------------------------------------------------------------------------------------------------

    def scales(self) -> Iterator[Finding]:
        if self.context.indices:
            return
        taken = self.train.taken
        beyond = [] if self.context.bounds is None else list(self._beyond(taken, self.context.bounds))
        yield from beyond
        if not beyond and not self.context.normalized:
            yield from self._size(taken)
        if len(taken.shape) == 1:
            yield from self._far(taken)
        for split, one in self.splits.items():
            yield from self._other_scale(split, one.taken)

    def _beyond(self, taken: Figures, bounds: tuple[float, float]) -> Iterator[Finding]:
        low, high = bounds
        slack = REACH * (high - low)
        if taken.minimum >= low - slack and taken.maximum <= high + slack:
            return
        reach = f"the data reach from {_number(taken.minimum)} to {_number(taken.maximum)} after preprocessing"
        evidence = f"{reach}, the generator's samples from {low:g} to {high:g} only"
        stored = self.train.stored
        span = stored.maximum - stored.minimum
        remedy = "let the generator end without a bounded activation"
        if span > 0:
            factor = (high - low) / span
            step = f"{{scale: {{factor: {factor:.6g}, offset: {low - factor * stored.minimum:.6g}}}}}"
            remedy = f"`preprocess: [{step}]` brings the data to where its samples are"
        yield _finding("data beyond the generator", evidence, remedy)

    def _size(self, taken: Figures) -> Iterator[Finding]:
        root = math.hypot(taken.centre, taken.deviation)
        remedy = "`preprocess: [standardize]` brings them to mean 0 and deviation 1"
        moving = np.flatnonzero(~taken.constant)
        if len(taken.shape) == 1 and len(moving) > 1:
            std = taken.std[moving]
            most, least = int(moving[np.argmax(std)]), int(moving[np.argmin(std)])
            if taken.std[most] > UNEQUAL_NUMBERS * taken.std[least]:
                evidence = f"{self._column(most)} has a deviation of {_number(taken.std[most])} after preprocessing, "
                evidence += f"{self._column(least)} of {_number(taken.std[least])}"
                yield _finding("numbers of unequal size", evidence, remedy)
                return
        if root > LARGE_INPUT:
            evidence = f"their root mean square is {_number(root)} after preprocessing"
            yield _finding("large numbers", evidence, remedy)
        elif 0 < root < SMALL_INPUT:
            evidence = f"their root mean square is {_number(root)} after preprocessing"
            yield _finding("small numbers", evidence, remedy)

    def _far(self, taken: Figures) -> Iterator[Finding]:
        with np.errstate(divide="ignore", invalid="ignore"):
            distance = np.maximum(taken.high - taken.mean, taken.mean - taken.low) / taken.std
        distance[taken.constant] = 0
        stored = self.train.stored
        if stored.shape == taken.shape:
            distance[(stored.low == 0) & (stored.high == 1)] = 0  # a mark that few have
        for column in self.context.columns:
            if column.categories:
                distance[column.place] = 0
        far = int(np.argmax(distance))
        limit = min(FAR, ALONE * math.sqrt(taken.samples - 1)) if taken.samples >= 5 * LEAST_SAMPLES else FAR
        if distance[far] <= limit:
            return
        evidence = f"{self._column(far)} has a value {distance[far]:.0f} deviations from its mean"
        others = int(np.count_nonzero(distance > limit)) - 1
        if others:
            evidence += f", and {others} more like it"
        remedy = "look whether it is a mistake; the step `quantile` brings long tails near the rest"
        yield _finding("values far off", evidence, remedy)

    def _column(self, place: int) -> str:
        for column in self.context.columns:
            if column.place.start <= place < column.place.stop:
                if not column.categories:
                    return f"column '{column.name}'"
                return f"'{column.categories[place - column.place.start]}' of column '{column.name}'"
        return f"number {place} of a sample"

    def _other_scale(self, split: str, taken: Figures) -> Iterator[Finding]:
        ours = self.train.taken
        if split == "train" or min(taken.samples, ours.samples) < LEAST_SAMPLES or not ours.deviation:
            return
        ratio, shift = taken.deviation / ours.deviation, abs(taken.centre - ours.centre) / ours.deviation
        if 1 / OTHER_SCALE <= ratio <= OTHER_SCALE and shift <= OTHER_SCALE:
            return
        evidence = f"the {split} split has mean {_number(taken.centre)} and deviation {_number(taken.deviation)} "
        evidence += f"after preprocessing, the training split {_number(ours.centre)} and {_number(ours.deviation)}"
        yield _finding("a split of another scale", evidence, f"save the {split} data in the units of the training data")

    # -- targets -------------------------------------------------------------------------------------------------------

    def targets(self) -> Iterator[Finding]:
        for name, values in self.train.values.items():
            what = "the target" if len(self.train.values) == 1 else f"the target '{name}'"
            if values.constant.all() and values.samples > 1:
                evidence = f"{what} is {_number(values.centre)} for all {values.samples:,} training samples"
                yield _finding("constant target", evidence, "is it the right column?")
            elif name in self.context.scalable and math.hypot(values.centre, values.deviation) > LARGE_INPUT:
                evidence = f"{what} has mean {_number(values.centre)} and deviation {_number(values.deviation)}, "
                evidence += "a network begins with outputs around 0 and 1"
                remedy = "`standardize_targets: true`; figures stay in the target's own units"
                yield _finding("large targets", evidence, remedy)


def _some(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return ", ".join(texts[:_SHOWN]) + more


def _number(value: float) -> str:
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e9 else f"{value:.4g}"
