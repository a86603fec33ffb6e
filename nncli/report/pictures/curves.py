"""Curves of figures over epochs or steps, one panel for each kind of figure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from nncli.parts import Array
from nncli.report.pictures.drawing import COLOURS, encoded, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MANY = 400
"""Points of a line beyond which its bins are drawn: their means, and a band from their least to their greatest."""
BINS = 200
WIDE = 30
"""A panel that may be logarithmic is, where positive figures span more than this factor."""


@dataclass(frozen=True, slots=True)
class Line:
    """Points (x, y), each (n,); NaN and infinity are gaps. A `faint` line stays in the background."""

    name: str
    x: Array
    y: Array
    faint: bool = False
    colour: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """Lines with one axis, and `levels`: heights that mean something, by name. `marks` are moments by name."""

    title: str
    lines: Sequence[Line]
    levels: Mapping[str, float] = field(default_factory=dict)
    marks: Mapping[str, float] = field(default_factory=dict)
    may_be_logarithmic: bool = False
    bottom: float | None = None
    top: float | None = None

    @property
    def logarithmic(self) -> bool:
        """Whether its figures call for it."""
        values = [line.y[np.isfinite(line.y)] for line in self.lines]
        every = np.concatenate([*values, list(self.levels.values())])
        return bool(self.may_be_logarithmic and every.size and every.min() > 0 and every.max() > WIDE * every.min())


def binned(x: Array, y: Array, bins: int = BINS) -> tuple[Array, Array, Array, Array]:
    """Mean x, and mean, least and greatest y, of `bins` runs of almost equal length; a run with no finite y is NaN.

    Shapes: x (n,), y (n,) -> four of (bins,)
    """
    found = np.full((4, bins), np.nan)
    for place, rows in enumerate(np.array_split(np.arange(len(x)), bins)):
        values = y[rows]
        values = values[np.isfinite(values)]
        if rows.size:
            found[0, place] = x[rows].mean()
        if values.size:
            found[1:, place] = values.mean(), values.min(), values.max()
    return found[0], found[1], found[2], found[3]


def draw(panels: Sequence[Panel], kind: str, title: str, along: str, subtitle: str = "") -> bytes:
    """The panels as a file of the given kind (`png`, `svg`, `pdf`); `along` names the horizontal axis.

    Raises UsageError where matplotlib is missing.
    """
    columns = min(len(panels), 2 if len(panels) <= 4 else 3)
    rows = math.ceil(len(panels) / columns)
    with styled("drawing curves"):
        figure = new_figure(max(5.0 * columns, 6), 3.1 * rows + 0.5)
        figure.suptitle(f"{title}\n{subtitle}" if subtitle else title, x=0.01, ha="left", fontsize=11)
        left, right = _extent(panels)
        for place, panel in enumerate(panels):
            axes = figure.add_subplot(rows, columns, place + 1)
            _draw_panel(axes, panel, along)
            axes.set_xlim(left, right)
        return encoded(figure, kind)


def _extent(panels: Sequence[Panel]) -> tuple[float, float]:
    """One horizontal axis for all panels, with a margin."""
    ends = [end for panel in panels for line in panel.lines if len(line.x) for end in (line.x[0], line.x[-1])]
    first, last = min(ends), max(ends)
    margin = (last - first) * 0.03 or 0.5
    return float(first - margin), float(last + margin)


def _draw_panel(axes: Axes, panel: Panel, along: str) -> None:
    axes.set_title(panel.title)
    axes.set_xlabel(along)
    for number, line in enumerate(panel.lines):
        _draw_line(axes, line, line.colour or COLOURS[number % len(COLOURS)])
    for name, level in panel.levels.items():
        axes.axhline(level, color="#444444", linewidth=1, linestyle=(0, (4, 3)), label=name)
    for name, moment in panel.marks.items():
        axes.axvline(moment, color="#999999", linewidth=1, linestyle=(0, (1, 2)), label=name)
    if panel.logarithmic:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")  # its own would be a formula, and names must not be read as formulas
    if panel.bottom is not None or panel.top is not None:
        axes.set_ylim(bottom=panel.bottom, top=panel.top)
    if len(panel.lines) + len(panel.levels) + len(panel.marks) > 1:
        axes.legend(loc="best")


def _draw_line(axes: Axes, line: Line, colour: str) -> None:
    """A line of few points as it is, one of many by bins."""
    y = np.where(np.isfinite(line.y), line.y, np.nan)
    if len(y) <= MANY:
        alone = np.count_nonzero(np.isfinite(y)) <= 30
        style: dict[str, Any] = {"alpha": 0.35, "linewidth": 1.0} if line.faint else {}
        axes.plot(
            line.x, y, color=colour, label=line.name, marker="o" if alone and not line.faint else "", ms=3, **style
        )
        return
    x, mean, least, greatest = binned(line.x, y)
    band, width, alpha = (0.12, 1.0, 0.5) if line.faint else (0.2, 1.4, 1.0)
    axes.fill_between(x, least, greatest, color=colour, alpha=band, linewidth=0)
    axes.plot(x, mean, color=colour, label=line.name, linewidth=width, alpha=alpha)
