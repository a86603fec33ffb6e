"""`nncli gradcheck`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nncli.cli import options


@click.command(short_help="Check backpropagation numerically.", context_settings=options.SETTINGS)
@click.argument("config", required=False, type=click.Path(path_type=Path))
@click.option("--random", is_flag=True, help="On random numbers instead of the data; `input` says the shape.")
@click.option("--samples", type=click.IntRange(1), default=4, show_default=True, help="Samples in the batch.")
@click.option("--exhaustive", is_flag=True, help="Every coordinate by itself, also of large arrays. Slow.")
@click.option("--against", type=click.Choice(["torch", "scipy"]), help="Ask another library as well.")
@options.overrides
@options.plugins
@options.output
@click.pass_context
def gradcheck(
    context: click.Context,
    /,
    config: Path | None,
    random: bool,
    samples: int,
    exhaustive: bool,
    against: str | None,
    json: bool,
    quiet: bool,
    **_: Any,
) -> int:
    """Compare the gradients of a network and its loss with numeric ones, in float64.

    \b
    Every node is checked by itself, against the error that arrives at it, so that a fault is found where it is; then
    all of it together, as derivative of the loss. Without CONFIG everything that is built in is checked.
    """
    from nncli.gradcheck.check import Options
    from nncli.gradcheck.witness import call
    from nncli.report.checks import busy, show_all, show_network
    from nncli.report.console import messages, results
    from nncli.report.documents import write
    from nncli.training import checking

    texts = options.override_texts(context)
    thorough = Options(exhaustive=exhaustive)
    witness = call(against) if against is not None else None
    with busy(messages(quiet or json)) as progress:
        if config is not None:
            one = checking.check_config(
                config,
                texts,
                random=random,
                samples=samples,
                options=thorough,
                against=witness,
                progress=progress,
            )
            reports = [one]
        else:
            if random or texts or exhaustive:
                raise click.UsageError("without a CONFIG there is nothing that this option could change")
            reports = list(checking.check_all(thorough, witness, progress))
    failures = [failure for report in reports if (failure := report.failure()) is not None]
    if json:
        write(checking.document(reports))
        return failures[0].exit_code if failures else 0
    if not quiet:
        if config is not None:
            show_network(reports[0], results())
        else:
            show_all(reports, results())
    if failures:
        raise type(failures[0])([fault for failure in failures for fault in failure.faults])
    return 0
