"""Names for new files, and data that lie at hand."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from shlex import quote

from nncli.data.detect import kind_of, split_of
from nncli.errors import DataError

_SUFFIXES = (".csv", ".tsv", ".data", ".npz", ".h5", ".hdf5")
_LONGEST = 64
"""Characters of a name that is made."""
_GENERAL = ("data", "dataset", "images", "recordings", "sounds", "files")


def name_of(place: Path) -> str:
    """A name for what is made of some data: that of the file or folder, or of the one around it if it only says what
    split it is."""
    whole = place.expanduser().resolve()
    for path in (whole, *whole.parents):
        name = path.name if os.path.isdir(path) else path.name.split(".")[0]  # a path that cannot be is none
        if name and split_of(name)[0] is None and name.lower() not in _GENERAL:
            return run_name(name)[:_LONGEST]
    return "network"


def command(file: Path, game: bool = False) -> str:
    """What is typed next."""
    return f"nncli {'gan' if game else 'train'} {quote(str(file))}"


def data_here(folder: Path) -> Path | None:
    """The first file inside a folder that is called like one of data, and is one; None where there is none."""
    for entry in sorted(folder.iterdir()):
        if entry.suffix in _SUFFIXES and entry.is_file():
            with suppress(DataError):
                kind_of(entry)
                return entry
    return None


def run_name(text: str) -> str:
    """A name for a run, and its folder, from any text."""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "_", text).lstrip(".-")
    return name or "network"
