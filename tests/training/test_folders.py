"""Two processes, one run folder: the second is refused, whichever way they race, and readers are not hindered."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from nncli import checkpoint
from nncli.errors import OutputError
from nncli.training import resuming
from nncli.training.folders import new_folder
from nncli.training.supervised import open_run
from tests.training.game import games
from tests.training.runs import contents, finished, train, write_config

LEFT = ".last.h5.0123456789abcdef.tmp"


def before(monkeypatch: pytest.MonkeyPatch, act: Callable[[], Any]) -> None:
    """Let `act` happen between the making of a folder and its locking, once."""
    real = resuming.checkpoint.lock
    todo = [act]

    def lock(folder: Path) -> Any:
        if todo:
            monkeypatch.setattr(resuming.checkpoint, "lock", real)
            todo.pop()()
        return real(folder)

    monkeypatch.setattr(resuming.checkpoint, "lock", lock)


def test_another_takes_the_folder_and_is_at_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, out = write_config(tmp_path), tmp_path / "run"
    with ExitStack() as other:
        before(monkeypatch, lambda: other.enter_context(checkpoint.lock(out)))
        with pytest.raises(OutputError, match="another process is training"):
            train(config, out=out)
        assert out.is_dir(), "it is the other's, however empty"


def test_another_takes_the_folder_and_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, out = write_config(tmp_path), tmp_path / "run"
    before(monkeypatch, lambda: (out / "last.h5").write_bytes(b"theirs"))
    with pytest.raises(OutputError, match="exists and is not empty"):
        train(config, out=out)
    assert (out / "last.h5").read_bytes() == b"theirs"


def test_another_removes_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, out = write_config(tmp_path), tmp_path / "run"
    before(monkeypatch, lambda: out.rmdir())
    train(config, "train.epochs=1", out=out)
    assert (out / "last.h5").exists()


def test_a_name_that_another_takes_is_left_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = write_config(tmp_path)
    with ExitStack() as other:
        before(monkeypatch, lambda: other.enter_context(checkpoint.lock(Path("runs/small"))))
        events = train(config, "train.epochs=1")
    assert finished(events).folder == Path("runs/small-2")


def test_what_is_resumed_is_not_overtaken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The checkpoint that another writes before it lets the folder go is the one that is read."""
    config, out = write_config(tmp_path), tmp_path / "run"
    train(config, out=out, stop=2)
    train(config, out=tmp_path / "whole")

    def finish() -> None:
        (out / "last.h5").write_bytes((tmp_path / "whole/last.h5").read_bytes())

    before(monkeypatch, finish)
    with open_run(None, out, (), None) as run:
        assert run.progress.epoch == 3


@pytest.mark.parametrize("kind", ["train", "gan"])
def test_a_second_process_is_refused_before_it_reads_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    go: Callable[..., Any] = train if kind == "train" else games.play
    write: Callable[..., Path] = write_config if kind == "train" else games.write_config
    config, out = write(tmp_path), tmp_path / "run"
    go(config, out=out, stop=2)
    stored = (out / "last.h5").read_bytes()
    with checkpoint.lock(out):
        with pytest.raises(OutputError, match="not empty"):
            go(config, out=out)
        (tmp_path / "small.yaml").unlink()
        monkeypatch.setattr(checkpoint, "read", None)
        with pytest.raises(OutputError, match="another process is training"):
            go(None, resume=out)
    assert (out / "last.h5").read_bytes() == stored


def test_a_folder_with_leftovers_alone_is_taken(tmp_path: Path) -> None:
    config, out = write_config(tmp_path), tmp_path / "run"
    out.mkdir()
    (out / LEFT).write_bytes(b"half")
    (out / ".lock").touch()
    assert new_folder("any", out) == out
    train(config, "train.epochs=1", out=out)
    assert sorted(path.name for path in out.iterdir()) == [".lock", "best.h5", "last.h5"]


@pytest.mark.parametrize("inside", ["", "samples"])
def test_the_next_start_removes_what_was_left(tmp_path: Path, inside: str) -> None:
    config, out = write_config(tmp_path), tmp_path / "run"
    train(config, out=out, stop=2)
    (out / inside).mkdir(exist_ok=True)
    (out / inside / LEFT).write_bytes(b"half")
    train(None, resume=out)
    assert not (out / inside / LEFT).exists()


def test_a_folder_that_cannot_be_written_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, out = write_config(tmp_path), tmp_path / "run"
    train(config, out=out, stop=2)
    monkeypatch.setattr(resuming.os, "access", lambda *_: False)
    with pytest.raises(OutputError, match="the folder cannot be written"):
        train(None, resume=out)
    assert "progress/step" in contents(out / "last.h5")
