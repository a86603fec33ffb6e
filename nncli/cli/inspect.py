"""`nncli inspect`."""

from __future__ import annotations

from pathlib import Path

import click

from nncli.cli import options


@click.command(short_help="What a checkpoint holds.", context_settings=options.SETTINGS)
@click.argument("checkpoint", metavar="FILE.h5", type=click.Path(path_type=Path))
@options.output
def inspect(checkpoint: Path, json: bool, quiet: bool, debug: bool) -> None:
    """What a checkpoint holds: parameters with statistics, history, progress, versions, configuration."""
    from nncli.checkpoint import read, resolve
    from nncli.report.console import results
    from nncli.report.documents import write
    from nncli.report.inspection import inspection_document
    from nncli.report.tables import inspection
    from nncli.training.probing import last_probe
    from nncli.training.stored import trusting

    path = resolve(checkpoint)
    snapshot = read(path)
    with trusting(path):
        document = inspection_document(path, snapshot) | {"probe": last_probe(snapshot)}
    if json:
        write(document)
    else:
        inspection(document, results())
