"""Folders of files that are a sample each: where the splits are, what tells the classes, which files count."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from nncli.data.detect._names import SPLITS
from nncli.data.detect._sight import Asked, FilePath
from nncli.data.files import reason
from nncli.data.folders import FOLDER
from nncli.errors import DataError, Fault, UsageError

_SEPARATORS = "_-."
_MOST_PATTERNS = 64


@dataclass(frozen=True, slots=True)
class Media:
    """Where the files of each split are, and the fields of a source that reads them.

    `labels` is `folder` or a pattern with {label}; `files` are patterns of names, of the test split others where it is
    in the same folder.
    """

    train: Path
    validation: Path | None
    test: Path | None
    labels: str
    files: tuple[str, ...]
    test_files: tuple[str, ...]
    notes: dict[str, str] = field(default_factory=dict)

    def fields(self, split: str) -> dict[str, object]:
        """The fields that differ from a source's defaults, apart from its `path`."""
        files = self.test_files if split == "test" else self.files
        named = {} if files == ("*",) else {"files": files}
        return {**named, **({} if self.labels == FOLDER else {"labels": self.labels})}

    def what(self) -> str:
        """The target in words."""
        return "the folder of a file" if self.labels == FOLDER else "a part of a file's name"

    def paths(self) -> dict[str, FilePath]:
        """The folders of the splits that have one."""
        found = {"train": self.train, "validation": self.validation, "test": self.test}
        return {split: FilePath(path) for split, path in found.items() if path is not None}


def holds(place: Path, suffixes: Sequence[str]) -> bool:
    """Whether a folder has a file with one of these endings, however deep."""
    return place.is_dir() and any(file.suffix.lower() in suffixes for file in walk(place))


def walk(folder: Path) -> Iterator[Path]:
    """All files, in order of their names; what begins with a dot is left out, links to folders are not followed."""
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith("."):
                yield Path(here, name)


def media_of(place: Path, asked: Asked, suffixes: Sequence[str]) -> Media:
    """How the files below a folder are samples. Raises DataError where nothing tells their classes."""
    place = _descended(place, suffixes)
    notes: dict[str, str] = {}
    inner = {entry.name: entry for entry in _folders(place)}
    splits = {SPLITS[name.lower()]: path for name, path in inner.items() if name.lower() in SPLITS}
    train = splits.get("train", place)
    if "train" not in splits:
        splits = {}
    elif len(splits) < len(inner) and (rest := [name for name in inner if name.lower() not in SPLITS]):
        notes["path"] = f"{', '.join(rest)} beside it is not read"
    files = [file for path in (splits or {"": place}).values() for file in walk(path)]
    labels = _labels(train, asked, suffixes)
    patterns = _patterns(files, suffixes, notes)
    if labels != FOLDER:
        notes["labels"] = "the class of a file is what stands in its name for {label}"
    if asked.test is None or asked.test.pattern is None:
        return Media(train, splits.get("validation"), splits.get("test"), labels, patterns, patterns, notes)
    names = [file.name for file in walk(train) if file.suffix.lower() in suffixes]
    kept = apart(names, asked.test.pattern)
    notes["files"] = f"of the same folder the test split has the files {asked.test.pattern}"
    return Media(train, splits.get("validation"), train, labels, kept, (asked.test.pattern,), notes)


def _descended(place: Path, suffixes: Sequence[str]) -> Path:
    """The folder itself, or the one inside it that all files are in."""
    while True:
        folders = [folder for folder in _folders(place) if holds(folder, suffixes)]
        direct = any(file.suffix.lower() in suffixes for file in _files(place))
        if direct or len(folders) != 1 or folders[0].name.lower() in SPLITS:
            return place
        place = folders[0]


def _folders(place: Path) -> list[Path]:
    return [entry for entry in _entries(place) if entry.is_dir()]


def _files(place: Path) -> list[Path]:
    return [entry for entry in _entries(place) if entry.is_file()]


def _entries(place: Path) -> list[Path]:
    try:
        return sorted(entry for entry in place.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise DataError(Fault(f"cannot be read: {reason(error)}", file=str(place))) from None


def _labels(train: Path, asked: Asked, suffixes: Sequence[str]) -> str:
    """What tells the class of a file: its folder, or a part of its name."""
    if asked.target is not None:
        if asked.target.count("{label}") != 1:
            hint = "such as --target '{label}_*' where 7_ann_12.wav is a 7; without it folders are classes"
            raise UsageError(
                f"--target '{asked.target}' is no pattern of file names with one {{label}} in it", hint=hint
            )
        return asked.target
    if any(holds(folder, suffixes) for folder in _folders(train)):
        return FOLDER
    names = [file.name for file in _files(train) if file.suffix.lower() in suffixes]
    for separator in _SEPARATORS:
        for pattern in (f"{{label}}{separator}*", f"*{separator}{{label}}.*"):
            if _tells(names, pattern):
                return pattern
    message = "neither folders nor the names of the files tell their classes"
    hint = "make a folder for each class, or give a pattern of the names: --target '{label}_*'"
    raise DataError(Fault(message, hint=hint, file=str(train)))


def _tells(names: Sequence[str], pattern: str) -> bool:
    """Whether a pattern finds classes in the names: at least two, of at least three files, with five in the mean."""
    before, _, after = pattern.partition("{label}")
    separator = before[1:] or after[:1]
    found = []
    for name in names:
        stem = name.rpartition(".")[0]
        label, there, _ = stem.partition(separator) if not before else stem.rpartition(separator)[::-1]
        if not there or not label:
            return False
        found.append(label)
    counts = Counter(found)
    return len(counts) >= 2 and min(counts.values()) >= 3 and len(found) >= 5 * len(counts)


def _patterns(files: Sequence[Path], suffixes: Sequence[str], notes: dict[str, str]) -> tuple[str, ...]:
    """Patterns of the names that are read: all, unless something else lies among them."""
    other = [file for file in files if file.suffix.lower() not in suffixes]
    if not other:
        return ("*",)
    count = f"{len(other)} other file{'s' if len(other) > 1 else ''}"
    notes["files"] = f"{count} among them, such as {other[0].name}, {'are' if len(other) > 1 else 'is'} left out"
    return tuple(sorted({f"*{file.suffix.lower()}" for file in files if file.suffix.lower() in suffixes}))


def apart(names: Sequence[str], pattern: str) -> tuple[str, ...]:
    """Patterns that fit all names that `pattern` does not, and none that it does.

    They are found where one part of the names, between separators, tells the two apart. Raises UsageError otherwise.
    """
    tested = [name for name in names if fnmatchcase(name.lower(), pattern.lower())]
    others = sorted(set(names) - set(tested))
    if not tested or not others:
        what = "all files" if tested else "no file"
        raise UsageError(f"--test '{pattern}' fits {what} of the folder", hint="it is to fit some of them")
    cut = [re.split(r"([_\-.])", name) for name in others]
    for place in (-3, 0, *range(2, min(map(len, cut)) - 2, 2), *range(-5, -min(map(len, cut)) - 1, -2)):
        found = {_with_one(parts, place) for parts in cut if -len(parts) <= place < len(parts)}
        if len(found) > _MOST_PATTERNS or any(_fits(name, found) for name in tested):
            continue
        if all(_fits(name, found) for name in others):
            return tuple(sorted(found, key=lambda text: (len(text), text)))
    message = f"there are no simple patterns for the files that --test '{pattern}' does not fit"
    raise UsageError(message, hint="put the test files into a folder of their own, or give a share: --test 0.2")


def _with_one(parts: Sequence[str], place: int) -> str:
    """A pattern that says one part of a name and leaves the rest open: `*_7.wav` of 3_ann_7.wav."""
    place %= len(parts)
    before = "*" + parts[place - 1] if place > 0 else ""
    after = parts[place + 1] + "*" if place + 3 < len(parts) else "".join(parts[place + 1 :])
    return before + parts[place] + after


def _fits(name: str, patterns: set[str]) -> bool:
    return any(fnmatchcase(name.lower(), pattern.lower()) for pattern in patterns)
