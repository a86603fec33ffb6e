"""`nncli train`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nncli.cli import options
from nncli.cli.signals import Signals


@click.command(short_help="Train a network.", context_settings=options.SETTINGS)
@click.argument("config", required=False, type=click.Path(path_type=Path))
@click.option("--resume", type=click.Path(path_type=Path), help="Go on with a run: its folder or its last.h5.")
@click.option("--out", type=click.Path(path_type=Path), help="Run folder. [default: runs/NAME, runs/NAME-2, ...]")
@click.option("--dry-run", is_flag=True, help="Check everything, data too, and say what would run; write nothing.")
@options.epochs
@options.overrides
@options.plugins
@options.changed_plugins
@options.output
@options.verbose
@click.pass_context
def train(
    context: click.Context,
    /,
    config: Path | None,
    resume: Path | None,
    out: Path | None,
    dry_run: bool,
    json: bool,
    quiet: bool,
    verbose: int,
    **_: Any,
) -> int:
    """Train the network of a YAML file, and keep weights and history in a run folder.

    Stopping it (Ctrl-C) writes a checkpoint first; --resume goes on from there exactly as if it had never stopped.
    """
    if config is None and resume is None:
        raise click.UsageError("give a CONFIG, or --resume RUN")
    if resume is not None and out is not None:
        raise click.UsageError("--out and --resume exclude each other: a run goes on in its own folder")
    from nncli.report.console import messages, results
    from nncli.report.display import display
    from nncli.report.documents import write
    from nncli.report.tables import outcome
    from nncli.training import supervised
    from nncli.training.events import Finished

    texts = options.override_texts(context)
    if dry_run:
        document = supervised.plan_only(config, resume, texts)
        if json:
            write(document)
        elif not quiet:
            _print_dry_run(document)
        return 0
    console = messages(quiet or json)
    with (
        supervised.open_run(config, resume, texts, out) as run,
        Signals() as signals,
        display(console, verbose) as view,
    ):
        finished: Finished | None = None
        for event in run.events(signals.stop):
            view.show(event)
            if isinstance(event, Finished):
                finished = event
    assert finished is not None
    if json:
        write(supervised.document(finished))
    elif not quiet:
        results().print(outcome(finished))
    return 128 + signals.received if finished.reason == "stopped" else 0


def _print_dry_run(document: dict[str, Any]) -> None:
    from nncli.report.console import results
    from nncli.report.tables import summary

    console = results()
    summary(document, console)
    samples = ", ".join(f"{n:,} {split}" for split, n in document["samples"].items())
    console.print(
        f"samples: {samples}\nwould train {document['epochs']} epochs of {document['steps_per_epoch']:,} steps "
        f"and write to {document['run']}; nothing was written",
        soft_wrap=True,
        markup=False,
    )
