"""Whatever the bytes of a file: samples or a DataError that names the file, and nothing else."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from nncli.data.dataset import Dataset
from nncli.data.sources.npz import read_npz
from nncli.data.table import Table
from nncli.errors import DataError, Fault
from tests.data.files import cifar_bytes, idx_bytes, source
from tests.data.media import image, image_bytes, wav_bytes, wav_chunks

fuzz = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)


def archive(packed: bool) -> bytes:
    stream = io.BytesIO()
    x, y = np.arange(24, dtype=np.float32).reshape(4, 3, 2), np.array([0, 1, 1, 2])
    (np.savez_compressed if packed else np.savez)(stream, x=x, y=y)
    return stream.getvalue()


def hdf5(**options: Any) -> bytes:
    with h5py.File("made", "w", driver="core", backing_store=False) as file:
        file.create_dataset("x", data=np.arange(24, dtype=np.float32).reshape(4, 3, 2), **options)
        file["y"] = np.array([0, 1, 1, 2])
        file.flush()
        return bytes(file.id.get_file_image())


IDX = idx_bytes(np.arange(24, dtype=np.float32).reshape(4, 3, 2))
NPZ = [archive(False), archive(True)]
CIFAR10 = cifar_bytes(np.arange(2 * 3072, dtype=np.int64).reshape(2, 3, 32, 32) % 251, np.array([9, 0]))
CSV = [b'a,b,c,y\n1,2.5,red,x\n3,,"green, dark",y\n-5e3,6,red,x\n', "a;b;c;y\n1;2;rot;ü\n3;4;grün;x\n".encode("utf-16")]
PNG = [image_bytes(image("RGB", 3, 2, lambda x, y: (x, y, 9))), image_bytes(image("L", 8, 8, lambda x, y: x), "JPEG")]
WAV = [wav_bytes([1, 2, 3, 4], channels=2), wav_chunks(3, 32, bytes(8)), wav_bytes([1, 2], width=3)]
FILES = {
    "folder": PNG,
    "wav": WAV,
    "csv": CSV,
    "idx": [IDX, gzip.compress(IDX, mtime=0)],
    "npz": NPZ,
    "cifar10": [CIFAR10],
    "hdf5": [hdf5(), hdf5(chunks=(2, 3, 2), compression="gzip")],
}
MADE = {
    "csv": source("csv", path="a", categorical=(2,), missing="median"),
    "idx": source("idx", images="a"),
    "folder": source("folder", path=".", labels=None),
    "wav": source("wav", path=".", labels=None),
    "npz": source("npz", path="a"),
    "cifar10": source("cifar10", path=("a",)),
    "hdf5": source("hdf5", path="a"),
}


@st.composite
def damaged(draw: st.DrawFn, kind: str) -> bytes:
    """A good file with bytes changed, taken out, put in or cut off; or any bytes."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    content = bytearray(draw(st.sampled_from(FILES[kind])))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(content)))
        match draw(st.sampled_from(["change", "extreme", "remove", "insert", "cut"])):
            case "change" if place < len(content):
                content[place] = draw(st.integers(0, 255))
            case "extreme":
                content[place : place + 4] = draw(st.sampled_from([b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", bytes(4)]))
            case "remove":
                del content[place : place + draw(st.integers(1, 8))]
            case "insert":
                content[place:place] = draw(st.binary(min_size=1, max_size=8))
            case "cut":
                del content[place:]
    return bytes(content)


def load(kind: str, folder: Path, content: bytes) -> Dataset | None:
    """The samples, or None after a DataError that names the file."""
    file = folder / "a"
    file.write_bytes(content)
    faults: tuple[Fault, ...] = ()
    data: Dataset | None = None
    try:
        loaded = MADE[kind].load(folder)
        if isinstance(loaded, Table):
            loaded = loaded.encode(loaded.fit(np.arange(len(loaded)), {"y": "classes"}), {"y": "classes"})
        data = loaded
    except DataError as error:
        faults = error.faults
    assert (data is None) == bool(faults)
    assert all(fault.file == str(file) and fault.message for fault in faults)
    assert data is None or data.x.size > 0
    return data


@fuzz
@given(damaged("idx"))
def test_idx(tmp_path: Path, content: bytes) -> None:
    load("idx", tmp_path, content)


@fuzz
@given(damaged("folder"))
def test_folder(tmp_path: Path, content: bytes) -> None:
    load("folder", tmp_path, content)


@fuzz
@given(damaged("wav"))
def test_wav(tmp_path: Path, content: bytes) -> None:
    load("wav", tmp_path, content)


@fuzz
@given(damaged("csv"))
def test_csv(tmp_path: Path, content: bytes) -> None:
    load("csv", tmp_path, content)


@fuzz
@given(damaged("npz"))
@example(NPZ[0].replace(b"'descr': '<f4'", b"'descr': '|O8'"))
@example(NPZ[0].replace(b"(4, 3, 2)", b"(4, 3,\0)"))
@example(NPZ[0].replace(b"(4, 3, 2)", b"(4L,3, 2"))
def test_npz(tmp_path: Path, content: bytes) -> None:
    load("npz", tmp_path, content)


@fuzz
@given(damaged("cifar10"))
def test_cifar10(tmp_path: Path, content: bytes) -> None:
    load("cifar10", tmp_path, content)


@settings(fuzz, max_examples=15)
@given(damaged("hdf5"))
def test_hdf5(tmp_path: Path, content: bytes) -> None:
    """Few, because a process looks at each; here it is what finds out whether the library survives."""
    load("hdf5", tmp_path, content)


@pytest.mark.parametrize("kind", ["idx", "npz"])
def test_every_byte_of_a_file_matters_or_is_noticed(tmp_path: Path, kind: str) -> None:
    """Cut at each length: never samples, because all of the file is needed."""
    for content in FILES[kind]:
        assert load(kind, tmp_path, content) is not None
        assert all(load(kind, tmp_path, content[:length]) is None for length in range(len(content)))


def test_headers_of_numpy(tmp_path: Path) -> None:
    """Every byte of a header, changed in each bit: a DataError, or an array of as many bytes as before.

    The checksum of the member is mended, so that it cannot be what notices.
    """
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.arange(6, dtype=np.int32).reshape(3, 2))
    good = stream.getvalue()
    read = 0
    for place in range(80):
        for bit in range(8):
            content = bytearray(good)
            content[place] ^= 1 << bit
            with zipfile.ZipFile(tmp_path / "a.npz", "w") as made:
                made.writestr("x.npy", bytes(content))
            try:
                (x,) = read_npz(tmp_path / "a.npz", ("x",))
            except DataError:
                continue
            assert x is not None
            assert x.nbytes == 24
            read += 1
    assert 0 < read < 200
