"""Bars for what lower rooms do, where it takes longer than a moment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from rich.console import Console

from nncli.progress import Advance, watching
from nncli.report.console import count, duration, size

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

T = TypeVar("T")
DELAY = 1.0
"""Seconds that something may take before there is a bar."""
SOON = 0.2
"""Of that delay a task may take in any case: shorter ones one after the other would flicker."""
PERIOD = 0.1
"""Seconds between two looks at how far it is."""


@contextmanager
def waiting(console: Console, delay: float = DELAY) -> Iterator[None]:
    """On a terminal, a bar for each task of the lower rooms that takes longer than `delay`; it vanishes at its end.

    Nothing where the console is quiet or no terminal.
    """
    shown = console.is_terminal and not console.quiet
    with watching(Bars(console, delay) if shown else None):
        yield


@contextmanager
def opening(console: Console, opened: AbstractContextManager[T]) -> Iterator[T]:
    """Enter a context as under `waiting`; what is done inside it shows itself."""
    with ExitStack() as stack:
        with waiting(console):
            entered = stack.enter_context(opened)
        yield entered


class Bars:
    """A bar for each task that is not over once nothing was to be seen for `delay` seconds, or soon after if it begins
    later; tasks may begin inside others."""

    def __init__(self, console: Console, delay: float = DELAY) -> None:
        self.console, self.delay = console, delay
        self._seen = monotonic()
        self._lock = threading.Lock()
        self._progress: Progress | None = None
        self._open = 0

    @contextmanager
    def task(self, what: str, total: float | None, unit: str, done: float) -> Iterator[Advance]:
        bar = _Bar(self, what, total, unit, done)
        timer = threading.Timer(max(SOON * self.delay, self.delay - (monotonic() - self._seen)), bar.show)
        timer.daemon = True
        timer.start()
        try:
            yield bar.advance
        finally:
            timer.cancel()
            bar.end()

    def add(self, bar: _Bar) -> Callable[[], None]:
        """A row for a bar; gives what draws it anew. To be called with the lock held."""
        if self._progress is None:
            self._progress = _progress(self.console)
            self._progress.start()
        self._open += 1
        progress, row = self._progress, self._progress.add_task(bar.what, total=bar.total, said="")
        bar.row = row
        return lambda: progress.update(row, completed=bar.done, said=bar.said())

    def remove(self, bar: _Bar) -> None:
        """Take the row away, and with the last one the whole display. To be called with the lock held."""
        assert self._progress is not None
        assert bar.row is not None
        self._progress.remove_task(bar.row)
        self._open -= 1
        if not self._open:
            self._progress.stop()
            self._progress, self._seen = None, monotonic()


class _Bar:
    """One task."""

    def __init__(self, bars: Bars, what: str, total: float | None, unit: str, done: float) -> None:
        self.bars, self.what, self.total, self.unit = bars, what, total, unit
        self.before = self.done = done
        self.began, self.drawn = monotonic(), 0.0
        self.row: TaskID | None = None
        self.over = False
        self._draw: Callable[[], None] | None = None

    def advance(self, steps: float) -> None:
        self.done += steps
        if self._draw is not None and monotonic() - self.drawn > PERIOD:
            self.drawn = monotonic()
            self._draw()

    def show(self) -> None:
        """From a thread of its own, because a task may not come to a step for long."""
        with self.bars._lock:
            if not self.over:
                draw = self.bars.add(self)
                draw()
                self._draw = draw

    def end(self) -> None:
        with self.bars._lock:
            self.over = True
            if self._draw is not None:
                self._draw = None
                self.bars.remove(self)

    def said(self) -> str:
        """How much is done, of how much, how fast, and how long it will take."""
        seconds, amount = monotonic() - self.began, size if self.unit == "B" else lambda value: count(round(value))
        parts = []
        if self.total or self.done:
            of = f" of {amount(self.total)}" if self.total else ""
            parts.append(f"{amount(self.done)}{of} {'' if self.unit == 'B' else self.unit}".strip())
        here = self.done - self.before
        if here and self.unit == "B":
            parts.append(f"{size(here / seconds)}/s")
        if here and self.total and self.done < self.total:
            parts.append(f"{duration(seconds * (self.total - self.done) / here)} left")
        return "  ".join(parts)


def _progress(console: Console) -> Progress:
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(20))
    return Progress(*columns, TextColumn("{task.fields[said]}", markup=False), console=console, transient=True)
