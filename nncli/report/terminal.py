"""Small pictures made of characters: images, sounds and points."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.color import Color
from rich.console import Console
from rich.style import Style
from rich.text import Text

from nncli.parts import Array
from nncli.report.pictures.grids import to_bytes

SIDE = 16
"""Columns of an image at most; pixels are averaged to that."""
BETWEEN = 2
"""Columns between images."""
_LEVELS = "▁▂▃▄▅▆▇█"
_BRAILLE = 0x2800
_DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
"""The bits of the dots of a braille character, by row and column."""


def draws(console: Console) -> bool:
    """Whether a terminal has the characters."""
    return console.is_terminal and console.encoding.lower().startswith("utf")


def colours(console: Console) -> bool:
    """Whether it has colours too, as images need."""
    return draws(console) and console.color_system is not None and not console.no_color


def images(x: Array, called: Sequence[str], limits: tuple[float, float], width: int, rows: int) -> list[Text]:
    """Images (n, C, H, W) beside each other, each with what it is called below it, as many as fit into `rows` rows.

    A character is two pixels, one above the other. Three channels are colours; of any other number the first is grey.
    """
    small = [_shrunk(image) for image in to_bytes(x if x.shape[1] == 3 else x[:, :1], *limits)]
    side = small[0].shape[2]
    fit = max(1, (width + BETWEEN) // (side + BETWEEN))
    lines: list[Text] = []
    for start in range(0, min(len(small), rows * fit), fit):
        row = small[start : start + fit]
        drawn = [_halves(image) for image in row]
        lines += [Text(" " * BETWEEN).join(parts) for parts in zip(*drawn, strict=True)]
        names = [Text(_cut(name, side).center(side)) for name in called[start : start + fit]]
        lines.append(Text(" " * BETWEEN).join(names))
    return lines


def _cut(name: str, width: int) -> str:
    return name if len(name) <= width else name[: width - 1] + "…"


def _shrunk(image: Array) -> Array:
    """(C, H, W) with an even number of rows, averaged to at most `SIDE` columns and twice as many rows."""
    channels, height, width = image.shape
    box = max(-(-width // SIDE), -(-height // (2 * SIDE)))
    padded = np.pad(image, ((0, 0), (0, -height % (2 * box)), (0, -width % box)), mode="edge").astype(np.float64)
    boxes = padded.reshape(channels, padded.shape[1] // box, box, padded.shape[2] // box, box)
    return np.asarray(np.rint(boxes.mean(axis=(2, 4))).astype(int))


def _halves(image: Array) -> list[Text]:
    """(C, H, W) of bytes with an even number of rows, as H/2 lines."""
    pixels = np.broadcast_to(image, (3, *image.shape[1:]))
    lines = []
    for top, bottom in zip(pixels[:, ::2].transpose(1, 2, 0), pixels[:, 1::2].transpose(1, 2, 0), strict=True):
        line = Text()
        for above, below in zip(top.tolist(), bottom.tolist(), strict=True):
            line.append("▀", Style(color=Color.from_rgb(*above), bgcolor=Color.from_rgb(*below)))
        lines.append(line)
    return lines


def wave(x: Array, width: int, largest: float) -> str:
    """A sound (L,) as one line: the largest magnitude of each piece of it, of `largest` in all."""
    pieces = np.array_split(np.abs(x), min(width, len(x)))
    heights = [piece.max() / largest if largest else 0.0 for piece in pieces]
    return "".join(_LEVELS[min(len(_LEVELS) - 1, int(height * len(_LEVELS)))] for height in heights)


def points(x: Array, width: int, height: int) -> list[str]:
    """Points of a plane (n, 2), the first axis to the right and the second one up; both have one scale.

    A character is as many as 2 × 4 dots.
    """
    low, high = x.min(axis=0), x.max(axis=0)
    span = max(float(np.max((high - low) / (2 * width - 1, 4 * height - 1))), np.finfo(np.float64).tiny)
    columns, rows = np.rint((x - low) / span).astype(int).T
    lines = np.zeros((int(rows.max()) // 4 + 1, int(columns.max()) // 2 + 1), dtype=int)
    from_top = 4 * len(lines) - 1 - rows
    np.bitwise_or.at(lines, (from_top // 4, columns // 2), _DOTS[from_top % 4, columns % 2])
    return ["".join(chr(_BRAILLE + int(dots)) for dots in line) for line in lines]
