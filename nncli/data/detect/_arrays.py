"""What arrays of samples are: rows of numbers, signals or images, in whatever order their axes are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from nncli.data.dataset import Dataset
from nncli.data.detect._goal import goal_of, likeness
from nncli.data.detect._pairs import pairs_of
from nncli.data.detect._sight import Asked, FilePath, Form, Sight
from nncli.data.detect._splits import sight_of
from nncli.parts import Shape

_CHANNELS = (1, 2, 3, 4)
_SHORTEST_SIGNAL = 64
_ROWS = 500
"""Samples that are looked at, about."""
_ALIKE = 0.5
"""Correlation of neighbours from which on numbers are a signal, or pixels."""


def is_channels_last(shape: Shape) -> bool:
    """Of an array of images (N, H, W, C)."""
    return len(shape) == 4 and shape[3] in _CHANNELS and shape[1] not in _CHANNELS


def sight_of_archive(
    kind: str, source: type, arrays: Mapping[str, Shape], place: Path, asked: Asked, what: str
) -> Sight:
    """What a file of named arrays holds; `source` reads it, and `what` is one of them in words."""
    pairs = pairs_of(arrays, asked.target, place)
    layout = "nhwc" if is_channels_last(arrays[pairs["train"].x]) else "nchw"
    sources = {split: source(FilePath(place), pair.x, pair.y, layout) for split, pair in pairs.items()}
    sight = sight_of_arrays(kind, sources, asked, f"{what} '{pairs['train'].y}'")
    return replace(sight, notes={"layout": "the channels are the last axis"} if layout == "nhwc" else {})


def beside_archive(source: Any, arrays: Mapping[str, Shape], place: Path) -> Any:
    """A file for testing: its arrays of that split, else those it would be trained with."""
    pairs = pairs_of(arrays, None, place)
    pair = pairs.get("test", pairs["train"])
    return replace(source, path=FilePath(place), x=pair.x, y=pair.y)


def sight_of_arrays(kind: str, sources: Mapping[str, Any], asked: Asked, what: str) -> Sight:
    """What sources of arrays hold; `what` is the target in words."""
    train: Dataset = sources["train"].load(Path())
    goal = goal_of(train, asked, what)
    return sight_of(kind, sources, train, *form_of(train), goal)


def form_of(dataset: Dataset) -> tuple[Form, Shape]:
    """What samples are, and the shape in which a network is to read them.

    Rows of numbers are images where their number is a square and neighbours in both directions are alike, those a row
    apart more so than those half a row apart. They are signals where they are long and neighbours are alike. (channels,
    length) is a signal where it is much longer than wide.
    """
    shape = dataset.shape
    if len(shape) == 1:
        return _form_of_rows(dataset, shape[0])
    if len(shape) == 3 and shape[0] == 1 and shape[2] >= 4 * shape[1] and shape[1] <= 16:
        return "signal", shape[1:]
    if len(shape) == 3 and (shape[0] in _CHANNELS or shape[1] > 1):
        return ("image", shape) if min(shape[1:]) > 1 else ("signal", (shape[0], math.prod(shape[1:])))
    if len(shape) == 2:
        return "signal", shape
    return "vector", (math.prod(shape),)


def _form_of_rows(dataset: Dataset, length: int) -> tuple[Form, Shape]:
    if length < _SHORTEST_SIGNAL:
        return "vector", (length,)
    side = math.isqrt(length)
    rows = dataset.samples(np.arange(0, len(dataset), max(1, len(dataset) // _ROWS)))
    alike, above = likeness(rows, 1), likeness(rows, side)
    if side * side == length and min(alike, above) > _ALIKE / 2 and above > likeness(rows, side // 2):
        return "image", (1, side, side)
    return ("signal", (1, length)) if alike > _ALIKE else ("vector", (length,))
