"""Curves: what is drawn of a history, and that figures draw it."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

from nncli.report.pictures import curves, drawing, history
from nncli.report.pictures.curves import Line, Panel

needs_matplotlib = pytest.mark.usefixtures("_matplotlib")


@pytest.fixture
def _matplotlib() -> None:
    pytest.importorskip("matplotlib", reason="curves are drawn by matplotlib")


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The figures that are drawn while a test runs."""
    drawn: list[Any] = []
    real = drawing.encoded
    monkeypatch.setattr(curves, "encoded", lambda figure, kind: drawn.append(figure) or real(figure, kind))
    return drawn


# -- what is drawn -----------------------------------------------------------------------------------------------------

STEPS = {
    "loss": np.array([4.0, 3.0, 2.5, 2.0, 1.5, 1.0, 0.5]),
    "lr": np.full(7, 0.1),
    "gradient_norm": np.linspace(100, 1, 7),
}
EPOCHS = {
    "train_loss": np.array([3.5, 2.25, 1.25]),
    "train_top_k": np.array([0.1, 0.5, 0.9]),
    "validation_loss": np.array([3.0, np.nan, 1.0]),
    "validation_top_k": np.array([0.2, 0.4, 0.8]),
    "lr": np.full(3, 0.1),
}
PROGRESS = {"epoch": 3, "cursor": 1, "step": 7, "best_epoch": 3, "best_metric": "validation top_k", "best_value": 0.8}


def test_splits_share_the_panel_of_a_figure() -> None:
    panels, along = history.supervised(STEPS, EPOCHS, PROGRESS)
    assert along == "epoch"
    assert [(panel.title, [line.name for line in panel.lines]) for panel in panels] == [
        ("loss", ["train, each step", "train", "validation"]),
        ("top_k", ["train", "validation"]),
        ("learning rate", ["learning rate"]),
        ("norm of the gradient", ["norm of the gradient"]),
    ]
    assert panels[1].lines[1].x.tolist() == [1, 2, 3]
    assert panels[1].lines[1].y.tolist() == [0.2, 0.4, 0.8]
    assert panels[0].marks == {"best (epoch 3)": 3}


def test_steps_stand_where_they_ended() -> None:
    """Three epochs of two steps, and one step of the fourth."""
    panels, _ = history.supervised(STEPS, EPOCHS, PROGRESS)
    assert panels[0].lines[0].x.tolist() == [0.5, 1, 1.5, 2, 2.5, 3, 3.5]


def test_before_the_first_epoch_ends_there_are_steps() -> None:
    panels, along = history.supervised(STEPS, {}, {"epoch": 0, "cursor": 7, "step": 7})
    assert along == "step"
    assert [panel.title for panel in panels] == ["loss", "learning rate", "norm of the gradient"]
    assert panels[0].lines[0].x.tolist() == [1, 2, 3, 4, 5, 6, 7]


def test_both_players_share_a_panel_and_so_do_figures_of_data_and_samples() -> None:
    steps = {"d_loss": np.array([1.0, 2]), "g_loss": np.array([3.0, 4]), "d_norm": np.zeros(2), "g_norm": np.zeros(2)}
    looks = {
        "step": np.array([0, 2]),
        "value": np.array([-1.0, -1.5]),
        "js_bound": np.zeros(2),
        "dimension_real": np.ones(2),
        "dimension_fake": np.zeros(2),
        "divergence": np.ones(2),
        "d_norm": np.zeros(2),
        "of_fake_news": np.zeros(2),
    }
    panels = history.game(steps, looks)
    assert [(panel.title, [line.name for line in panel.lines]) for panel in panels] == [
        ("loss of each player", ["discriminator", "generator"]),
        ("norm of each gradient", ["discriminator", "generator"]),
        ("V, the value of the game", ["value"]),
        ("Jensen–Shannon divergence", ["at least, by the discriminator", "by histograms"]),
        ("intrinsic dimension", ["data", "samples"]),
        ("of fake news", ["of fake news"]),
    ]
    assert panels[0].lines[1].x.tolist() == [1, 2]
    assert panels[2].lines[0].x.tolist() == [0, 2]
    assert list(panels[2].levels.values()) == [pytest.approx(-1.3862943611)]
    assert history.game({"d_loss": np.zeros(0)}, {}) == []


def test_no_history_is_no_panel() -> None:
    assert history.supervised({"loss": np.zeros(0)}, {}, {"epoch": 0})[0] == []


@pytest.mark.parametrize(
    ("values", "expected"),
    [([1, 100], True), ([1, 20], False), ([0, 100], False), ([-1, 100], False), ([1, np.inf], False), ([], False)],
)
def test_which_axis_is_logarithmic(values: list[float], expected: bool) -> None:
    line = Line("a", np.arange(len(values), dtype=float), np.array(values, float))
    assert Panel("p", [line], may_be_logarithmic=True).logarithmic is expected
    assert not Panel("p", [line]).logarithmic


def test_bins_against_a_naive_loop() -> None:
    rng = np.random.default_rng(0)
    x, y = np.arange(1003.0), rng.normal(size=1003)
    y[rng.random(1003) < 0.1] = np.nan
    y[:40] = np.nan
    found = curves.binned(x, y, bins=50)
    sizes = [1003 // 50 + (1 if place < 1003 % 50 else 0) for place in range(50)]
    start = 0
    for place, size in enumerate(sizes):
        inside = [float(v) for v in y[start : start + size] if v == v]
        middle = sum(x[start : start + size]) / size
        expected = [sum(inside) / len(inside), min(inside), max(inside)] if inside else [np.nan] * 3
        assert [row[place] for row in found] == pytest.approx([middle, *expected], nan_ok=True)
        start += size


# -- that it is drawn --------------------------------------------------------------------------------------------------


@needs_matplotlib
def test_lines_have_the_points_of_the_history(figures: list[Any]) -> None:
    panels, along = history.supervised(STEPS, EPOCHS, PROGRESS)
    curves.draw(panels, "png", "a run", along)
    axes = figures[0].axes
    assert [one.get_title(loc="left") for one in axes] == [panel.title for panel in panels]
    drawn = {line.get_label(): line.get_data() for line in axes[0].get_lines()}
    assert drawn["train"][0].tolist() == [1, 2, 3]
    assert drawn["train"][1].tolist() == EPOCHS["train_loss"].tolist()
    assert np.isnan(drawn["validation"][1][1])
    assert axes[3].get_yscale() == "log"
    assert len({one.get_xlim() for one in axes}) == 1


@needs_matplotlib
def test_a_long_line_is_drawn_by_bins(figures: list[Any]) -> None:
    y = np.where(np.arange(5000) == 2500, 1e3, 1.0)
    curves.draw([Panel("p", [Line("a", np.arange(5000.0), y)])], "png", "t", "step")
    (line,) = figures[0].axes[0].get_lines()
    assert len(line.get_data()[0]) == curves.BINS
    (band,) = figures[0].axes[0].collections
    assert band.get_datalim(figures[0].axes[0].transData).y1 == 1e3


@needs_matplotlib
@pytest.mark.parametrize(("kind", "magic"), [("png", b"\x89PNG\r\n"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_equal_panels_give_equal_bytes(kind: str, magic: bytes) -> None:
    panels, along = history.supervised(STEPS, EPOCHS, PROGRESS)
    first = curves.draw(panels, kind, "a run", along)
    assert first.startswith(magic)
    assert curves.draw(panels, kind, "a run", along) == first


@needs_matplotlib
def test_names_are_not_read_as_formulas_and_may_be_of_any_script() -> None:
    line = Line("$x_1", np.arange(3.0), np.arange(3.0))
    assert curves.draw([Panel("$\\frac{1", [line, line])], "svg", "多$ ^_", "step")


@needs_matplotlib
def test_the_style_of_the_user_neither_counts_nor_changes() -> None:
    import matplotlib

    panels, along = history.supervised(STEPS, EPOCHS, PROGRESS)
    expected = curves.draw(panels, "svg", "a run", along)
    with matplotlib.rc_context({"font.size": 30, "axes.grid": False, "lines.linewidth": 9}):
        assert curves.draw(panels, "svg", "a run", along) == expected
        assert matplotlib.rcParams["font.size"] == 30


@needs_matplotlib
def test_a_picture_is_what_its_figure_shows() -> None:
    """Decoded by pillow: a level line of blue is where its value is."""
    pillow = pytest.importorskip("PIL.Image", reason="decodes the picture")
    panel = Panel("p", [Line("a", np.array([0.0, 1.0]), np.array([0.25, 0.25]))], bottom=0, top=1)
    picture = np.asarray(pillow.open(io.BytesIO(curves.draw([panel], "png", "t", "x"))).convert("RGB")).astype(int)
    blue = np.abs(picture - [0x00, 0x72, 0xB2]).sum(2) < 30
    rows = np.flatnonzero(blue.sum(1) > 100)
    dark = np.abs(picture - 0x88).sum(2) < 30  # the axes' edges: the vertical one spans bottom to top
    column = np.argmax(dark.sum(0))
    edge = np.flatnonzero(dark[:, column])
    share = (edge[-1] - rows.mean()) / (edge[-1] - edge[0])
    assert share == pytest.approx(0.25, abs=0.02)
