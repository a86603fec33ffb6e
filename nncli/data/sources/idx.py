from __future__ import annotations

import gzip
import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, ClassVar, cast

import numpy as np

from nncli import progress
from nncli.data.dataset import Dataset, Origin
from nncli.data.files import DEFLATE_LIMIT, find, reason
from nncli.errors import DataError, Fault
from nncli.fields import Text
from nncli.memory import claim
from nncli.parts import Array
from nncli.registry import source

_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_CHUNK = 2**20
_MOST_AXES = 8
_AGAIN = "copy or download the file again"


@source("idx")
@dataclass(frozen=True, slots=True)
class Idx:
    """Two IDX files, the format of MNIST: samples and class numbers, plain or packed with gzip.

    `images` and `labels` are their paths; `labels: null` means that there are no targets.

    Raises DataError where a file is missing, truncated, oversized or no IDX file.

    Source: LeCun, Cortes & Burges, "The MNIST database of handwritten digits", section on file formats.
    """

    images: Text
    labels: Text | None = None

    stores: ClassVar[str] = "uint8"
    """What such files usually hold; random numbers that stand in for them are of this type."""

    def load(self, base: Path) -> Dataset:
        images = find(base, self.images)
        labels = find(base, self.labels) if self.labels is not None else None
        x, t = read_idx(images), read_idx(labels) if labels is not None else None
        if x.ndim == 1:
            hint = "it looks like a file of labels; are `images` and `labels` exchanged?"
            message = f"holds {len(x)} single numbers, no images"
            raise DataError(Fault(message, hint=hint, file=str(images)))
        return Dataset.of(x, t, Origin(str(images)), Origin(str(labels or "")))


def read_idx(file: Path) -> Array:
    """The array of an IDX file in the machine's byte order. Raises DataError that names the file."""
    try:
        with file.open("rb") as plain:
            packed = plain.read(2) == b"\x1f\x8b"
            plain.seek(0)
            size = file.stat().st_size
            array = _unpacked(plain, size, file) if packed else _read(plain, size, file)
    except OSError as error:
        raise DataError(Fault(f"cannot be read: {reason(error)}", file=str(file))) from None
    except MemoryError as error:
        raise DataError(Fault(f"does not fit into memory: {reason(error)}", file=str(file))) from None
    return array if array.dtype.isnative else array.byteswap(inplace=True).view(array.dtype.newbyteorder("="))


def _unpacked(plain: IO[bytes], size: int, file: Path) -> Array:
    try:
        with gzip.GzipFile(fileobj=plain) as stream:
            return _read(cast(IO[bytes], stream), size * DEFLATE_LIMIT, file)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(Fault(f"the gzip stream is damaged: {reason(error)}", file=str(file), hint=_AGAIN)) from None


def _read(stream: IO[bytes], most: int, file: Path) -> Array:
    """The array behind the header. The stream gives no more than `most` bytes, so no more memory is taken."""
    dtype, shape, header = _read_header(stream, file)
    if 0 in shape:
        raise Origin(str(file)).empty(shape)
    size = math.prod(shape) * dtype.itemsize
    wanted = f"the header asks for {header + size} bytes, {list(shape)} of {dtype.name}"
    if header + size > most:
        raise DataError(Fault(f"is truncated: {wanted}, it has at most {most}", file=str(file), hint=_AGAIN))
    claim(size)
    data = np.empty(size, dtype=np.uint8)
    done = 0
    with progress.task(f"reading {file.name}", size, "B") as advance:
        while done < size and (chunk := stream.read(min(_CHUNK, size - done))):
            data[done : done + len(chunk)] = np.frombuffer(chunk, dtype=np.uint8)
            done += len(chunk)
            advance(len(chunk))
    if done < size:
        raise DataError(Fault(f"is truncated: {wanted}, it has {header + done}", file=str(file), hint=_AGAIN))
    if stream.read(1):
        raise DataError(Fault(f"is oversized: {wanted}, it goes on after them", file=str(file), hint=_AGAIN))
    return data.view(dtype).reshape(shape)


def _read_header(stream: IO[bytes], file: Path) -> tuple[np.dtype[Any], tuple[int, ...], int]:
    """Type, shape, and length of the header in bytes."""
    magic = stream.read(4)
    if not magic:
        raise DataError(Fault("the file is empty", file=str(file), hint=_AGAIN))
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _TYPES or not 1 <= magic[3] <= _MOST_AXES:
        hint = "an IDX file begins with 0, 0, the type and the number of axes; MNIST's images with 00 00 08 03"
        raise DataError(Fault(f"is no IDX file: it begins with {magic.hex(' ')}", file=str(file), hint=hint))
    axes = magic[3]
    lengths = stream.read(4 * axes)
    if len(lengths) < 4 * axes:
        found = 4 + len(lengths)
        message = f"is truncated: the header of {axes} axes has {4 + 4 * axes} bytes, the file {found}"
        raise DataError(Fault(message, file=str(file), hint=_AGAIN))
    return np.dtype(_TYPES[magic[2]]), struct.unpack(f">{axes}I", lengths), 4 + 4 * axes
