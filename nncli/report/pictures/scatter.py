"""Points in the plane: data, samples of a generator, and the landscape of a discriminator below them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nncli.parts import Array
from nncli.report.pictures.drawing import BLUE, GREEN, ORANGE, encoded, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIDE = 120
"""Points along each side of a landscape."""
NOTHING = "#f3e6cc"
"""Sand, where there is nothing to say."""
LEARNED = "D(x), the probability that a point is real"
OPTIMAL = "D*(x) = p / (p + q), the best answer"
SCORE = "score of the critic"
MARGIN = 0.25
"""What is shown around the data, as a share of their extent."""


Region = tuple[float, float, float, float]
"""Left, right, bottom, top."""


@dataclass(frozen=True, slots=True)
class Landscape:
    """What a discriminator says of a region: `values` (SIDE, SIDE), rows from below; `label` says what they are.

    A `share` lies between 0 and 1, with a line at ½; other figures are shown from their least to their greatest.
    """

    values: Array
    region: Region
    label: str
    share: bool


def region_of(points: Array, margin: float = MARGIN) -> Region:
    """A square around almost all of the points (N, 2): left, right, bottom, top."""
    finite = points[np.isfinite(points).all(1)]
    if not len(finite):
        return -1.0, 1.0, -1.0, 1.0
    low, high = np.quantile(finite, [0.001, 0.999], axis=0)
    (x, y), half = (low + high) / 2, float(np.max(high - low)) / 2 * (1 + 2 * margin) or 1.0
    return float(x - half), float(x + half), float(y - half), float(y + half)


def lattice(region: Region, side: int = SIDE) -> Array:
    """The midpoints of a region's cells (side², 2), rows from below, x first."""
    left, right, bottom, top = region
    at = (np.arange(side) + 0.5) / side
    x, y = np.meshgrid(left + at * (right - left), bottom + at * (top - bottom))
    return np.stack([x.ravel(), y.ravel()], axis=1)


def landscape(scores: Callable[[Array], Array], region: Region, logits: bool = True) -> Landscape:
    """What a discriminator says of a region; `scores` maps points (M, 2) to (M,).

    Where they are `logits`, D(x) is the probability that x is real; else the scores themselves are shown.
    """
    values = np.asarray(scores(lattice(region)), np.float64).reshape(SIDE, SIDE)
    return Landscape(probability(values), region, LEARNED, True) if logits else Landscape(values, region, SCORE, False)


def best_landscape(shares: Callable[[Array], Array], region: Region) -> Landscape:
    """What the best discriminator would say; NaN where there is nothing of either."""
    values = np.asarray(shares(lattice(region)), np.float64).reshape(SIDE, SIDE)
    return Landscape(values, region, OPTIMAL, True)


def probability(logits: Array) -> Array:
    """1/(1 + e⁻ˢ), of any shape."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * logits)))


def scatter_figure(
    real: Array,
    fake: Array,
    title: str,
    land: Landscape | None = None,
    optimal: Landscape | None = None,
) -> Figure:
    """Real points (N, 2) and fakes (M, 2), over what D says and beside what the best D would say. Inside `styled`."""
    region = land.region if land is not None else region_of(real if len(real) else fake)
    panels = 1 if optimal is None else 2
    figure = new_figure((6.2 if land else 5.2) * panels, 5.4)
    axes = _plane(figure, panels, 1, region, land)
    for points, size, colour, alpha, name in ((real, 5, BLUE, 0.35, "data"), (fake, 7, ORANGE, 0.75, "samples")):
        label = f"{name} ({len(points):,})"
        axes.scatter(points[:, 0], points[:, 1], s=size, color=colour, alpha=alpha, linewidths=0, label=label)
    axes.legend(loc="upper right", markerscale=2, frameon=True, framealpha=0.8, edgecolor="none")
    outside = int(np.count_nonzero(_outside(fake, region)))
    axes.set_xlabel(f"samples outside of the picture: {outside:,} of {len(fake):,}")
    axes.set_title(title)
    if optimal is not None:
        _plane(figure, panels, 2, region, optimal).set_xlabel("sand: neither data nor samples")
    return figure


def _plane(figure: Figure, panels: int, place: int, region: Region, below: Landscape | None) -> Axes:
    """Axes of a region, over a landscape."""
    axes = figure.add_subplot(1, panels, place)
    if below is not None:
        _draw_landscape(figure, axes, below)
    axes.set_xlim(region[0], region[1])
    axes.set_ylim(region[2], region[3])
    axes.set_aspect("equal")
    axes.grid(visible=below is None)
    return axes


def _outside(points: Array, region: Region) -> Array:
    x, y = points.T
    left, right, bottom, top = region
    return np.asarray(~((x >= left) & (x <= right) & (y >= bottom) & (y <= top)))


def _draw_landscape(figure: Figure, axes: Axes, land: Landscape) -> None:
    """Dark where a point is not taken for real; of a share the line is where it cannot be told."""
    values = np.ma.masked_invalid(land.values)
    low, high = (0.0, 1.0) if land.share or values.mask.all() else (float(values.min()), float(values.max()))
    if high <= low:
        high = low + 1
    axes.set_facecolor(NOTHING)
    shown = axes.imshow(
        values,
        extent=land.region,
        origin="lower",
        cmap="Greys_r",
        vmin=low - (high - low) / 2,  # so that points are seen where it is darkest
        vmax=high,
        interpolation="bilinear",
    )
    if land.share and np.any(values < 0.5) and np.any(values > 0.5):
        axes.contour(values, [0.5], extent=land.region, origin="lower", colors="#444444", linewidths=0.7)
    ticks = np.linspace(low, high, 5)
    bar = figure.colorbar(shown, ax=axes, shrink=0.7, pad=0.02, boundaries=np.linspace(low, high, 101), ticks=ticks)
    bar.ax.set_yticks(ticks, [f"{tick:.3g}" for tick in ticks])
    bar.set_label(land.label)


@dataclass(frozen=True, slots=True)
class Answers:
    """On 1-D data, what D says at `x` (P,): `learned`, and where both densities are known `optimal`, shares (P,)."""

    x: Array
    learned: Array
    optimal: Array | None = None


def line_figure(real: Array, fake: Array, title: str, answers: Answers | None = None) -> Figure:
    """1-D data (N,) and samples (M,) as histograms; below them D. Inside `styled`."""
    figure = new_figure(6.4, 5.4 if answers is not None else 3.4)
    finite = real[np.isfinite(real)] if len(real) else fake[np.isfinite(fake)]
    low, high = np.quantile(finite, [0.0005, 0.9995]) if len(finite) else (-1.0, 1.0)
    margin = float(high - low) * MARGIN / 2 or 1.0
    edges = np.linspace(low - margin, high + margin, 101)
    rows = 2 if answers is not None else 1
    above = figure.add_subplot(rows, 1, 1)
    for points, colour, name in ((real, BLUE, "data"), (fake, ORANGE, "samples")):
        heights = np.histogram(points, edges)[0] / max(len(points), 1) / np.diff(edges)
        above.stairs(heights, edges, fill=True, color=colour, alpha=0.45, label=f"{name} ({len(points):,})")
    above.set_title(title)
    above.set_ylabel("density")
    above.set_xlim(edges[0], edges[-1])
    above.legend()
    if answers is not None:
        below = figure.add_subplot(rows, 1, 2, sharex=above)
        if answers.optimal is not None:
            below.plot(answers.x, answers.optimal, color="#444444", linewidth=3, alpha=0.4, label=OPTIMAL)
        below.plot(answers.x, answers.learned, color=GREEN, label=LEARNED)
        below.axhline(0.5, color="#888888", linewidth=0.8, linestyle=(0, (4, 3)))
        below.set_ylim(-0.03, 1.03)
        below.legend()
    return figure


def draw(kind: str, figure_of: Callable[..., Figure], *arguments: Any) -> bytes:
    """One of the figures of this module as a file of the given kind. Raises UsageError where matplotlib is missing."""
    with styled("drawing points"):
        return encoded(figure_of(*arguments), kind)
