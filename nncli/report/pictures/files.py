"""Pixels to the bytes of a file, by pillow."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from nncli.parts import Array
from nncli.report.pictures.extras import require

ANIMATIONS = ("gif", "png")
"""GIF is shown everywhere, with at most 256 colours in a frame; an animated PNG keeps every pixel."""
FRAME = 150
"""Milliseconds that a frame of an animation stays."""
LAST = 1500
"""Milliseconds that the last one stays."""


def png(pixels: Array) -> bytes:
    """A PNG of grey (H, W) or colours (H, W, 3), uint8. Raises UsageError where pillow is missing."""
    require("images", "writing an image")
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return buffer.getvalue()


def read_png(path: Path) -> Array:
    """The pixels of a PNG, (H, W) or (H, W, 3), uint8. Raises OSError where it cannot be read, UsageError as `png`."""
    require("images", "reading an image")
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path, formats=["png"]) as image:
            return np.asarray(image if image.mode in ("L", "RGB") else image.convert("RGB"))
    except (UnidentifiedImageError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise OSError(f"{path}: {error}") from None


def animation(frames: Iterable[Array], kind: str = "gif", milliseconds: int = FRAME) -> bytes:
    """The frames, all of one shape as for `png`, one after the other without end; the last one stays longer.

    Raises UsageError where pillow is missing, ValueError without frames.
    """
    require("images", "an animation")
    images = list(_images(frames))
    if not images:
        raise ValueError("an animation needs at least one frame")
    buffer = io.BytesIO()
    times = [milliseconds] * (len(images) - 1) + [LAST]
    options: dict[str, Any] = {"save_all": True, "append_images": images[1:], "loop": 0}
    if len(images) > 1:
        options["duration"] = times
    images[0].save(buffer, kind, **options)
    return buffer.getvalue()


def _images(frames: Iterable[Array]) -> Iterator[Any]:
    from PIL import Image

    for pixels in frames:
        yield Image.fromarray(pixels)


def npz(**arrays: Array) -> bytes:
    """The bytes of a compressed NPZ file. Equal arrays give equal bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()
