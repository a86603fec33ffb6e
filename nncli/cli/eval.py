"""`nncli eval`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nncli.cli import options


@click.command("eval", short_help="Loss and metrics of a checkpoint.", context_settings=options.SETTINGS)
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option("--split", type=click.Choice(["train", "validation", "test"]), help="[default: test, else validation]")
@click.option(
    "--data", metavar="SOURCE", help="Other data of the same form, as YAML: 'npz: {path: new.npz, x: x, y: y}'."
)
@click.option(
    "--features",
    metavar="CLASSIFIER",
    type=click.Path(path_type=Path),
    help="For a GAN: a checkpoint of `train`, to compare samples with data by what it sees in them.",
)
@click.option("--threads", type=click.IntRange(1), help="Threads to use at most. [default: those of the run]")
@options.plugins
@options.changed_plugins
@options.output
def evaluate(
    checkpoint: Path,
    split: str | None,
    data: str | None,
    features: Path | None,
    threads: int | None,
    json: bool,
    quiet: bool,
    debug: bool,
) -> None:
    """Loss and metrics of a checkpoint: a file, or a run folder (its last.h5).

    Of a GAN's it tells how good the generator's samples are, and how much of the data they cover.
    """
    if split is not None and data is not None:
        raise click.UsageError("--split and --data exclude each other")
    from nncli.report.console import messages, results
    from nncli.report.documents import write
    from nncli.report.progress import waiting
    from nncli.report.tables import evaluation
    from nncli.training.evaluate import evaluate_checkpoint

    with waiting(messages(quiet or json)):
        result: dict[str, Any] = evaluate_checkpoint(checkpoint, split, data, threads, features)
    if json:
        write(result)
    else:
        results().print(evaluation(result))
