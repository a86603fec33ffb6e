"""`nncli schema`."""

from __future__ import annotations

import json as json_format
from pathlib import Path

import click

from nncli.cli import options


@click.command(short_help="JSON Schema of configurations, for editors.", context_settings=options.SETTINGS)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Write it to this file. [default: standard output]"
)
@options.plugin_files
@options.output
def schema(output: Path | None, plugin: tuple[Path, ...], json: bool, quiet: bool, debug: bool) -> None:
    """The JSON Schema (draft-07) of a configuration: with it editors complete names, show help, and mark mistakes.

    \b
    nncli schema -o nncli.schema.json
    and in the first line of a configuration
    # yaml-language-server: $schema=nncli.schema.json
    """
    import sys

    from nncli.checkpoint import replace
    from nncli.report.console import messages
    from nncli.report.documents import write
    from nncli.spec import plugins
    from nncli.spec.schema import json_schema

    with plugins.using(plugin):
        made = json_schema()
    text = json_format.dumps(made, indent=1, ensure_ascii=False) + "\n"
    if output is None:
        sys.stdout.write(text)
        return
    replace(output, text.encode(), what="the schema")
    if json:
        write({"schema": str(output), "bytes": len(text.encode())})
    else:
        messages(quiet).print(f"wrote {output}", markup=False, soft_wrap=True)
