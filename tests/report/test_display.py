"""What is said while a bar is drawn stands whole above it."""

from __future__ import annotations

import io
import re
from pathlib import Path

from rich.console import Console

from nncli.diagnostics import Finding
from nncli.report.display import Display, Live, display
from nncli.training.events import Probed, Started, Stepped

START = Started("run", Path("runs/run"), "1 shard", 10, {"train": 20}, 2, 1, 10, 2)
FINDING = Finding("dead units", ("relu_1",), "90% of the units of 'relu_1' [and more] " + "x" * 100, "a smaller `lr`")
LINES = [f"warning: dead units after 1,200 steps: {FINDING.evidence}", "  remedy: a smaller `lr`"]


def shown(terminal: bool) -> list[str]:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=80, highlight=False)
    with display(console) as view:
        assert type(view) is (Live if terminal else Display)
        view.show(START)
        view.show(Stepped(1, 1, 1, 0.5, 0.1, 1.0))
        view.show(Probed(1200, (FINDING,)))
        view.show(Stepped(1, 2, 2, 0.5, 0.1, 1.0))
        view.show(Probed(1201, ()))
    return re.sub(r"\r|\x1b\[[0-9;?]*[A-Za-z]", "\n" if terminal else "", stream.getvalue()).splitlines()


def test_a_finding_off_a_terminal() -> None:
    assert shown(terminal=False)[2:] == LINES


def test_a_finding_above_the_bar() -> None:
    lines = shown(terminal=True)
    place = lines.index(LINES[0])
    assert lines[place + 1] == LINES[1]
    assert sum("warning" in line for line in lines) == 1
