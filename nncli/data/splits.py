"""The splits of a configuration: opened, brought to one shape, their targets checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, cast

import numpy as np

from nncli.data.dataset import TARGET, Dataset
from nncli.data.density import Drawn
from nncli.errors import DataError, Fault
from nncli.parts import Array, Shape
from nncli.randomness import generator

Kind = Literal["classes", "values"]


class DataSection(Protocol):
    """The section `data` of a configuration; `validation` is a source, or a share or count of the training data."""

    @property
    def train(self) -> Any: ...
    @property
    def validation(self) -> Any: ...
    @property
    def test(self) -> Any: ...


class InputSection(Protocol):
    """The section `input` of a configuration."""

    @property
    def shape(self) -> Shape: ...
    @property
    def classes(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Splits:
    """What was opened; all splits have samples of one shape.

    `train` is there unless `open_splits` was asked for another split only. `classes` is the number of classes of the
    first target that is class numbers, None where there is none. `kinds` are the targets that are used, by name.
    """

    train: Dataset
    validation: Dataset | None
    test: Dataset | None
    shape: Shape
    classes: int | None
    kinds: Mapping[str, Kind]

    def check_indices(self, bound: int | None) -> None:
        """Raises DataError unless the samples hold whole numbers from 0 below `bound` (None: any numbers)."""
        for dataset in (self.train, self.validation, self.test):
            if dataset is not None and bound is not None:
                dataset.check_indices(bound)

    def check_targets(self, output: Shape, span: tuple[float, float] | None = None, name: str = TARGET) -> None:
        """Raises DataError where labels or targets do not fit an output of the network, or values are beyond `span`."""
        for dataset in (self.train, self.validation, self.test):
            if dataset is None:
                continue
            if self.kinds.get(name) == "classes":
                dataset.check_classes(output[0], f"the network has {output[0]} outputs", name)
            elif self.kinds.get(name) == "values":
                dataset.check_values(output, span, name)


def open_splits(
    data: DataSection,
    *,
    base: Path,
    seed: int,
    kinds: Mapping[str, Kind],
    given: InputSection | None = None,
    only: str | None = None,
) -> Splits:
    """Load the splits, or `only` one of them ("train", "validation" or "test").

    Paths are relative to the folder `base`. `kinds` are the targets that losses and metrics take, by name; others are
    left unchecked. `given` says the shape of a sample and the number of classes where the configuration does; samples
    that hold as many numbers are brought into that shape. A validation split that is a share or a count is drawn from
    the training data by the seed.

    Raises DataError that names file, array and row where data are unreadable or unfit.
    """
    drawn = isinstance(data.validation, int | float)
    found: dict[str, Dataset] = {}
    for name, source in (("train", data.train), ("validation", data.validation), ("test", data.test)):
        wanted = only in (None, name) or (name == "train" and only == "validation" and drawn)
        if wanted and source is not None and not isinstance(source, int | float):
            found[name] = source.draw(seed, name) if isinstance(source, Drawn) else source.load(base)
    shape, wanted_by = _shape(found, given)
    found = {name: dataset.shaped(shape, wanted_by) for name, dataset in found.items()}
    counts: list[int] = []
    for target, kind in kinds.items():
        if kind == "classes":
            found = {name: dataset.labelled(target) for name, dataset in found.items()}
            counts.append(_classes(found, given if not counts else None, target))
    classes = counts[0] if counts else None
    if drawn and "train" in found:
        found["train"], found["validation"] = _draw(found["train"], data.validation, seed)
    opened = {name: dataset for name, dataset in found.items() if only in (None, name)}
    train = cast(Dataset, opened.get("train"))
    return Splits(train, opened.get("validation"), opened.get("test"), shape, classes, kinds)


def _shape(found: dict[str, Dataset], given: InputSection | None) -> tuple[Shape, str]:
    """The shape of a sample, and what asks for it."""
    if given is not None:
        return given.shape, "the configuration's input.shape is"
    first = next(iter(found.values()))
    return first.shape, f"in {first.x_origin} it is"


def _classes(found: dict[str, Dataset], given: InputSection | None, target: str) -> int:
    """The number of classes of a target: as given, or as the first split has them. No label may be beyond it."""
    if given is not None and given.classes is not None:
        classes, why = given.classes, f"the configuration's input.classes is {given.classes}"
    else:
        first = next(iter(found.values())).target(target)
        classes = int(first.array.max()) + 1
        why = f"the labels of {first.origin} have {classes} classes"
    for dataset in found.values():
        dataset.check_classes(classes, why, target)
    return classes


def _draw(train: Dataset, share: float, seed: int) -> tuple[Dataset, Dataset]:
    """Training and validation rows, each in the order of the file; at least one of each."""
    n = len(train)
    count = share if isinstance(share, int) else max(1, round(share * n))
    if count >= n:
        message = f"{n} samples, of which {count} are asked for as validation data: none is left to train on"
        raise DataError(Fault(message, train.x_origin.array, "make `data.validation` smaller", train.x_origin.file))
    rows: Array = generator(seed, "validation").permutation(n)
    return train.subset(np.sort(rows[count:])), train.subset(np.sort(rows[:count]))
