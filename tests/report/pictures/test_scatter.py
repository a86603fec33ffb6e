"""Points over a landscape: every point and every height is where it should be, seen in the decoded picture."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np
import pytest

from nncli.report.pictures import scatter


@pytest.fixture(autouse=True)
def _matplotlib() -> None:
    pytest.importorskip("matplotlib", reason="points are drawn by matplotlib")


def decoded(data: bytes) -> Any:
    pillow = pytest.importorskip("PIL.Image", reason="decodes the picture")
    return np.asarray(pillow.open(io.BytesIO(data)).convert("RGB")).astype(int)


REGION = (-1.0, 3.0, 10.0, 14.0)


def test_a_lattice_is_the_midpoints_from_below() -> None:
    points = scatter.lattice(REGION, 4)
    assert points.shape == (16, 2)
    assert points[0].tolist() == [-0.5, 10.5]
    assert points[1].tolist() == [0.5, 10.5]
    assert points[4].tolist() == [-0.5, 11.5]
    assert points[-1].tolist() == [2.5, 13.5]


def test_a_region_is_a_square_around_almost_all() -> None:
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.uniform([0, 0], [4, 1], (50_000, 2)), [[1e9, 0], [np.nan, 0]]])
    left, right, bottom, top = scatter.region_of(points, margin=0.25)
    assert (left, right) == pytest.approx((-1, 5), abs=0.05)
    assert (bottom, top) == pytest.approx((-2.5, 3.5), abs=0.05)
    assert scatter.region_of(np.full((3, 2), np.nan)) == (-1, 1, -1, 1)
    assert scatter.region_of(np.zeros((3, 2))) == (-1, 1, -1, 1)


def test_a_landscape_has_its_heights_where_they_belong() -> None:
    land = scatter.landscape(lambda p: 2 * p[:, 0] - (p[:, 1] - 12), REGION)
    side = scatter.SIDE
    for row, column in ((0, 0), (0, side - 1), (side // 2, 7), (side - 1, 3)):
        x = REGION[0] + (column + 0.5) / side * 4
        y = REGION[2] + (row + 0.5) / side * 4
        assert land.values[row, column] == pytest.approx(1 / (1 + math.exp(-(2 * x - (y - 12)))), rel=1e-12)


def test_probabilities_never_overflow() -> None:
    assert scatter.probability(np.array([-1e4, 0, 1e4])).tolist() == [0, 0.5, 1]


def test_scores_that_are_no_odds_stay_as_they_are() -> None:
    land = scatter.landscape(lambda p: 100 * p[:, 0], REGION, logits=False)
    assert not land.share
    assert land.values.max() == pytest.approx(300, rel=0.01)
    flat = scatter.landscape(lambda p: np.zeros(len(p)), REGION, logits=False)
    decoded(scatter.draw("png", scatter.scatter_figure, np.zeros((3, 2)), np.zeros((3, 2)), "t", flat))


def test_points_and_heights_in_the_decoded_picture() -> None:
    """Samples at the corners of a square, below the legend: their distances are equal, D's bright half is the right."""
    corners = np.array([[0.0, 10.5], [2, 10.5], [0, 12.5], [2, 12.5]])
    land = scatter.landscape(lambda p: 50 * (p[:, 0] - 1), REGION)
    fake = np.repeat(corners, 40, axis=0)
    picture = decoded(scatter.draw("png", scatter.scatter_figure, np.empty((0, 2)), fake, "t", land))
    red, green, blue = picture.transpose(2, 0, 1)
    rows, columns = np.nonzero((red - blue > 120) & (green < red) & (np.arange(len(picture)) > 100)[:, None])
    left, right, top, bottom = columns.min(), columns.max(), rows.min(), rows.max()
    assert right - left == pytest.approx(bottom - top, abs=2)
    middle = (top + bottom) // 2
    assert picture[middle, right - 5].mean() > 250  # D is sure that it is real
    assert picture[middle, left + 5].mean() < 120


def test_what_is_outside_is_counted() -> None:
    fake = np.array([[0, 12], [9, 12], [0, 0], [np.nan, 12], [3, 14]], float)
    land = scatter.landscape(lambda p: p[:, 0], REGION)
    with scatter.styled("a test"):
        figure = scatter.scatter_figure(np.zeros((1, 2)), fake, "t", land, land)
    labels = [axes.get_xlabel() for axes in figure.axes if axes.get_xlabel()]
    assert labels == ["samples outside of the picture: 3 of 5", "sand: neither data nor samples"]


def test_where_there_is_nothing_it_is_sand() -> None:
    """The best answer is a share on the right, and nothing on the left."""
    import matplotlib

    best = scatter.best_landscape(lambda p: np.where(p[:, 0] < 1, np.nan, 0.25), REGION)
    assert np.isnan(best.values[:, : scatter.SIDE // 2]).all()
    assert (best.values[:, scatter.SIDE // 2 :] == 0.25).all()
    learned = scatter.landscape(lambda p: np.full(len(p), 9.0), REGION)
    picture = decoded(scatter.draw("png", scatter.scatter_figure, *np.zeros((2, 1, 2)), "t", learned, best))
    sand = (np.abs(picture - [0xF3, 0xE6, 0xCC]).sum(2) < 6).sum()
    middle = np.array(matplotlib.colormaps["Greys_r"](0.5)[:3]) * 255  # ¼ lies between −½, which is black, and 1
    grey = np.abs(picture - middle).sum(2) < 12
    assert sand > 50_000
    assert grey.sum() == pytest.approx(sand, rel=0.1)
    nothing = scatter.best_landscape(lambda p: np.full(len(p), np.nan), REGION)
    decoded(scatter.draw("png", scatter.scatter_figure, np.zeros((1, 2)), np.zeros((1, 2)), "t", None, nothing))


def test_a_line_has_its_histograms_and_answers() -> None:
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=20_000), rng.normal(1, 0.5, size=10_000)
    x = np.linspace(-2, 2, 9)
    answers = scatter.Answers(x, x**2 / 4, np.full(9, 0.5))
    with scatter.styled("a test"):
        above, below = scatter.line_figure(real, fake, "t", answers).axes
    for patch, points in zip(above.patches, (real, fake), strict=True):
        heights, edges, _ = patch.get_data()
        assert heights @ np.diff(edges) == pytest.approx(np.mean((points >= edges[0]) & (points <= edges[-1])))
        place = np.searchsorted(edges, 0.5) - 1
        inside = np.count_nonzero((points >= edges[place]) & (points < edges[place + 1]))
        assert heights[place] == pytest.approx(inside / len(points) / (edges[place + 1] - edges[place]))
    optimal, learned = below.get_lines()[:2]
    assert learned.get_data()[1].tolist() == (x**2 / 4).tolist()
    assert optimal.get_data()[1].tolist() == [0.5] * 9


def test_frames_have_one_size_whatever_they_show() -> None:
    land = scatter.landscape(lambda p: p[:, 0], REGION)
    real = np.array([[0.0, 12.0]])
    pictures = [
        decoded(scatter.draw("png", scatter.scatter_figure, real, fake, title, land))
        for fake, title in ((real, "step 0"), (real + 100, "step 10,000"))
    ]
    assert pictures[0].shape == pictures[1].shape
