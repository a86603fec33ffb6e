"""Checkpoint files: round trip, damage, atomic replacement, locks, and what others see in them."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nncli import checkpoint
from nncli.checkpoint import History, NamedArray, Snapshot, files
from nncli.errors import CheckpointError, OutputError

ROOT = Path(__file__).parents[2]


def snapshot(**changes: Any) -> Snapshot:
    rng = np.random.default_rng(0)
    weights = NamedArray(rng.normal(size=(3, 4)).astype(np.float32), ("out", "in"))
    made = Snapshot(
        kind="supervised",
        config="name: small\nnetwork: [relu]\n",
        config_dir="/somewhere/configs",
        dtype="float32",
        threads=2,
        class_names=("zéro", "one"),
        model={"stem": {"W": weights, "b": NamedArray(np.zeros(3, np.float32), ("out",))}, "act": {}},
        state={"norm": {"mean": NamedArray(np.ones(2), ("channel",))}},
        preprocess={"0_standardize": {"mean": np.array([0.5])}},
        optimizer={"m": {"stem": {"W": np.ones((3, 4), np.float32), "b": np.ones(3, np.float32)}}},
        progress={"epoch": 3, "best_value": 0.25, "best_metric": "validation loss", "running": np.arange(2.0)},
        plan={"shards": 2, "nodes": {"stem": {"algorithm": "gemm", "rows": 8}}},
        history=History(np.arange(1, 5), {"loss": np.array([4.0, 3, 2, 1])}, np.arange(1, 2), {"lr": np.array([0.1])}),
        timing={"epoch_seconds": np.array([1.5])},
    )
    return dataclasses.replace(made, **changes)


def flat(value: Any, path: str = "") -> dict[str, Any]:
    """Every leaf of a snapshot by its path, arrays as type, shape and bytes."""
    if isinstance(value, NamedArray):
        return {**flat(value.array, path), f"{path}@axes": value.axes}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {key: leaf for name, inner in value.items() for key, leaf in flat(inner, f"{path}/{name}").items()}
    if isinstance(value, np.ndarray):
        return {path: (value.dtype.str, value.shape, value.tobytes())}
    return {path: value}


def without_versions(made: Snapshot) -> dict[str, Any]:
    return flat(dataclasses.replace(made, versions={}))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    checkpoint.write(tmp_path / "x.h5", snapshot())
    read = checkpoint.read(tmp_path / "x.h5")
    assert without_versions(read) == without_versions(snapshot())
    assert read.versions["numpy"] == np.__version__
    assert read.versions["h5py"] == h5py.__version__


names = st.text("abcXYZ019_-", min_size=1, max_size=8).filter(lambda name: name != "state")
arrays = hnp.arrays(
    st.sampled_from([np.float32, np.float64, np.int64]),
    hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3),
    elements={"allow_subnormal": True},
)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(names, st.dictionaries(names, arrays, min_size=1, max_size=3), max_size=4),
    st.dictionaries(
        names, st.one_of(st.integers(-(2**62), 2**62), st.floats(allow_nan=False), st.text("aé ü\n", max_size=9))
    ),
    st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=50),
)
def test_anything_comes_back(tmp_path_factory: Any, model: Any, progress: Any, config: str) -> None:
    path = tmp_path_factory.mktemp("any") / "x.h5"
    named = {
        node: {name: NamedArray(array, ("axis",) * array.ndim) for name, array in parts.items()}
        for node, parts in model.items()
    }
    made = snapshot(model=named, state={}, progress=progress, config=config)
    checkpoint.write(path, made)
    read = checkpoint.read(path)
    assert without_versions(read) == without_versions(made)
    assert list(read.model) == list(named)


def test_equal_snapshots_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a.h5", "b.h5"):
        checkpoint.write(tmp_path / name, snapshot())
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    checkpoint.write(tmp_path / "c.h5", snapshot(threads=3))
    assert (tmp_path / "c.h5").read_bytes() != (tmp_path / "a.h5").read_bytes()


def test_what_h5py_alone_sees(tmp_path: Path) -> None:
    """The names of design.md's format, version 1."""
    checkpoint.write(tmp_path / "x.h5", snapshot())
    with h5py.File(tmp_path / "x.h5") as file:
        assert file.userblock_size == 512
        wanted = {
            "format_version",
            "nncli_version",
            "kind",
            "config",
            "config_sha256",
            "config_dir",
            "dtype",
            "threads",
        }
        assert wanted | {"class_names", "numpy_version", "scipy_version", "h5py_version", "python_version"} <= set(
            file.attrs
        )
        assert file.attrs["format_version"] == 1
        assert file.attrs["config_sha256"] == hashlib.sha256(file.attrs["config"].encode()).hexdigest()
        assert set(file) == {"model", "preprocess", "optimizer", "progress", "plan", "history", "timing"}
        assert list(file["model/stem/W"].attrs["axes"]) == ["out", "in"]
        assert file["model/norm/state/mean"].shape == (2,)
        np.testing.assert_array_equal(file["optimizer/m/stem/b"], 1)
        np.testing.assert_array_equal(file["history/step/step"], [1, 2, 3, 4])
        np.testing.assert_array_equal(file["history/step/loss"], [4, 3, 2, 1])
        np.testing.assert_array_equal(file["history/epoch/epoch"], [1])
        assert all(file[group].attrs["description"] for group in file)


def test_the_user_block_is_text_with_the_digest(tmp_path: Path) -> None:
    checkpoint.write(tmp_path / "x.h5", snapshot())
    data = (tmp_path / "x.h5").read_bytes()
    text = data[:512].decode()
    assert text.startswith("nncli checkpoint, format version 1\n")
    assert hashlib.sha256(data[512:]).hexdigest() in text


@pytest.mark.skipif(shutil.which("h5ls") is None, reason="needs hdf5-tools")
def test_h5ls_and_h5dump_read_it(tmp_path: Path) -> None:
    checkpoint.write(tmp_path / "x.h5", snapshot())
    listed = subprocess.run(["h5ls", "-r", tmp_path / "x.h5"], capture_output=True, text=True, check=True).stdout
    assert "/model/stem/W            Dataset {3, 4}" in listed
    dumped = subprocess.run(["h5dump", "-a", "/config", tmp_path / "x.h5"], capture_output=True, text=True, check=True)
    assert "name: small" in dumped.stdout


# -- damage ------------------------------------------------------------------------------------------------------------


def refused(path: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        checkpoint.read(path)
    (fault,) = caught.value.faults
    assert fault.file == str(path)
    return f"{fault.message} | {fault.hint}"


@pytest.fixture
def whole(tmp_path: Path) -> bytes:
    checkpoint.write(tmp_path / "last.h5", snapshot())
    return (tmp_path / "last.h5").read_bytes()


def test_every_flipped_byte_is_noticed(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "flipped.h5"
    places = [*range(0, 512, 3), *np.random.default_rng(0).integers(512, len(whole), 200)]
    for place in places:
        data = bytearray(whole)
        data[place] ^= 1 << (place % 8)
        path.write_bytes(data)
        refused(path)


def test_every_truncation_and_extension_is_noticed(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "cut.h5"
    for length in range(0, len(whole), 512):
        path.write_bytes(whole[:length])
        refused(path)
    path.write_bytes(whole + b"\0")
    refused(path)


def test_damage_names_the_other_checkpoints(tmp_path: Path, whole: bytes) -> None:
    (tmp_path / "best.h5").write_bytes(whole)
    (tmp_path / "last.h5").write_bytes(whole[:-1])
    message = refused(tmp_path / "last.h5")
    assert "damaged" in message
    assert "best.h5" in message


def signed(data: bytes, version: int = 1) -> bytes:
    """HDF5 data with the user block that a program which knows our format would write."""
    text = (
        f"nncli checkpoint, format version {version}\n"
        "This is an HDF5 file behind a user block of 512 bytes: h5ls -r, h5dump, h5py and others read it.\n"
        f"sha256 of all bytes after these 512: {hashlib.sha256(data).hexdigest()}\n"
    )
    return text.encode().ljust(511) + b"\n" + data


def test_files_that_are_something_else(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file["x"] = 1
    assert "not a checkpoint of nncli" in refused(path)
    path.write_bytes(b"")
    assert "not a checkpoint of nncli" in refused(path)
    path.write_bytes(signed(whole[512:], version=2))
    assert "upgrade" in refused(path)
    path.write_bytes(signed(b"no HDF5 at all" * 100))
    assert "not the structure" in refused(path)


@pytest.mark.parametrize("change", ["model", "history/step/step", "progress", "@config", "@kind", "model/stem/W@axes"])
def test_missing_parts_are_named(tmp_path: Path, whole: bytes, change: str) -> None:
    path = tmp_path / "changed.h5"
    path.write_bytes(whole)
    with h5py.File(path, "r+") as file:
        place, _, attribute = change.partition("@")
        if attribute:
            del file[place or "/"].attrs[attribute]
        else:
            del file[change]
    path.write_bytes(signed(path.read_bytes()[512:]))
    assert "not the structure of a checkpoint" in refused(path)


def test_objects_are_not_read(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "changed.h5"
    path.write_bytes(whole)
    with h5py.File(path, "r+") as file:
        file["timing/reference"] = file["model"].ref
    path.write_bytes(signed(path.read_bytes()[512:]))
    refused(path)


def test_no_such_file(tmp_path: Path) -> None:
    (tmp_path / "last.h5").write_bytes(b"")
    for path, hint in (
        (tmp_path / "lst.h5", "did you mean 'last.h5'?"),
        (tmp_path / "no" / "last.h5", "no such folder"),
    ):
        with pytest.raises(CheckpointError) as caught:
            checkpoint.resolve(path)
        assert caught.value.faults[0].hint == hint


def test_a_run_folder_stands_for_its_last_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no last\.h5"):
        checkpoint.resolve(tmp_path)
    for name in ("best.h5", "last.h5"):
        (tmp_path / name).write_bytes(b"")
    assert checkpoint.resolve(tmp_path) == tmp_path / "last.h5"
    assert checkpoint.resolve(tmp_path, ("best.h5", "last.h5")) == tmp_path / "best.h5"
    assert checkpoint.resolve(tmp_path / "best.h5") == tmp_path / "best.h5"


def test_match_lists_all_that_differs() -> None:
    expected = {("stem", "W"): (3, 4), ("stem", "b"): (5,), ("head", "W"): (2, 2)}
    made = snapshot(model={**snapshot().model, "old": {"W": NamedArray(np.zeros(1))}})
    with pytest.raises(CheckpointError) as caught:
        checkpoint.match(expected, made.model)
    faults = {fault.path: fault.message for fault in caught.value.faults}
    assert set(faults) == {"/model/stem/b", "/model/head/W", "/model/old/W"}
    assert "[3] in the checkpoint, [5] in the network" in faults["/model/stem/b"]
    assert "missing" in faults["/model/head/W"]
    assert "surplus" in faults["/model/old/W"]
    checkpoint.match({("stem", "W"): (3, 4), ("stem", "b"): (3,)}, snapshot().model)


# -- writing -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails is tried again at once."""
    monkeypatch.setattr(files, "PAUSE", 0.0)


@pytest.mark.usefixtures("impatient")
def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "last.h5"
    checkpoint.write(path, snapshot())
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(OutputError) as caught:
            checkpoint.write(path, snapshot(threads=3))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert "as it was before" in caught.value.faults[0].hint
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["last.h5"]


@pytest.mark.usefixtures("impatient")
def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        checkpoint.write(tmp_path / "no" / "last.h5", snapshot())


def test_the_file_is_flushed_before_it_is_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)

        def record(*arguments: Any, name: str = name, real: Any = real) -> Any:
            calls.append(name)
            return real(*arguments)

        monkeypatch.setattr(os, name, record)
    checkpoint.write(tmp_path / "last.h5", snapshot())
    assert calls == ["fsync", "replace", "fsync"]


def test_a_kill_at_any_moment_leaves_a_readable_file(tmp_path: Path) -> None:
    script = textwrap.dedent(
        f"""
        import sys, dataclasses
        sys.path.insert(0, {str(ROOT)!r})
        from pathlib import Path
        from nncli import checkpoint
        from tests.checkpoint.test_files import snapshot
        number = 0
        while True:
            number += 1
            checkpoint.write(Path("last.h5"), snapshot(threads=number))
            print(number, flush=True)
        """
    )
    for delay in (0, 3, 7):
        process = subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for _ in range(delay + 1):
            seen = int(process.stdout.readline())
        process.kill()
        process.communicate()
        assert checkpoint.read(tmp_path / "last.h5").threads >= seen


def test_a_folder_is_owned_by_one_process(tmp_path: Path) -> None:
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from pathlib import Path\nfrom nncli import checkpoint\nfrom nncli.errors import OutputError\n"
        "try:\n    with checkpoint.lock(Path('.')): print('free')\nexcept OutputError: print('owned')\n"
    )

    def other() -> str:
        return subprocess.run(
            [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout.strip()

    with checkpoint.lock(tmp_path):
        assert other() == "owned"
    assert other() == "free"
    assert list(tmp_path.iterdir()) == []
