"""Figures of matplotlib that look alike everywhere: no window, no style of the user's, equal bytes for equals."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from nncli.report.pictures.extras import require

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's: readers who cannot tell red from green can tell these."""
BLUE, ORANGE, GREEN = COLOURS[:3]
DPI = 110
STYLE: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.labelcolor": "#444444",
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.edgecolor": "#888888",
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.formatter.useoffset": False,
    "axes.formatter.limits": (-4, 5),
    "figure.dpi": DPI,
    "font.size": 9,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "savefig.dpi": DPI,
    "svg.fonttype": "path",
    "svg.hashsalt": "nncli",
    "text.parse_math": False,
    "xtick.color": "#666666",
    "ytick.color": "#666666",
}
KINDS = ("png", "svg", "pdf")
UNDATED: dict[str, dict[str, Any]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}


@contextlib.contextmanager
def styled(purpose: str) -> Iterator[None]:
    """While it is entered, figures look as ours do, whatever the user's matplotlibrc says.

    Raises UsageError where matplotlib is missing.
    """
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it tells of caches and fonts on standard error
    require("plot", purpose)
    import matplotlib

    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        warnings.filterwarnings("ignore", "Glyph .* missing from")  # a name in a script that the font lacks
        yield


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, sizes in inches. Call it inside `styled`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def encoded(figure: Figure, kind: str) -> bytes:
    """The bytes of a file of one of `KINDS`; nothing in them tells the time."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, metadata=UNDATED[kind])
    return buffer.getvalue()
