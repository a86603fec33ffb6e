"""NumPy archives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nncli.data.detect._arrays import beside_archive, sight_of_archive
from nncli.data.detect._sight import Asked, Detector, Sight
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
    return sight_of_archive("npz", Npz, contents(place), place, asked, "the array")


def _beside(source: Any, place: Path) -> Any:
    return beside_archive(source, contents(place), place)


DETECTOR = Detector("a NumPy archive (.npz)", _claims, _examine, _beside)
