from __future__ import annotations

import math
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from nncli import progress
from nncli.data.dataset import TARGET, Dataset, Origin, Target, check_type
from nncli.data.files import DEFLATE_LIMIT, Layout, channels_first, find, reason
from nncli.errors import DataError, Fault, nearest
from nncli.fields import Text
from nncli.memory import claim
from nncli.parts import Array
from nncli.registry import source

_CHUNK = 2**20
_ENCRYPTED = 1
_SAVE = "save it again with numpy.savez"


@source("npz")
@dataclass(frozen=True, slots=True)
class Npz:
    """Two arrays of a NumPy archive (`numpy.savez`, `numpy.savez_compressed`).

    `path` is the file. `x` and `y` name the arrays of samples and of targets in it; `y: null` means that there are no
    targets, `y: {digit: labels, angle: angles}` that there are several, by name. Images are (N, C, H, W), or (N, H, W)
    with one channel, or (N, H, W, C) with `layout: nhwc`. Pickled objects are refused.

    Raises DataError where the file is missing, damaged or holds something else.

    Source: NumPy enhancement proposal 1, "A simple file format for NumPy arrays".
    """

    path: Text
    x: Text = "x"
    y: Text | dict[str, Text] | None = "y"
    layout: Layout = "nchw"

    def load(self, base: Path) -> Dataset:
        file = find(base, self.path)
        named = {TARGET: self.y} if isinstance(self.y, str) else self.y or {}
        x, *arrays = read_npz(file, (self.x, *named.values()))
        x = channels_first(x, self.layout, file, self.x)
        targets = {
            name: Target(array, Origin(str(file), key))
            for (name, key), array in zip(named.items(), arrays, strict=True)
        }
        return Dataset.with_targets(x, Origin(str(file), self.x), targets)


def read_npz(file: Path, names: tuple[str, ...]) -> list[Array]:
    """The named arrays of an archive. Raises DataError that names the file and the array."""
    try:
        archive = zipfile.ZipFile(file)
    except Exception as error:  # zipfile raises much more than BadZipFile on damaged files
        raise _not_an_archive(file, error) from None
    with archive:
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        faults = [
            Fault(f"no array '{name}'", hint=nearest(name, list(members)) or "the archive is empty", file=str(file))
            for name in names
            if name not in members
        ]
        if faults:
            raise DataError(faults)
        return [_read_member(archive, members[name], file, name) for name in names]


def contents(file: Path) -> dict[str, tuple[int, ...]]:
    """The shapes of all arrays of an archive by their names, from their headers alone. Raises DataError."""
    try:
        found = {}
        with zipfile.ZipFile(file) as archive:
            for info in archive.infolist():
                if info.filename.endswith(".npy"):
                    with archive.open(info) as stream:
                        found[info.filename.removesuffix(".npy")] = _read_header(stream)[0]
        return found
    except Exception as error:  # as in `read_npz`
        raise _not_an_archive(file, error) from None


def _not_an_archive(file: Path, error: Exception) -> DataError:
    try:
        with file.open("rb") as stream:
            begin = stream.read(6)
    except OSError as unreadable:
        return DataError(Fault(f"cannot be read: {reason(unreadable)}", file=str(file)))
    if not begin:
        return DataError(Fault("the file is empty", file=str(file)))
    if begin == b"\x93NUMPY":
        hint = "put samples and targets into one archive: numpy.savez(path, x=..., y=...)"
        return DataError(Fault("is a single array (.npy), not an archive (.npz)", file=str(file), hint=hint))
    return DataError(Fault(f"is not a readable NPZ archive: {reason(error)}", file=str(file), hint=_SAVE))


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, file: Path, name: str) -> Array:
    origin = Origin(str(file), name)
    if info.flag_bits & _ENCRYPTED:
        raise origin.error("is encrypted", _SAVE)
    try:
        with archive.open(info) as stream:
            shape, fortran, dtype = _read_header(stream)
            header = stream.tell()
            check_type(dtype, origin)
            if 0 in shape:
                raise origin.empty(shape)
            size = math.prod(shape) * dtype.itemsize
            _check_size(info, size, header, file, origin)
            claim(size)
            data = np.empty(size, dtype=np.uint8)
            with progress.task(f"reading {name} of {file.name}", size, "B") as advance:
                _fill(stream, data, advance)
    except DataError:
        raise
    except MemoryError as error:
        raise origin.error(f"its {info.file_size} bytes do not fit into memory: {reason(error)}") from None
    except Exception as error:  # damaged archives make zipfile, zlib and NumPy raise nearly anything
        raise origin.error(f"the array is damaged: {reason(error)}", _SAVE) from None
    array = data.view(dtype).reshape(shape, order="F" if fortran else "C")
    return array if array.dtype.isnative else array.byteswap(inplace=True).view(dtype.newbyteorder("="))


def _read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether the order is Fortran's, and type. Raises ValueError and others where it is damaged."""
    version = npy.read_magic(stream)
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    if version not in readers:
        raise ValueError(f"version {version[0]}.{version[1]} of the format is not known")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shape, fortran, dtype = readers[version](stream)
    if (
        any(not isinstance(length, int) or isinstance(length, bool) or length < 0 for length in shape)
        or len(shape) > 32
    ):
        raise ValueError(f"the shape {shape} is impossible")
    return shape, fortran, dtype


def _check_size(info: zipfile.ZipInfo, size: int, header: int, file: Path, origin: Origin) -> None:
    """Compare the bytes that the array's header, the archive's directory and the disk speak of, before memory is
    taken for them."""
    there = info.file_size - header
    if there != size:
        kind = "truncated" if there < size else "oversized"
        raise origin.error(f"the array is {kind}: {there} bytes where its shape asks for {size}", _SAVE)
    packed = min(info.compress_size, file.stat().st_size)
    most = packed * {zipfile.ZIP_STORED: 1, zipfile.ZIP_DEFLATED: DEFLATE_LIMIT}.get(info.compress_type, 2**20)
    if info.file_size > most:
        raise origin.error(f"the array is damaged: {info.file_size} bytes cannot come from {packed}", _SAVE)


def _fill(stream: IO[bytes], data: Array, advance: progress.Advance) -> None:
    """Read until `data` is full, and to the member's end, where its checksum is verified."""
    done = 0
    while chunk := stream.read(min(_CHUNK, max(1, data.size - done))):
        if done + len(chunk) > data.size:
            raise ValueError("it goes on after its end")
        data[done : done + len(chunk)] = np.frombuffer(chunk, dtype=np.uint8)
        done += len(chunk)
        advance(len(chunk))
    if done < data.size:
        raise ValueError(f"it ends after {done} of {data.size} bytes")
