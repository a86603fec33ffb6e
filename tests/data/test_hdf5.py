"""The source `hdf5` on good files that h5py writes: in memory as `npz`, streamed as a naive reader."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from nncli.data import hdf5_files, streamed
from nncli.data.batches import Loader, Preprocessing
from nncli.data.dataset import Dataset
from nncli.data.sources import hdf5
from nncli.data.splits import open_splits
from nncli.data.streamed import Streamed
from nncli.errors import DataError
from nncli.fields import Annotated, Choice
from nncli.parts import Array
from tests.data.bad_hdf5 import in_this_process
from tests.data.files import Section, source

TYPES = ["?", "u1", "i1", "<u2", ">i2", "<i4", ">i8", "<f2", ">f4", "<f8", "g"]
STORED: dict[str, dict[str, Any]] = {
    "contiguous": {},
    "chunks of rows": {"chunks": (7, 4, 3)},
    "chunks across": {"chunks": (3, 2, 3)},
    "gzip": {"chunks": (9, 4, 3), "compression": "gzip"},
    "lzf": {"chunks": (2, 4, 3), "compression": "lzf", "shuffle": True},
    "sums": {"chunks": (5, 4, 3), "fletcher32": True},
    "few bits": {"chunks": (5, 4, 3), "scaleoffset": True},
    "growing": {"maxshape": (None, 4, 3), "chunks": (10, 4, 3)},
}


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a process for each examination."""
    monkeypatch.setattr("nncli.data.sources.hdf5.examine", in_this_process)


def whole(data: Dataset) -> Array:
    """All samples of a dataset."""
    return data.samples(np.arange(len(data)))


def same(data: Dataset, other: Dataset) -> None:
    """In type, value and shape."""
    assert (data.shape, data.x.dtype) == (other.shape, other.x.dtype)
    np.testing.assert_array_equal(whole(data), whole(other))
    assert data.targets.keys() == other.targets.keys()
    for name, target in data.targets.items():
        assert target.array.dtype == other.targets[name].array.dtype
        np.testing.assert_array_equal(target.array, other.targets[name].array)


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("dtype", TYPES)
def test_every_type_is_as_in_npz(tmp_path: Path, dtype: str) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 2, (50, 4, 3)).astype(dtype), rng.integers(0, 2, 50).astype(dtype)
    np.savez(tmp_path / "a.npz", x=x, y=y)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"], file["y"] = x, y
    same(source("hdf5", path="a.h5").load(tmp_path), source("npz", path="a.npz").load(tmp_path))


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("stored", STORED)
def test_every_way_to_store_is_as_in_npz(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stored: str) -> None:
    """In memory, and streamed with a buffer that holds a fifth."""
    x = np.random.default_rng(0).integers(0, 100, (400, 4, 3))
    y = {"a": np.arange(400) % 3, "b": np.arange(800.0).reshape(400, 2)}
    np.savez(tmp_path / "a.npz", x=x, **y)
    with h5py.File(tmp_path / "a.h5", "w", userblock_size=512) as file:
        file.create_dataset("x", data=x, **STORED[stored])
        for name, array in y.items():
            file["targets/" + name] = array
    npz = source("npz", path="a.npz", y={"a": "a", "b": "b"}).load(tmp_path)
    made = source("hdf5", path="a.h5", y={"a": "targets/a", "b": "/targets/b"})
    held = made.load(tmp_path)
    assert isinstance(held.x, np.ndarray)
    same(held, npz)
    monkeypatch.setattr(hdf5, "_MIB", 30)  # a buffer of 7,680 bytes for 38,400 of samples
    read = made.load(tmp_path)
    assert isinstance(read.x, Streamed)
    assert read.x.buffer._data.nbytes <= 7680
    same(read, npz)
    rows = np.random.default_rng(1).integers(0, 400, 60)
    np.testing.assert_array_equal(read.samples(rows), npz.samples(rows))


@pytest.mark.usefixtures("alone")
def test_channels_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).integers(0, 100, (90, 4, 5, 3))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = x
    for mib in (2**20, 80):
        monkeypatch.setattr(hdf5, "_MIB", mib)
        data = source("hdf5", path="a.h5", y=None, layout="nhwc").load(tmp_path)
        assert isinstance(data.x, Streamed) == (mib == 80)
        assert data.shape == (3, 4, 5)
        np.testing.assert_array_equal(whole(data), x.transpose(0, 3, 1, 2))


@pytest.mark.usefixtures("alone")
def test_links_enumerations_and_names_within_the_file(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        x = file["group/inner/x"] = np.arange(12.0).reshape(4, 3)
        file["hard"] = file["group/inner"]
        file["soft"] = h5py.SoftLink("/hard/x")
        file["group/up"] = h5py.SoftLink("inner")
        colours = h5py.enum_dtype({"red": 0, "green": 1, "blue": 2}, "i2")
        file.create_dataset("colours", data=[0, 2, 2, 1], dtype=colours)
        file["ä/ß"] = np.arange(4)
    for name in ("group/inner/x", "/group//inner/./x", "hard/x", "soft", "group/up/x"):
        data = source("hdf5", path="a.h5", x=name, y={"a": "colours", "b": "ä/ß"}).load(tmp_path)
        np.testing.assert_array_equal(whole(data), x)
        assert data.targets["a"].array.tolist() == [0, 2, 2, 1]
        assert data.targets["a"].array.dtype == np.dtype("i2")
        assert data.targets["b"].array.tolist() == [0, 1, 2, 3]


@pytest.mark.usefixtures("alone")
def test_no_other_file_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are pipes: to open one would not come to an end."""
    import os

    for name in ("b.h5", "c.h5"):
        os.mkfifo(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    with h5py.File("a.h5", "w") as file:
        layout = h5py.VirtualLayout((4, 3), np.uint8, maxshape=(None, 3))
        layout[:] = h5py.VirtualSource("b.h5", "x", (4, 3), maxshape=(None, 3))
        file.create_virtual_dataset("virtual", layout)
        file["external"] = h5py.ExternalLink("c.h5", "x")
        file.create_dataset("outside", (4, 3), np.uint8, external=[("b.h5", 0, 12)])
        file["x"] = np.zeros((4, 3))
    for name in ("virtual", "external", "outside", "external/x", "nothing"):
        with pytest.raises(DataError):
            source("hdf5", path="a.h5", x=name, y=None).load(tmp_path)
    assert len(source("hdf5", path="a.h5", y=None).load(tmp_path)) == 4


def test_a_held_out_part_has_the_same_rows_streamed_as_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alone: None
) -> None:
    rng = np.random.default_rng(0)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"], file["y"] = rng.normal(size=(300, 5)), rng.integers(0, 3, 300)
    found = []
    for mib in (2**20, 20):
        monkeypatch.setattr(hdf5, "_MIB", mib)
        section = Section(source("hdf5", path="a.h5"), 0.2, 30, stratified=True)
        splits = open_splits(section, base=tmp_path, seed=4, kinds={"y": "classes"})
        assert isinstance(splits.train.x, Streamed) == (mib == 20)
        parts = (splits.train, splits.validation, splits.test)
        found.append([whole(part) for part in parts if part is not None])
        steps = Preprocessing.fit(
            (TypeAdapter(Annotated[Any, Choice("preprocess")]).validate_python("standardize"),), splits.train
        )
        loader, x = Loader(splits.train, steps, np.float64), np.empty((5, len(splits.train)))
        loader.fill(np.arange(len(splits.train)), x)
        assert np.abs(x.mean(axis=1)).max() < 1e-12
        assert x.std(axis=1) == pytest.approx(1, rel=1e-12)
    for held, read in zip(*found, strict=True):
        np.testing.assert_array_equal(held, read)


def test_a_chunk_that_is_damaged_far_down(tmp_path: Path) -> None:
    """It is met when its rows are wanted; the error names them."""
    rng = np.random.default_rng(0)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        x = file.create_dataset(
            "x", data=rng.integers(0, 256, (3000, 500), "u1"), chunks=(100, 500), compression="gzip"
        )
        chunk = x.id.get_chunk_info(17)
    content = bytearray((tmp_path / "a.h5").read_bytes())
    content[chunk.byte_offset + chunk.size // 2] ^= 0x55
    (tmp_path / "a.h5").write_bytes(content)
    data = source("hdf5", path="a.h5", y=None, memory=1).load(tmp_path)
    assert isinstance(data.x, Streamed)
    assert len(data.samples(np.arange(1700))) == 1700
    with pytest.raises(DataError) as caught:
        data.samples(np.array([1760]))
    assert str(caught.value).startswith(f"{tmp_path / 'a.h5'}: x, row 1700: rows from here to 1799 are damaged: ")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ({"hdf5": "a.h5"}, source("hdf5", path="a.h5")),
        (
            {"hdf5": {"path": "a", "x": "g/x", "y": None, "memory": 9}},
            source("hdf5", path="a", x="g/x", y=None, memory=9),
        ),
    ],
)
def test_in_a_configuration(written: Any, read: Any) -> None:
    assert TypeAdapter(Annotated[Any, Choice("source")]).validate_python(written) == read


def test_the_examination_and_the_buffer_agree_on_what_can_be_streamed() -> None:
    """The one imports nothing of the other."""
    assert hdf5_files.LEAST_BLOCKS == streamed.LEAST_BLOCKS


@pytest.mark.parametrize("memory", [0, -5, 2.5, 2**20 + 1, "much"])
def test_faulty_memory(memory: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Annotated[Any, Choice("source")]).validate_python({"hdf5": {"path": "a", "memory": memory}})


# -- the examination ---------------------------------------------------------------------------------------------------

GOOD = "import json, sys; asked = json.loads(sys.argv[1]); "
PROGRAMS: dict[str, tuple[str, str]] = {
    "hangs": ("import time; time.sleep(60)", "to read it takes more than 2 seconds"),
    "spins": ("while True: pass", "to read it takes more than "),
    "crashes": (
        "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
        "a process that read it was ended by SIGSEGV",
    ),
    "is killed": (
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "a process that read it was ended by SIGKILL",
    ),
    "fails": (
        "import sys; print('a\\nlast words', file=sys.stderr); sys.exit(3)",
        "a process that read it ended with exit code 3: last words",
    ),
    "says nothing": ("pass", "a process that read it ended without an answer"),
    "says nonsense": ("print('{\"faults\": [3]}')", "a process that read it ended without an answer"),
}


def limited(code: str) -> str:
    """A program with the limits of the examination, that does something else."""
    return (
        f"import sys; sys.path.insert(0, {str(Path(hdf5_files.__file__).parents[2])!r})\n"
        "import json, importlib.util\n"
        f"spec = importlib.util.spec_from_file_location('planted', {hdf5_files.__file__!r})\n"
        "module = importlib.util.module_from_spec(spec); sys.modules['planted'] = module\n"
        "spec.loader.exec_module(module)\n"
        f"def examine(path, names, memory):\n    {code}\n"
        "module.examine = examine\n"
        "print(json.dumps(module._answer(json.loads(sys.argv[1]))))\n"
    )


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], DataError]:
    """What loading a good file says when the program that examines it is another."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"], file["y"] = np.zeros((4, 3)), np.arange(4)

    def load(code: str) -> DataError:
        (tmp_path / "program.py").write_text(code)
        monkeypatch.setattr(hdf5_files, "__file__", str(tmp_path / "program.py"))
        with pytest.raises(DataError) as caught:
            source("hdf5", path="a.h5").load(tmp_path)
        return caught.value

    return load


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_file_that_the_library_does_not_survive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, planted: Callable[[str], DataError], name: str
) -> None:
    code, message = PROGRAMS[name]
    monkeypatch.setattr(hdf5, "_SECONDS", 1)
    monkeypatch.setattr("nncli.data.examining._START", 0.0 if name in ("hangs", "spins") else 20.0)
    error = planted(code)
    assert str(error).startswith(f"{tmp_path / 'a.h5'}: is damaged: {message}")
    assert (error.exit_code, error.faults[0].hint) == (3, "copy or download the file again")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("x = bytearray(2**31)", "to read it takes too much memory"),
        ("while True: pass", "to read it takes more than 1 seconds of processor time"),
    ],
)
def test_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, planted: Callable[[str], DataError], code: str, message: str
) -> None:
    monkeypatch.setattr(hdf5, "_SECONDS", 1)
    assert str(planted(limited(code))) == f"{tmp_path / 'a.h5'}: is damaged: {message}"


def test_the_program_is_a_process_of_its_own(tmp_path: Path) -> None:
    """With nothing planted, and with a name that only it can answer."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"], file["y"] = np.zeros((4, 3)), np.arange(4)
    assert len(source("hdf5", path="a.h5").load(tmp_path)) == 4
    with pytest.raises(DataError, match="no data set 'labels'"):
        source("hdf5", path="a.h5", y="labels").load(tmp_path)
