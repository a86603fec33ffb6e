"""What was read of each source, in a few words and a digest: to notice that it is other data now."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np

from nncli import progress
from nncli.data.dataset import Dataset, Origin
from nncli.data.streamed import Streamed
from nncli.errors import Fault
from nncli.parts import Array

Fingerprint: TypeAlias = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""By split and array (`x`, and targets by name): `file`, `array`, `shape`, `dtype`, `digest`."""
SAMPLES = "samples"
_BYTES = 16


def fingerprint(sources: Mapping[str, Dataset]) -> Fingerprint:
    """Of whole sources, before splits are drawn from them. It takes 30 ms for the 55 MB of MNIST; samples that stay in
    their file are read once for it."""
    return {
        split: {SAMPLES: _about(dataset.x, dataset.x_origin)}
        | {f"target {name}": _about(target.array, target.origin) for name, target in dataset.targets.items()}
        for split, dataset in sources.items()
    }


def _about(array: Array | Streamed, origin: Origin) -> dict[str, Any]:
    found = hashlib.sha256()
    for part in _parts(array, origin):
        content: Any = part.reshape(-1).view(np.uint8)
        found.update(content)
    digest = found.hexdigest()[: 2 * _BYTES]
    about = {"file": origin.file, "array": origin.array, "shape": list(array.shape), "dtype": str(array.dtype)}
    return about | {"digest": digest}


def _parts(array: Array | Streamed, origin: Origin) -> Iterator[Array]:
    if not isinstance(array, Streamed):
        yield array
        return
    with progress.task(f"digest of {origin}", len(array), "rows") as advance:
        for block in array.blocks():
            yield block
            advance(len(block))


def changes(stored: Fingerprint, now: Fingerprint) -> list[Fault]:
    """What of the data is no longer as it was: the file, the array, and what differs of it."""
    found = []
    for split in sorted(stored.keys() | now.keys()):
        before, after = stored.get(split, {}), now.get(split, {})
        for name in sorted(before.keys() | after.keys()):
            was, here = before.get(name), after.get(name)
            if difference := _difference(was, here):
                about = here or was or {}
                where = ", ".join(part for part in (str(about["array"]), f"{name} of {split}") if part)
                found.append(Fault(f"the data have changed: {difference}", where, "", str(about["file"])))
    return found


def _difference(was: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> str:
    """Empty where there is none."""
    if was is None or now is None:
        return "there were none, now there are some" if was is None else "there were some, now there are none"
    shapes = [tuple(about["shape"]) for about in (was, now)]
    if shapes[0] != shapes[1]:
        counts = [shape[0] if shape else 0 for shape in shapes]
        if counts[0] != counts[1]:
            return f"{counts[0]:,} samples then, {counts[1]:,} now"
        return f"one of them had the shape {list(shapes[0][1:])}, now {list(shapes[1][1:])}"
    if was["dtype"] != now["dtype"]:
        return f"they were of type {was['dtype']}, now {now['dtype']}"
    if was["digest"] != now["digest"]:
        short = [str(about["digest"])[:8] for about in (was, now)]
        return f"as many as before, but others (digest {short[0]} then, {short[1]} now)"
    return ""
