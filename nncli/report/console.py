"""The two streams: results on standard output, progress and messages on standard error."""

from __future__ import annotations

import sys
from typing import TextIO, cast

from rich.console import Console
from rich.table import Table
from rich.text import Text

from nncli.errors import MOST_FAULTS, NncliError, one_line
from nncli.report.streams import Heedless


class _Console(Console):
    """Rich would exit by itself where a pipe is closed; the command line decides on exit codes."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def messages(quiet: bool = False) -> Console:
    """Standard error; silent where `quiet`, or where nobody reads it any more."""
    return _Console(file=cast(TextIO, Heedless(sys.stderr)), quiet=quiet, highlight=False, soft_wrap=False)


def results() -> Console:
    """Standard output."""
    return _Console(file=sys.stdout, highlight=False)


def table(title: str | None = None) -> Table:
    """A table as all of ours look: no lines but one below the head."""
    return Table(title=title, box=None, pad_edge=False, header_style="bold", title_justify="left", title_style="bold")


def number(value: float) -> str:
    """A figure in at most seven characters or so: 0.0123, 98.31, 1.2e-07."""
    if value != value or value in (float("inf"), float("-inf")):
        return str(value)
    size = abs(value)
    if size == 0 or 1e-3 <= size < 1e5:
        return f"{value:.4f}" if size < 100 else f"{value:.1f}"
    return f"{value:.2e}"


def count(value: int) -> str:
    """A whole number with thin groups of three: 1,234,567."""
    return f"{value:,}"


def times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def size(bytes_: float) -> str:
    """Bytes for people: 1.5 MiB."""
    for unit in ("B", "KiB", "MiB"):
        if bytes_ < 1024:
            return f"{bytes_:.0f} {unit}" if unit == "B" else f"{bytes_:.1f} {unit}"
        bytes_ /= 1024
    return f"{bytes_:.1f} GiB"


def duration(seconds: float) -> str:
    """12.3 s, 4:05 min or 2:01:30 h."""
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02} h" if hours else f"{minutes}:{rest:02} min"


def plain(text: str, style: str = "") -> Text:
    """A text from a file as it stands: no markup in it counts, and nothing in it speaks to the terminal."""
    return Text("\n".join(map(one_line, text.split("\n"))), style)


def print_error(error: NncliError, console: Console) -> None:
    """Every fault on a line of its own (never wrapped: editors and scripts read them), its hint below it."""
    for fault in error.faults[:MOST_FAULTS]:
        console.print(f"[bold red]error:[/] {_escape(str(fault))}", soft_wrap=True)
        if fault.hint:
            console.print(f"  [dim]hint:[/] {_escape(one_line(fault.hint))}", soft_wrap=True)
    if len(error.faults) > MOST_FAULTS:
        console.print(f"[bold red]error:[/] and {count(len(error.faults) - MOST_FAULTS)} more", soft_wrap=True)


def print_missing(missing: str | None, console: Console) -> None:
    """That data are not there, where a command can do without them."""
    if missing is not None:
        console.print(f"[yellow]warning:[/] {_escape(missing)}; `input` stands in for the data", soft_wrap=True)


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)
