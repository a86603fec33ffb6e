"""`nncli bench`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nncli.cli import options

SECONDS, TUNING = 5.0, 30.0


@click.command(short_help="Measure the speed of a network.", context_settings=options.SETTINGS)
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--random", is_flag=True, help="On random numbers instead of the data, of the same shape.")
@click.option("--steps", type=click.IntRange(1), help="Steps to measure at most. [default: as many as --seconds allow]")
@click.option(
    "--seconds",
    type=click.FloatRange(0.0),
    help=f"Time to measure for, and to tune. [default: {SECONDS:g}, to tune {TUNING:g}]",
)
@click.option("--vs", type=click.Choice(["torch"]), help="Build the same network in PyTorch and take turns with it.")
@click.option("--tune", is_flag=True, help="First find the fastest plan on this machine, and write it to a file.")
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), help="File for the plan of --tune. [default: NAME.plan.yaml]"
)
@options.plan
@options.overrides
@options.plugins
@options.output
@click.pass_context
def bench(
    context: click.Context,
    /,
    config: Path,
    random: bool,
    steps: int | None,
    seconds: float | None,
    vs: str | None,
    tune: bool,
    out: Path | None,
    plan: Path | None,
    json: bool,
    quiet: bool,
    **_: Any,
) -> None:
    """Time of each node, forward and backward, and of the whole training step.

    \b
    Also GFLOP/s and the share of what a matrix product reaches here, samples/s with and without
    loading data, memory. Where the data are absent, random numbers of their shape stand in.
    """
    if tune and plan is not None:
        raise click.UsageError("--tune and --plan exclude each other: --tune makes a plan")
    if out is not None and not tune:
        raise click.UsageError("-o is for the plan that --tune makes")
    from nncli.benchmark.bench import bench_config
    from nncli.benchmark.timing import Limits
    from nncli.report.console import messages, results
    from nncli.report.documents import write
    from nncli.report.speeds import busy, show

    with busy(messages(quiet)) as progress:
        document = bench_config(
            config,
            options.override_texts(context),
            random=random,
            limits=Limits(steps, SECONDS if seconds is None else seconds),
            tune_for=TUNING if seconds is None else seconds,
            against=vs,
            plan=plan,
            tune_into=(out or Path(f"{config.stem}.plan.yaml")) if tune else None,
            progress=progress,
        )
    if json:
        write(document)
    else:
        show(document, results())
