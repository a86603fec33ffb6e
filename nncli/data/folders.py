"""Folders of files, each of which is a sample: which files there are, in what order, and of which class each is."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np

from nncli.data.dataset import TARGET, Dataset, Origin, Target
from nncli.data.files import find_folder, reason
from nncli.data.table import in_order
from nncli.errors import DataError, Fault
from nncli.parts import Array

FOLDER = "folder"
"""The value of a field `labels` that makes the folders' names classes."""
_LABEL = "{label}"


@dataclass(frozen=True, slots=True)
class Listing:
    """The n files of a folder, in order.

    `numbers` (n,) are the classes of the files, and `names` the names of the classes; None and () where there are no
    classes.
    """

    folder: Path
    files: Sequence[Path]
    numbers: Array | None = None
    names: tuple[str, ...] = ()

    def dataset(self, x: Array) -> Dataset:
        """What was read from the files, (n, …), with the classes as its target."""
        origin = Origin(str(self.folder), files=self.files)
        targets = {} if self.numbers is None else {TARGET: Target(self.numbers, origin, self.names)}
        return Dataset.with_targets(x, origin, targets)


def listed(base: Path, path: str, patterns: Sequence[str], labels: str | None) -> Listing:
    """The files of a folder whose names fit one of the patterns; hidden files and folders (`.name`) are left out.

    `labels` is `folder`: each class is a folder of files, its name the name of the class. Or it is a pattern of file
    names in which {label} stands for the class, or None; then files count in whatever folder they are. Classes and
    files are in the order of their names, classes that are whole numbers in that of their size.

    Raises DataError that names a folder without files, and what is neither file nor folder or in the wrong place.
    """
    folder = find_folder(base, path)
    if labels == FOLDER:
        return _classes(folder, patterns)
    files = list(_walk(folder, patterns))
    if not files:
        raise _nothing(folder, patterns)
    if labels is None:
        return Listing(folder, files)
    pattern = _compiled(labels)
    found = [_label(file, pattern, labels) for file in files]
    names = in_order(set(found))
    return Listing(folder, files, _numbers(found, names), names)


def check_labels(labels: str | None) -> None:
    """Raise ValueError unless it is what a field `labels` may be."""
    if labels is not None and labels != FOLDER and labels.count(_LABEL) != 1:
        raise ValueError(
            '`labels` is folder, null, or a pattern of file names with one {label} in it, such as "{label}_*"'
        )


def _classes(folder: Path, patterns: Sequence[str]) -> Listing:
    """Folders as classes."""
    folders, beside = _entries(folder, patterns)
    if not folders:
        if not beside:
            raise _nothing(folder, patterns)
        hint = 'for classes from file names `labels: "{label}_*"`, without classes `labels: null`'
        raise _fault(folder, "holds files, where each class is a folder of files", hint)
    if beside:
        raise _fault(beside[0], "is a file beside the folders of the classes", _leave_out(beside[0]))
    files: list[Path] = []
    found: list[str] = []
    by_name = {entry.name: entry for entry in folders}
    names = in_order(set(by_name))
    for name in names:
        inner, here = _entries(by_name[name], patterns)
        if inner:
            hint = f"classes are the folders right inside `path`; did you mean '{by_name[name]}'?"
            raise _fault(inner[0], "is a folder where files of a class should be", hint)
        if not here:
            raise _nothing(by_name[name], patterns)
        files += here
        found += [name] * len(here)
    return Listing(folder, files, _numbers(found, names), names)


def _numbers(labels: Sequence[str], names: Sequence[str]) -> Array:
    place = {name: number for number, name in enumerate(names)}
    return np.array([place[label] for label in labels], dtype=np.intp)


def _entries(folder: Path, patterns: Sequence[str]) -> tuple[list[Path], list[Path]]:
    """The folders, and the files that fit, inside a folder, in order of their names."""
    folders, files = [], []
    try:
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
            if entry.name.startswith("."):
                continue
            path = folder / entry.name
            if not entry.name.isprintable():
                raise _fault(folder / ascii(entry.name), "has a name that is no printable text", "rename it")
            if entry.is_dir():
                folders.append(path)
            elif _fits(entry.name, patterns):
                if not entry.is_file():
                    raise _fault(path, "is not a regular file", _leave_out(path))
                files.append(path)
    except OSError as error:
        raise _fault(folder, f"cannot be read: {reason(error)}") from None
    return folders, files


def _walk(folder: Path, patterns: Sequence[str]) -> Iterator[Path]:
    """Files in whatever folder they are; links to folders are not followed."""
    folders, files = _entries(folder, patterns)
    yield from files
    for inner in folders:
        if not inner.is_symlink():
            yield from _walk(inner, patterns)


def _fits(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name.lower(), pattern.lower()) for pattern in patterns)


def _compiled(labels: str) -> re.Pattern[str]:
    """`*` stands for any characters and `?` for one; {label} for as few as there may be, at least one."""
    parts = {_LABEL: "(?P<label>.+?)", "*": ".*?", "?": "."}
    pieces = re.split(r"(\{label\}|[*?])", labels)
    return re.compile("".join(parts.get(piece, re.escape(piece)) for piece in pieces), re.IGNORECASE)


def _label(file: Path, pattern: re.Pattern[str], labels: str) -> str:
    match = pattern.fullmatch(file.name)
    if match is None:
        raise _fault(file, f'its name does not fit `labels: "{labels}"`', _leave_out(file))
    return match["label"]


def _nothing(folder: Path, patterns: Sequence[str]) -> DataError:
    if list(patterns) == ["*"]:
        return _fault(folder, "there are no files in this folder")
    names = ", ".join(patterns)
    return _fault(folder, f"there are no files in this folder whose names fit {names}", "that is what `files` says")


def _leave_out(file: Path) -> str:
    return f'move it elsewhere, or say with `files` which files are read: `files: "*{file.suffix or ".png"}"`'


def _fault(file: Path, message: str, hint: str = "") -> DataError:
    return DataError(Fault(message, hint=hint, file=str(file)))
