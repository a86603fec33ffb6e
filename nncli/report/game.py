"""A game on the screen: a live bar with figures on a terminal, one plain line for each look elsewhere."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from time import monotonic

from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

from nncli.diagnostics.game.judgement import CIRCLING, NARROW, SATURATED
from nncli.report.console import count, duration, number, table, times
from nncli.report.display import PERIOD, Left, rollback_line
from nncli.report.tables import ENDS
from nncli.training.game import events as ev


def display(console: Console, verbose: int = 0) -> Display:
    """The display that suits the stream."""
    return Live(console, verbose) if console.is_terminal and not console.quiet else Display(console, verbose)


class Display(AbstractContextManager["Display"]):
    """Plain lines: a head, one line for each look, alarms as they come, and with `verbose` what is written."""

    def __init__(self, console: Console, verbose: int = 0) -> None:
        self.console, self.verbose = console, verbose
        self.steps = 0

    def __exit__(self, *_: object) -> None:
        return None

    def show(self, event: ev.Event) -> None:
        if isinstance(event, ev.Started):
            self.started(event)
        elif isinstance(event, ev.Stepped):
            self.stepped(event)
        elif isinstance(event, ev.Diagnosed):
            self.diagnosed(event)
        elif isinstance(event, ev.RolledBack):
            self.line(rollback_line(event))
        elif isinstance(event, ev.Saved) and (self.verbose or event.why == "stopped"):
            self.line(f"saved {event.path}")

    def line(self, text: str) -> None:
        self.console.print(text, markup=False, soft_wrap=True)

    def started(self, event: ev.Started) -> None:
        self.steps = event.steps
        sizes = " and ".join(f"a {player} of {count(n)}" for player, n in event.parameters.items())
        samples = ", ".join(f"{count(n)} {split}" for split, n in event.samples.items()) or "without end"
        self.line(f"{event.name}: {sizes} parameters; samples: {samples}")
        several = f", {event.d_steps} steps of the discriminator before each" if event.d_steps > 1 else ""
        self.line(f"loss: {event.loss}; {count(event.steps)} steps{several}, batches of {event.batch}")
        self.line(f"plan: {event.plan}; run folder {event.folder}")
        if event.done:
            self.line(f"going on after step {count(event.done)}")
        for note in event.notes:
            self.line(f"note: {note}")

    def stepped(self, event: ev.Stepped) -> None:
        """Nothing: off a terminal a line for each look is enough."""

    def diagnosed(self, event: ev.Diagnosed) -> None:
        self.line(look_line(event, self.steps))
        if self.verbose > 1:
            self.line("  " + "  ".join(f"{name} {number(value)}" for name, value in event.figures.items()))
        for alarm in event.fresh:
            kind = "hint" if alarm.hint else "alarm"
            self.line(f"{kind}: {alarm.name}: {alarm.evidence}\n  remedy: {alarm.remedy}")


def look_line(event: ev.Diagnosed, steps: int) -> str:
    """One look on one line of 80 columns: the figures that tell most."""
    found, parts = event.figures, [f"step {event.step:{len(str(steps))}}/{steps}"]
    for name, form in _SHORT.items():
        if name in found and math.isfinite(found[name]):
            parts.append(form.format(**found))
    return "  ".join(parts)


_SHORT = {
    "value": "V {value:.3f}",
    "accuracy": "D {accuracy:.0%}",
    "saturation": "kept {saturation:.2f}",
    "diversity": "spread {diversity:.2f}",
    "coverage": "cover {coverage:.0%}",
    "effective_modes": "modes {effective_modes:.1f}/{modes:.0f}",
}
"""What a line shows of the figures, by name."""

_ABOUT = {
    "value": "V; −1.3863 (−2 log 2) where nothing is left to learn",
    "js_bound": "nats of divergence that D proves, 0.6931 at most",
    "accuracy": "of D; 0.5 is a guess, 1 sees everything",
    "saturation": f"of the gradient kept by minimax; below {SATURATED:g} it vanishes",
    "diversity": f"spread of samples over data's; below {NARROW:g} modes lack",
    "coverage": "of the data have a sample close by; at best 0.97",
    "dimension_real": "of the set that the data lie on",
    "dimension_fake": "of that of the samples",
    "effective_modes": "that samples are at (exponential of the entropy)",
    "modes": "that the data have",
    "divergence": "nats between data and samples, by a histogram",
    "path_ratio": f"net over gross way of G; below {CIRCLING:g} it circles",
    "d_norm": "of D's gradient, mean since the last look",
    "g_norm": "of G's",
}
"""What a figure means, by name."""


def outcome(finished: ev.Finished) -> RenderableType:
    """The end of a game."""
    lines = [f"{ENDS[finished.reason]} after {count(finished.steps)} steps, {duration(finished.seconds)}"]
    rung = ", ".join(f"{name} ({times(rang)})" for name, rang in finished.alarms.items())
    lines.append(
        f"alarms: {rung or 'none'}" + (f"; rolled back {times(finished.rollbacks)}" * bool(finished.rollbacks))
    )
    lines.append(f"last  {finished.checkpoint}")
    shown = table()
    shown.add_column("figure")
    shown.add_column("last", justify="right")
    shown.add_column("", overflow="fold")
    for name, value in finished.figures.items():
        shown.add_row(name, number(value), _ABOUT.get(name, ""))
    parts: list[RenderableType] = [Text("")]
    if finished.figures:
        parts += [shown, Text("")]
    return Group(*parts, *(Text(line, overflow="fold") for line in lines))


class _Figures(ProgressColumn):
    """Both losses, and the speed."""

    def render(self, task: Task) -> Text:
        fields = task.fields
        speed = f"{count(round(task.speed))} steps/s" if task.speed else ""
        return Text(f"D {fields['d_loss']:.3f}  G {fields['g_loss']:.3f}  lr {fields['lr']:.0e}  {speed}")


class Live(Display):
    """A bar over the whole game with losses, step size, speed and time left; the lines of past looks above it."""

    def __init__(self, console: Console, verbose: int = 0) -> None:
        super().__init__(console, verbose)
        self.progress = Progress(
            TextColumn("step {task.completed:,.0f}"),
            BarColumn(bar_width=None),
            _Figures(table_column=Column(no_wrap=True)),
            Left(),
            console=console,
            refresh_per_second=8,
            transient=True,
            expand=True,
        )
        self.task: TaskID | None = None
        self.drawn = 0.0

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def started(self, event: ev.Started) -> None:
        super().started(event)
        nan = float("nan")
        self.task = self.progress.add_task(
            "play", total=event.steps, completed=event.done, d_loss=nan, g_loss=nan, lr=0.0
        )
        self.progress.start()

    def stepped(self, event: ev.Stepped) -> None:
        now = monotonic()
        if self.task is None or now - self.drawn < PERIOD:
            return
        self.drawn = now
        self.progress.update(self.task, completed=event.step, d_loss=event.d_loss, g_loss=event.g_loss, lr=event.lr)
