"""Make digits.npz from the files of the UCI optical digits: `python make_digits.py FOLDER [digits.npz]`.

FOLDER holds optdigits.tra and optdigits.tes. The result is the same byte for byte wherever it is made: members are
stored unpacked, because packed bytes differ between versions of zlib, and carry no time of their own.
"""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

SPLITS = {"train": ("optdigits.tra", 3823), "test": ("optdigits.tes", 1797)}
PIXELS, LARGEST = 64, 16


def read(path: Path, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, 8, 8) and labels (N,), both uint8, of a file with 64 pixels and the digit in each row."""
    table = np.loadtxt(path, delimiter=",", dtype=np.int64)
    if table.shape != (rows, PIXELS + 1):
        sys.exit(f"{path}: expected {rows} rows of {PIXELS + 1} numbers, found {table.shape}")
    pixels, labels = table[:, :PIXELS], table[:, PIXELS]
    if pixels.min() < 0 or pixels.max() > LARGEST or labels.min() < 0 or labels.max() > 9:
        sys.exit(f"{path}: pixels are 0 to {LARGEST} and labels 0 to 9")
    return pixels.reshape(rows, 8, 8).astype(np.uint8), labels.astype(np.uint8)


def write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            stream = io.BytesIO()
            npy.write_array(stream, array, version=(1, 0), allow_pickle=False)
            member = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            member.create_system = 3
            member.external_attr = 0o644 << 16
            archive.writestr(member, stream.getvalue())


def main(arguments: list[str]) -> None:
    if len(arguments) not in (1, 2):
        sys.exit(__doc__)
    folder = Path(arguments[0])
    result = Path(arguments[1]) if len(arguments) == 2 else Path(__file__).with_name("digits.npz")
    arrays = {}
    for split, (name, rows) in SPLITS.items():
        arrays[f"x_{split}"], arrays[f"y_{split}"] = read(folder / name, rows)
    write(result, arrays)


if __name__ == "__main__":
    main(sys.argv[1:])
