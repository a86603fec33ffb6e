"""Folders of images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from nncli.data.detect._goal import goal_of
from nncli.data.detect._media import Media, holds, media_of, walk
from nncli.data.detect._sight import Asked, Detector, FilePath, Sight
from nncli.data.detect._splits import sight_of
from nncli.data.sources.folder import Folder, size_of

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm")
_WIDEST = 96
"""Pixels of an image's shorter side beyond which it is made smaller."""
_SMALLER = 64
_MOST_LOOKED_AT = 5000


def _claims(place: Path) -> bool:
    return holds(place, SUFFIXES)


def _examine(place: Path, asked: Asked) -> Sight:
    media = media_of(place, asked, SUFFIXES)
    fields = _size(media)
    sources: dict[str, Any] = {
        split: Folder(path=path, **media.fields(split), **fields)  # type: ignore[arg-type]
        for split, path in media.paths().items()
    }
    train = sources["train"].load(Path())
    channels = train.shape[0]
    sources = {split: replace(source, channels=channels) for split, source in sources.items()}
    sight = sight_of("folder", sources, train, "image", train.shape, goal_of(train, asked, media.what()))
    return replace(sight, notes=media.notes | {"channels": "grey" if channels == 1 else "colours: red, green, blue"})


def _size(media: Media) -> dict[str, Any]:
    """Fields that bring images to one size, and large ones to one that a network learns in minutes."""
    files = [file for path in media.paths().values() for file in walk(Path(path)) if file.suffix.lower() in SUFFIXES]
    sizes = [size_of(file) for file in files[:: max(1, len(files) // _MOST_LOOKED_AT)]]
    shorter = sorted(min(size) for size in sizes)
    side = shorter[len(shorter) // 2]
    if len(set(sizes)) == 1:
        if side <= _WIDEST:
            return {}
        media.notes["resize"] = f"the shorter side of {side} pixels becomes {_SMALLER}"
        return {"resize": _SMALLER}
    side = max(8, min(_SMALLER, side))
    media.notes["resize"] = f"images are of {len(set(sizes))} sizes: the shorter side becomes {side} pixels"
    media.notes["crop"] = "and the middle is cut out"
    return {"resize": side, "crop": (side, side)}


def _beside(source: Any, place: Path) -> Any:
    return replace(source, path=FilePath(place))


DETECTOR = Detector("a folder of images", _claims, _examine, _beside)
