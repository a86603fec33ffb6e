"""Which of the arrays of a file are the samples and the targets of each split, by their names."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nncli.data.detect._names import SAMPLES, TARGETS, first_of, split_of
from nncli.errors import DataError, Fault, UsageError, nearest
from nncli.parts import Shape


@dataclass(frozen=True, slots=True)
class Pair:
    """The names of the arrays of a split."""

    x: str
    y: str | None


def pairs_of(arrays: Mapping[str, Shape], target: str | None, place: Path) -> dict[str, Pair]:
    """The arrays of each split, by their names; where those say nothing, samples are the array with most numbers.

    Raises DataError where there are no samples, or no targets of as many rows, UsageError where `target` is not there.
    """
    if target is not None and target not in arrays:
        raise UsageError(f"--target: there is no array '{target}' in {place}", hint=nearest(target, list(arrays)))
    usable = {name: shape for name, shape in arrays.items() if shape}
    by_split: dict[str, dict[str, str]] = {}
    for name in usable:
        split, stem = split_of(name)
        by_split.setdefault(split or "train", {})[stem] = name
    found = {}
    for split, stems in by_split.items():
        wanted = target if split == "train" else None
        pair = _pair(stems, usable, wanted)
        if pair is not None:
            found[split] = pair
    if "train" not in found or found["train"].y is None:
        shown = ", ".join(f"{name} {list(shape)}" for name, shape in arrays.items())
        message = f"which arrays are samples and targets cannot be told: it holds {shown or 'no arrays'}"
        hint = "--target names the targets; usual names are x and y, or x_train, y_train, x_test and y_test"
        raise DataError(Fault(message, hint=hint, file=str(place)))
    return {split: pair for split, pair in found.items() if pair.y is not None}


def _pair(stems: Mapping[str, str], shapes: Mapping[str, Shape], target: str | None) -> Pair | None:
    """Samples and targets among the arrays of a split, by the names that are left without the split's."""
    rest = {stem: name for stem, name in stems.items() if name != target}
    x = rest.get(first_of(rest, SAMPLES) or "")
    y = target or stems.get(first_of(stems, TARGETS) or "")
    if x is None:
        others = [name for name in rest.values() if name != y]
        x = max(others, key=lambda name: math.prod(shapes[name]), default=None)
    if x is None:
        return None
    if y is None:
        equal = [name for name in stems.values() if name != x and shapes[name][0] == shapes[x][0]]
        y = equal[0] if len(equal) == 1 else None
    return Pair(x, y)
