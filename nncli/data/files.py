"""What all sources do with files: find them, open them, and say what is wrong when that fails."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from nncli.errors import DataError, Fault, NoSuchFile
from nncli.fetch.catalogue import remedy
from nncli.parts import Array, Shape

Layout: TypeAlias = Literal["nchw", "nhwc"]
"""Order of the axes of images in a file: channels before (nchw) or after (nhwc) height and width."""

DEFLATE_LIMIT = 1032
"""Deflate makes nothing smaller than this part of it (zlib's technical notes); a header that claims more is wrong."""
_OBJECT = re.compile(r"<[\w.]+ object at 0x[0-9a-f]+>")
_LONGEST = 200
"""Characters of an exception's text; some quote what they were given."""
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")


def find(base: Path, path: str) -> Path:
    """The file that a configuration in the folder `base` names.

    Raises DataError unless it is one, NoSuchFile where nothing is there.
    """
    file = base / Path(path).expanduser()
    try:
        if file.is_file():
            return file
        if file.is_dir():
            raise DataError(Fault("is a folder, not a file", file=str(file), hint="name the file inside it"))
        if file.exists():
            raise DataError(Fault("is not a regular file", file=str(file)))
    except (OSError, ValueError) as error:
        raise DataError(Fault(f"cannot be read: {reason(error)}", file=str(file))) from None
    hint = _nearest(file, path, Path.is_file)
    if command := remedy(file):
        hint = f"`{command}` downloads it"
    raise NoSuchFile(Fault("no such file", file=str(file), hint=hint))


def find_folder(base: Path, path: str) -> Path:
    """The folder that a configuration in the folder `base` names; raises as `find` does."""
    folder = base / Path(path).expanduser()
    try:
        if folder.is_dir():
            return folder
        if folder.exists():
            hint = "unpack it first" if folder.suffix in _ARCHIVES else "name the folder that it is in"
            raise DataError(Fault("is a file, not a folder", file=str(folder), hint=hint))
    except (OSError, ValueError) as error:
        raise DataError(Fault(f"cannot be read: {reason(error)}", file=str(folder))) from None
    raise NoSuchFile(Fault("no such folder", file=str(folder), hint=_nearest(folder, path, Path.is_dir)))


def _nearest(file: Path, path: str, alike: Callable[[Path], bool]) -> str:
    names: list[str] = []
    with contextlib.suppress(OSError):
        names = [entry.name for entry in file.parent.iterdir() if alike(entry)]
    close = get_close_matches(file.name, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean '{close[0]}'?"
    return "" if Path(path).is_absolute() else "paths in a configuration are relative to its own folder"


def reason(error: Exception) -> str:
    """An exception of a library in a few words, without what it says of its own objects."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    text = _OBJECT.sub("something else", " ".join(text.split()))
    return text if 0 < len(text) <= _LONGEST else f"{text[:_LONGEST]} ..." if text else type(error).__name__


def channels_first(x: Array, layout: Layout, file: Path, array: str) -> Array:
    """x with the axes in the order (N, C, H, W). Raises DataError where the layout is not for such an array."""
    if layout == "nchw":
        return x
    check_layout(x.shape, file, array)
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2))


def check_layout(shape: Shape, file: Path, array: str) -> None:
    """Raises DataError unless an array of this shape may have its channels last."""
    if len(shape) != 4:
        message = f"`layout: nhwc` is for arrays (N, H, W, C), this one has the shape {list(shape)}"
        raise DataError(Fault(message, array, "leave `layout` out", str(file)))
