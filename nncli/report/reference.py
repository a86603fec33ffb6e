"""Reference pages for people, in 80 columns: coloured on a terminal, plain text elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from nncli.report.console import table
from nncli.spec.dump import inline
from nncli.spec.words import noun

WIDTH = 80
_CODE = re.compile(r"(`+)([^`]+)\1")
_GAP = re.compile(r"(\s{2,})")
_FILL = re.compile(r" +$", re.MULTILINE)


def contents(document: Mapping[str, Any], console: Console) -> None:
    """Every name with the first sentence about it, kind by kind."""
    with _tidy(console):
        _contents(document, console)


def _contents(document: Mapping[str, Any], console: Console) -> None:
    for kind, parts in document.items():
        console.print(Text(_plural(noun(kind)), style="bold"))
        rows = table()
        rows.show_header = False
        rows.add_column(style="cyan", no_wrap=True)
        rows.add_column()
        for part in parts:
            rows.add_row(part["name"], prose(part["summary"]))
        console.print(Padding(rows, (0, 0, 1, 2)), width=_width(console))
    console.print("`nncli layers NAME` says more about one of them.", markup=False)


def page(document: Mapping[str, Any], console: Console) -> None:
    """One part: what it is, its fields, its mathematics, how it is written."""
    with _tidy(console):
        _page(document, console)


def _page(document: Mapping[str, Any], console: Console) -> None:
    width = _width(console)
    title = Text.assemble((document["name"], "bold cyan"), f"  {document['kind']}")
    console.print(title, Text(""), sep="\n")
    fields = document["fields"]
    if fields:
        console.print(Padding(_fields(fields), (0, 0, 1, 0)), width=width)
    for part in document["text"]:
        console.print(_part(part, width), Text(""), sep="\n", width=width)
    for form, text in document["examples"].items():
        head = {"short": "Shortest form", "full": "All fields"}[form]
        if form == "full" and not fields:
            continue
        console.print(Text(head, style="bold"))
        console.print(Padding(_yaml(text), (0, 0, 1, 2)), width=width)


@contextmanager
def _tidy(console: Console) -> Iterator[None]:
    """What is printed inside, without the blanks that fill lines up: they would be copied with examples."""
    with console.capture() as captured:
        yield
    console.file.write(_FILL.sub("", captured.get()))
    console.file.flush()


def _width(console: Console) -> int:
    return min(WIDTH, console.width)


def _plural(word: str) -> str:
    return word + ("es" if word.endswith("s") else "s")


def _fields(fields: list[dict[str, Any]]) -> RenderableType:
    rows = table()
    rows.add_column("field", style="cyan", no_wrap=True)
    rows.add_column("type")
    rows.add_column("default", overflow="fold", max_width=24)
    for field in fields:
        kind = ", ".join(part for part in (field["type"], field["bounds"]) if part)
        rows.add_row(field["name"], kind, Text("required", "bold") if field["required"] else inline(field["default"]))
    return rows


def prose(text: str) -> Text:
    """Text with what stands in backquotes in colour."""
    shown, end = Text(), 0
    for match in _CODE.finditer(text):
        shown.append(text[end : match.start()])
        quote = "`" if len(match[1]) == 1 else ""
        shown.append(quote + match[2] + quote, "cyan")
        end = match.end()
    return shown.append(text[end:])


def _part(part: Mapping[str, Any], width: int) -> RenderableType:
    if not part["title"]:
        return prose(part["text"])
    head = Text(part["title"] + (":" if part["title"] == "Source" else ""), style="bold")
    if part["text"]:
        head = Text.assemble(head, " ", prose(part["text"]))
    lines = [Text(line) for long in part["lines"] for line in broken(long, width - 2)]
    return Group(head, *(Padding(line, (0, 0, 0, 2)) for line in lines)) if lines else head


def broken(line: str, width: int) -> Iterator[str]:
    """A line of formulas cut where gaps of two or more blanks part it; what is still too long is cut at blanks."""
    pieces = _GAP.split(line.rstrip())
    here = pieces[0]
    for gap, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        if here.strip() and len(here + gap + piece) > width:
            yield from _cut(here, width)
            here = "  " + piece
        else:
            here += gap + piece
    yield from _cut(here, width)


def _cut(line: str, width: int) -> Iterator[str]:
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    while len(line) > width and (at := line.rfind(" ", len(indent), width + 1)) > 0:
        yield line[:at]
        line = indent + line[at + 1 :]
    yield line


def _yaml(text: str) -> Text:
    """YAML with its keys in colour."""
    shown = Text(text, overflow="fold", no_wrap=False)
    shown.highlight_regex(r"(?m)^[ -]*(?P<cyan>\w+)(?=:)")
    return shown


__all__ = ["broken", "contents", "page", "prose"]
