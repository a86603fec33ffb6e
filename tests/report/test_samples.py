"""Samples of a game as files: what the pictures show is what the generator made."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nncli.data.batches import Preprocessing
from nncli.data.preprocess.scale import Scale
from nncli.data.preprocess.standardize import Standardize
from nncli.errors import OutputError
from nncli.graph import build
from nncli.report import samples
from nncli.report.samples import Frames
from nncli.spec import read_text
from nncli.training.game.events import Event, Sampled
from nncli.training.game.picturing import limits_of
from tests.training.game.games import play, write_config

POINTS = """
name: points
data: {{train: {{ring: {{modes: 4, radius: 10, std: 0.1}}}}, preprocess: [{{scale: {{factor: 0.1, offset: 1}}}}]}}
latent: 3
generator: [{{dense: 8}}, relu, {{dense: 2}}]
discriminator: [{{dense: 8}}, relu, {{dense: 1}}]
game: {{steps: 6, batch: 20}}
sample: {{every: 3, fixed_noise: 5}}
# {digits}
"""
LINE = POINTS.replace("ring: {{modes: 4, radius: 10, std: 0.1}}", "mixture: {{means: [-1, 2], stds: 0.5}}").replace(
    "{{dense: 2}}", "{{dense: 1}}"
)


@pytest.fixture
def pillow() -> Any:
    return pytest.importorskip("PIL.Image", reason="decodes the pictures")


def shown(events: list[Event], folder: Path) -> tuple[Frames, list[str]]:
    """The events, shown to frames in a folder, and what was told."""
    told: list[str] = []
    frames = Frames(folder, told.append)
    for event in events:
        frames.show(event)
    return frames, told


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_grid_shows_the_samples(pillow: Any, tmp_path: Path) -> None:
    """Decoded again: each image of the picture, made small, is a sample between the bounds of tanh in its units."""
    events = play(write_config(tmp_path), out=tmp_path / "run")
    frames, told = shown(events, tmp_path / "out")
    assert told == []
    assert frames.animation == tmp_path / "out" / "samples.gif"
    files = [f"samples/step-00000{step:02}.png" for step in (0, 6, 12)]
    assert names(tmp_path / "out") == ["samples.gif", *files]
    made = [event for event in events if isinstance(event, Sampled)]
    for event, file in zip(made, files, strict=True):
        picture = np.asarray(pillow.open(tmp_path / "out" / file))
        assert picture.shape == ((3 * 9 + 1) * 4,) * 2
        low, high = event.scene.limits
        assert (low, high) == pytest.approx((8 - 8 * 0.99, 8 + 8 * 0.99), abs=0.09)
        for place, sample in enumerate(event.samples):
            top, left = (1 + 9 * (place // 3)) * 4, (1 + 9 * (place % 3)) * 4
            found = picture[top : top + 32 : 4, left : left + 32 : 4] / 255 * (high - low) + low
            assert found == pytest.approx(sample[0], abs=0.51 * (high - low) / 255)


def test_the_animation_shows_the_pictures_in_order(pillow: Any, tmp_path: Path) -> None:
    shown(play(write_config(tmp_path), out=tmp_path / "run"), tmp_path)
    with pillow.open(tmp_path / "samples.gif") as image:
        assert image.n_frames == 3
        for place, step in enumerate((0, 6, 12)):
            image.seek(place)
            expected = np.asarray(pillow.open(tmp_path / "samples" / f"step-{step:07}.png"))
            assert (np.asarray(image.convert("L")) == expected).all()


def test_the_animation_of_a_game_that_went_on_has_all_its_pictures(pillow: Any, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shown(play(write_config(tmp_path), out=run, stop=7), run)
    with pillow.open(run / "samples.gif") as image:
        assert image.n_frames == 2
    (run / "samples" / "step-0000001.png").write_bytes(b"spoiled")
    (run / "samples" / "step-mine.png").write_bytes(b"mine")
    (run / "samples" / "step-0000099.png").write_bytes(b"of later")
    shown(play(None, resume=run), run)
    with pillow.open(run / "samples.gif") as image:
        assert image.n_frames == 3


def test_long_games_have_thinned_animations() -> None:
    paths = [Path(str(number)) for number in range(1001)]
    found = samples.thinned(paths, 11)
    assert [int(path.name) for path in found] == list(range(0, 1001, 100))
    assert samples.thinned(paths[:5], 11) == paths[:5]


@pytest.mark.parametrize("text", [POINTS, LINE], ids=["plane", "line"])
def test_points_are_drawn_beside_the_data(pillow: Any, tmp_path: Path, text: str) -> None:
    pytest.importorskip("matplotlib", reason="points are drawn by matplotlib")
    events = play(write_config(tmp_path, text), out=tmp_path / "run")
    shown(events, tmp_path / "out")
    pictures = [f"samples/step-000000{step}.png" for step in (0, 3, 6)]
    assert names(tmp_path / "out") == ["discriminator.png", "samples.gif", *pictures]
    scene = next(event.scene for event in events if isinstance(event, Sampled))
    assert scene.points
    assert scene.data is not None
    density = scene.density
    if text is POINTS:
        assert np.linalg.norm(scene.data, axis=1) == pytest.approx(10, abs=0.6)  # in its own units
    else:
        assert abs(scene.data.mean() - 0.5) < 0.2
    assert density.pdf(scene.data).min() > 1e-8


def test_the_judge_of_a_scene_sees_what_the_discriminator_sees(tmp_path: Path) -> None:
    """At the end of a game: against the checkpoint's weights, by hand."""
    from nncli.checkpoint import read

    config = write_config(tmp_path, POINTS)
    found: dict[str, Any] = {}
    from nncli.training.game.opening import open_game

    with open_game(config, None, (), tmp_path / "run") as run:
        for event in run.events():
            if isinstance(event, Sampled):
                points = np.random.default_rng(0).normal(size=(700, 2)) * 10
                kept = points.copy()
                assert event.scene.judge is not None
                found["logits"] = event.scene.judge(points)
                assert (points == kept).all()
    nets = read(tmp_path / "run" / "last.h5").networks["discriminator"].parameters
    (w1, b1), (w2, b2) = ((nets[f"dense_{n}"]["W"].array, nets[f"dense_{n}"]["b"].array) for n in (1, 2))
    expected = np.maximum((0.1 * points + 1) @ w1.T + b1.ravel(), 0) @ w2.T + b2.ravel()
    assert found["logits"] == pytest.approx(expected[:, 0], abs=1e-4)


def test_the_best_answer_of_a_scene() -> None:
    """Samples of the data's own distribution: ½ where they are; without a mode of it 1 there; nothing far away."""
    from nncli.data.sources.ring import Ring
    from nncli.training.game.picturing import Scene

    density = Ring(modes=4, radius=10.0, std=0.5).density()
    made = density.sample(5000, np.random.default_rng(0))
    at = np.array([[10.0, 0], [0, 10], [1e4, 1e4]])
    same = Scene(made, (0, 1), points=True, density=density).best(at)
    assert same[:2] == pytest.approx([0.5, 0.5], abs=0.08)
    assert np.isnan(same[2])
    fewer = Scene(made[made[:, 0] < 5], (0, 1), points=True, density=density).best(at)
    assert fewer[0] == pytest.approx(1)
    assert fewer[1] == pytest.approx(0.43, abs=0.08)  # ¼ of the data, ⅓ of the samples


def test_the_pictures_leave_the_game_as_it_is(tmp_path: Path) -> None:
    from tests.training.game.games import contents

    play(write_config(tmp_path, POINTS), "sample.every=100", out=tmp_path / "a")
    play(write_config(tmp_path, POINTS), "sample.every=1", out=tmp_path / "b")
    assert contents(tmp_path / "a" / "last.h5") == contents(tmp_path / "b" / "last.h5")


@pytest.mark.parametrize(("package", "extra", "text"), [("PIL", "images", None), ("matplotlib", "plot", POINTS)])
def test_without_the_extra_the_numbers_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, extra: str, text: str | None
) -> None:
    config = write_config(tmp_path) if text is None else write_config(tmp_path, text)
    events = play(config, out=tmp_path / "run")
    monkeypatch.setitem(sys.modules, package, None)
    frames, told = shown(events, tmp_path / "out")
    assert len(told) == 1
    assert f"'nncli[{extra}]'" in told[0]
    made = [event for event in events if isinstance(event, Sampled)]
    assert names(tmp_path / "out") == [f"samples/step-{event.step:07}.npz" for event in made]
    assert frames.animation is None
    for event in made:
        kept = np.load(tmp_path / "out" / "samples" / f"step-{event.step:07}.npz", allow_pickle=False)
        assert (kept["samples"] == event.samples).all()
        assert (kept["latent"] == event.latent).all()


def test_other_samples_are_numbers(tmp_path: Path) -> None:
    """Sequences and long vectors have no picture, and nobody is asked to install something."""
    from dataclasses import replace

    events = play(write_config(tmp_path), out=tmp_path / "run")
    flat = [replace(event, samples=event.samples.reshape(9, 64)) for event in events if isinstance(event, Sampled)]
    _, told = shown([*flat], tmp_path / "out")
    assert told == []
    assert names(tmp_path / "out")[0].endswith(".npz")


def test_a_full_disk_leaves_nothing_half_written(pillow: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events = play(write_config(tmp_path), out=tmp_path / "run")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"step-0000000\.png: the samples cannot be written: No space left"):
        shown(events, tmp_path / "out")
    assert names(tmp_path / "out") == []


# -- black and white ---------------------------------------------------------------------------------------------------


def graph_of(layers: str) -> Any:
    loaded = read_text(f"input: {{shape: [4]}}\nloss: least_squares\nnetwork: {layers}")
    return build(loaded.config.network, (4,), loaded.document, loaded.faults)


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ("[dense: 4, tanh, reshape: [1, 2, 2]]", (-0.99, 0.99)),
        ("[dense: 4, {hard_tanh: {min: -1, max: 3}}]", (-1, 3)),
        ("[tanh, dense: 4]", None),
        ("[dense: 4, relu]", None),
        ("[reshape: [1, 2, 2]]", None),
    ],
)
def test_bounds_of_a_generator(layers: str, expected: tuple[float, float] | None) -> None:
    """In the data's units; without bounds the range of the samples but for stray ones."""
    values = np.linspace(-0.5, 0.5, 10_000).reshape(-1, 4)
    found = limits_of(graph_of(layers), Preprocessing(), values)
    assert found == pytest.approx(expected or (-0.495, 0.495), abs=1e-3)
    scaled = limits_of(graph_of(layers), Preprocessing([Scale(0.5, 1)]), values)
    if expected:
        wanted = [(bound - 1) / 0.5 for bound in expected]
        assert scaled == pytest.approx((min(wanted[0], -0.5), max(wanted[1], 0.5)), abs=1e-3)


def test_bounds_where_each_number_has_units_of_its_own() -> None:
    fitted = {"mean": np.array([0, 0, 0, 5.0]), "std": np.array([1, 1, 1, 2.0])}
    found = limits_of(graph_of("[dense: 4, tanh]"), Preprocessing([Standardize()], [fitted]), np.zeros((1, 4)))
    assert found == pytest.approx((-0.99, 5 + 2 * 0.99))


def test_samples_that_are_not_finite_have_limits_too() -> None:
    assert limits_of(graph_of("[dense: 4]"), Preprocessing(), np.full((2, 4), np.nan)) == (0, 1)
