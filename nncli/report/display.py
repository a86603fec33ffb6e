"""Training on the screen: a live bar with figures on a terminal, one plain line per epoch elsewhere."""

from __future__ import annotations

from contextlib import AbstractContextManager
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text

from nncli.report.console import count, duration, number
from nncli.training import events

PERIOD = 0.1
"""Seconds between two looks of the bar at a run: a step of a small network is shorter than drawing one."""


def display(console: Console, verbose: int = 0) -> Display:
    """The display that suits the stream."""
    return Live(console, verbose) if console.is_terminal and not console.quiet else Display(console, verbose)


class Display(AbstractContextManager["Display"]):
    """Plain lines: a head, one line per epoch, and with `verbose` the checkpoints too."""

    def __init__(self, console: Console, verbose: int = 0) -> None:
        self.console, self.verbose = console, verbose

    def __exit__(self, *_: object) -> None:
        return None

    def show(self, event: events.Event) -> None:
        if isinstance(event, events.Started):
            self.started(event)
        elif isinstance(event, events.Stepped):
            self.stepped(event)
        elif isinstance(event, events.Probed):
            self.probed(event)
        elif isinstance(event, events.RolledBack):
            self.line(rollback_line(event))
        elif isinstance(event, events.EpochEnded):
            self.epoch_ended(event)
        elif isinstance(event, events.Saved) and (self.verbose or event.why == "stopped"):
            self.line(f"saved {event.path}")

    def line(self, text: str) -> None:
        self.console.print(text, markup=False, soft_wrap=True)

    def started(self, event: events.Started) -> None:
        samples = ", ".join(f"{count(n)} {split}" for split, n in event.samples.items())
        self.line(f"{event.name}: {count(event.parameters)} parameters; samples: {samples}")
        batches = f"batches of {event.batch}" + (f", {event.accumulate} in a step" if event.accumulate > 1 else "")
        self.line(f"plan: {event.plan}; {batches}; run folder {event.folder}")
        if event.initial:
            self.line(event.initial)
        if (event.first_epoch > 1 or event.cursor) and event.first_epoch <= event.epochs:
            at = f", step {event.cursor + 1} of {event.steps_per_epoch}" if event.cursor else ""
            self.line(f"going on at epoch {event.first_epoch} of {event.epochs}{at}")
        for note in event.notes:
            self.line(f"note: {note}")

    def stepped(self, event: events.Stepped) -> None:
        """Nothing: off a terminal a line per epoch is enough."""

    def probed(self, event: events.Probed) -> None:
        """What is wrong in the network and was not before."""
        for finding in event.fresh:
            at = f"after {count(event.step)} steps" if event.step else "at the start"
            self.line(f"warning: {finding.kind} {at}: {finding.evidence}\n  remedy: {finding.remedy}")

    def epoch_ended(self, event: events.EpochEnded) -> None:
        self.line(epoch_line(event))


def rollback_line(event: events.RolledBack) -> str:
    """Why a run went back, and where it is now."""
    return (
        f"warning: {event.why}\n  rolled back: all is as it was after {count(event.to)} steps, and the step size "
        f"{event.step_size:g} times what it would be"
    )


def epoch_line(event: events.EpochEnded) -> str:
    """One epoch on one line: figures of each split, speed, and whether it is the best so far."""
    width = len(str(event.epochs))
    parts = [f"epoch {event.epoch:{width}}/{event.epochs}"]
    for split, figures in event.figures.items():
        parts.append(f"{split} " + " ".join(f"{name} {number(value)}" for name, value in figures.items()))
    parts.append(f"{count(round(event.samples_per_second))} samples/s")
    return "  ".join(parts) + ("  best" if event.best else "")


class _Figures(ProgressColumn):
    """The epoch's running loss, and the speed."""

    def render(self, task: Task) -> Text:
        fields = task.fields
        return Text(f"loss {number(fields['loss'])}  lr {fields['lr']:.2e}  {count(round(fields['speed']))} samples/s")


class Left(ProgressColumn):
    """Time left, where it can be told."""

    def render(self, task: Task) -> Text:
        left = task.time_remaining
        return Text("" if left is None else f"{duration(left)} left", style="cyan")


class Live(Display):
    """A bar over the whole run with loss, step size, speed and time left; the lines of past epochs above it."""

    def __init__(self, console: Console, verbose: int = 0) -> None:
        super().__init__(console, verbose)
        self.progress = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(bar_width=None),
            _Figures(),
            Left(),
            console=console,
            refresh_per_second=8,
            transient=True,
            expand=True,
        )
        self.task: TaskID | None = None
        self.head: events.Started | None = None
        self.drawn = 0.0

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def started(self, event: events.Started) -> None:
        super().started(event)
        self.head = event
        done = (event.first_epoch - 1) * event.steps_per_epoch + event.cursor
        self.task = self.progress.add_task(
            "train",
            total=event.epochs * event.steps_per_epoch,
            completed=done,
            epoch=f"{event.first_epoch}/{event.epochs}",
            loss=float("nan"),
            lr=0.0,
            speed=0.0,
        )
        self.progress.start()

    def stepped(self, event: events.Stepped) -> None:
        now = monotonic()
        if self.head is None or self.task is None or now - self.drawn < PERIOD:
            return
        self.drawn = now
        task = self.progress.tasks[0]
        speed = (task.speed or 0.0) * self.head.batch * self.head.accumulate
        self.progress.update(
            self.task,
            completed=(event.epoch - 1) * self.head.steps_per_epoch + event.cursor,
            epoch=f"{event.epoch}/{self.head.epochs}",
            loss=event.loss,
            lr=event.lr,
            speed=speed,
        )
