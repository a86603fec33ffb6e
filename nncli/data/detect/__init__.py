"""What data are: a detector for each kind of source, one small file each.

A module here whose name begins with no underscore holds one detector, `DETECTOR`; its name is that of the source. To
add a kind is to add a file. Importing this package imports them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from nncli.data.detect._names import split_of
from nncli.data.detect._sight import Asked, Detector, FilePath, Form, Goal, Sight, Wanted
from nncli.data.detect._splits import splits_of
from nncli.data.files import reason
from nncli.errors import DataError, Fault, NoSuchFile, nearest

DETECTORS: Mapping[str, Detector] = {
    module.name: import_module(f"{__name__}.{module.name}").DETECTOR
    for module in iter_modules(__path__)
    if not module.name.startswith("_")
}
_SHOWN = 5
_PACKED = (b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!")


def examine(place: Path, asked: Asked) -> Sight:
    """What the file or folder holds, and how a source reads it. Samples are read, so that what is said is so.

    Raises DataError where it is not there, of no known kind, of several, or unfit to learn from, and UsageError where
    what is asked for cannot be had of it.
    """
    kind = kind_of(place)
    if kind is None:
        return examine(*_inside(place, asked))
    detector = DETECTORS[kind]
    sight = detector.examine(place.resolve(), asked)
    return sight if asked.test is None else splits_of(sight, detector, asked.test)


def kind_of(place: Path) -> str | None:
    """The kind of a file or folder; None for a folder that is of no kind, but may hold files that are."""
    _check_there(place)
    kinds = [kind for kind, detector in DETECTORS.items() if detector.claims(place)]
    if len(kinds) > 1:
        found = " and ".join(DETECTORS[kind].what for kind in kinds)
        raise DataError(Fault(f"holds {found}", hint="name a folder that holds one of them", file=str(place)))
    if kinds:
        return kinds[0]
    if place.is_dir():
        return None
    try:
        with place.open("rb") as stream:
            begin = stream.read(8)
    except OSError as error:
        raise DataError(Fault(f"cannot be read: {reason(error)}", file=str(place))) from None
    if not begin:
        raise DataError(Fault("the file is empty", file=str(place)))
    message = f"is of no kind that is known: it begins with {begin.hex(' ')}"
    packed = any(begin.startswith(mark) for mark in _PACKED)
    hint = "is it an archive? unpack it first" if packed else f"known are {_known()}"
    raise DataError(Fault(message, hint=hint, file=str(place)))


def _check_there(place: Path) -> None:
    try:
        if place.is_file() or place.is_dir():
            return
        there = place.exists()
    except (OSError, ValueError) as error:
        raise DataError(Fault(f"cannot be read: {reason(error)}", file=str(place))) from None
    if there:
        raise DataError(Fault("is neither a file nor a folder", file=str(place)))
    if place.is_symlink():
        raise NoSuchFile(Fault("is a link to something that is not there", file=str(place)))
    names = [entry.name for entry in place.parent.iterdir()] if place.parent.is_dir() else []
    hint = nearest(place.name, names) if names else f"there is no folder {place.parent} either"
    raise NoSuchFile(Fault("no such file or folder", hint=hint if "mean" in hint or not names else "", file=str(place)))


def _inside(folder: Path, asked: Asked) -> tuple[Path, Asked]:
    """The one folder or file of data inside a folder; of two files the one to train with, the other is for testing.

    Raises DataError where it is not clear which one it is.
    """
    try:
        entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise DataError(Fault(f"cannot be read: {reason(error)}", file=str(folder))) from None
    found = [entry for entry in entries if entry.is_file() and any(d.claims(entry) for d in DETECTORS.values())]
    folders = [entry for entry in entries if entry.is_dir() and not entry.is_symlink()]
    if len(found) == 1 or (not found and len(folders) == 1):
        return [*found, *folders][0], asked
    splits = {split_of(entry.name)[0] or "": entry for entry in found}
    if len(splits) == len(found) and "train" in splits and splits.keys() <= {"train", "test"}:
        return splits["train"], asked if asked.test else replace(asked, test=Wanted(path=splits["test"]))
    if found:
        names = ", ".join(entry.name for entry in found[:_SHOWN]) + (", ..." if len(found) > _SHOWN else "")
        raise DataError(Fault(f"holds several files of data: {names}", hint="name one of them", file=str(folder)))
    message = "the folder is empty" if not entries else "holds no data of a kind that is known"
    raise DataError(Fault(message, hint=f"known are {_known()}", file=str(folder)))


def _known() -> str:
    return ", ".join(detector.what for detector in DETECTORS.values())


__all__ = [
    "DETECTORS",
    "Asked",
    "Detector",
    "FilePath",
    "Form",
    "Goal",
    "Sight",
    "Wanted",
    "examine",
    "kind_of",
    "split_of",
]
