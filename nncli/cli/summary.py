"""`nncli summary`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nncli.cli import options


@click.command(short_help="Shapes, parameters and cost of a network.", context_settings=options.SETTINGS)
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--probe", is_flag=True, help="Run one batch, and say how signal and gradient travel through it.")
@click.option(
    "--samples", type=click.IntRange(2), default=128, show_default=True, help="Samples in the batch of --probe."
)
@click.option("--random", is_flag=True, help="--probe on random numbers instead of the data; `input` says the shape.")
@click.option(
    "--weights", type=click.Path(path_type=Path), help="--probe at the weights of a checkpoint or run folder."
)
@options.plan
@options.overrides
@options.plugins
@options.output
@click.pass_context
def summary(
    context: click.Context,
    /,
    config: Path,
    probe: bool,
    samples: int,
    random: bool,
    weights: Path | None,
    plan: Path | None,
    json: bool,
    quiet: bool,
    **_: Any,
) -> None:
    """Each node's output shape, parameters and FLOPs, and what the whole will cost, before anything runs.

    \b
    --probe runs one training batch: mean and variance of each node, dead and saturated units, the
    gradient that comes back; and says what keeps the network from learning, and what to change.
    """
    if not probe and (random or weights is not None or options.given(context, "samples")):
        raise click.UsageError("--samples, --random and --weights are for --probe")
    from nncli.report import probes, tables
    from nncli.report.console import messages, print_missing, results
    from nncli.report.documents import write
    from nncli.report.progress import waiting
    from nncli.training.describe import describe

    texts = options.override_texts(context)
    with waiting(messages(quiet or json)):
        document = describe(config, texts, not random, options.planner(plan))
        if probe:
            from nncli.training.look import probe_config

            document["probe"] = probe_config(config, texts, random=random, samples=samples, weights=weights)
    if json:
        write(document)
        return
    print_missing(document["missing"], messages(quiet))
    tables.summary(document, results())
    if probe:
        probes.show(document["probe"], results())
