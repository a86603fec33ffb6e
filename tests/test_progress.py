"""Tasks are told to whoever watches, on a terminal by a bar that comes late and leaves nothing behind."""

from __future__ import annotations

import io
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from rich.console import Console

from nncli import progress
from nncli.report.progress import Bars, waiting


class Listener:
    def __init__(self) -> None:
        self.told: list[object] = []

    @contextmanager
    def task(self, what: str, total: float | None, unit: str, done: float) -> Iterator[progress.Advance]:
        self.told.append((what, total, unit, done))
        yield self.told.append
        self.told.append("end")


def fail(steps: float) -> None:
    with progress.task("reading", 10, "B", 3) as advance:
        advance(steps)
        raise ZeroDivisionError


def test_nobody_watches() -> None:
    assert list(progress.track([1, 2], "x")) == [1, 2]
    with progress.task("x", 3) as advance:
        advance(1)


def test_a_watcher_is_told() -> None:
    listener = Listener()
    with progress.watching(listener):
        assert list(progress.track("ab", "letters")) == ["a", "b"]
        with pytest.raises(ZeroDivisionError):
            fail(4)
        assert list(progress.track(iter("c"), "more")) == ["c"]
    assert list(progress.track("ab", "letters")) == ["a", "b"]
    assert listener.told == [
        ("letters", 2, "", 0),
        1,
        1,
        "end",
        ("reading", 10, "B", 3),
        4,
        ("more", None, "", 0),
        1,
        "end",
    ]


def test_a_generator_that_is_left_ends_its_task() -> None:
    ended: list[str] = []

    class Watcher:
        @contextmanager
        def task(self, what: str, total: float | None, unit: str, done: float) -> Iterator[progress.Advance]:
            try:
                yield lambda steps: None
            finally:
                ended.append(what)

    with progress.watching(Watcher()):
        items = progress.track(iter("ab"), "letters")
        next(items)
        items.close()  # type: ignore[attr-defined]
    assert ended == ["letters"]


def shown(terminal: bool, seconds: float, delay: float, quiet: bool = False) -> str:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=100, quiet=quiet)
    with waiting(console, delay), progress.task("reading images", 4, "files") as advance:
        for _ in range(4):
            time.sleep(seconds / 4)
            advance(1)
    return stream.getvalue()


def test_a_bar_on_a_terminal() -> None:
    before = set(threading.enumerate())  # other tests may have left some
    text = shown(True, 0.6, 0.1)
    assert "reading images" in text
    assert re.search(r"[123] of 4 files", text)
    assert " left" in text
    assert text.endswith("\r\x1b[2K\x1b[?25h\r")  # the line is empty again, and the cursor shown
    for thread in set(threading.enumerate()) - before:
        thread.join(1)
    assert set(threading.enumerate()) <= before


def test_no_bar_for_what_is_short_or_not_to_be_seen() -> None:
    assert shown(True, 0.02, 1.0) == ""
    assert shown(False, 0.1, 0.01) == ""
    assert shown(True, 0.1, 0.01, quiet=True) == ""


def test_short_tasks_one_after_the_other() -> None:
    """The first ones are over before there is a bar; once nothing was to be seen for long, the next is shown soon."""
    stream = io.StringIO()
    bars = Bars(Console(file=stream, force_terminal=True, width=100), 0.4)
    with progress.watching(bars):
        for number in range(6):
            with progress.task(f"part {number}"):
                time.sleep(0.15)
    assert "part 0" not in stream.getvalue()
    assert "part" in stream.getvalue()


def test_tasks_inside_tasks() -> None:
    stream = io.StringIO()
    bars = Bars(Console(file=stream, force_terminal=True, width=100), 0.05)
    with progress.watching(bars), progress.task("outer", 2):
        for _ in progress.track(range(2), "inner"):
            time.sleep(0.15)
    assert "outer" in stream.getvalue()
    assert "inner" in stream.getvalue()
    assert bars._progress is None


def test_a_task_that_nobody_watches_costs_nothing() -> None:
    """A step of a task takes at most a microsecond: as a call of a function, with room for a slow machine."""
    times = []
    for _ in range(5):
        begun = time.process_time()
        for _ in progress.track(range(20_000), "x"):
            pass
        times.append(time.process_time() - begun)
    assert min(times) / 20_000 < 2e-6
