"""Images side by side: numbers to grey or colour, and many small pictures to one."""

from __future__ import annotations

import math

import numpy as np

from nncli.parts import Array

GAP = 1
"""Pixels of an image between two images, before they are enlarged."""
SMALL = 32
"""Images with shorter sides are enlarged, so that their pixels are seen."""
BETWEEN = 128
"""Grey between images: neither their black nor their white."""


def to_bytes(values: Array, least: float, greatest: float) -> Array:
    """Numbers to 0 (`least` and below, NaN) … 255 (`greatest` and above), rounded to the nearest.

    Shapes: any -> the same, uint8
    """
    span = greatest - least if greatest > least else 1.0
    scaled = (np.asarray(values, np.float64) - least) * (255 / span)
    return np.rint(np.clip(np.nan_to_num(scaled, nan=0.0), 0, 255)).astype(np.uint8)


def extent(values: Array, outside: float = 0.005) -> tuple[float, float]:
    """From where to where the numbers reach but for a share `outside` at each end: two stray pixels then do not make
    all others grey. Without a finite number (0, 1)."""
    finite = np.asarray(values, np.float64)
    finite = finite[np.isfinite(finite)]
    if not finite.size:
        return 0.0, 1.0
    least, greatest = np.quantile(finite, [outside, 1 - outside])
    return float(least), float(greatest)


def zoom_for(sides: tuple[int, ...]) -> int:
    """How many times an image of these sides is enlarged."""
    return max(1, math.ceil(SMALL / min(sides)))


def tiled(images: Array, columns: int = 0, gap: int = GAP, zoom: int = 0) -> Array:
    """Images row by row in one picture; `columns` 0 makes it about square, `zoom` 0 enlarges small ones.

    Shapes (N images of C channels, uint8): (N, C, H, W) -> (H', W') grey or (H', W', 3) colour

    Images of three channels are red, green and blue; any other number of channels stand side by side in grey.
    """
    n, channels, height, width = images.shape
    if channels not in (1, 3):
        images = images.transpose(0, 2, 1, 3).reshape(n, 1, height, channels * width)
        channels, width = 1, images.shape[3]
    columns = min(columns or math.ceil(math.sqrt(n * height / width)), n)
    rows = math.ceil(n / columns)
    zoom = zoom or zoom_for((height, width))
    picture = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, channels), BETWEEN, np.uint8)
    for place, image in enumerate(images):
        top = gap + place // columns * (height + gap)
        left = gap + place % columns * (width + gap)
        picture[top : top + height, left : left + width] = image.transpose(1, 2, 0)
    picture = picture.repeat(zoom, 0).repeat(zoom, 1)
    return picture[..., 0] if channels == 1 else picture
