"""`nncli data info`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nncli.cli import options


@click.command(short_help="What the data of a configuration are like.", context_settings=options.SETTINGS)
@click.argument("config", type=click.Path(path_type=Path))
@click.option(
    "--samples",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Also draw training samples, a row for each class, to a .png file.",
)
@click.option("--augmented", is_flag=True, help="--samples after preprocessing and augmentation, as in training.")
@options.overrides
@options.plugins
@options.output
@click.pass_context
def info(
    context: click.Context,
    /,
    config: Path,
    samples: Path | None,
    augmented: bool,
    json: bool,
    quiet: bool,
    **_: Any,
) -> None:
    """Samples of each split, classes, targets, columns, missing values; what preprocessing makes of them.

    \b
    Below that some samples, and findings: what keeps a network from learning from these data, or
    its figures from being true, and what to change.
    """
    if augmented and samples is None:
        raise click.UsageError("--augmented is for --samples")
    if samples is not None and samples.suffix.lower() != ".png":
        raise click.UsageError(f"--samples: '{samples.name}' should end in .png")
    from nncli.checkpoint import replace
    from nncli.report import datasets
    from nncli.report.console import messages, results
    from nncli.report.documents import write
    from nncli.report.pictures.extras import require
    from nncli.report.progress import waiting
    from nncli.training.data_info import data_info
    from nncli.training.data_samples import examples, sheet

    if samples is not None:
        require("images", "a picture of samples")
    with waiting(messages(quiet or json)):
        found = data_info(config, options.override_texts(context))
        drawn = sheet(found, augmented) if samples is not None else None
    if drawn is not None and samples is not None:
        replace(samples, datasets.picture(drawn), what="the picture")
        rows = f": a row for each of {', '.join(drawn.names)}" if drawn.names else ""
        messages(quiet or json).print(f"wrote {samples}{rows}", markup=False, soft_wrap=True)
    if json:
        write(found.document | ({} if samples is None else {"file": str(samples)}))
    else:
        datasets.show(found.document, examples(found), results())
