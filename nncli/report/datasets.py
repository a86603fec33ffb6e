"""The results of `data info` on the screen, and samples as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from rich.console import Console
from rich.text import Text

from nncli.report import terminal
from nncli.report.console import count, size, table
from nncli.report.pictures import files, grids
from nncli.report.probes import findings
from nncli.training.data_samples import Examples, Sheet

MOST_CLASSES, MOST_COLUMNS = 30, 40
"""Rows of a table at most."""
FIGURES = ("min", "max", "mean", "deviation")
SHOWN = 3
"""Values of a column that are shown."""
IMAGE_ROWS, SOUNDS, PLANE = 2, 8, (60, 15)
"""Rows of images, sounds, and the columns and lines that points may take."""


def show(document: Mapping[str, Any], shown: Examples, console: Console) -> None:
    """Splits, their numbers, classes or targets, columns, some samples, findings."""
    sides = "×".join(str(side) for side in document["shape"])
    head = f"{document['name']}: samples of {sides} number{'' if sides == '1' else 's'}"
    if document["endless"]:
        head += ", drawn anew without end; figures are of one draw"
    console.print(Text(head, overflow="fold"))
    _splits(document, console)
    _numbers(document, console)
    if document["classes"] is not None:
        _classes(document["classes"], console)
    if document["targets"]:
        _targets(document["targets"], console)
    if document["columns"]:
        _columns(document, shown, console)
    if document["missing"]:
        _missing(document, console)
    _samples(document, shown, console)
    if not document["findings"]:
        console.print("")
    findings(document["findings"], console, "these data look as they should")


def _splits(document: Mapping[str, Any], console: Console) -> None:
    drawn = table()
    for name in ("split", "source"):
        drawn.add_column(name)
    for name in ("samples", "stored as", "size"):
        drawn.add_column(name, justify="right")
    known = any(split["in_train"] for split in document["splits"].values())
    repeats = any(split["repeats"] for split in document["splits"].values())
    if repeats and not document["endless"]:
        drawn.add_column("repeated", justify="right")
    if known and not document["endless"]:
        drawn.add_column("also in train", justify="right")
    for name, split in document["splits"].items():
        row = [name, split["source"], count(split["samples"]), split["dtype"], size(split["bytes"])]
        row += [count(split["repeats"])] if repeats and not document["endless"] else []
        row += [count(split["in_train"] or 0)] if known and not document["endless"] else []
        drawn.add_row(*row)
    console.print("")
    console.print(drawn)
    if dropped := document["dropped_rows"]:
        console.print(f"{count(dropped)} row{'s are' if dropped > 1 else ' is'} left out: `missing: drop`")
    for place in dict.fromkeys(split["from"] for split in document["splits"].values()):
        console.print(Text(f"  {place}", style="dim"), soft_wrap=True)


def _numbers(document: Mapping[str, Any], console: Console) -> None:
    """As stored, and after preprocessing."""
    drawn = table()
    drawn.add_column("numbers")
    drawn.add_column("", overflow="fold")
    for name in FIGURES:
        drawn.add_column(name, justify="right", no_wrap=True)
    steps = ", ".join(document["preprocess"])
    for name, split in document["splits"].items():
        drawn.add_row(name, "as stored", *_figures(split))
        after = split["after_preprocessing"]
        if after is not None:
            other = after["shape"] != document["shape"]
            shape = ": " + "×".join(map(str, after["shape"])) if other else ""
            drawn.add_row("", f"after {steps}{shape}", *_figures(after))
    console.print("")
    console.print(drawn)
    if document["augment"]:
        console.print(f"training samples are changed by {', '.join(document['augment'])}", soft_wrap=True)


def _figures(figures: Mapping[str, float]) -> list[str]:
    """A mean that is 0 but for rounding is 0."""
    rounding = 1e-9 * figures["deviation"]
    return [figure(figures[name] if abs(figures[name]) > rounding else 0.0) for name in FIGURES]


def figure(value: float) -> str:
    """Four digits of a number of any size: 0.1307, 33.32, 206,856."""
    if abs(value) >= 1e7 or 0 < abs(value) < 1e-3:
        return f"{value:.3g}"
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.4g}"


def _classes(classes: Mapping[str, Any], console: Console) -> None:
    counts = classes["counts"]
    most = max(counts["train"]) or 1
    drawn = table()
    drawn.add_column("class", overflow="ellipsis", max_width=24, no_wrap=True)
    for split in counts:
        drawn.add_column(split, justify="right")
    drawn.add_column("of train", justify="right")
    drawn.add_column("", no_wrap=True)
    total = sum(counts["train"])
    for number, name in enumerate(classes["names"][:MOST_CLASSES]):
        here = counts["train"][number]
        bar = "━" * round(20 * here / most)
        row = [Text(count(split[number]), style="" if split[number] else "red") for split in counts.values()]
        drawn.add_row(Text(name), *row, f"{here / total:.1%}", Text(bar, style="cyan"))
    console.print("")
    console.print(drawn)
    _more(len(classes["names"]) - MOST_CLASSES, "classes", console)
    if len(classes["names"]) > 1:
        ratio = "" if classes["ratio"] is None else f", {classes['ratio']:.3g} times as many as the smallest"
        console.print(f"the largest class has {classes['majority']:.1%} of the training samples{ratio}", style="dim")


def _more(rest: int, what: str, console: Console) -> None:
    if rest > 0:
        console.print(f"and {count(rest)} more {what}; --json has them all", style="dim")


def _targets(targets: list[Mapping[str, Any]], console: Console) -> None:
    drawn = table()
    drawn.add_column("target", overflow="fold")
    drawn.add_column("split")
    for name in FIGURES:
        drawn.add_column(name, justify="right", no_wrap=True)
    for target in targets:
        for place, (split, figures) in enumerate(target["splits"].items()):
            drawn.add_row(Text("" if place else target["name"]), split, *_figures(figures))
    console.print("")
    console.print(drawn)
    if any(target["standardized"] for target in targets):
        line = "in their own units; the network learns (target − mean) / deviation of the training split"
        console.print(line, style="dim")


def _columns(document: Mapping[str, Any], shown: Examples, console: Console) -> None:
    """A row for each, with its figures and a few values; of categories how many samples have each."""
    columns = document["columns"]
    missing = any(column["missing"] for column in columns)
    heads = ["column", *(["missing"] if missing else []), *FIGURES]
    rows: list[list[str]] = []
    place = 0
    for column in columns[:MOST_COLUMNS]:
        texts = column["categories"]
        here = shown.x[:SHOWN, place : place + (len(texts) if texts else 1)]
        place += here.shape[1]
        row = [column["name"], *([count(column["missing"]) if column["missing"] else ""] if missing else [])]
        if texts:
            most = sorted(texts.items(), key=lambda item: -item[1])
            rows.append([*row, *[""] * len(FIGURES), ", ".join(f"{count(n)} {text}" for text, n in most)])
        else:
            rows.append([*row, *_figures(column), ", ".join(figure(float(one[0])) for one in here)])
    drawn = table()
    for number, name in enumerate(heads):
        side: Literal["left", "right"] = "right" if number else "left"
        drawn.add_column(name, justify=side, no_wrap=True, overflow="ellipsis", max_width=20)
    taken = sum(min(20, max(len(row[number]) for row in [heads, *rows])) + 2 for number in range(len(heads)))
    drawn.add_column("samples", no_wrap=True, overflow="ellipsis", max_width=max(10, console.width - taken))
    for row in rows:
        drawn.add_row(*map(Text, row))
    console.print("")
    console.print(drawn)
    _more(len(columns) - MOST_COLUMNS, "columns", console)


def _missing(document: Mapping[str, Any], console: Console) -> None:
    drawn = table()
    drawn.add_column("missing in", overflow="fold")
    splits = list(document["missing"][0]["counts"])
    for split in splits:
        drawn.add_column(split, justify="right")
    for name in ("strategy", "put in"):
        drawn.add_column(name)
    for row in document["missing"]:
        filled = row["filled_with"]
        put, strategy = (figure(one) if isinstance(one, float) else one or "" for one in (filled, row["strategy"]))
        drawn.add_row(Text(row["column"]), *(count(n) for n in row["counts"].values()), strategy, Text(put))
    console.print("")
    console.print(drawn)


def _samples(document: Mapping[str, Any], shown: Examples, console: Console) -> None:
    """Pictures of some samples, where the terminal can show them."""
    x, shape = shown.x, document["shape"]
    lines: list[Text] = []
    if len(shape) == 3 and terminal.colours(console):
        limits = (document["splits"]["train"]["min"], document["splits"]["train"]["max"])
        lines = terminal.images(x, shown.called, limits, console.width, IMAGE_ROWS)
    elif len(shape) == 2 and terminal.draws(console):
        largest = float(np.abs(x[:SOUNDS, 0]).max())
        label = min(16, max(len(name) for name in shown.called[:SOUNDS]))
        width = console.width - label - 2
        for name, sound in zip(shown.called[:SOUNDS], x[:SOUNDS, 0], strict=True):
            lines.append(Text(f"{name[:label]:{label}}  {terminal.wave(sound, width, largest)}".strip()))
    elif shape == [2] and terminal.draws(console):
        lines = [Text(line) for line in terminal.points(x, *PLANE)]
    if lines:
        console.print("")
    for line in lines:
        console.print(line, no_wrap=True, crop=True)


def picture(drawn: Sheet) -> bytes:
    """A PNG of a sheet. Raises UsageError where pillow is missing."""
    limits = drawn.limits or grids.extent(drawn.images)
    return files.png(grids.tiled(grids.to_bytes(drawn.images, *limits), drawn.columns))
