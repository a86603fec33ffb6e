"""`nncli data`: what data are like, and where to get some."""

from __future__ import annotations

import click

from nncli.cli import options
from nncli.cli.data.fetch import fetch
from nncli.cli.data.info import info


@click.group(short_help="Data sets: what they are like, and where to get some.", context_settings=options.SETTINGS)
def data() -> None:
    """What data are like before anything is trained on them, and known data sets to download."""


for command in (fetch, info):
    data.add_command(command)
