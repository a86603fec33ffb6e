"""Some of a configuration's training samples, to be shown: as they are stored, or as training would change them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np

from nncli.data.augmentation import Augmenter
from nncli.data.batches import Loader, Preprocessing
from nncli.data.overview import first_of_each
from nncli.errors import Fault, UsageError
from nncli.parts import Array, Mixed
from nncli.spec.config import Config
from nncli.training.data_info import Info
from nncli.training.game.picturing import are_points
from nncli.training.objective import mixing

EXAMPLES, POINTS = 24, 1000
"""Samples that are picked to be shown on the screen, and points of a plane."""
SHEET = 10
"""Samples of each class on a sheet, and without classes as many rows of them."""
MOST_ROWS = 100
"""Classes on a sheet."""
SHORT = 3
"""Numbers of a target that a sample is called by at most."""


@dataclass(frozen=True, slots=True)
class Examples:
    """Some training samples (n, …) as they are stored, in float64, of all classes in turn, and what each is called."""

    x: Array
    called: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """Images (n, C, H, W), `columns` in a row, NaN where a row has fewer; a row for each of the classes `names`.

    `limits` are black and white, None where only the images tell.
    """

    images: Array
    columns: int
    limits: tuple[float, float] | None
    names: tuple[str, ...]


def examples(info: Info) -> Examples:
    """Some training samples."""
    train, names = info.splits.train, info.names
    if info.classed is None or are_points(info.splits.shape):
        places = first_of_each(train, None, POINTS if are_points(info.splits.shape) else EXAMPLES)[0]
    else:
        lists = first_of_each(train, len(names), -(-EXAMPLES // len(names)), info.classed)
        turns = [place for turn in zip_longest(*lists) for place in turn if place is not None]
        places = np.array(turns[:EXAMPLES], dtype=np.intp)
    return Examples(_loaded(info, places, Preprocessing()), _called(info, places))


def _called(info: Info, places: Array) -> tuple[str, ...]:
    """The class of each sample, or its target where that is a few numbers."""
    train = info.splits.train
    rows = places if train.rows is None else train.rows[places]
    if info.classed is not None:
        return tuple(info.names[number] for number in train.target(info.classed).array[rows])
    name = next(iter(info.kinds), None)
    if name is None or math.prod(train.target(name).shape) > SHORT:
        return ("",) * len(places)
    values = train.target(name).array[rows].reshape(len(rows), -1)
    return tuple(", ".join(f"{value:.4g}" for value in row) for row in values)


def _loaded(info: Info, places: Array, steps: Preprocessing) -> Array:
    x = np.empty((*steps.shape(info.splits.shape), len(places)))
    Loader(info.splits.train, steps, np.float64).fill(places, x)
    return np.moveaxis(x, -1, 0)


def sheet(info: Info, augmented: bool) -> Sheet:
    """Training samples to be drawn as images, a row for each class, as stored or as training would change them.

    Raises UsageError where there are no images, or no augmentation is asked for.
    """
    shape, after = info.splits.shape, info.preprocessing.shape(info.splits.shape)
    if len(shape) != 3 and len(after) != 3:
        message = f"a sheet shows images (channels, height, width), a sample is {list(shape)}"
        hint = "`input.shape` says how the numbers of a sample form an image"
        raise UsageError(Fault(message, "--samples", hint))
    if augmented and not info.data.augment:
        hint = "write `data: {augment: [...]}`; `nncli layers` lists what there is"
        raise UsageError(Fault("the configuration changes no samples", "--augmented", hint))
    rows = _rows(info)
    places = np.concatenate(list(rows.values()))
    stored = info.overviews["train"].stored
    limits: tuple[float, float] | None = (stored.minimum, stored.maximum)
    if len(shape) == 3 and not augmented:
        x = _loaded(info, places, Preprocessing())
    else:
        x, undone = _changed(info, places, augmented)
        limits = limits if undone else None
    columns = max(len(row) for row in rows.values())
    images = np.full((len(rows), columns, *x.shape[1:]), np.nan)
    start = 0
    for number, row in enumerate(rows.values()):
        images[number, : len(row)] = x[start : start + len(row)]
        start += len(row)
    names = tuple(rows) if info.classed is not None else ()
    return Sheet(images.reshape(-1, *x.shape[1:]), columns, limits, names)


def _rows(info: Info) -> dict[str, Array]:
    """Places of samples, row by row; of classes those that have some, by their names."""
    train = info.splits.train
    if info.classed is not None:
        lists = first_of_each(train, len(info.names), SHEET, info.classed)
        found = [(name, row) for name, row in zip(info.names, lists, strict=True) if len(row)]
        return dict(found[:MOST_ROWS])
    places = first_of_each(train, None, SHEET * SHEET)[0]
    return {str(start): places[start : start + SHEET] for start in range(0, len(places), SHEET)}


def _changed(info: Info, places: Array, augmented: bool) -> tuple[Array, bool]:
    """Samples (n, …) after preprocessing and augmentation, and whether the steps were undone: then the numbers are in
    the data's own units."""
    train, steps, dtype, n = info.splits.train, info.preprocessing, info.config.dtype, len(places)
    x: Array = np.empty((*steps.shape(train.shape), n), dtype)
    targets = {
        name: np.empty(n, np.intp) if kind == "classes" else np.empty((*train.target(name).shape, n), dtype)
        for name, kind in info.kinds.items()
    }
    Loader(train, steps, dtype).fill(places, x, targets)
    if augmented:
        mixes = isinstance(info.config, Config) and bool(mixing(info.config))
        classes = [name for name, kind in info.kinds.items() if kind == "classes"]
        mixed = {name: Mixed.of(n, dtype) for name in classes} if mixes else {}
        Augmenter(info.data.augment, x.shape[:-1], dtype, info.config.seed).apply(x, targets, mixed, 0, 0)
    x = x.astype(np.float64)
    undone = x.shape[:-1] == train.shape and steps.undo(x)
    return np.moveaxis(x, -1, 0), undone
