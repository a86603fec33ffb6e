"""`nncli data`: what data are like, and where to get some."""

from __future__ import annotations

import click

from nncli.cli import options
from nncli.cli.data.info import info


@click.group(short_help="Data sets: what they are like.", context_settings=options.SETTINGS)
def data() -> None:
    """What data are like, before anything is trained on them."""


data.add_command(info)
