from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from nncli import progress
from nncli.data.dataset import Dataset, Origin
from nncli.data.files import find, reason
from nncli.errors import DataError, Fault
from nncli.fields import Texts
from nncli.memory import claim
from nncli.parts import Array
from nncli.registry import source

_PIXELS = 3 * 32 * 32
_CLASSES = {1: 10, 2: 100}
_CHUNK = 2**10
"""Records read in one go, 3 MB."""
_AGAIN = "copy or download the file again"
_BINARY = "the binary version is in cifar-10-binary.tar.gz (data_batch_1.bin and so on)"


@source("cifar10")
@dataclass(frozen=True, slots=True)
class Cifar10:
    """The binary version of CIFAR-10: records of a label and an image of 32 × 32 pixels with three channels.

    `path` is a file, or a list of files that are read one after the other (`data_batch_1.bin` to `data_batch_5.bin`).
    `labels` is how many a record has: 1, or 2 in CIFAR-100, where the second of them, the fine one, is the class.

    Shapes (N records)
        a record: label (1 byte, 0 to 9; CIFAR-100: coarse and fine, 0 to 99), then 3072 bytes, (R, G, B) of 32 rows
        x (N, 3, 32, 32) uint8   y (N,)

    Raises DataError where a file is missing, no whole number of records, or has a label that is none.

    Source: Krizhevsky 2009, "Learning multiple layers of features from tiny images", and the data's page, section
    "Binary version".
    """

    path: Texts
    labels: Literal[1, 2] = 1

    def load(self, base: Path) -> Dataset:
        files = [find(base, path) for path in self.path]
        counts = [self._count(file) for file in files]
        origin = Origin(str(files[0]) + (f" and {len(files) - 1} more" if len(files) > 1 else ""))
        try:
            claim(sum(counts) * _PIXELS)
            x = np.empty((sum(counts), 3, 32, 32), dtype=np.uint8)
            t = np.empty(sum(counts), dtype=np.uint8)
        except MemoryError as error:
            raise origin.error(f"its {sum(counts)} images do not fit into memory: {reason(error)}") from None
        start = 0
        for file, count in zip(files, counts, strict=True):
            self._read(file, x[start : start + count].reshape(count, _PIXELS), t[start : start + count])
            start += count
        return Dataset.of(x, t, origin)

    def _count(self, file: Path) -> int:
        """The number of records of a file. Raises DataError where it has another form."""
        try:
            size = file.stat().st_size
            with file.open("rb") as stream:
                begin = stream.read(2)
        except OSError as error:
            raise _unreadable(file, error) from None
        if not begin:
            raise DataError(Fault("the file is empty", file=str(file), hint=_AGAIN))
        if begin[:1] == b"\x80":
            message = "is a pickle, the Python version of the data, and nncli never unpickles"
            raise DataError(Fault(message, file=str(file), hint=_BINARY))
        if begin == b"\x1f\x8b":
            raise DataError(Fault("is packed with gzip", file=str(file), hint=f"unpack it first; {_BINARY}"))
        record = self.labels + _PIXELS
        if size % record:
            other = 3 - self.labels
            hint = _AGAIN if size % (other + _PIXELS) else f"it is one of records with `labels: {other}`"
            message = f"has {size} bytes, which are no whole number of records of {record}"
            raise DataError(Fault(message, file=str(file), hint=hint))
        return size // record

    def _read(self, file: Path, x: Array, t: Array) -> None:
        """Fill x (n, 3072) and t (n,) with the records of a file. Raises DataError."""
        start = 0
        with progress.task(f"reading {file.name}", len(x), "images") as advance:
            for records in self._records(file, len(x)):
                stop = start + len(records)
                t[start:stop] = records[:, self.labels - 1]
                x[start:stop] = records[:, self.labels :]
                start = stop
                advance(len(records))
        classes = _CLASSES[self.labels]
        if t.max() >= classes:
            row = int(np.argmax(t >= classes))
            hint = "is it a file of this kind, and complete? " + _BINARY
            raise Origin(str(file)).error(f"label {t[row]} is none of 0 to {classes - 1}", hint, row)

    def _records(self, file: Path, count: int) -> Iterator[Array]:
        record = self.labels + _PIXELS
        try:
            with file.open("rb") as stream:
                for start in range(0, count, _CHUNK):
                    wanted = min(_CHUNK, count - start) * record
                    data = stream.read(wanted)
                    if len(data) < wanted:
                        message = f"ended after {start * record + len(data)} of {count * record} bytes"
                        raise DataError(Fault(message, file=str(file), hint=_AGAIN))
                    yield np.frombuffer(data, dtype=np.uint8).reshape(-1, record)
        except OSError as error:
            raise _unreadable(file, error) from None


def _unreadable(file: Path, error: OSError) -> DataError:
    return DataError(Fault(f"cannot be read: {reason(error)}", file=str(file)))
