"""What a checkpoint tells of the data, of the machine, and of players to go back to."""

from __future__ import annotations

import json
import platform
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy

from nncli import checkpoint
from nncli.checkpoint import NamedArray, Network, Players, differing, environment
from nncli.errors import CheckpointError
from tests.checkpoint.test_files import flat, signed, snapshot

ARRAY = {"file": "/data/d.npz", "array": "x", "shape": [5, 2], "dtype": "uint8", "digest": "ab" * 16}
DATA = {"train": {"samples": ARRAY, "target y/ü": {**ARRAY, "shape": [5]}}, "test": {"samples": ARRAY}}


def test_data_are_read_as_they_were_written(tmp_path: Path) -> None:
    checkpoint.write(tmp_path / "x.h5", snapshot(data=DATA))
    assert checkpoint.read(tmp_path / "x.h5").data == DATA
    with h5py.File(tmp_path / "x.h5") as file:
        assert json.loads(file.attrs["data"]) == DATA


@pytest.mark.parametrize(
    "text",
    ["", "[]", "1", '{"train": []}', '{"train": {"x": 1}}', '{"train": {"x": {}}}', "[" * 20_000]
    + [
        json.dumps({"train": {"x": {**ARRAY, key: value}}})
        for key, value in (("shape", 3), ("digest", 1), ("file", None))
    ]
    + [json.dumps({"train": {"x": {**ARRAY, "shape": [1.5]}}})],
)
def test_what_says_something_else_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.h5"
    checkpoint.write(path, snapshot())
    with h5py.File(path, "r+") as file:
        file.attrs["data"] = text
    path.write_bytes(signed(path.read_bytes()[512:]))
    with pytest.raises(CheckpointError, match="not the structure of a checkpoint"):
        checkpoint.read(path)


def test_players_are_read_as_they_were_written(tmp_path: Path) -> None:
    w = NamedArray(np.arange(6.0).reshape(2, 3), ("out", "in"))
    networks = {"generator": Network({"dense": {"W": w}}, {"norm": {"mean": NamedArray(np.ones(2), ("channel",))}})}
    kept = Players(40, networks, {"generator": {"m": {"dense": {"W": np.full((2, 3), 0.5)}}}})
    checkpoint.write(tmp_path / "x.h5", snapshot(networks=networks, model={}, state={}, healthy=kept))
    read = checkpoint.read(tmp_path / "x.h5").healthy
    assert read is not None
    assert read.step == 40
    assert flat(read) == flat(kept)
    assert checkpoint.read(tmp_path / "x.h5").networks.keys() == networks.keys()


def test_the_machine_and_versions(tmp_path: Path) -> None:
    checkpoint.write(tmp_path / "x.h5", snapshot())
    versions = checkpoint.read(tmp_path / "x.h5").versions
    assert versions == environment()
    assert versions["scipy"] == scipy.__version__
    assert versions["python"] == platform.python_version()
    assert versions["cpu"].startswith(platform.machine())
    assert versions["blas"] != ""
    assert differing(versions) == {}
    assert differing({**versions, "scipy": "0.1"}) == {"scipy": ("0.1", scipy.__version__)}
    assert differing({"numpy": np.__version__}) == {}, "of the rest nothing is known"
