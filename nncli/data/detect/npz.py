"""NumPy archives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from nncli.data.detect._arrays import is_channels_last, sight_of_arrays
from nncli.data.detect._pairs import pairs_of
from nncli.data.detect._sight import Asked, Detector, FilePath, Sight
from nncli.data.sources.npz import Npz, contents
from nncli.errors import DataError


def _claims(place: Path) -> bool:
    if not place.is_file():
        return False
    try:
        with place.open("rb") as stream:
            return stream.read(4) == b"PK\x03\x04" and bool(contents(place))
    except (OSError, DataError):
        return place.suffix == ".npz"


def _examine(place: Path, asked: Asked) -> Sight:
    arrays = contents(place)
    pairs = pairs_of(arrays, asked.target, place)
    layout = "nhwc" if is_channels_last(arrays[pairs["train"].x]) else "nchw"
    sources: dict[str, Any] = {
        split: Npz(FilePath(place), pair.x, pair.y, layout)  # type: ignore[arg-type]
        for split, pair in pairs.items()
    }
    sight = sight_of_arrays("npz", sources, asked, f"the array '{pairs['train'].y}'")
    return replace(sight, notes={"layout": "the channels are the last axis"} if layout == "nhwc" else {})


def _beside(source: Any, place: Path) -> Any:
    """A file for testing: its arrays of that split, else those it would be trained with."""
    pairs = pairs_of(contents(place), None, place)
    pair = pairs.get("test", pairs["train"])
    return replace(source, path=FilePath(place), x=pair.x, y=pair.y)


DETECTOR = Detector("a NumPy archive (.npz)", _claims, _examine, _beside)
