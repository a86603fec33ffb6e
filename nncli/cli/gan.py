"""`nncli gan`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nncli.cli import options
from nncli.cli.signals import Signals
from nncli.errors import OutputError


@click.command(short_help="Train a generator against a discriminator.", context_settings=options.SETTINGS)
@click.argument("config", required=False, type=click.Path(path_type=Path))
@options.resume
@options.allow_change
@click.option("--out", type=click.Path(path_type=Path), help="Run folder. [default: runs/NAME, runs/NAME-2, ...]")
@click.option("--dry-run", is_flag=True, help="Check everything, data too, and say what would run; write nothing.")
@options.max_time
@options.steps
@options.overrides
@options.plugins
@options.changed_plugins
@options.output
@options.verbose
@click.pass_context
def gan(
    context: click.Context,
    /,
    config: Path | None,
    resume: Path | None,
    allow_change: bool,
    out: Path | None,
    dry_run: bool,
    max_time: float | None,
    json: bool,
    quiet: bool,
    verbose: int,
    **_: Any,
) -> int:
    """Play the game of a YAML file: a generator learns to make samples that a discriminator takes for data.

    The game is looked at while it runs, and alarms say what goes wrong, by which figures, and what to change.
    Stopping it (Ctrl-C, --max-time) writes a checkpoint first; --resume goes on from there exactly as if it had never
    stopped.
    """
    if config is None and resume is None:
        raise click.UsageError("give a CONFIG, or --resume RUN")
    if resume is None and allow_change:
        raise click.UsageError("--allow-change is for --resume: a new game has nothing that could have changed")
    if resume is not None and out is not None:
        raise click.UsageError("--out and --resume exclude each other: a run goes on in its own folder")
    from nncli.report.console import messages, results
    from nncli.report.documents import write
    from nncli.report.game import display, outcome
    from nncli.report.progress import opening as watched
    from nncli.report.progress import waiting
    from nncli.report.samples import Frames
    from nncli.report.tables import going_on
    from nncli.training.game import opening
    from nncli.training.game.events import Finished
    from nncli.training.rhythm import Allowance

    allowance = Allowance(max_time)

    texts = options.override_texts(context)
    console = messages(quiet or json)
    if dry_run:
        with waiting(console):
            document = opening.plan_only(config, resume, texts, allow_change)
        if json:
            write(document)
        elif not quiet:
            _print_dry_run(document)
        return 0
    with (
        watched(console, opening.open_game(config, resume, texts, out, allow_change)) as run,
        Signals() as signals,
        display(console, verbose) as view,
    ):
        finished: Finished | None = None
        lost: list[OutputError] = []
        frames = Frames(run.folder, lambda text: view.line(f"note: {text}"))
        for event in run.events(lambda: signals.stop() or bool(lost), allowance.spent):
            view.show(event)
            try:
                frames.show(event)
            except OutputError as error:  # the game itself may still be kept
                lost.append(error)
            if isinstance(event, Finished):
                finished = event
        again = options.resuming("gan", None, run.folder, bool(run.setup.config.plugins))
    if lost:
        raise lost[0]
    assert finished is not None
    if json:
        write(opening.document(finished) | frames.document())
    elif not quiet:
        results().print(outcome(finished))
        results().print(frames.said(), markup=False, soft_wrap=True)
    if finished.reason in ("stopped", "time", "alarm"):
        going_on(again, console)
    return {"alarm": 8, "stopped": 128 + int(signals.received)}.get(finished.reason, 0)


def _print_dry_run(document: dict[str, Any]) -> None:
    from nncli.report import tables
    from nncli.report.console import count, results

    console = results()
    tables.summary(document, console)
    samples = ", ".join(f"{count(n)} {split}" for split, n in document["samples"].items()) or "without end"
    console.print(
        f"samples: {samples}\nwould play {count(document['steps'])} steps of the generator, {document['d_steps']} of "
        f"the discriminator before each, and write to {document['run']}; nothing was written",
        soft_wrap=True,
        markup=False,
    )
