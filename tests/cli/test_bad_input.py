"""Every bad configuration and data file through the command line: the words, the exit code, nothing written."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Runner
from tests.data.bad_hdf5 import HDF5, prepare
from tests.data.bad_media import IMAGES, SOUNDS
from tests.data.bad_tables import CLASSES, VALUES
from tests.data.media import write
from tests.data.test_bad_files import CIFAR10, IDX, NPZ
from tests.graph.test_build import FAULTS
from tests.spec.bad_configs import ROWS


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")


@pytest.mark.parametrize("command", ["train", "validate", "summary"])
@pytest.mark.parametrize("name", ROWS)
def test_bad_configuration(run: Runner, tmp_path: Path, name: str, command: str) -> None:
    row = ROWS[name]
    (tmp_path / "bad.yaml").write_bytes(row.text.encode())
    before = contents(tmp_path)
    result = run(command, "bad.yaml")
    assert result.code == 2
    assert result.out == ""
    said = result.err.splitlines()
    for message, hint in row.lines("bad.yaml"):
        at = said.index(f"error: {message}")
        assert not hint or said[at + 1] == f"  hint: {hint}"
    assert contents(tmp_path) == before


@pytest.mark.parametrize("name", FAULTS)
def test_bad_graph(run: Runner, tmp_path: Path, name: str) -> None:
    network, faults = FAULTS[name]
    (tmp_path / "net.yaml").write_text(f"loss: least_squares\nnetwork:\n{network}input: {{shape: [4]}}\n")
    before = contents(tmp_path)
    result = run("train", "net.yaml")
    assert result.code == 2
    for fault in faults or []:
        assert "error: " + fault.partition(" | ")[0] in result.err.splitlines()
    assert contents(tmp_path) == before


def config_of(source: str) -> str:
    shape = [3, 32, 32] if source.startswith("cifar10") else [1, 3, 2]
    return (
        f"input: {{shape: {shape}, classes: 3}}\ndata: {{train: {{{source}}}}}\n"
        "network: [flatten, dense: 3]\nloss: softmax_cross_entropy\noptimizer: sgd\n"
        "train: {epochs: 1, batch: 2}\n"
    )


@pytest.mark.parametrize(
    ("source", "make", "message"),
    [
        *(pytest.param("npz: a.npz", make, message, id=f"npz {name}") for name, (make, message, _) in NPZ.items()),
        *(
            pytest.param("idx: {images: images, labels: labels}", make, message, id=f"idx {name}")
            for name, (make, message, _) in IDX.items()
        ),
        *(
            pytest.param(f"cifar10: {fields}", make, message, id=f"cifar10 {name}")
            for name, (fields, make, message, _) in CIFAR10.items()
        ),
    ],
)
def test_bad_data(run: Runner, tmp_path: Path, source: str, make: Callable[[Path], None], message: str) -> None:
    make(tmp_path)
    (tmp_path / "data.yaml").write_text(config_of(source))
    before = contents(tmp_path)
    result = run("train", "data.yaml")
    assert result.code == 3
    assert result.out == ""
    places = {"a": "a.npz", "images": "images", "labels": "labels", "c": "c.bin", "d": "d.bin"}
    images = tmp_path / "images"
    most = 1032 * images.stat().st_size if images.exists() else 0
    told = message.format(**{name: tmp_path / place for name, place in places.items()}, most=most)
    for line in told.splitlines():
        assert f"error: {line.removesuffix('…')}" in result.err
    assert contents(tmp_path) == before


@pytest.mark.parametrize("name", HDF5)
def test_bad_hdf5(run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    file = tmp_path / "a.h5"
    fields, _, message, hint = prepare(name, file, monkeypatch)
    (tmp_path / "data.yaml").write_text(config_of(f"hdf5: {fields}"))
    before = sorted(tmp_path.rglob("*"))
    result = run("train", "data.yaml")
    assert result.code == 3
    assert result.out == ""
    for line in message.format(h=file, size=file.stat().st_size if file.is_file() else 0).splitlines():
        assert f"error: {line.removesuffix('…')}" in result.err
    assert f"  hint: {hint}" in result.err if hint else "hint" not in result.err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("loss", "fields", "content", "message"),
    [
        *(pytest.param("softmax_cross_entropy", *row[:3], id=name) for name, row in CLASSES.items()),
        *(pytest.param("least_squares", *row[:3], id=name) for name, row in VALUES.items()),
    ],
)
def test_bad_table(run: Runner, tmp_path: Path, loss: str, fields: str, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / "t.csv").write_bytes(content)
    given, outputs = ("input: {shape: [2], classes: 3}\n", 3) if loss.startswith("softmax") else ("", 1)
    data = f"data: {{train: {{csv: {fields}}}}}\n"
    (tmp_path / "data.yaml").write_text(f"{given}{data}network: [dense: {outputs}]\nloss: {loss}\n")
    before = contents(tmp_path)
    result = run("train", "data.yaml")
    assert result.code == 3
    assert result.out == ""
    for line in message.format(t=tmp_path / "t.csv").splitlines():
        assert f"error: {line.removesuffix('…')}" in result.err
    assert contents(tmp_path) == before
    assert run("train", "data.yaml", "--folds", 2).code == 3
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("source", "files", "message"),
    [
        *(pytest.param(*row[:3], id=f"images {name}") for name, row in IMAGES.items()),
        *(pytest.param(*row[:3], id=f"sounds {name}") for name, row in SOUNDS.items()),
    ],
)
def test_bad_folder(run: Runner, tmp_path: Path, source: str, files: dict[str, bytes], message: str) -> None:
    write(tmp_path, files)
    (tmp_path / "data.yaml").write_text(config_of(source))
    before = contents(tmp_path)
    result = run("train", "data.yaml")
    assert result.code == 3
    assert result.out == ""
    assert f"error: {message.format(d=tmp_path).removesuffix('…')}" in result.err
    assert contents(tmp_path) == before


def test_folder_without_pillow(run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong with the folder itself is said all the same."""
    write(tmp_path, {"i/a/1.png": b"any", "j/": b""})
    monkeypatch.setitem(sys.modules, "PIL", None)
    (tmp_path / "data.yaml").write_text(config_of("folder: i"))
    before = contents(tmp_path)
    result = run("train", "data.yaml")
    assert result.code == 2
    assert result.err.splitlines() == [
        "error: folders of images are read by pillow, which is not installed",
        "  hint: pip install 'nncli[images]'",
    ]
    for path in ("j", "k"):
        assert run("train", "data.yaml", "--set", f"data.train.folder={path}").code == 3
    assert contents(tmp_path) == before
