"""Images and sounds made by hand: pixel by pixel with pillow, number by number with the standard library's wave."""

from __future__ import annotations

import io
import math
import struct
import wave
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

pillow: Any = pytest.importorskip("PIL.Image", reason="images are made by pillow")


def image(mode: str, width: int, height: int, pixel: Callable[[int, int], Any]) -> Any:
    """An image of pillow; `pixel` says what is in column x of row y."""
    made = pillow.new(mode, (width, height))
    for y in range(height):
        for x in range(width):
            made.putpixel((x, y), pixel(x, y))
    return made


def image_bytes(made: Any, form: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    made.save(stream, form, **options)
    return stream.getvalue()


def grey(width: int = 3, height: int = 2, value: int = 0) -> bytes:
    """A PNG of 8 bits whose pixels count up from `value`."""
    return image_bytes(image("L", width, height, lambda x, y: value + y * width + x))


def wav_bytes(values: Sequence[int], rate: int = 8000, width: int = 2, channels: int = 1) -> bytes:
    """PCM of `width` bytes by the standard library; several channels take turns in `values`."""
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        signed = width > 1
        file.writeframes(b"".join(value.to_bytes(width, "little", signed=signed) for value in values))
    return stream.getvalue()


def wav_chunks(tag: int, bits: int, data: bytes, rate: int = 8000, channels: int = 1) -> bytes:
    """A WAV file of any encoding, from the format's description."""
    width = bits // 8 * channels
    head = struct.pack("<HHIIHH", tag, channels, rate, rate * width, width, bits)
    chunks = b"fmt " + struct.pack("<I", len(head)) + head + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def sine(frequency: float, length: int, rate: int = 8000, height: float = 1.0) -> list[float]:
    return [height * math.sin(2 * math.pi * frequency * n / rate) for n in range(length)]


def write(folder: Path, files: dict[str, bytes]) -> None:
    """Files by their paths; one that ends with / is an empty folder."""
    for name, content in files.items():
        path = folder / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.write_bytes(content)
