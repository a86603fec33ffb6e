"""`nncli plot`."""

from __future__ import annotations

from pathlib import Path

import click

from nncli.cli import options


@click.command(short_help="Curves of a run's loss and metrics.", context_settings=options.SETTINGS)
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="A .png, .svg or .pdf file. [default: curves.png in the run's folder]",
)
@options.output
def plot(run: Path, output: Path | None, json: bool, quiet: bool, debug: bool) -> None:
    """Curves of a run's loss and metrics, from its folder (the last.h5) or one of its checkpoints.

    Needs matplotlib, which comes with the extra `plot`.
    """
    from nncli import progress
    from nncli.checkpoint import read, replace, resolve
    from nncli.report.console import messages
    from nncli.report.documents import write
    from nncli.report.pictures.history import curves_of, kind_of
    from nncli.report.progress import waiting
    from nncli.training.stored import trusting

    checkpoint = resolve(run)
    target = output if output is not None else checkpoint.with_name("curves.png")
    kind = kind_of(target)
    with waiting(messages(quiet or json)), progress.task("drawing curves"), trusting(checkpoint):
        panels, drawn = curves_of(read(checkpoint), str(checkpoint), kind)
    replace(target, drawn, what="the picture")
    if json:
        write({"checkpoint": str(checkpoint), "picture": str(target), "bytes": len(drawn), "panels": panels})
    else:
        messages(quiet).print(f"wrote {target}: {', '.join(panels)}", markup=False, soft_wrap=True)
