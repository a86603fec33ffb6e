from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le

from nncli.data.dataset import TARGET, Dataset, Origin, Target
from nncli.data.examining import examine
from nncli.data.files import DEFLATE_LIMIT, Layout, channels_first, check_layout, find, reason
from nncli.data.streamed import Streamed
from nncli.errors import DataError, Fault
from nncli.fields import Text
from nncli.parts import Array, Shape
from nncli.registry import source

_MIB = 2**20
_HEADROOM = 2**28
"""Bytes that the examination may take besides the data."""
_SECONDS, _SPEED = 10, 2**22
"""Processor time of the examination: so many seconds, and one more for so many bytes."""
_STEP = 2**22
"""Bytes read in one go."""


@source("hdf5")
@dataclass(frozen=True, slots=True)
class Hdf5:
    """Data sets of an HDF5 file, which may be larger than memory.

    `path` is the file. `x` and `y` name the data sets of samples and of targets in it, inside of groups as in
    `train/images`; `y: null` means that there are no targets, `y: {digit: labels, angle: angles}` that there are
    several, by name. Images are (N, C, H, W), or (N, H, W) with one channel, or (N, H, W, C) with `layout: nhwc`.

    Data of at most `memory` MiB are read at once. Of larger ones the targets are, and samples are streamed: blocks of
    rows that lie together are read in an order that is drawn for each epoch, and the rows of so many blocks as fill
    half of `memory` are mixed at a time. With an equal seed and equal `memory` the order is the same. A file that is
    sorted by class should be mixed before, unless `memory` holds hundreds of blocks (of half a MiB, or a chunk of the
    file). Chunks of a few hundred KiB are read best; gzip takes the time of unpacking in each epoch.

    A file is first examined by another process with limits on time and memory, because a damaged one can make the
    HDF5 library hang or crash. Links to other files, virtual data sets and external storage are refused.

    Raises DataError where the file is missing, damaged or holds something else.

    Source: The HDF Group, "HDF5 File Format Specification", version 3.0.
    """

    path: Text
    x: Text = "x"
    y: Text | dict[str, Text] | None = "y"
    layout: Layout = "nchw"
    memory: Annotated[int, Ge(1), Le(2**20)] = 256

    def load(self, base: Path) -> Dataset:
        from nncli.data import hdf5_files  # h5py takes 0.05 s to import, and `validate` needs none

        file, memory = find(base, self.path), self.memory * _MIB
        named = {TARGET: self.y} if isinstance(self.y, str) else self.y or {}
        names = (self.x, *named.values())
        try:
            hdf5_files.check_signature(file)
            read = min(memory, DEFLATE_LIMIT * file.stat().st_size)
        except OSError as error:
            raise DataError(Fault(f"cannot be read: {reason(error)}", file=str(file))) from None
        asked = {"names": names, "memory": memory, "limit": memory + _HEADROOM}
        examine(Path(hdf5_files.__file__), file, asked, _SECONDS + read // _SPEED)
        opened = hdf5_files.open_arrays(file, names)
        x, *arrays = (_Rows(array, Origin(str(file), name)) for array, name in zip(opened.arrays, names, strict=True))
        targets = {name: Target(rows.held(), rows.origin) for name, rows in zip(named, arrays, strict=True)}
        if opened.bytes > memory:
            x.keep(opened.file, self.layout)
            return Dataset.with_targets(Streamed(x, memory), x.origin, targets)
        held = channels_first(x.held(), self.layout, file, self.x)
        opened.file.close()
        return Dataset.with_targets(held, x.origin, targets)


def contents(file: Path) -> dict[str, Shape]:
    """Names and shapes of the data sets of real numbers in a file. Raises DataError that names the file.

    As when they are read, another process looks first.
    """
    from nncli.data import hdf5_files

    try:
        hdf5_files.check_signature(file)
    except OSError as error:
        raise DataError(Fault(f"cannot be read: {reason(error)}", file=str(file))) from None
    answer = examine(Path(hdf5_files.__file__), file, {"limit": _HEADROOM}, _SECONDS)
    return {str(name): tuple(map(int, shape)) for name, shape in answer["shapes"].items()}


class _Rows:
    """The rows of a data set that was examined, in memory's byte order."""

    def __init__(self, array: Any, origin: Origin) -> None:
        from nncli.data.hdf5_files import native, rows_together

        self.array, self.origin = array, origin
        self.shape: Shape = array.shape
        self.dtype = native(array)
        self.together = rows_together(array) if self.shape else 1
        self._layout: Layout = "nchw"

    def keep(self, file: Any, layout: Layout) -> None:
        """Let the file stay open as long as this is there, and give images with their channels first."""
        self._file, self._layout = file, layout
        if layout == "nhwc":
            check_layout(self.shape, Path(self.origin.file), self.origin.array)
            n, height, width, channels = self.shape
            self.shape = n, channels, height, width

    def read(self, start: int, out: Array) -> None:
        """As `streamed.Rows`."""
        from nncli.data.hdf5_files import read_rows

        try:
            if self._layout == "nhwc":
                stored = np.empty((len(out), *self.array.shape[1:]), self.dtype)
                read_rows(self.array, start, stored)
                np.copyto(out, stored.transpose(0, 3, 1, 2))
            else:
                read_rows(self.array, start, out)
        except Exception as error:  # h5py raises nearly anything on damaged files
            message = f"rows from here to {start + len(out) - 1} are damaged: {reason(error)}"
            raise self.origin.error(message, "copy or download the file again", start) from None

    def held(self) -> Array:
        """All of them. Raises DataError."""
        try:
            rows: Array = np.empty(self.shape, self.dtype)
        except MemoryError:
            raise self.origin.error(f"its shape {list(self.shape)} does not fit into memory") from None
        if rows.ndim and rows.size:
            step = self.together * max(1, _STEP // (self.together * rows[0].nbytes))
            for start in range(0, len(rows), step):
                self.read(start, rows[start : start + step])
        return rows
