"""What two checkpoints do not have in common."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from nncli.checkpoint.files import verify

Leaf = tuple[str, tuple[int, ...], bytes]
APART = "timing"
"""The group that differs from run to run."""


def differences(a: Path, b: Path) -> list[str]:
    """Paths of the datasets, and of the attributes (`/model/stem/W@axes`), that are not byte for byte the same in two
    checkpoints, or that one of them lacks; `/timing` is left out. Empty where the two runs are one.

    Read as plain HDF5, so that nothing is left out that a snapshot does not know. Raises CheckpointError where one
    cannot be read.
    """
    one, other = leaves(a), leaves(b)
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def leaves(path: Path) -> dict[str, Leaf]:
    """Type, shape and bytes of every dataset and attribute of a checkpoint, without `/timing`."""
    verify(path)
    import h5py

    with h5py.File(path, "r") as file:
        found = dict(_attributes(file, "/"))
        for name, group in file.items():
            if name != APART:
                found |= _walk(group, f"/{name}")
    return found


def _walk(item: Any, path: str) -> dict[str, Leaf]:
    found = dict(_attributes(item, path))
    if hasattr(item, "items"):
        found[f"{path}/"] = ("group", (len(item),), b"")
        for name, inner in item.items():
            found |= _walk(inner, f"{path}/{name}")
    else:
        found[path] = _leaf(item[()])
    return found


def _attributes(item: Any, path: str) -> Iterator[tuple[str, Leaf]]:
    for name, value in item.attrs.items():
        yield f"{path}@{name}", _leaf(value)


def _leaf(value: Any) -> Leaf:
    """Texts are compared as such: HDF5 keeps them elsewhere, and their array holds where."""
    array = np.asarray(value)
    if array.dtype.kind in "OSU":
        return "text", array.shape, repr(array.tolist()).encode()
    return array.dtype.str, array.shape, array.tobytes()
