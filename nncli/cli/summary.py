"""`nncli summary`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nncli.cli import options


@click.command(short_help="Shapes, parameters and cost of a network.", context_settings=options.SETTINGS)
@click.argument("config", type=click.Path(path_type=Path))
@options.overrides
@options.plugins
@options.output
@click.pass_context
def summary(context: click.Context, /, config: Path, json: bool, quiet: bool, **_: Any) -> None:
    """Each node's output shape, parameters and FLOPs, and what the whole will cost, before anything runs."""
    from nncli.report import tables
    from nncli.report.console import results
    from nncli.report.documents import write
    from nncli.training.describe import describe

    document = describe(config, options.override_texts(context))
    if json:
        write(document)
    else:
        tables.summary(document, results())
