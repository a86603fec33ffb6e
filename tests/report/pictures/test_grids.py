"""Grids of images, against naive loops, and decoded again from the files they are written to."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nncli.errors import UsageError
from nncli.report.pictures import files, grids


@pytest.fixture
def pillow() -> Any:
    return pytest.importorskip("PIL.Image", reason="decodes the pictures")


def noise(*shape: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def test_bytes_against_a_naive_loop() -> None:
    values = np.random.default_rng(0).normal(size=200) * 2
    expected = [round(min(max((float(v) + 1) / 2, 0), 1) * 255) for v in values]
    assert grids.to_bytes(values, -1, 1).tolist() == expected
    assert grids.to_bytes(np.array([-1.0, 0.0, 1.0, np.nan, np.inf, -np.inf]), -1, 1).tolist() == [
        0,
        128,
        255,
        0,
        255,
        0,
    ]
    assert grids.to_bytes(np.array([3.0, 4.0]), 3, 3).tolist() == [0, 255]  # a constant picture is no failure


def test_extent() -> None:
    values = np.append(np.linspace(-1, 1, 10_001), [1e6, np.nan, -np.inf])
    least, greatest = grids.extent(values)
    assert (least, greatest) == pytest.approx((-0.99, 0.99), abs=1e-3)
    assert grids.extent(np.array([np.nan])) == (0, 1)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("n", "columns", "gap", "zoom"), [(5, 2, 1, 1), (6, 3, 0, 2), (1, 0, 2, 3), (4, 9, 1, 1)])
def test_each_pixel_is_where_it_should_be(n: int, columns: int, gap: int, zoom: int, channels: int) -> None:
    images = noise(n, channels, 4, 6)
    picture = grids.tiled(images, columns, gap, zoom)
    across = min(columns or n, n)
    down = -(-n // across)
    assert picture.shape[:2] == ((down * (4 + gap) + gap) * zoom, (across * (6 + gap) + gap) * zoom)
    expected = np.full((*picture.shape[:2], channels), grids.BETWEEN)
    for place in range(n):
        for row in range(4 * zoom):
            for column in range(6 * zoom):
                y = (gap + place // across * (4 + gap)) * zoom + row
                x = (gap + place % across * (6 + gap)) * zoom + column
                expected[y, x] = images[place, :, row // zoom, column // zoom]
    assert (picture.reshape(expected.shape) == expected).all()


def test_other_numbers_of_channels_stand_side_by_side() -> None:
    images = noise(3, 2, 4, 5)
    picture = grids.tiled(images, 1, gap=0, zoom=1)
    assert picture.shape == (12, 10)
    assert (picture[4:8, 5:] == images[1, 1]).all()


def test_64_small_images_make_a_square() -> None:
    assert grids.tiled(noise(64, 1, 8, 8)).shape == ((8 * 9 + 1) * 4,) * 2
    assert grids.tiled(noise(64, 1, 28, 28)).shape == ((8 * 29 + 1) * 2,) * 2


# -- files -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(7, 9), (7, 9, 3)])
def test_a_png_holds_every_pixel(pillow: Any, tmp_path: Path, shape: tuple[int, ...]) -> None:
    pixels = noise(*shape)
    data = files.png(pixels)
    assert (np.asarray(pillow.open(io.BytesIO(data))) == pixels).all()
    (tmp_path / "x.png").write_bytes(data)
    assert (files.read_png(tmp_path / "x.png") == pixels).all()
    assert files.png(pixels) == data


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"GIF89a", files.npz(a=np.zeros(3))])
def test_what_is_no_png(pillow: Any, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.png").write_bytes(data)
    with pytest.raises(OSError, match=r"x\.png|truncated|cannot identify"):
        files.read_png(tmp_path / "x.png")


@pytest.mark.parametrize("kind", files.ANIMATIONS)
def test_an_animation_shows_the_frames_in_order(pillow: Any, kind: str) -> None:
    frames = [np.full((5, 6), level, np.uint8) for level in (10, 200, 90)]
    frames[1][2, 3] = 17
    with pillow.open(io.BytesIO(files.animation(frames, kind, 40))) as image:
        assert image.n_frames == 3
        assert image.info["loop"] == 0
        times = []
        for place, frame in enumerate(frames):
            image.seek(place)
            times.append(image.info["duration"])
            assert (np.asarray(image.convert("L")) == frame).all()
    assert times == [40, 40, files.LAST]


def test_equal_frames_are_frames_too(pillow: Any) -> None:
    """What does not change for a while takes its time."""
    frames = [np.full((5, 6), level, np.uint8) for level in (10, 10, 10, 90)]
    with pillow.open(io.BytesIO(files.animation(frames, "gif", 40))) as image:
        times = 0
        for place in range(image.n_frames):
            image.seek(place)
            times += image.info["duration"]
    assert times == 3 * 40 + files.LAST


def test_one_frame(pillow: Any) -> None:
    with pillow.open(io.BytesIO(files.animation([noise(4, 4)]))) as image:
        assert image.n_frames == 1
    with pytest.raises(ValueError, match="at least one"):
        files.animation([])


def test_npz(tmp_path: Path) -> None:
    arrays = {"samples": np.random.default_rng(0).normal(size=(3, 2)), "seed": np.array(5)}
    data = files.npz(**arrays)
    assert files.npz(**arrays) == data
    found = np.load(io.BytesIO(data), allow_pickle=False)
    assert {name: found[name].tolist() for name in found} == {name: a.tolist() for name, a in arrays.items()}


@pytest.mark.parametrize("what", [lambda: files.png(noise(2, 2)), lambda: files.animation([noise(2, 2)])])
def test_without_pillow(monkeypatch: pytest.MonkeyPatch, what: Any) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(UsageError, match="needs pillow, which is not installed"):
        what()
