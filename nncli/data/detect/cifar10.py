"""The binary versions of CIFAR-10 and CIFAR-100."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from nncli.data.detect._arrays import sight_of_arrays
from nncli.data.detect._names import split_of
from nncli.data.detect._sight import Asked, Detector, FilePath, Sight
from nncli.data.sources.cifar10 import Cifar10
from nncli.errors import UsageError

_PIXELS = 3 * 32 * 32


def _labels(file: Path) -> int:
    """How many labels a record has; 0 where a file is none of this kind."""
    if file.suffix != ".bin" or not file.is_file():
        return 0
    size = file.stat().st_size
    return next((labels for labels in (1, 2) if size and size % (labels + _PIXELS) == 0), 0)


def _claims(place: Path) -> bool:
    if place.is_dir():
        return any(_labels(file) for file in place.iterdir())
    return _labels(place) > 0


def _examine(place: Path, asked: Asked) -> Sight:
    if asked.target is not None:
        raise UsageError("--target is no option for CIFAR's files: labels stand beside the pixels", hint="leave it out")
    files = sorted(place.iterdir()) if place.is_dir() else [place]
    splits: dict[str, list[Path]] = {}
    for file in files:
        if _labels(file):
            splits.setdefault(split_of(file.name)[0] or "train", []).append(file)
    if "train" not in splits:
        splits = {"train": [file for group in splits.values() for file in group]}
    sources = {split: _source(group) for split, group in splits.items()}
    return sight_of_arrays("cifar10", sources, asked, "the labels beside the pixels")


def _source(files: Sequence[Path]) -> Any:
    return Cifar10(tuple(FilePath(file) for file in files), _labels(files[0]))  # type: ignore[arg-type]


def _beside(source: Any, place: Path) -> Any:
    files = [file for file in sorted(place.iterdir()) if _labels(file)] if place.is_dir() else [place]
    return replace(source, path=tuple(FilePath(file) for file in files))


DETECTOR = Detector("CIFAR-10's binary files (.bin)", _claims, _examine, _beside)
