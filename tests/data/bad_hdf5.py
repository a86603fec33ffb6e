"""HDF5 files that cannot be read: the fields, the file, the message, and its hint.

{h} stands for the file; a message that ends with … may go on. h5py writes what is good about them.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from nncli.data import hdf5_files

AGAIN = "copy or download the file again"
PLAIN = "save a plain array of integers or floats"
INSIDE = "nncli reads the named file and no other: copy the data into it"
TAKE_OUT = "take such rows out, or put a finite number in"
ONE = "at least one sample is needed"
IMAGES = np.arange(4 * 3 * 2, dtype=np.uint8).reshape(4, 3, 2)
LABELS = np.array([0, 2, 1, 2], dtype=np.uint8)
MANY = np.ones((2000, 3, 100), np.float32)
"""2.3 MiB: with `memory: 1` it is streamed."""
FEW = np.ones((200_000, 3, 2), np.float32)
CLASSES = np.zeros(2000, np.uint8)

Make = Callable[[Path], None]
Row = tuple[str, Make, str, str]


def in_this_process(program: Path, file: Path, asked: dict[str, Any], seconds: int) -> None:
    """The examination, without the time that a process takes to begin."""
    assert program == Path(hdf5_files.__file__)
    assert seconds >= 10
    hdf5_files.examine(file, asked["names"], asked["memory"])


def prepare(name: str, file: Path, monkeypatch: pytest.MonkeyPatch) -> Row:
    """Write the file of a row, and let no other process look at it unless it is damaged."""
    if name not in DAMAGED:
        monkeypatch.setattr("nncli.data.sources.hdf5.examine", in_this_process)
    HDF5[name][1](file)
    return HDF5[name]


def written(**arrays: Any) -> Make:
    """A file that holds these; what can be called makes its part of the file by itself."""

    def make(path: Path) -> None:
        with h5py.File(path, "w") as file:
            for name, value in ({"x": IMAGES, "y": LABELS} | arrays).items():
                if callable(value):
                    value(file, name)
                elif value is not None:
                    file[name] = value

    return make


def content(data: bytes) -> Make:
    return lambda path: (path.write_bytes(data), None)[1]


def changed(make: Make, change: Callable[[bytes], bytes]) -> Make:
    """A good file, of which some bytes are others."""

    def made(path: Path) -> None:
        make(path)
        path.write_bytes(change(path.read_bytes()))

    return made


def archive(path: Path) -> None:
    with path.open("wb") as stream:
        np.savez(stream, x=IMAGES, y=LABELS)


def with_nan(row: int, shape: tuple[int, ...], value: float = np.nan) -> np.ndarray:
    x = np.ones(shape)
    x[(row, *(0 for _ in shape[1:-1]), 1)] = value
    return x


def kept(**options: Any) -> Callable[[h5py.File, str], None]:
    def make(file: h5py.File, name: str) -> None:
        file.create_dataset(name, **options)

    return make


def low_level(kind: Any) -> Callable[[h5py.File, str], None]:
    """Two elements of a type that NumPy does not have."""
    return lambda file, name: (h5py.h5d.create(file.id, name.encode(), kind, h5py.h5s.create_simple((4,))), None)[1]


def packed_otherwise(file: h5py.File, name: str) -> None:
    """With a filter that another library brings along."""
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_chunk((2, 3, 2))
    properties.set_filter(32015, h5py.h5z.FLAG_OPTIONAL, (3,))
    space = h5py.h5s.create_simple(IMAGES.shape)
    h5py.h5d.create(file.id, name.encode(), h5py.h5t.NATIVE_UINT8, space, properties)


def virtual(file: h5py.File, name: str) -> None:
    layout = h5py.VirtualLayout((4, 3, 2), np.uint8)
    layout[:] = h5py.VirtualSource("other.h5", "x", (4, 3, 2))
    file.create_virtual_dataset(name, layout)


def outside(file: h5py.File, name: str) -> None:
    file.create_dataset(name, (4, 3, 2), np.uint8, external=[("/etc/hostname", 0, 24)])


def moved(part: np.ndarray) -> Callable[[bytes], bytes]:
    """The address of these numbers lies behind the end of the file."""

    def change(data: bytes) -> bytes:
        place = struct.pack("<Q", data.index(part.tobytes()))
        assert place in data
        return data.replace(place, struct.pack("<Q", len(data) + 8))

    return change


def swapped(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        assert old in data
        return data.replace(old, new, 1)

    return change


def in_zlib(data: bytes) -> bytes:
    """A byte in the middle of the last chunk that zlib made is another."""
    place = data.rindex(b"\x78\x5e") + 200
    return data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :]


NOISE = np.random.default_rng(0).integers(0, 256, (4, 20, 30), dtype=np.uint8)
SPOILT = changed(written(x=kept(data=NOISE, chunks=(2, 20, 30), compression="gzip")), in_zlib)
SUMS = changed(
    written(x=kept(data=IMAGES, chunks=(2, 3, 2), fletcher32=True)), swapped(IMAGES[2:].tobytes(), bytes(12))
)
HINT = "paths in a configuration are relative to its own folder"

DAMAGED = (
    "cut",
    "signature alone",
    "damaged root",
    "beyond the end",
    "chunk beyond the end",
    "damaged gzip",
    "damaged sum",
    "streamed: damaged last block",
)
"""Rows whose file is not as the HDF5 library would write it: only a process of its own looks at them."""

HDF5: dict[str, Row] = {
    "missing file": ("a.h5", lambda _: None, "{h}: no such file", HINT),
    "nearest file": (
        "a.h5",
        lambda path: path.with_name("aa.h5").touch(),
        "{h}: no such file",
        "did you mean 'aa.h5'?",
    ),
    "folder": ("a.h5", lambda path: path.mkdir(), "{h}: is a folder, not a file", "name the file inside it"),
    "fifo": ("a.h5", lambda path: os.mkfifo(path), "{h}: is not a regular file", ""),
    "empty file": ("a.h5", content(b""), "{h}: the file is empty", AGAIN),
    "text": (
        "a.h5",
        content(b"no HDF5, this" * 99),
        "{h}: is no HDF5 file: it begins with 6e 6f 20 48 44 46 35 2c",
        AGAIN,
    ),
    "archive": (
        "a.h5",
        archive,
        "{h}: is no HDF5 file: it begins with 50 4b 03 04 2d 00 00 00",
        "it looks like a NumPy archive, which the source `npz` reads",
    ),
    "cut": ("a.h5", changed(written(), lambda data: data[:-30]), "{h}: is not a readable HDF5 file: …", AGAIN),
    "signature alone": ("a.h5", content(b"\x89HDF\r\n\x1a\n"), "{h}: is not a readable HDF5 file: …", AGAIN),
    "damaged root": (
        "a.h5",
        changed(written(), swapped(b"TREE", b"TRIE")),
        "{h}: x: is damaged: …",
        AGAIN,
    ),
    "missing name": ("a.h5", written(y=None, yy=LABELS), "{h}: no data set 'y'", "did you mean 'yy'?"),
    "missing names": (
        "a.h5",
        written(x=None, y=None, **{"train/images": IMAGES, "train/labels": LABELS}),
        "{h}: no data set 'x'\n{h}: no data set 'y'",
        "known: train/images, train/labels",
    ),
    "missing in a group": (
        "{path: a.h5, x: train/image}",
        written(x=None, **{"train/images": IMAGES}),
        "{h}: no data set 'train/image'",
        "did you mean 'train/images'?",
    ),
    "beyond a data set": ("{path: a.h5, x: x/x}", written(), "{h}: no data set 'x/x'", "known: x, y"),
    "nothing in it": (
        "a.h5",
        written(x=None, y=None),
        "{h}: no data set 'x'\n{h}: no data set 'y'",
        "it holds no data sets",
    ),
    "group": (
        "{path: a.h5, x: train}",
        written(x=None, **{"train/images": IMAGES, "train/more/x": IMAGES}),
        "{h}: train: is a group, not a data set",
        "name one of those inside: images, more/x",
    ),
    "type": ("a.h5", written(x=np.dtype("f4")), "{h}: x: is a type, not a data set", PLAIN),
    "dangling link": (
        "a.h5",
        written(x=h5py.SoftLink("/images"), image=IMAGES),
        "{h}: no data set 'x'",
        "known: image, y",
    ),
    "loop of links": (
        "a.h5",
        written(x=h5py.SoftLink("/z"), z=h5py.SoftLink("x")),
        "{h}: x: is a link that leads through more than 16 others",
        "name what it leads to",
    ),
    "link to another file": (
        "a.h5",
        written(x=h5py.ExternalLink("/dev/zero", "x")),
        "{h}: x: is a link to another file, '/dev/zero'",
        INSIDE,
    ),
    "group in another file": (
        "{path: a.h5, x: g/x}",
        written(g=h5py.SoftLink("h"), h=h5py.ExternalLink("b.h5", "/")),
        "{h}: g/x: is a link to another file, 'b.h5'",
        INSIDE,
    ),
    "virtual": (
        "a.h5",
        written(x=virtual),
        "{h}: x: is a virtual data set, whose numbers are in other files",
        INSIDE,
    ),
    "external storage": ("a.h5", written(x=outside), "{h}: x: has its numbers in other files", INSIDE),
    "another filter": (
        "a.h5",
        written(x=packed_otherwise),
        "{h}: x: is packed with the filter 32015, which nncli does not read",
        "pack it with gzip or lzf, as by `h5repack -f GZIP=4 in.h5 out.h5`",
    ),
    "texts": (
        "a.h5",
        written(y=np.array(list("abca"), h5py.string_dtype())),
        "{h}: y: holds texts, not real numbers",
        PLAIN,
    ),
    "bytes": ("a.h5", written(y=np.array([b"a", b"b"])), "{h}: y: holds texts, not real numbers", PLAIN),
    "lists": (
        "a.h5",
        written(x=kept(shape=(4,), dtype=h5py.vlen_dtype(np.int32))),
        "{h}: x: holds arrays of different lengths, not real numbers",
        PLAIN,
    ),
    "references": (
        "a.h5",
        written(x=kept(shape=(4,), dtype=h5py.ref_dtype)),
        "{h}: x: holds references to other objects, not real numbers",
        PLAIN,
    ),
    "records": ("a.h5", written(x=np.zeros(4, "i4,f4")), "{h}: x: holds records, not real numbers", PLAIN),
    "complex": ("a.h5", written(x=1j * IMAGES), "{h}: x: holds complex numbers, not real numbers", PLAIN),
    "arrays": (
        "a.h5",
        written(x=kept(shape=(4,), dtype=np.dtype((np.float32, (3,))))),
        "{h}: x: holds arrays as elements, not real numbers",
        PLAIN,
    ),
    "opaque": ("a.h5", written(x=np.zeros(4, "V7")), "{h}: x: holds bytes, not real numbers", PLAIN),
    "times": (
        "a.h5",
        written(x=low_level(h5py.h5t.UNIX_D32LE)),
        "{h}: x: is of a type that NumPy does not have: …",
        PLAIN,
    ),
    "number": (
        "a.h5",
        written(x=3.0),
        "{h}: x: is a single number, not an array of samples",
        "its first axis counts the samples",
    ),
    "no shape": ("a.h5", written(x=h5py.Empty("f4")), "{h}: x: is empty, it has no shape", ONE),
    "empty": ("a.h5", written(x=np.zeros((0, 3))), "{h}: x: is empty, its shape is [0, 3]", ONE),
    "unequal": (
        "a.h5",
        written(y=LABELS[:3]),
        "{h}: y: 3 targets for 4 samples in x",
        "each sample has one target; the two arrays must be of equal length",
    ),
    "nan": ("a.h5", written(x=with_nan(3, (4, 3))), "{h}: x, row 3: the number at [1] is nan", TAKE_OUT),
    "too large": (
        "a.h5",
        written(x=with_nan(2, (4, 2, 3), 1e39)),
        "{h}: x, row 2: the number at [0, 1] is 1e+39, too large for float32",
        TAKE_OUT,
    ),
    "label": (
        "a.h5",
        written(y=LABELS * 2),
        "{h}: y, row 1: label 4, but the configuration's input.classes is 3: 0 to 2",
        "",
    ),
    "channels last": (
        "{path: a.h5, layout: nhwc}",
        written(),
        "{h}: x: `layout: nhwc` is for arrays (N, H, W, C), this one has the shape [4, 3, 2]",
        "leave `layout` out",
    ),
    "never written": (
        "a.h5",
        written(x=kept(shape=(10**7, 3, 2), chunks=(1000, 3, 2), dtype="f4")),
        "{h}: x: has the shape [10000000, 3, 2], which takes 240000000 bytes, and the file has 0 of them",
        "was it written to its end?",
    ),
    "beyond the end": (
        "a.h5",
        changed(written(), moved(IMAGES)),
        "{h}: x: is damaged: …",
        AGAIN,
    ),
    "chunk beyond the end": (
        "a.h5",
        changed(written(x=kept(data=IMAGES, chunks=(2, 3, 2))), moved(IMAGES[2:])),
        "{h}: x: is truncated: its numbers go on after the end of the file at {size} bytes",
        AGAIN,
    ),
    "damaged gzip": ("a.h5", SPOILT, "{h}: x: is damaged: …", AGAIN),
    "damaged sum": ("a.h5", SUMS, "{h}: x: is damaged: …", AGAIN),
    "streamed: nan": (
        "{path: a.h5, memory: 1}",
        written(x=with_nan(1777, (2000, 3, 100)), y=CLASSES),
        "{h}: x, row 1777: the number at [0, 1] is nan",
        TAKE_OUT,
    ),
    "streamed: label": (
        "{path: a.h5, memory: 1}",
        written(x=FEW, y=(np.arange(200_000) // 199_999 * 7).astype("u1")),
        "{h}: y, row 199999: label 7, but the configuration's input.classes is 3: 0 to 2",
        "",
    ),
    "streamed: unequal": (
        "{path: a.h5, memory: 1}",
        written(x=MANY, y=CLASSES[1:]),
        "{h}: y: 1999 targets for 2000 samples in x",
        "each sample has one target; the two arrays must be of equal length",
    ),
    "streamed: shape": (
        "{path: a.h5, memory: 1}",
        written(x=MANY, y=CLASSES),
        "{h}: x: a sample is [1, 3, 100] (300 numbers), the configuration's input.shape is [1, 3, 2] (6 numbers)",
        "",
    ),
    "streamed: channels last": (
        "{path: a.h5, memory: 1, layout: nhwc}",
        written(x=MANY, y=CLASSES),
        "{h}: x: `layout: nhwc` is for arrays (N, H, W, C), this one has the shape [2000, 3, 100]",
        "leave `layout` out",
    ),
    "streamed: large chunks": (
        "{path: a.h5, memory: 1}",
        written(x=kept(data=MANY, chunks=(500, 3, 100)), y=CLASSES),
        "{h}: x: cannot be streamed in 1 MiB: a chunk has 500 rows, four of them take 3 MiB",
        "give the source `memory: 3` or more, or write the file with smaller chunks: `chunks=(64, 3, 100)`",
    ),
    "streamed: large rows": (
        "{path: a.h5, memory: 1}",
        written(x=np.zeros((3, 700, 700), "u1"), y=LABELS[:3]),
        "{h}: x: cannot be streamed in 1 MiB: a row is too large, four of them take 2 MiB",
        "give the source `memory: 2` or more",
    ),
    "streamed: large targets": (
        "{path: a.h5, memory: 1}",
        written(x=MANY, y=MANY),
        "{h}: y: targets are held in memory, and these take 3 MiB of the 1 that `memory` allows",
        "give the source `memory: 3` or more",
    ),
    "streamed: damaged last block": (
        "{path: a.h5, memory: 1}",
        changed(
            written(x=kept(data=np.repeat(NOISE, 600, axis=0), chunks=(20, 20, 30), compression="gzip"), y=LABELS),
            in_zlib,
        ),
        "{h}: x: is damaged: …",
        AGAIN,
    ),
}
