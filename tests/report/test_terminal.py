"""Pictures made of characters say what the numbers say."""

from __future__ import annotations

import io

import numpy as np
import pytest
from rich.color import Color
from rich.console import Console
from rich.text import Text

from nncli.parts import Array
from nncli.report import terminal


def pixels(lines: list[Text]) -> Array:
    """(2 · lines, columns, 3): the colours above and below in each character."""
    rows = []
    for line in lines:
        console = Console(file=io.StringIO(), width=200, force_terminal=True, color_system="truecolor")
        pairs = []
        for segment in console.render(line, console.options.update(no_wrap=True)):
            for character in segment.text.rstrip("\n"):
                style = segment.style
                assert character == "▀"
                assert style is not None
                pairs.append([_triplet(style.color), _triplet(style.bgcolor)])
        rows += [[above for above, _ in pairs], [below for _, below in pairs]]
    return np.array(rows)


def _triplet(color: Color | None) -> tuple[int, ...]:
    assert color is not None
    return tuple(color.get_truecolor())


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_an_image_pixel_for_pixel(channels: int) -> None:
    x = np.random.default_rng(0).integers(0, 256, size=(1, channels, 6, 5)).astype(float)
    lines = terminal.images(x, ["a"], (0, 255), 80, 1)
    expected = x[0].transpose(1, 2, 0) if channels == 3 else np.repeat(x[0, :1].transpose(1, 2, 0), 3, axis=2)
    assert (pixels(lines[:-1]) == expected).all()
    assert lines[-1].plain == "a".center(5)


def test_large_images_are_averaged() -> None:
    x = np.random.default_rng(0).integers(0, 256, size=(1, 1, 28, 28)).astype(float)
    found = pixels(terminal.images(x, [""], (0, 255), 80, 1)[:-1])
    assert found.shape == (14, 14, 3)
    mean = [[x[0, 0, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].mean() for j in range(14)] for i in range(14)]
    assert found[..., 0] == pytest.approx(np.array(mean), abs=0.51)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 7), (33, 17), (2, 100), (100, 2)])
def test_images_of_any_shape_fit(height: int, width: int) -> None:
    x = np.ones((30, 1, height, width))
    for columns in (20, 80, 120):
        lines = terminal.images(x, ["a long name of a class"] * 30, (0, 1), columns, 2)
        assert max(line.cell_len for line in lines) <= max(columns, terminal.SIDE)
        assert len(lines) <= 2 * (terminal.SIDE + 1)


def test_a_sound() -> None:
    x = np.concatenate([np.zeros(10), -np.ones(10), 0.5 * np.ones(10)])
    assert terminal.wave(x, 3, 1.0) == "▁█▅"
    assert terminal.wave(x, 100, 2.0) == "▁" * 10 + "▅" * 10 + "▃" * 10
    assert terminal.wave(np.zeros(5), 5, 0.0) == "▁" * 5


def test_points_where_they_are() -> None:
    """Four corners of a square, of one scale in both directions; the first one stands lowest and left."""
    lines = terminal.points(np.array([[0.0, 0.0], [7.0, 0.0], [0.0, 7.0], [7.0, 7.0]]), 4, 2)
    assert lines == ["⠁⠀⠀⠈", "⡀⠀⠀⢀"]
    assert terminal.points(np.array([[1.0, 2.0], [1.0, 2.0]]), 4, 2) == ["⡀"]
    for n in (2, 50):
        x = np.random.default_rng(n).normal(size=(n, 2)) * (1, 30)
        lines = terminal.points(x, 60, 15)
        assert len(lines) <= 15
        assert max(map(len, lines)) <= 60


def test_where_pictures_are_drawn() -> None:
    def console(**settings: object) -> Console:
        stream = io.TextIOWrapper(io.BytesIO(), encoding=str(settings.pop("encoding", "utf-8")))
        return Console(file=stream, **settings)  # type: ignore[arg-type]

    assert terminal.colours(console(force_terminal=True, color_system="truecolor"))
    assert not terminal.colours(console(force_terminal=True, color_system="truecolor", no_color=True))
    assert terminal.draws(console(force_terminal=True, color_system=None))
    assert not terminal.draws(console(force_terminal=True, encoding="ascii"))
    assert not terminal.draws(console(force_terminal=False))
