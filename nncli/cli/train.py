"""`nncli train`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nncli.cli import options
from nncli.cli.signals import Signals

if TYPE_CHECKING:
    from rich.console import Console

    from nncli.engine.plan import Planner
    from nncli.training.events import Finished
    from nncli.training.folds import Folds
    from nncli.training.loop import Run
    from nncli.training.rhythm import Allowance


@click.command(short_help="Train a network.", context_settings=options.SETTINGS)
@click.argument("config", required=False, type=click.Path(path_type=Path))
@options.resume
@options.allow_change
@click.option("--out", type=click.Path(path_type=Path), help="Run folder. [default: runs/NAME, runs/NAME-2, ...]")
@click.option("--folds", type=click.IntRange(2), help="Cross-validation: so many runs, each tests on another part.")
@click.option("--dry-run", is_flag=True, help="Check everything, data too, and say what would run; write nothing.")
@options.plan
@options.max_time
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
    allow_change: bool,
    out: Path | None,
    folds: int | None,
    dry_run: bool,
    plan: Path | None,
    max_time: float | None,
    json: bool,
    quiet: bool,
    verbose: int,
    **_: Any,
) -> int:
    """Train the network of a YAML file, and keep weights and history in a run folder.

    Stopping it (Ctrl-C, --max-time) writes a checkpoint first; --resume goes on from there exactly as if it had never
    stopped.

    With --folds the training data are cut into equal parts, and each is the test split of a run on the others, in a
    subfolder of its own; means and deviations of their figures are shown at the end. With CONFIG and --resume the folds
    in that folder go on.
    """
    if config is None and resume is None:
        raise click.UsageError("give a CONFIG, or --resume RUN")
    if resume is None and allow_change:
        raise click.UsageError("--allow-change is for --resume: a new run has nothing that could have changed")
    if resume is not None and out is not None:
        raise click.UsageError("--out and --resume exclude each other: a run goes on in its own folder")
    if resume is not None and plan is not None:
        raise click.UsageError("--plan and --resume exclude each other: a run goes on with the plan that it began with")
    if folds is not None and config is None:
        raise click.UsageError("--folds needs the CONFIG, also with --resume")
    from nncli.report.console import messages, results
    from nncli.report.documents import write
    from nncli.report.progress import opening, waiting
    from nncli.report.tables import going_on, outcome
    from nncli.training import supervised
    from nncli.training.folds import Folds
    from nncli.training.rhythm import Allowance

    allowance = Allowance(max_time)

    texts = options.override_texts(context)
    console = messages(quiet or json)
    if dry_run:
        with waiting(console):
            document = _plan(config, resume, texts, folds, options.planner(plan), allow_change)
        if json:
            write(document)
        elif not quiet:
            _print_dry_run(document)
        return 0
    planner = options.planner(plan)
    if folds is not None:
        assert config is not None
        cut = Folds(config, texts, out if resume is None else resume, folds, planner, resume is not None, allow_change)
        return _cross_validate(cut, allowance, console, verbose, json, quiet)
    opened = supervised.open_run(config, resume, texts, out, planner, allow_change)
    with opening(console, opened) as run, Signals() as signals:
        finished = _run(run, signals, allowance, console, verbose)
        again = options.resuming("train", None, run.folder, bool(run.setup.config.plugins))
    if json:
        write(supervised.document(finished))
    elif not quiet:
        results().print(outcome(finished))
    if finished.reason in ("stopped", "time"):
        going_on(again, console)
    return 128 + signals.received if finished.reason == "stopped" else 0


def _run(run: Run, signals: Signals, allowance: Allowance, console: Console, verbose: int) -> Finished:
    """Train, show it, and return the end."""
    from nncli.report.display import display
    from nncli.training.events import Finished

    with display(console, verbose) as view:
        for event in run.events(signals.stop, allowance.spent):
            view.show(event)
    assert isinstance(event, Finished)
    return event


def _cross_validate(folds: Folds, allowance: Allowance, console: Console, verbose: int, json: bool, quiet: bool) -> int:
    """A run for each fold, until one is stopped."""
    from nncli.report.console import results
    from nncli.report.documents import write
    from nncli.report.progress import opening
    from nncli.report.tables import cross_validation, going_on

    for number in range(1, folds.of + 1):
        with opening(console, folds.open_run(number)) as run, Signals() as signals:
            console.print(f"fold {number} of {folds.of}", style="bold")
            folds.finished.append(_run(run, signals, allowance, console, verbose))
            again = options.resuming("train", folds.config, folds.folder, bool(run.setup.config.plugins))
        if folds.interrupted:
            break
    if json:
        write(folds.document())
    elif not quiet:
        results().print(cross_validation(folds))
    if folds.interrupted:
        going_on(f"{again} --folds {folds.of}", console)
    return 128 + signals.received if signals.received else 0


def _plan(
    config: Path | None,
    resume: Path | None,
    texts: list[str],
    folds: int | None,
    planner: Planner,
    allow_change: bool,
) -> dict[str, Any]:
    """What would run; of folds the first."""
    from nncli.training import supervised
    from nncli.training.folds import texts_of

    if folds is None:
        return supervised.plan_only(config, resume, texts, planner, allow_change)
    return supervised.plan_only(config, None, texts_of(texts, 1, folds), planner) | {"folds": folds}


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
