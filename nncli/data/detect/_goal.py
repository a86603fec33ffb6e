"""Whether numbers are class labels or values to predict, and what samples look like."""

from __future__ import annotations

from typing import Any

import numpy as np

from nncli.data.dataset import TARGET, Dataset, Origin
from nncli.data.detect._sight import Asked, Goal, Task
from nncli.errors import UsageError
from nncli.parts import Array

MOST_NUMBERED = 20
"""So many different whole numbers at most may be classes by themselves, unless they are 0 to K − 1 with enough of
each."""
_ENOUGH = 5
"""Samples of a class, in the mean."""
LEAST = 8
"""Fewer samples than this leave nothing to test with."""


def goal_of(dataset: Dataset, asked: Asked, what: str) -> Goal:
    """What the targets of samples are. Raises DataError where there is nothing to learn from them."""
    check_count(len(dataset), dataset.x_origin)
    if TARGET not in dataset.targets:
        hint = "--target names the array of the targets"
        raise dataset.x_origin.error("there are no targets to learn from", hint)
    target = dataset.target(TARGET)
    t = target.array.reshape(len(target.array), -1)
    task = asked.task or _task(t, bool(target.names))
    if task == "classes":
        numbers = _class_numbers(t, target.origin)
        return classes(np.bincount(numbers), target.names, what, target.origin)
    if target.names:
        raise UsageError(f"{what} is names of classes: there are no values to predict", hint="leave --task out")
    if task == "switches" and (t.min() < 0 or t.max() > 1):
        raise UsageError("answers of yes and no are numbers 0 and 1", hint="--task values takes any numbers")
    if task == "values" and float(t.min()) == float(t.max()):
        raise target.origin.error(f"all targets are {t.flat[0]:g}: there is nothing to learn", "--target names another")
    return Goal(task, t.shape[1], what)


def classes(counts: Array, names: tuple[str, ...], what: str, origin: Origin) -> Goal:
    """The goal of telling classes apart that have so many samples each. Raises DataError where there is one only."""
    there = counts[counts > 0]
    if len(there) < 2:
        label = names[int(np.argmax(counts))] if names else str(int(np.argmax(counts)))
        raise origin.error(
            f"all samples are of the class '{label}': there is nothing to tell apart", "--target names other labels"
        )
    return Goal("classes", len(counts), what, names, int(there.min()), int(there.max()))


def check_count(n: int, origin: Origin) -> None:
    if n < LEAST:
        message = f"{n} sample{'s are' if n > 1 else ' is'} too few to learn from and to test with"
        raise origin.error(message, f"there should be at least {LEAST}, better hundreds")


def _task(t: Array, named: bool) -> Task:
    """By what the targets are: one column of few whole numbers is classes, several of 0 and 1 are switches."""
    if named:
        return "classes"
    two = bool(np.isin(t, (0, 1)).all())
    if t.shape[1] > 1:
        return "switches" if two else "values"
    if t.dtype.kind == "f":
        return "switches" if two and float(t.min()) != float(t.max()) else "values"
    return "classes" if t.min() >= 0 and are_classes(t[:, 0]) else "values"


def are_classes(values: Array) -> bool:
    """Whether numbers look like class labels: whole, and few of them, or all from 0 (or 1) on with enough of each."""
    different = np.unique(values)
    if (different != np.trunc(different)).any():
        return False
    if len(different) * _ENOUGH > len(values) and len(different) > 2:
        return False
    together = different[0] in (0, 1) and different[-1] - different[0] == len(different) - 1
    return bool(together) or len(different) <= MOST_NUMBERED // 2


def _class_numbers(t: Array, origin: Origin) -> Array:
    """(N,) of whole numbers from 0. Raises DataError with what to do about other ones."""
    if t.shape[1] > 1:
        hint = "of one-hot rows take the class numbers: y.argmax(axis=1)"
        raise origin.error(f"a class is one whole number, here a row has {t.shape[1]} numbers", hint)
    if t.dtype.kind == "f":
        raise origin.error(f"classes are whole numbers from 0, these are of type {t.dtype}", "save y.astype(int)")
    if t.min() < 0:
        raise origin.error(f"the class {t.min()} is negative", "classes are counted from 0")
    if int(t.max()) > max(2**16, len(t)):
        raise origin.error(f"the class {t.max()} is too large to be a number of a class", "--task values predicts it")
    return t[:, 0].astype(np.intp)


def likeness(x: Array, step: int) -> float:
    """Mean correlation, over the samples, of numbers `step` places apart in a row; x (N, L). 0 where none vary."""
    rows = x.astype(np.float64)
    if rows.shape[1] > 4096:
        rows = rows[:, :4096]
    std = rows.std(axis=0)
    z: Any = (rows - rows.mean(axis=0)) / np.where(std > 0, std, np.inf)
    both = (std[step:] > 0) & (std[:-step] > 0)
    if not both.any():
        return 0.0
    return float((z[:, step:] * z[:, :-step]).mean(axis=0)[both].mean())
