"""`nncli plot`: the picture of a run, and what is said where there can be none."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Runner
from tests.training.runs import train, write_config

PANELS = ["loss", "accuracy", "learning rate", "norm of the gradient"]


@pytest.fixture
def _matplotlib() -> None:
    pytest.importorskip("matplotlib", reason="curves are drawn by matplotlib")


@pytest.mark.usefixtures("_matplotlib")
def test_the_picture_of_a_run(run: Runner, trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained / "run", tmp_path / "run")
    result = run("plot", tmp_path / "run", "--json")
    assert (result.code, result.err) == (0, "")
    picture = tmp_path / "run" / "curves.png"
    assert result.json["picture"] == str(picture)
    assert result.json["panels"] == PANELS
    assert picture.read_bytes().startswith(b"\x89PNG\r\n")
    assert picture.stat().st_size == result.json["bytes"]


@pytest.mark.usefixtures("_matplotlib")
@pytest.mark.parametrize("name", ["a.svg", "b.PNG", "c.pdf"])
def test_the_name_says_what_kind(run: Runner, trained: Path, tmp_path: Path, name: str) -> None:
    result = run("plot", trained / "run" / "best.h5", "-o", tmp_path / name)
    assert (result.code, result.out) == (0, "")
    assert result.err == f"wrote {tmp_path / name}: {', '.join(PANELS)}\n"
    magic = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}[name[2:].lower()]
    assert (tmp_path / name).read_bytes().startswith(magic)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.usefixtures("_matplotlib")
def test_a_run_that_was_stopped_in_its_first_epoch(run: Runner, tmp_path: Path) -> None:
    train(write_config(tmp_path), out=tmp_path / "run", stop=2)
    result = run("plot", tmp_path / "run", "--json")
    assert result.json["panels"] == ["loss", "learning rate", "norm of the gradient"]


@pytest.mark.parametrize("name", ["x.jpg", "x", "x.h5"])
def test_a_kind_that_is_not_ours(run: Runner, trained: Path, tmp_path: Path, name: str) -> None:
    result = run("plot", trained / "run", "-o", tmp_path / name)
    assert result.code == 2
    assert result.err == f"error: --output: '{name}' should end in one of .png, .svg, .pdf\n"
    assert list(tmp_path.iterdir()) == []


def test_without_matplotlib(run: Runner, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = run("plot", trained / "run", "-o", tmp_path / "x.png")
    assert result.code == 2
    assert "needs matplotlib, which is not installed" in result.err
    assert "pip install 'nncli[plot]'" in result.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("_matplotlib")
def test_a_folder_that_is_not_there(run: Runner, trained: Path, tmp_path: Path) -> None:
    result = run("plot", trained / "run", "-o", tmp_path / "no" / "x.png")
    assert result.code == 7
    assert result.err.splitlines()[1] == f"  hint: make the folder {tmp_path / 'no'} first"


def test_no_checkpoint(run: Runner, tmp_path: Path) -> None:
    assert run("plot", tmp_path).code == 6
    (tmp_path / "x.h5").write_bytes(b"nothing")
    assert run("plot", tmp_path / "x.h5").code == 6
