"""Every way a data file can be wrong: the message names the file, the array, the row and the cause."""

from __future__ import annotations

import errno
import gzip
import os
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from nncli.data.splits import open_splits
from nncli.errors import DataError
from nncli.fields import Annotated, Choice
from nncli.spec.yaml12 import parse
from tests.data.files import Given, Section, cifar_bytes, idx_bytes, source

IMAGES = np.arange(4 * 3 * 2, dtype=np.uint8).reshape(4, 3, 2)
LABELS = np.array([0, 2, 1, 2], dtype=np.uint8)
AGAIN = "copy or download the file again"
PLAIN = "save a plain array of integers or floats"
SAVE = "save it again with numpy.savez"
TAKE_OUT = "take such rows out, or put a finite number in"


def npz(folder: Path, name: str = "a.npz", **arrays: Any) -> None:
    np.savez(folder / name, **arrays)


def npz_of(folder: Path, **members: bytes) -> None:
    """An archive whose members are these bytes."""
    with zipfile.ZipFile(folder / "a.npz", "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)


def npy(shape: str, descr: str = "'<f8'", content: bytes = b"", version: int = 1) -> bytes:
    head = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    size = struct.pack("<H", len(head)) if version == 1 else struct.pack("<I", len(head))
    return b"\x93NUMPY" + bytes([version, 0]) + size + head.encode() + content


def with_nan(row: int, value: float, shape: tuple[int, ...] = (5, 3)) -> np.ndarray:
    x = np.ones(shape)
    x[(row, *(0 for _ in shape[1:-1]), 2)] = value
    return x


def broken_crc(folder: Path) -> None:
    npz(folder, x=IMAGES, y=LABELS)
    content = bytearray((folder / "a.npz").read_bytes())
    content[content.index(IMAGES.tobytes())] ^= 1
    (folder / "a.npz").write_bytes(content)


def packed_crc(folder: Path) -> None:
    np.savez_compressed(folder / "a.npz", x=IMAGES, y=LABELS)
    content = bytearray((folder / "a.npz").read_bytes())
    content[content.index(b"PK\x01\x02") + 16] ^= 1
    (folder / "a.npz").write_bytes(content)


def cut(folder: Path) -> None:
    npz(folder, x=IMAGES, y=LABELS)
    content = (folder / "a.npz").read_bytes()
    (folder / "a.npz").write_bytes(content[: len(content) // 2])


def encrypted(folder: Path) -> None:
    npz(folder, x=IMAGES, y=LABELS)
    content = bytearray((folder / "a.npz").read_bytes())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + place] |= 1
    (folder / "a.npz").write_bytes(content)


def single(folder: Path) -> None:
    with (folder / "a.npz").open("wb") as stream:
        np.save(stream, IMAGES)


NPZ: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "missing file": (lambda _: None, "{a}: no such file", "paths in a configuration are relative to its own folder"),
    "nearest file": (lambda f: npz(f, "aa.npz", x=1), "{a}: no such file", "did you mean 'aa.npz'?"),
    "folder": (lambda f: (f / "a.npz").mkdir(), "{a}: is a folder, not a file", "name the file inside it"),
    "fifo": (lambda f: os.mkfifo(f / "a.npz"), "{a}: is not a regular file", ""),
    "empty file": (lambda f: (f / "a.npz").touch(), "{a}: the file is empty", ""),
    "no archive": (
        lambda f: (f / "a.npz").write_text("no zip file, this"),
        "{a}: is not a readable NPZ archive: …",
        SAVE,
    ),
    "cut": (cut, "{a}: is not a readable NPZ archive: …", SAVE),
    "single array": (
        single,
        "{a}: is a single array (.npy), not an archive (.npz)",
        "put samples and targets into one archive: numpy.savez(path, x=..., y=...)",
    ),
    "missing key": (lambda f: npz(f, x=IMAGES, yy=LABELS), "{a}: no array 'y'", "did you mean 'yy'?"),
    "missing keys": (
        lambda f: npz(f, images=IMAGES, labels=LABELS),
        "{a}: no array 'x'\n{a}: no array 'y'",
        "known: images, labels",
    ),
    "no arrays": (npz, "{a}: no array 'x'\n{a}: no array 'y'", "the archive is empty"),
    "pickle": (
        lambda f: npz(f, x=np.array([{}, 1]), y=LABELS),
        "{a}: x: holds Python objects, not real numbers",
        "nncli never unpickles; save a plain array of integers or floats",
    ),
    "texts": (lambda f: npz(f, x=IMAGES, y=np.array(list("abca"))), "{a}: y: holds texts, not real numbers", PLAIN),
    "bytes": (lambda f: npz(f, x=np.array([b"", b""]), y=LABELS), "{a}: x: holds bytes, not real numbers", PLAIN),
    "complex": (lambda f: npz(f, x=1j * IMAGES, y=LABELS), "{a}: x: holds complex numbers, not real numbers", PLAIN),
    "dates": (
        lambda f: npz(f, x=np.array(["2001-01-01"], "M8[D]"), y=LABELS),
        "{a}: x: holds datetime64[D], not real numbers",
        PLAIN,
    ),
    "records": (
        lambda f: npz(f, x=np.zeros(4, "i4,f4"), y=LABELS),
        "{a}: x: holds records, not real numbers",
        PLAIN,
    ),
    "number": (
        lambda f: npz(f, x=3.0, y=LABELS),
        "{a}: x: is a single number, not an array of samples",
        "its first axis counts the samples",
    ),
    "empty": (
        lambda f: npz(f, x=np.zeros((0, 3)), y=np.zeros(0, int)),
        "{a}: x: is empty, its shape is [0, 3]",
        "at least one sample is needed",
    ),
    "unequal": (
        lambda f: npz(f, x=IMAGES, y=LABELS[:3]),
        "{a}: y: 3 targets for 4 samples in x",
        "each sample has one target; the two arrays must be of equal length",
    ),
    "nan in x": (
        lambda f: npz(f, x=with_nan(3, np.nan, (4, 3)), y=LABELS),
        "{a}: x, row 3: the number at [2] is nan",
        TAKE_OUT,
    ),
    "inf in an image": (
        lambda f: npz(f, x=with_nan(2, -np.inf, (4, 2, 3)).astype("f2"), y=LABELS),
        "{a}: x, row 2: the number at [0, 2] is -inf",
        TAKE_OUT,
    ),
    "nan far down": (
        lambda f: npz(f, x=with_nan(299_999, np.nan, (300_000, 3)), y=np.zeros(300_000, int)),
        "{a}: x, row 299999: the number at [2] is nan",
        TAKE_OUT,
    ),
    "too large": (
        lambda f: npz(f, x=with_nan(0, 1e39, (4, 3)), y=LABELS),
        "{a}: x, row 0: the number at [2] is 1e+39, too large for float32",
        TAKE_OUT,
    ),
    "nan in y": (
        lambda f: npz(f, x=IMAGES, y=np.array([0, 1, np.nan, 1])),
        "{a}: y, row 2: the number is nan",
        TAKE_OUT,
    ),
    "negative label": (
        lambda f: npz(f, x=IMAGES, y=LABELS.astype(int) - 1),
        "{a}: y, row 0: label -1 is no class number",
        "classes are counted from 0",
    ),
    "huge label": (
        lambda f: npz(f, x=IMAGES, y=LABELS.astype(np.uint64) + np.uint64(2**64 - 3)),
        "{a}: y, row 0: label 18446744073709551613 is no class number",
        "classes are counted from 0",
    ),
    "label beyond": (
        lambda f: npz(f, x=IMAGES, y=LABELS + 1),
        "{a}: y, row 1: label 3, but the configuration's input.classes is 3: 0 to 2",
        "these labels begin at 1: save them less 1",
    ),
    "float labels": (
        lambda f: npz(f, x=IMAGES, y=LABELS.astype(np.float32)),
        "{a}: y: labels are whole numbers from 0, these are of type float32",
        "save whole numbers, y.astype(int), or choose a loss for values such as `least_squares`",
    ),
    "one-hot": (
        lambda f: npz(f, x=IMAGES, y=np.eye(4)),
        "{a}: y: a label is one whole number, here a row has the shape [4]",
        "of one-hot rows take the class numbers: y.argmax(axis=1)",
    ),
    "shape": (
        lambda f: npz(f, x=IMAGES[:, :2], y=LABELS),
        "{a}: x: a sample is [1, 2, 2] (4 numbers), the configuration's input.shape is [1, 3, 2] (6 numbers)",
        "",
    ),
    "broken checksum": (broken_crc, "{a}: x: the array is damaged: Bad CRC-32…", SAVE),
    "packed checksum": (packed_crc, "{a}: x: the array is damaged: Bad CRC-32…", SAVE),
    "encrypted": (encrypted, "{a}: x: is encrypted", SAVE),
    "truncated array": (
        lambda f: npz_of(f, x=npy("(4, 3)", content=bytes(95)), y=npy("(4,)")),
        "{a}: x: the array is truncated: 95 bytes where its shape asks for 96",
        SAVE,
    ),
    "oversized array": (
        lambda f: npz_of(f, x=npy("(4, 3)", content=bytes(97)), y=npy("(4,)")),
        "{a}: x: the array is oversized: 97 bytes where its shape asks for 96",
        SAVE,
    ),
    "absurd shape": (
        lambda f: npz_of(f, x=npy("(99999999999, 99999999999)"), y=npy("(4,)")),
        f"{{a}}: x: the array is truncated: 0 bytes where its shape asks for {99999999999**2 * 8}",
        SAVE,
    ),
    "nothing of much": (
        lambda f: npz_of(f, x=npy(f"({2**62}, {2**62}, 0)"), y=npy("(4,)")),
        f"{{a}}: x: is empty, its shape is [{2**62}, {2**62}, 0]",
        "at least one sample is needed",
    ),
    "negative shape": (
        lambda f: npz_of(f, x=npy("(-4,)"), y=npy("(4,)")),
        "{a}: x: the array is damaged: the shape (-4,) is impossible",
        SAVE,
    ),
    "version": (
        lambda f: npz_of(f, x=npy("(4,)", version=3), y=npy("(4,)")),
        "{a}: x: the array is damaged: version 3.0 of the format is not known",
        SAVE,
    ),
    "no header": (
        lambda f: npz_of(f, x=b"", y=npy("(4,)")),
        "{a}: x: the array is damaged: …",
        SAVE,
    ),
}


def says(error: DataError, message: str) -> bool:
    """Whether this is the whole message; what stands for `…` at its end is the words of a library."""
    if message.endswith("…"):
        return str(error).startswith(message[:-1]) and len(str(error)) > len(message)
    return str(error) == message


@pytest.mark.parametrize(("make", "message", "hint"), NPZ.values(), ids=NPZ.keys())
def test_bad_npz(tmp_path: Path, make: Callable[[Path], None], message: str, hint: str) -> None:
    make(tmp_path)
    section = Section(source("npz", path="a.npz"))
    with pytest.raises(DataError) as caught:
        open_splits(section, base=tmp_path, seed=0, kinds={"y": "classes"}, given=Given((1, 3, 2), 3))
    assert says(caught.value, message.format(a=tmp_path / "a.npz"))
    assert caught.value.exit_code == 3
    assert caught.value.faults[0].hint == hint


def idx(images: bytes | None = None, labels: bytes | None = None) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / "images").write_bytes(idx_bytes(IMAGES) if images is None else images)
        (folder / "labels").write_bytes(idx_bytes(LABELS) if labels is None else labels)

    return write


GOOD = idx_bytes(IMAGES)
MAGIC = "an IDX file begins with 0, 0, the type and the number of axes; MNIST's images with 00 00 08 03"
WANTED = "the header asks for 40 bytes, [4, 3, 2] of uint8"

IDX: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "empty": (idx(b""), "{images}: the file is empty", AGAIN),
    "empty gzip": (idx(gzip.compress(b"")), "{images}: the file is empty", AGAIN),
    "one byte": (idx(b"\0"), "{images}: is no IDX file: it begins with 00", MAGIC),
    "png": (idx(b"\x89PNG\r\n"), "{images}: is no IDX file: it begins with 89 50 4e 47", MAGIC),
    "type": (idx(b"\0\0\x0a" + GOOD[3:]), "{images}: is no IDX file: it begins with 00 00 0a 03", MAGIC),
    "no axes": (idx(b"\0\0\x08\0"), "{images}: is no IDX file: it begins with 00 00 08 00", MAGIC),
    "many axes": (idx(b"\0\0\x08\x09"), "{images}: is no IDX file: it begins with 00 00 08 09", MAGIC),
    "header": (idx(GOOD[:15]), "{images}: is truncated: the header of 3 axes has 16 bytes, the file 15", AGAIN),
    "truncated": (idx(GOOD[:-1]), f"{{images}}: is truncated: {WANTED}, it has at most 39", AGAIN),
    "truncated inside gzip": (idx(gzip.compress(GOOD[:-1])), f"{{images}}: is truncated: {WANTED}, it has 39", AGAIN),
    "oversized": (idx(GOOD + b"\0"), f"{{images}}: is oversized: {WANTED}, it goes on after them", AGAIN),
    "oversized gzip": (
        idx(gzip.compress(GOOD + b"\0")),
        f"{{images}}: is oversized: {WANTED}, it goes on after them",
        AGAIN,
    ),
    "absurd": (
        idx(gzip.compress(struct.pack(">BBBBIII", 0, 0, 8, 3, 2**32 - 1, 2**32 - 1, 2**32 - 1), mtime=0)),
        f"{{images}}: is truncated: the header asks for {(2**32 - 1) ** 3 + 16} bytes, [4294967295, 4294967295,"
        " 4294967295] of uint8, it has at most {most}",
        AGAIN,
    ),
    "cut gzip": (
        idx(gzip.compress(GOOD)[:-4]),
        "{images}: the gzip stream is damaged: …",
        AGAIN,
    ),
    "gzip checksum": (
        idx(gzip.compress(GOOD)[:-8] + b"abcd" + gzip.compress(GOOD)[-4:]),
        "{images}: the gzip stream is damaged: CRC…",
        AGAIN,
    ),
    "garbage after gzip": (
        idx(gzip.compress(GOOD) + b"xx"),
        "{images}: the gzip stream is damaged: Not a gzipped file…",
        AGAIN,
    ),
    "exchanged": (
        idx(idx_bytes(LABELS), GOOD),
        "{images}: holds 4 single numbers, no images",
        "it looks like a file of labels; are `images` and `labels` exchanged?",
    ),
    "unequal": (
        idx(labels=idx_bytes(LABELS[:3])),
        "{labels}: 3 targets for 4 samples in {images}",
        "each sample has one target; the two arrays must be of equal length",
    ),
    "no samples": (
        idx(idx_bytes(IMAGES[:0])),
        "{images}: is empty, its shape is [0, 3, 2]",
        "at least one sample is needed",
    ),
    "no pixels of many": (
        idx(struct.pack(">BBBBIIII", 0, 0, 8, 4, 2**32 - 1, 2**32 - 1, 0, 1)),
        "{images}: is empty, its shape is [4294967295, 4294967295, 0, 1]",
        "at least one sample is needed",
    ),
    "nan": (
        idx(idx_bytes(with_nan(2, np.nan, (4, 2, 3)).astype("f4"))),
        "{images}: row 2: the number at [0, 2] is nan",
        TAKE_OUT,
    ),
    "label": (
        idx(labels=idx_bytes(LABELS * 2)),
        "{labels}: row 1: label 4, but the configuration's input.classes is 3: 0 to 2",
        "",
    ),
    "images as labels": (
        idx(labels=GOOD),
        "{labels}: a label is one whole number, here a row has the shape [3, 2]",
        "",
    ),
}


@pytest.mark.parametrize(("make", "message", "hint"), IDX.values(), ids=IDX.keys())
def test_bad_idx(tmp_path: Path, make: Callable[[Path], None], message: str, hint: str) -> None:
    make(tmp_path)
    section = Section(source("idx", images="images", labels="labels"))
    with pytest.raises(DataError) as caught:
        open_splits(section, base=tmp_path, seed=0, kinds={"y": "classes"}, given=Given((1, 3, 2), 3))
    most = 1032 * (tmp_path / "images").stat().st_size
    assert says(caught.value, message.format(images=tmp_path / "images", labels=tmp_path / "labels", most=most))
    assert caught.value.faults[0].hint == hint


def cifar(content: bytes, second: bytes | None = None) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / "c.bin").write_bytes(content)
        if second is not None:
            (folder / "d.bin").write_bytes(second)

    return write


RECORDS = cifar_bytes(np.zeros((4, 3, 32, 32), np.uint8), LABELS)
FINE = cifar_bytes(np.zeros((4, 3, 32, 32), np.uint8), LABELS, LABELS)
BINARY = "the binary version is in cifar-10-binary.tar.gz (data_batch_1.bin and so on)"

CIFAR10: dict[str, tuple[str, Callable[[Path], None], str, str]] = {
    "missing file": (
        "c.bin",
        lambda _: None,
        "{c}: no such file",
        "paths in a configuration are relative to its own folder",
    ),
    "missing second": (
        "[c.bin, d.bin]",
        cifar(RECORDS),
        "{d}: no such file",
        "did you mean 'c.bin'?",
    ),
    "folder": ("c.bin", lambda f: (f / "c.bin").mkdir(), "{c}: is a folder, not a file", "name the file inside it"),
    "empty": ("c.bin", cifar(b""), "{c}: the file is empty", AGAIN),
    "cut": (
        "c.bin",
        cifar(RECORDS[:-1]),
        "{c}: has 12291 bytes, which are no whole number of records of 3073",
        AGAIN,
    ),
    "too long": (
        "[c.bin, d.bin]",
        cifar(RECORDS, RECORDS + b"\0"),
        "{d}: has 12293 bytes, which are no whole number of records of 3073",
        AGAIN,
    ),
    "label": (
        "[c.bin, d.bin]",
        cifar(RECORDS, RECORDS[:6146] + b"\x0a" + RECORDS[6147:]),
        "{d}: row 2: label 10 is none of 0 to 9",
        f"is it a file of this kind, and complete? {BINARY}",
    ),
    "label far down": (
        "c.bin",
        cifar(bytes(3073 * 2000) + b"\x63" + bytes(3072)),
        "{c}: row 2000: label 99 is none of 0 to 9",
        f"is it a file of this kind, and complete? {BINARY}",
    ),
    "label beyond the classes": (
        "[c.bin, d.bin]",
        cifar(RECORDS, RECORDS[:6146] + b"\x03" + RECORDS[6147:]),
        "{c} and 1 more: row 6: label 3, but the configuration's input.classes is 3: 0 to 2",
        "",
    ),
    "pickle": (
        "c.bin",
        cifar(b"\x80\x02}q\x01" + bytes(3068)),
        "{c}: is a pickle, the Python version of the data, and nncli never unpickles",
        BINARY,
    ),
    "gzip": ("c.bin", cifar(gzip.compress(RECORDS)), "{c}: is packed with gzip", f"unpack it first; {BINARY}"),
    "CIFAR-100": (
        "c.bin",
        cifar(FINE),
        "{c}: has 12296 bytes, which are no whole number of records of 3073",
        "it is one of records with `labels: 2`",
    ),
    "not CIFAR-100": (
        "{path: c.bin, labels: 2}",
        cifar(RECORDS),
        "{c}: has 12292 bytes, which are no whole number of records of 3074",
        "it is one of records with `labels: 1`",
    ),
    "fine label": (
        "{path: c.bin, labels: 2}",
        cifar(FINE[:3075] + b"\x64" + FINE[3076:]),
        "{c}: row 1: label 100 is none of 0 to 99",
        f"is it a file of this kind, and complete? {BINARY}",
    ),
}


@pytest.mark.parametrize(("fields", "make", "message", "hint"), CIFAR10.values(), ids=CIFAR10.keys())
def test_bad_cifar10(tmp_path: Path, fields: str, make: Callable[[Path], None], message: str, hint: str) -> None:
    make(tmp_path)
    made = TypeAdapter(Annotated[Any, Choice("source")]).validate_python(parse(f"cifar10: {fields}", "").plain)
    with pytest.raises(DataError) as caught:
        open_splits(Section(made), base=tmp_path, seed=0, kinds={"y": "classes"}, given=Given((3, 32, 32), 3))
    assert says(caught.value, message.format(c=tmp_path / "c.bin", d=tmp_path / "d.bin"))
    assert caught.value.exit_code == 3
    assert caught.value.faults[0].hint == hint


def test_a_file_that_grows_shorter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look at its size and the reading of its records."""
    cifar(RECORDS)(tmp_path)
    made = source("cifar10", path=("c.bin",))
    monkeypatch.setattr(type(made), "_count", lambda *_: 5)
    with pytest.raises(DataError) as caught:
        made.load(tmp_path)
    assert str(caught.value) == f"{tmp_path / 'c.bin'}: ended after 12292 of 15365 bytes"


def test_a_bomb_takes_no_memory(tmp_path: Path) -> None:
    """An archive whose directory and header agree on two gigabytes that its bytes cannot hold."""
    npz_of(tmp_path, x=npy(f"({2**28},)", content=bytes(64)))
    raw = bytearray((tmp_path / "a.npz").read_bytes())
    directory = raw.index(b"PK\x01\x02")
    header = len(npy(f"({2**28},)"))
    raw[directory + 24 : directory + 28] = struct.pack("<I", header + 2**31)
    (tmp_path / "a.npz").write_bytes(raw)
    tracemalloc.start()
    with pytest.raises(DataError) as caught:
        source("npz", path="a.npz", y=None).load(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    held = f"{header + 2**31} bytes cannot come from {header + 64}"
    assert str(caught.value) == f"{tmp_path / 'a.npz'}: x: the array is damaged: {held}"
    assert peak < 2**20


@pytest.mark.parametrize(
    "made",
    [source("npz", path="a"), source("idx", images="a"), source("cifar10", path=("a",)), source("hdf5", path="a")],
    ids=["npz", "idx", "cifar10", "hdf5"],
)
def test_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: Any) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    (tmp_path / "a").write_bytes(b"0")
    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setattr(zipfile, "ZipFile", refuse)
    with pytest.raises(DataError) as caught:
        made.load(tmp_path)
    assert str(caught.value) == f"{tmp_path / 'a'}: cannot be read: Permission denied"
