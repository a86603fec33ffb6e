"""`nncli train`."""

from __future__ import annotations

import signal
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from nncli.cli import options

if TYPE_CHECKING:
    from rich.console import Console

    from nncli.training.events import Finished
    from nncli.training.loop import Run


@click.command(short_help="Train a network.", context_settings=options.SETTINGS)
@click.argument("config", required=False, type=click.Path(path_type=Path))
@click.option("--resume", type=click.Path(path_type=Path), help="Go on with a run: its folder or its last.h5.")
@click.option("--out", type=click.Path(path_type=Path), help="Run folder. [default: runs/NAME, runs/NAME-2, ...]")
@click.option("--folds", type=click.IntRange(2), help="Cross-validation: so many runs, each tests on another part.")
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
    folds: int | None,
    dry_run: bool,
    json: bool,
    quiet: bool,
    verbose: int,
    **_: Any,
) -> int:
    """Train the network of a YAML file, and keep weights and history in a run folder.

    Stopping it (Ctrl-C) writes a checkpoint first; --resume goes on from there exactly as if it had never stopped.

    With --folds the training data are cut into equal parts, and each is the test split of a run on the others, in a
    subfolder of its own; means and deviations of their figures are shown at the end.
    """
    if config is None and resume is None:
        raise click.UsageError("give a CONFIG, or --resume RUN")
    if resume is not None and out is not None:
        raise click.UsageError("--out and --resume exclude each other: a run goes on in its own folder")
    if resume is not None and folds is not None:
        raise click.UsageError(
            "--folds and --resume exclude each other: a fold goes on by --resume with its own folder"
        )
    from nncli.report.console import messages, results
    from nncli.report.documents import write
    from nncli.report.tables import outcome
    from nncli.training import supervised

    texts = options.override_texts(context)
    if dry_run:
        document = _plan(config, resume, texts, folds)
        if json:
            write(document)
        elif not quiet:
            _print_dry_run(document)
        return 0
    console = messages(quiet or json)
    if folds is not None:
        assert config is not None
        return _cross_validate(config, texts, out, folds, console, verbose, json, quiet)
    with supervised.open_run(config, resume, texts, out) as run, _Signals() as signals:
        finished = _run(run, signals, console, verbose)
    if json:
        write(supervised.document(finished))
    elif not quiet:
        results().print(outcome(finished))
    return 128 + signals.received if finished.reason == "stopped" else 0


def _run(run: Run, signals: _Signals, console: Console, verbose: int) -> Finished:
    """Train, show it, and return the end."""
    from nncli.report.display import display
    from nncli.training.events import Finished

    with display(console, verbose) as view:
        for event in run.events(signals.stop):
            view.show(event)
    assert isinstance(event, Finished)
    return event


def _cross_validate(
    config: Path, texts: list[str], out: Path | None, of: int, console: Console, verbose: int, json: bool, quiet: bool
) -> int:
    """A run for each fold, until one is stopped."""
    from nncli.report.console import results
    from nncli.report.documents import write
    from nncli.report.tables import cross_validation
    from nncli.training.folds import Folds

    folds = Folds(config, texts, out, of)
    for number in range(1, of + 1):
        with folds.open_run(number) as run, _Signals() as signals:
            console.print(f"fold {number} of {of}", style="bold")
            folds.finished.append(_run(run, signals, console, verbose))
        if signals.received:
            break
    if json:
        write(folds.document())
    elif not quiet:
        results().print(cross_validation(folds))
    return 128 + signals.received if signals.received else 0


def _plan(config: Path | None, resume: Path | None, texts: list[str], folds: int | None) -> dict[str, Any]:
    """What would run; of folds the first."""
    from nncli.training import supervised
    from nncli.training.folds import texts_of

    if folds is None:
        return supervised.plan_only(config, resume, texts)
    return supervised.plan_only(config, None, texts_of(texts, 1, folds)) | {"folds": folds}


def _print_dry_run(document: dict[str, Any]) -> None:
    from nncli.report.console import results
    from nncli.report.tables import summary

    console = results()
    summary(document, console)
    samples = ", ".join(f"{n:,} {split}" for split, n in document["samples"].items())
    if "folds" in document:
        console.print(f"the first of {document['folds']} folds:")
    console.print(
        f"samples: {samples}\nwould train {document['epochs']} epochs of {document['steps_per_epoch']:,} steps "
        f"and write to {document['run']}; nothing was written",
        soft_wrap=True,
        markup=False,
    )


class _Signals:
    """Remembers the first SIGINT or SIGTERM, so that a run can write its checkpoint; a second one acts as usual."""

    def __init__(self) -> None:
        self.received = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> _Signals:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self.received = number
        for other in self._before:
            signal.signal(other, signal.SIG_DFL if other == signal.SIGTERM else signal.default_int_handler)

    def stop(self) -> bool:
        return self.received != 0
