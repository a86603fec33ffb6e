"""`nncli validate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nncli.cli import options


@click.command(short_help="All faults of a configuration at once.", context_settings=options.SETTINGS)
@click.argument("config", type=click.Path(path_type=Path))
@options.epochs
@options.overrides
@options.plugins
@options.output
@click.pass_context
def validate(context: click.Context, /, config: Path, json: bool, quiet: bool, **_: Any) -> None:
    """Find all faults of a configuration at once; silent success is exit code 0 and one line."""
    from nncli.report.console import messages, print_missing, results
    from nncli.report.documents import write
    from nncli.report.progress import waiting
    from nncli.training.describe import describe

    with waiting(messages(quiet or json)):
        document = describe(config, options.override_texts(context))
    if json:
        named = {name: document[name] for name in ("name", "parameters", "missing")}
        write({"valid": True, "config": str(config), **named})
        return
    print_missing(document["missing"], messages(quiet))
    if not quiet:
        nodes, parameters = len(document["nodes"]), document["parameters"]
        results().print(f"{config}: valid; {nodes} nodes, {parameters:,} parameters", markup=False, soft_wrap=True)
