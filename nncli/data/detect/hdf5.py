"""HDF5 files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nncli.data.detect._arrays import beside_archive, sight_of_archive
from nncli.data.detect._sight import Asked, Detector, Sight
from nncli.data.sources.hdf5 import Hdf5, contents


def _claims(place: Path) -> bool:
    try:
        with place.open("rb") as stream:
            return stream.read(8) == b"\x89HDF\r\n\x1a\n"
    except OSError:
        return False


def _examine(place: Path, asked: Asked) -> Sight:
    return sight_of_archive("hdf5", Hdf5, contents(place), place, asked, "the data set")


def _beside(source: Any, place: Path) -> Any:
    return beside_archive(source, contents(place), place)


DETECTOR = Detector("an HDF5 file", _claims, _examine, _beside)
