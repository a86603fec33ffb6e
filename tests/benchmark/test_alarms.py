"""The count of alarms over games whose figures are made up."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from nncli.diagnostics.game import COLLAPSE, VANISHING, Situation
from tests.benchmarks import alarms


def game(name: str, loss: str = "minimax", **figures: float) -> dict[str, Any]:
    looks = [[step, {"diversity": 1.0, "saturation": 0.9} | figures] for step in range(0, 1001, 100)]
    return {"name": name, "seed": 0, "situation": asdict(Situation(loss, 1000)), "seconds": 9.0, "looks": looks}


def test_the_step_at_which_an_alarm_first_rang() -> None:
    assert alarms.rung(game("ring8")) == {}
    assert alarms.rung(game("ring8", saturation=0.01)) == {VANISHING: 200}
    assert alarms.rung(game("ring8", diversity=0.1)) == {COLLAPSE: 400}


def test_false_alarms_and_right_ones_are_counted() -> None:
    games = [game("ring8"), game("ring8", saturation=0.01), game("ring8_collapse", diversity=0.1), game("grid25")]
    lines = list(alarms.table(games))
    assert "    its own (mode collapse): 1 of 1" in lines
    assert lines[-1] == "false alarms: 1 of 3 healthy runs (the hint not counted)"
    assert any(line.startswith("ring8 ") and "1 (from 200)" in line for line in lines)


def test_a_game_is_played_and_judged(tmp_path: Path) -> None:
    text = (alarms.CONFIGS / "ring8.yaml").read_text()
    text = re.sub(r"every: \d+, on_alarm", "every: 20, on_alarm", re.sub(r" steps: \d+", " steps: 40", text))
    (tmp_path / "short.yaml").write_text(text)
    found = alarms.played(str(tmp_path / "short.yaml"), 1)
    assert [step for step, _ in found["looks"]] == [0, 20, 40]
    assert found["situation"]["loss"] == "nonsaturating"
    assert found["looks"][-1][1]["modes"] == pytest.approx(8)
