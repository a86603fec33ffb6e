"""The splits of a configuration: opened, brought to one shape, their targets checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol, cast

import numpy as np

from nncli.data.dataset import TARGET, Dataset, Origin
from nncli.data.density import Drawn
from nncli.data.draws import draw, fold
from nncli.data.table import Encoding, State, Table, labels_state, restored_labels
from nncli.parts import Array, Shape

Kind = Literal["classes", "values"]


class DataSection(Protocol):
    """The section `data` of a configuration; `validation` and `test` are sources, shares or counts."""

    @property
    def train(self) -> Any: ...
    @property
    def validation(self) -> Any: ...
    @property
    def test(self) -> Any: ...
    @property
    def fold(self) -> Any: ...
    @property
    def stratified(self) -> bool: ...


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
    `class_names` are those of the first target, () where the data name none. `fitted` is what was learned of the
    training split to make samples of a table, and the names of classes; empty where there is neither. `sources` are
    what was read, whole, by the split that it is for. `gaps` are the missing values of tables, by split and column, as
    many as stood in the file; `dropped` rows were left out for them.
    """

    train: Dataset
    validation: Dataset | None
    test: Dataset | None
    shape: Shape
    classes: int | None
    kinds: Mapping[str, Kind]
    class_names: tuple[str, ...] = ()
    fitted: State = field(default_factory=dict)
    sources: Mapping[str, Dataset] = field(default_factory=dict)
    gaps: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    dropped: int = 0

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
    fitted: State | None = None,
) -> Splits:
    """Load the splits, or `only` one of them ("train", "validation" or "test").

    Paths are relative to the folder `base`. `kinds` are the targets that losses and metrics take, by name; others are
    left unchecked. `given` says the shape of a sample and the number of classes where the configuration does; samples
    that hold as many numbers are brought into that shape. A split that is a share or a count, or a fold, is drawn from
    the training data by the seed. `fitted` is what was learned of tables before, as `Splits.fitted` had it.

    Raises DataError that names file, array and row where data are unreadable or unfit.
    """
    found = _loaded(data, base, only, seed)
    rows = _rows(data, found, seed, kinds)
    encoding = None if fitted is None else Encoding.restore(fitted)
    if encoding is None and isinstance(train := found.get("train"), Table):
        encoding = train.fit(_all(train) if rows["train"] is None else rows["train"], kinds)
    sources = {name: _encoded(part, encoding, kinds) for name, part in found.items()}
    datasets = dict(sources)
    shape, wanted_by = _shape(datasets, given)
    datasets = {name: dataset.shaped(shape, wanted_by) for name, dataset in datasets.items()}
    names = dict(encoding.labels) if encoding is not None else restored_labels(fitted or {})
    counts: list[int] = []
    for target, kind in kinds.items():
        if kind == "classes":
            datasets = {name: dataset.labelled(target) for name, dataset in datasets.items()}
            if fitted is None and "train" in datasets and (own := datasets["train"].target(target).names):
                names[target] = own
            known = names.get(target, ())
            datasets = {name: dataset.numbered(known, target) for name, dataset in datasets.items()}
            counts.append(_classes(datasets, given if not counts else None, target, len(known)))
    opened = {name: datasets[name] for name in datasets if name != "train" or rows["train"] is None}
    opened |= {name: datasets["train"].subset(places) for name, places in rows.items() if places is not None}
    opened = {name: dataset for name, dataset in opened.items() if only in (None, name)}
    train_split = cast(Dataset, opened.get("train"))
    classes = counts[0] if counts else None
    class_names = next(iter(names.values()), ())
    learned = labels_state(names) if encoding is None else encoding.state()
    gaps: dict[str, Mapping[str, int]] = {
        name: part.gaps(rows.get(name))
        for name in ("train", "validation", "test")
        if name in opened and isinstance(part := found[_home(name, rows)], Table)
    }
    dropped = sum(part.dropped for part in found.values() if isinstance(part, Table))
    parts = train_split, opened.get("validation"), opened.get("test")
    return Splits(*parts, shape, classes, kinds, class_names, learned, sources, gaps, dropped)


def _home(name: str, rows: Mapping[str, Array | None]) -> str:
    """The source that has the samples of a split: its own, or that of the training data."""
    return "train" if rows.get(name) is not None else name


def _loaded(data: DataSection, base: Path, only: str | None, seed: int) -> dict[str, Dataset | Table]:
    """What the sources hold that are needed for all splits, or one. A fold takes the place of a test source."""
    sources = {"train": data.train, "validation": data.validation, "test": None if data.fold else data.test}
    own = {name: source for name, source in sources.items() if source is not None and not _is_drawn(source)}
    if only is None or only == "train" or only not in own:
        wanted = [name for name in own if only in (None, name) or name == "train"]
    else:
        wanted = [only]
    return {name: _load(own[name], base, seed, name) for name in wanted}


def _load(source: Any, base: Path, seed: int, split: str) -> Dataset | Table:
    return source.draw(seed, split) if isinstance(source, Drawn) else source.load(base)


def _is_drawn(source: Any) -> bool:
    return isinstance(source, int | float)


def _rows(
    data: DataSection, found: Mapping[str, Dataset | Table], seed: int, kinds: Mapping[str, Kind]
) -> dict[str, Array | None]:
    """The rows of the training data that each split has, where it has some; None for all."""
    train = found.get("train")
    if train is None:
        return {"train": None}
    parts = dict(train.parts) if isinstance(train, Table) else {}
    if parts:
        _refuse_two(data, parts, cast(Table, train).origin)
    left = parts.pop("train", None)
    origin = train.origin if isinstance(train, Table) else train.x_origin
    labels = _labels(train, kinds) if data.stratified else None
    drawn: dict[str, Array | None] = dict(parts)

    def hold_out(split: str, how: Any) -> None:
        nonlocal left
        here = _all(train) if left is None else left
        stays, out = how(len(here), seed=seed, origin=origin, labels=None if labels is None else labels[here])
        left, drawn[split] = here[stays], here[out]

    if data.fold is not None:
        hold_out("test", partial(fold, number=data.fold.number, of=data.fold.of))
    elif _is_drawn(data.test):
        hold_out("test", partial(draw, share=data.test, split="test"))
    if _is_drawn(data.validation):
        hold_out("validation", partial(draw, share=data.validation, split="validation"))
    return {"train": left, **drawn}


def _refuse_two(data: DataSection, parts: Mapping[str, Array], origin: Origin) -> None:
    """Raises DataError where a column of the training data and the configuration both say what a split is."""
    for split, other in (("validation", data.validation), ("test", data.fold or data.test)):
        if split in parts and other is not None:
            where = "data.fold" if split == "test" and data.fold else f"data.{split}"
            message = f"the column of `split` has rows for {split}, and `{where}` says another {split} split"
            raise origin.error(message, f"leave `{where}` out, or the field `split`")


def _all(part: Dataset | Table) -> Array:
    return np.arange(len(part))


def _labels(train: Dataset | Table, kinds: Mapping[str, Kind]) -> Array:
    """The classes that are to stay in proportion: those of the first target that has some."""
    target = next((name for name, kind in kinds.items() if kind == "classes"), None)
    if target is None:
        origin = train.origin if isinstance(train, Table) else train.x_origin
        hint = "leave `data.stratified` out, or choose a loss such as `softmax_cross_entropy`"
        raise origin.error("there are no classes to keep in proportion", hint)
    return train.labels(target)[0] if isinstance(train, Table) else train.labelled(target).target(target).array


def _encoded(part: Dataset | Table, encoding: Encoding | None, kinds: Mapping[str, Kind]) -> Dataset:
    if not isinstance(part, Table):
        return part
    if encoding is None:
        raise part.origin.error(
            "a table stands beside training data that are none", "its texts and classes have no numbers to go by"
        )
    return part.encode(encoding, kinds)


def _shape(found: dict[str, Dataset], given: InputSection | None) -> tuple[Shape, str]:
    """The shape of a sample, and what asks for it."""
    if given is not None:
        return given.shape, "the configuration's input.shape is"
    first = next(iter(found.values()))
    return first.shape, f"in {first.x_origin} it is"


def _classes(found: dict[str, Dataset], given: InputSection | None, target: str, known: int) -> int:
    """The number of classes of a target: as given, as `known` unless it is 0, or as the first split has them.

    No label may be beyond it.
    """
    if given is not None and given.classes is not None:
        classes, why = given.classes, f"the configuration's input.classes is {given.classes}"
    else:
        first = next(iter(found.values())).target(target)
        classes = known or int(first.array.max()) + 1
        why = f"the labels of {first.origin} have {classes} classes"
    for dataset in found.values():
        dataset.check_classes(classes, why, target)
    return classes
