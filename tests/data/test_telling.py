"""Sources tell how far they have come, in all as much as they said that there is to do."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nncli import progress
from nncli.data.batches import Preprocessing
from nncli.data.overview import Known, figures
from tests.data.files import cifar_bytes, dataset, idx_bytes, source, step
from tests.data.media import grey, wav_bytes, write


@dataclass
class Task:
    total: float | None
    unit: str
    done: float = 0
    over: bool = False


@dataclass
class Listener:
    tasks: dict[str, Task] = field(default_factory=dict)

    @contextmanager
    def task(self, what: str, total: float | None, unit: str, done: float) -> Iterator[progress.Advance]:
        made = self.tasks[what] = Task(total, unit, done)

        def advance(steps: float) -> None:
            assert steps > 0
            made.done += steps

        yield advance
        made.over = True


def told(call: Any) -> dict[str, tuple[float | None, float, str]]:
    """What was told: how much there is to do, how much was done in the end, of what."""
    listener = Listener()
    with progress.watching(listener):
        call()
    assert all(task.over for task in listener.tasks.values())
    return {what: (task.total, task.done, task.unit) for what, task in listener.tasks.items()}


def test_folders(tmp_path: Path) -> None:
    write(tmp_path, {f"{name}/{n}.png": grey(value=n) for name in "ab" for n in range(3)})
    found = told(lambda: source("folder", path=".").load(tmp_path))
    assert found == {"looking for colours": (6, 6, "files"), "reading images": (5, 5, "files")}


def test_sounds(tmp_path: Path) -> None:
    write(tmp_path, {f"{name}/{n}.wav": wav_bytes([n, 1]) for name in "ab" for n in range(2)})
    assert told(lambda: source("wav", path=".").load(tmp_path)) == {"reading sounds": (3, 3, "files")}


def test_tables(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n" + "1,2\n" * 10_000)
    assert told(lambda: source("csv", path="t.csv").load(tmp_path)) == {"reading t.csv": (None, 10_000, "rows")}


@pytest.mark.parametrize("packed", [False, True])
def test_idx(tmp_path: Path, packed: bool) -> None:
    content = idx_bytes(np.ones((300, 80, 80), np.uint8))
    (tmp_path / "x").write_bytes(gzip.compress(content) if packed else content)
    found = told(lambda: source("idx", images="x").load(tmp_path))
    assert found == {"reading x": (300 * 80 * 80, 300 * 80 * 80, "B")}


def test_cifar10(tmp_path: Path) -> None:
    (tmp_path / "b.bin").write_bytes(cifar_bytes(np.zeros((3, 3, 32, 32), np.uint8), np.arange(3)))
    found = told(lambda: source("cifar10", path=("b.bin",)).load(tmp_path))
    assert found == {"reading b.bin": (3, 3, "images")}


def test_npz(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.ones((4, 5)), y=np.arange(4, dtype=np.uint8))
    found = told(lambda: source("npz", path="a.npz").load(tmp_path))
    assert found == {"reading x of a.npz": (160, 160, "B"), "reading y of a.npz": (4, 4, "B")}


def test_passes_over_samples() -> None:
    data = dataset(np.random.default_rng(0).normal(size=(900, 1000)))
    assert told(lambda: Preprocessing.fit([step("standardize")], data)) == {
        "fitting standardize": (900, 900, "samples")
    }
    assert told(lambda: figures(data)) == {"looking at samples": (900, 900, "samples")}
    assert told(lambda: Known(data)) == {"comparing samples": (900, 900, "samples")}
