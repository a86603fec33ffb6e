"""The results of `gradcheck` on the screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from nncli.gradcheck.check import Finding
from nncli.gradcheck.network import Row
from nncli.report.console import count, duration, table
from nncli.training.checking import Report, called


@contextmanager
def busy(console: Console) -> Iterator[Callable[[str, int, int], None]]:
    """A bar while checks run, on a terminal; nothing elsewhere."""
    if not console.is_terminal or console.quiet:
        yield lambda what, done, of: None
        return
    columns = (TextColumn("checking"), BarColumn(20), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=None)
        yield lambda what, done, of: progress.update(task, description=what, completed=done, total=of)


def show_network(report: Report, console: Console) -> None:
    """One line per array, in the order of the way forward."""
    shown = table()
    shown.add_column("node", overflow="fold", max_width=24)
    shown.add_column("array", overflow="fold", max_width=12)
    for name in ("numbers", "along"):
        shown.add_column(name, justify="right", no_wrap=True)
    for name in ("alone", "to loss", *([report.witness] if report.witness else [])):
        shown.add_column(name, justify="right", no_wrap=True)
    shown.add_column("verdict", no_wrap=True)
    before = ""
    for row in _forward(report.rows):
        finding = row.alone
        checked = f"{finding.directions} lines" if finding.directions else "each axis"
        whole = "" if row.whole is None else _whole(row.whole)
        node = "" if row.node == before else row.node
        before = row.node
        numbers = count(finding.size)
        heard = [_heard(row)] if report.witness else []
        shown.add_row(Text(node), called(row), numbers, checked, _error(finding), whole, *heard, _verdict(row))
    console.print(shown)
    console.print(f"\n{_sentence(report)}", soft_wrap=True, markup=False)


def show_all(reports: Sequence[Report], console: Console) -> None:
    """One line per type, then one per configuration."""
    shown = table()
    shown.add_column("checked", overflow="fold")
    witness = reports[0].witness
    for name in ("arrays", "largest error", *([f"from {witness}"] if witness else []), "time"):
        shown.add_column(name, justify="right", no_wrap=True)
    shown.add_column("verdict", no_wrap=True)
    for report in reports:
        wrong = len(report.wrong)
        verdict = Text(f"{wrong} WRONG", style="bold red") if wrong else Text("agrees", style="green")
        distances = [row.witness for row in report.rows if row.witness is not None]
        heard = [f"{max(distances):.1e}" if distances else ""] if witness else []
        numbers, seconds = count(len(report.rows)), duration(report.seconds)
        shown.add_row(report.name, numbers, f"{report.largest:.1e}", *heard, seconds, verdict)
    console.print(shown)
    total, wrong = sum(len(report.rows) for report in reports), sum(len(report.wrong) for report in reports)
    largest = max(report.largest for report in reports)
    outcome = f"{wrong} of {count(total)} gradients are wrong" if wrong else f"all {count(total)} gradients agree"
    took = duration(sum(report.seconds for report in reports))
    console.print(f"\n{outcome}; largest error {largest:.1e}; {took}", soft_wrap=True, markup=False)


def _forward(rows: Sequence[Row]) -> list[Row]:
    """From the order of the way back to that of the file, each node's arrays as they were."""
    nodes: dict[str, list[Row]] = {}
    for row in rows:
        nodes.setdefault(row.node, []).append(row)
    return [row for node in reversed(nodes) for row in nodes[node]]


def _error(finding: Finding) -> str:
    return "" if finding.verdict in ("zero", "undecided") else f"{finding.error:.1e}"


def _whole(finding: Finding) -> str:
    if finding.verdict == "undecided":
        return "inexact" if finding.inexact else "kinks"
    return "zero" if finding.verdict == "zero" else f"{finding.error:.1e}"


def _heard(row: Row) -> str:
    return "" if row.witness is None else f"{row.witness:.1e}"


def _verdict(row: Row) -> Text:
    if row.faulty:
        return Text("WRONG", style="bold red")
    if row.verdict == "wrong":
        return Text("follows", style="red")
    words = {"agrees": "agrees", "zero": "zero", "undecided": "inexact" if row.alone.inexact else "kinks only"}
    return Text(words[row.verdict], style="green" if row.verdict == "agrees" else "yellow")


def _sentence(report: Report) -> str:
    rows = report.rows
    what = f"{report.batch}, float64, {duration(report.seconds)}"
    wrong = len(report.wrong)
    if wrong:
        return f"{wrong} of {len(rows)} gradients are wrong; {what}"
    undecided = sum(row.alone.verdict == "undecided" for row in rows)
    agree = (
        f"{len(rows) - undecided} of {len(rows)} gradients agree" if undecided else f"all {len(rows)} gradients agree"
    )
    said = f"{agree}; largest error {report.largest:.1e}; {what}"
    if undecided:
        said += f"\n{undecided} could not be decided: every output has a kink, or is too large beside the gradient"
    avoided = sum(row.alone.avoided > 0 for row in rows)
    left = sum(row.alone.kinks > 0 for row in rows)
    zero = sum(row.alone.verdict == "zero" for row in rows)
    if zero:
        said += f"\n{zero} of them are zero: nothing depends on these arrays at this point"
    if avoided:
        said += f"\n{avoided} were compared beside the batch too, because they have kinks at it"
    if left:
        said += f"\nof {left} some outputs were left out because of kinks"
    return said
