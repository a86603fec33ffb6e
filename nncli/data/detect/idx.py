"""IDX files, the format of MNIST: two for each split."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nncli.data.detect._arrays import sight_of_arrays
from nncli.data.detect._names import split_of
from nncli.data.detect._sight import Asked, Detector, FilePath, Sight
from nncli.data.sources.idx import Idx
from nncli.errors import DataError, Fault, UsageError


def _axes(file: Path) -> int:
    """How many axes the array of a file has; 0 where it is no IDX file."""
    try:
        with file.open("rb") as stream:
            begin = stream.read(4)
        if begin[:2] == b"\x1f\x8b":
            with gzip.open(file) as unpacked:
                begin = unpacked.read(4)
    except (OSError, EOFError, zlib.error):
        return 0
    known = len(begin) == 4 and begin[:2] == b"\0\0" and begin[2] in (8, 9, 11, 12, 13, 14)
    return begin[3] if known and begin[3] <= 8 else 0


def _claims(place: Path) -> bool:
    if place.is_dir():
        return any(_axes(file) for file in sorted(place.iterdir()) if file.is_file())
    return _axes(place) > 0


def _examine(place: Path, asked: Asked) -> Sight:
    if asked.target is not None:
        raise UsageError("--target is no option for IDX files: one file holds the labels", hint="leave it out")
    pairs = pairs_of(place)
    sources: dict[str, Any] = {split: Idx(FilePath(x), FilePath(y)) for split, (x, y) in pairs.items()}
    return sight_of_arrays("idx", sources, asked, f"the labels of {pairs['train'][1].name}")


def pairs_of(place: Path) -> dict[str, tuple[Path, Path]]:
    """Files of images and of labels, by split: those whose names are alike. A file stands for its pair and the other.

    Raises DataError where the labels are not found.
    """
    folder = place if place.is_dir() else place.parent
    axes = {file: _axes(file) for file in sorted(folder.iterdir()) if file.is_file()}
    images = [file for file, count in axes.items() if count > 1]
    labels = {_key(file): file for file, count in axes.items() if count == 1}
    if place.is_file() and axes[place] == 1:
        raise DataError(Fault("holds labels, no samples", hint="give the path of the images", file=str(place)))
    pairs: dict[str, tuple[Path, Path]] = {}
    for file in images:
        if _key(file) in labels:
            pairs.setdefault(split_of(file.name)[0] or "train", (file, labels[_key(file)]))
    if place.is_file():
        if _key(place) not in labels:
            message, hint = "there is no file of labels beside it", "MNIST's are called train-labels-idx1-ubyte"
            raise DataError(Fault(message, hint=hint, file=str(place)))
        pairs["train"] = (place, labels[_key(place)])
        pairs = {split: pair for split, pair in pairs.items() if split == "train" or pair[0] != place}
    if "train" not in pairs:
        message = "there is no pair of files of samples and labels for training"
        hint = "MNIST's are called train-images-idx3-ubyte and train-labels-idx1-ubyte"
        raise DataError(Fault(message, hint=hint, file=str(place)))
    return pairs


def _key(file: Path) -> str:
    """What the names of a pair have in common."""
    name = file.name.lower()
    for word in ("images", "labels", "image", "label", "idx1", "idx2", "idx3", "idx4", ".gz"):
        name = name.replace(word, "")
    return name


def _beside(source: Any, place: Path) -> Any:
    pairs: Mapping[str, tuple[Path, Path]] = pairs_of(place)
    x, y = pairs["train"] if place.is_file() or "test" not in pairs else pairs["test"]
    return Idx(FilePath(x), FilePath(y))


DETECTOR = Detector("IDX files, as MNIST's", _claims, _examine, _beside)
