"""The results of `verify-resume` on the screen."""

from __future__ import annotations

from rich.console import Console

from nncli.report.console import count, table
from nncli.training.verifying import Report


def show(report: Report, console: Console) -> None:
    """One line for each comparison, and what they amount to."""
    shown = table()
    for name in ("stopped after", "compared after"):
        shown.add_column(name, justify="right")
    for name in ("file", "verdict"):
        shown.add_column(name)
    for point in report.points:
        stopped = f"{count(point.after)} steps" if point.after else "no step"
        verdict = "[green]identical[/]"
        if point.restored:
            verdict = f"[red]{len(point.restored)} not read back[/]"
        elif point.differences:
            verdict = f"[red]{len(point.differences)} differ[/]"
        shown.add_row(stopped, f"{count(point.steps)} steps", point.file, verdict)
    console.print(shown)
    if report.passed:
        pieces = len(report.stops) + 1
        console.print(f"\nexact: {count(report.steps)} steps in one go and in {pieces} pieces are the same to the bit")
    if not report.covers_period:
        what = "no look at the game" if report.game else "no end of an epoch"
        console.print(
            f"{what} is among these steps; --steps {report.period + 2} covers one", soft_wrap=True, markup=False
        )
