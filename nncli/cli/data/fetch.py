"""`nncli data fetch`."""

from __future__ import annotations

from pathlib import Path

import click

from nncli.cli import options


@click.command(short_help="Download a known data set.", context_settings=options.SETTINGS)
@click.argument("name", required=False)
@click.option("--list", "listed", is_flag=True, help="Show which sets there are.")
@click.option("--to", type=click.Path(path_type=Path), help="Folder for the files. [default: one in the user's cache]")
@click.option(
    "--cache",
    type=click.Path(path_type=Path),
    help="Folder where sets are kept. [default: NNCLI_CACHE, else the system's]",
)
@click.option(
    "--mirror",
    multiple=True,
    metavar="ADDRESS",
    help="Look for the files below this address first; {set} in it stands for NAME. Repeatable.",
)
@click.option(
    "--mirrors",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="YAML file of mirrors: `mirrors: {NAME: [ADDRESS]}`.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0.1),
    default=30.0,
    show_default=True,
    help="Seconds without a byte after which a server counts as gone.",
)
@options.output
def fetch(
    name: str | None,
    listed: bool,
    to: Path | None,
    cache: Path | None,
    mirror: tuple[str, ...],
    mirrors: Path | None,
    timeout: float,
    json: bool,
    quiet: bool,
    debug: bool,
) -> None:
    """Download the files of a data set, check them, and print the section `data` for a configuration.

    \b
    A download that was cut off (also by Ctrl-C) goes on where it ended. Files with another checksum
    than the known one are deleted, and the next address is tried.
    """
    if (name is None) != listed:
        raise click.UsageError("give the NAME of a set, or --list")
    from nncli.fetch import place, sets
    from nncli.fetch.catalogue import known
    from nncli.fetch.download import Settings
    from nncli.report import fetched as report
    from nncli.report.console import messages, results
    from nncli.report.documents import write
    from nncli.report.progress import waiting

    kept = cache or place.cache()
    if name is None:
        found = report.listing(kept)
        if json:
            write({"cache": str(kept), "sets": found})
        else:
            report.show_list(found, kept, results())
        return
    wanted, console = known(name), messages(quiet or json)
    from_file = {}
    if mirrors is not None:
        from nncli.spec.mirrors import read_mirrors

        from_file = read_mirrors(mirrors)
    places = sets.addresses(wanted, mirror, from_file)
    settings = Settings(timeout, tell=lambda text: console.print(f"note: {text}", markup=False, soft_wrap=True))
    try:
        with waiting(console, delay=0.2):
            done = sets.fetch(wanted, to or sets.folder_of(wanted, kept), places, settings, kept)
    except BaseException as error:
        if not isinstance(error, Exception):  # Ctrl-C and its like
            console.print("stopped; what has come so far is kept, and the same command goes on with it", markup=False)
        raise
    shown = report.document(done)
    if json:
        write(shown)
        return
    from nncli.spec.dump import block

    text = "\n".join(block("data", shown["data"])) + "\n"
    report.show(shown, text, console, results())
