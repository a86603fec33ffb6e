"""`nncli layers`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nncli.cli import options


@click.command(short_help="Reference of everything that can be chosen.", context_settings=options.SETTINGS)
@click.argument("name", required=False)
@options.plugin_files
@options.output
def layers(name: str | None, plugin: tuple[Path, ...], json: bool, quiet: bool, debug: bool) -> None:
    """What a layer, loss, metric, optimizer, ... does: its fields, its mathematics, how it is written.

    Without NAME all of them are listed.
    """
    from nncli.report import reference as report
    from nncli.report.console import results
    from nncli.report.documents import write
    from nncli.spec import plugins, reference

    with plugins.using(plugin):
        found: list[dict[str, Any]] = reference.pages(name) if name is not None else []
        everything = reference.contents()
    if json:
        write({"parts": found} if name is not None else everything)
    elif name is None:
        report.contents(everything, results())
    else:
        for document in found:
            report.page(document, results())
