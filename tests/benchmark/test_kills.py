"""A short campaign of kills, and planted faults that it must find."""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks.kills import Campaign, Outcome

HALVES = """
import time
from nncli.checkpoint import files

def replace(path, *parts, **_):
    data = b"".join(parts)
    with open(path, "wb", 0) as file:
        file.write(data[: len(data) // 2])
        time.sleep(0.5)
        file.write(data[len(data) // 2 :])

files.replace = replace
"""
"""A writer that is not atomic."""

FORGETS = """
from nncli.training.saving import Saving
restore = Saving.restore

def forgetful(self, *arguments):
    restore(self, *arguments)
    for slot in self.run.updater.slots.values():
        slot.fill(0)

Saving.restore = forgetful
"""
"""A run that goes on without what its optimizer kept."""


def played(folder: Path, kills: int, plant: str = "") -> Outcome:
    return Campaign("train", folder, seed=1, plant=plant, cold=4).play(kills)


def test_nothing_is_lost(tmp_path: Path) -> None:
    outcome = played(tmp_path, 6)
    assert outcome.faults == []
    assert outcome.kills >= 6
    assert outcome.runs == outcome.identical > 0
    assert outcome.files > 0
    assert outcome.unreadable == outcome.strange == outcome.left == 0


def test_a_writer_that_is_not_atomic_is_found(tmp_path: Path) -> None:
    outcome = played(tmp_path, 3, HALVES)
    assert outcome.unreadable > 0
    assert any("damaged" in fault or "not a checkpoint" in fault for fault in outcome.faults)
    assert f"unreadable: {outcome.unreadable} of" in "\n".join(outcome.lines())


def test_a_resume_that_forgets_something_is_found(tmp_path: Path) -> None:
    outcome = played(tmp_path, 3, FORGETS)
    assert outcome.identical < outcome.runs
    assert outcome.unreadable == 0
    assert any("not identical: " in fault and ".h5:/" in fault for fault in outcome.faults)
