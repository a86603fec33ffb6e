"""The results of `data fetch` on the screen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from nncli.fetch.catalogue import KNOWN
from nncli.fetch.sets import Fetched, folder_of, is_there
from nncli.report.console import size, table


def listing(cache: Path) -> list[dict[str, Any]]:
    """What `data fetch --list --json` prints as `sets`."""
    return [
        {
            "name": name,
            "what": known.what,
            "bytes": known.size,
            "licence": known.licence,
            "folder": str(folder_of(known, cache)),
            "fetched": is_there(known, folder_of(known, cache)),
            "addresses": list(known.addresses),
        }
        for name, known in KNOWN.items()
    ]


def show_list(sets: list[dict[str, Any]], cache: Path, console: Console) -> None:
    drawn = table()
    drawn.add_column("set", no_wrap=True)
    drawn.add_column("what it is", overflow="fold")
    drawn.add_column("size", justify="right", no_wrap=True)
    drawn.add_column("licence", no_wrap=True)
    drawn.add_column("fetched", no_wrap=True)
    for one in sets:
        drawn.add_row(one["name"], one["what"], size(one["bytes"]), one["licence"], "yes" if one["fetched"] else "")
    console.print(drawn)
    console.print("")
    console.print(Text(f"they are kept in {cache / 'datasets'}; NNCLI_CACHE or --cache says another folder"))


def document(fetched: Fetched) -> dict[str, Any]:
    """What `data fetch --json` prints."""
    folder = fetched.folder.absolute()
    return {
        "name": fetched.known.name,
        "folder": str(folder),
        "files": [{"file": str(folder / name), "bytes": n} for name, n in fetched.known.kept().items()],
        "fetched": [str(folder / name) for name in fetched.fresh],
        "licence": fetched.known.licence,
        "data": fetched.known.section(str(folder)),
    }


def show(shown: Mapping[str, Any], text: str, messages: Console, results: Console) -> None:
    """What came, on the messages; the section to paste, as the result."""
    files = len(shown["files"])
    came = f"{len(shown['fetched'])} of {files} files fetched" if shown["fetched"] else "all files were there"
    line = f"{shown['name']}: {came}, in {shown['folder']}; licence: {shown['licence']}"
    messages.print(line, markup=False, soft_wrap=True)
    results.print(text, markup=False, soft_wrap=True, end="")
