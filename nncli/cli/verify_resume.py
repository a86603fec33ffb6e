"""`nncli verify-resume`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nncli.cli import options


def _stops(context: click.Context, option: click.Parameter, value: str | None) -> tuple[int, ...] | None:
    """Numbers with commas between them."""
    if value is None:
        return None
    try:
        return tuple(int(part) for part in value.split(","))
    except ValueError:
        raise click.BadParameter(f"'{value}' is no list of steps, such as 1,7,30", context, option) from None


@click.command("verify-resume", short_help="Prove that a resumed run is exact.", context_settings=options.SETTINGS)
@click.argument("config", type=click.Path(path_type=Path))
@click.option(
    "--steps", type=click.IntRange(2), help="Steps to train. [default: an epoch and a bit, where it is short]"
)
@click.option(
    "--stops",
    metavar="STEPS",
    callback=_stops,
    help="Steps after which to stop, such as 1,7,30. [default: the first, in the middle of an epoch, at its end]",
)
@options.overrides
@options.plugins
@options.output
@click.pass_context
def verify_resume(
    context: click.Context,
    /,
    config: Path,
    steps: int | None,
    stops: tuple[int, ...] | None,
    json: bool,
    quiet: bool,
    **_: Any,
) -> int:
    """Train a network, or play a game, in one go and again in pieces, and compare all that the checkpoints hold.

    Each piece is a process of its own, which goes on from the checkpoint of the piece before. Everything but the times
    must be the same to the last bit; exit code 5 says that it is not, and the message where it begins to differ.
    Nothing is kept.
    """
    from nncli.report.console import messages, results
    from nncli.report.documents import write
    from nncli.report.resumes import show
    from nncli.training import verifying

    console = messages(quiet or json)
    report = verifying.verify(
        config,
        options.override_texts(context),
        steps,
        stops,
        lambda what: console.print(f"training {what}", markup=False, soft_wrap=True),
    )
    failure = report.failure()
    if json:
        write(verifying.document(report))
        return failure.exit_code if failure is not None else 0
    if not quiet:
        show(report, results())
    if failure is not None:
        raise failure
    return 0
