"""Commands show what takes long on a terminal, and nothing of it with --quiet or --json."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from nncli.progress import Advance
from nncli.report import console, progress
from tests.cli.conftest import Runner

COMMANDS = [
    ["summary", "small.yaml"],
    ["validate", "small.yaml"],
    ["train", "small.yaml", "--dry-run"],
    ["train", "small.yaml", "--epochs", "1", "--out", "new"],
    ["eval", "run"],
    ["data", "info", "small.yaml"],
    ["plot", "run", "-o", "curves.png"],
]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is told on a terminal."""
    names: list[str] = []

    class Recorder:
        def __init__(self, console: Console, delay: float) -> None:
            assert console.is_terminal

        @contextmanager
        def task(self, what: str, total: float | None, unit: str, done: float) -> Iterator[Advance]:
            names.append(what)
            yield lambda steps: None

    def messages(quiet: bool = False) -> Any:
        return Console(file=io.StringIO(), force_terminal=True, quiet=quiet)

    monkeypatch.setattr(progress, "Bars", Recorder)
    monkeypatch.setattr(console, "messages", messages)
    return names


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: "-".join(words[:3]))
def test_a_terminal(
    run: Runner, told: list[str], trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    if words[0] == "plot":
        pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    for name in ("small.yaml", "run"):
        (tmp_path / name).symlink_to(trained / name)
    assert run(*words).code == 0
    expected = {"plot": {"drawing curves"}, "eval": {"reading x_test of digits.npz", "measuring"}}
    assert set(told) >= expected.get(words[0], {"reading x_train of digits.npz"})
    assert ("measuring" in told) == (words[0] == "eval")  # the loop has a display of its own
    if "new" in words:
        return
    told.clear()
    for flag in ("--quiet", "--json"):
        assert run(*words, flag).code == 0
        assert told == []
