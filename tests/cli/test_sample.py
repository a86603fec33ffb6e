"""`nncli sample` and the pictures of `nncli gan`: files, exit codes, and what is said."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nncli.checkpoint import read
from tests.cli.conftest import Runner
from tests.report.test_samples import POINTS
from tests.training.game.games import CONFIG, play, write_config

AVERAGED = CONFIG.replace("ema: 0.9", "ema: 0.5")


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of a small game on digits."""
    folder = tmp_path_factory.mktemp("images")
    play(write_config(folder, AVERAGED), out=folder / "run")
    return folder / "run" / "last.h5"


@pytest.fixture(scope="session")
def points(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("points")
    play(write_config(folder, POINTS), out=folder / "run")
    return folder / "run" / "last.h5"


@pytest.fixture
def pillow() -> Any:
    return pytest.importorskip("PIL.Image", reason="decodes the pictures")


def arrays(path: Path) -> dict[str, Any]:
    return dict(np.load(path, allow_pickle=False))


def test_numbers(run: Runner, images: Path, tmp_path: Path) -> None:
    result = run("sample", images, "-n", 10, "-o", tmp_path / "a.npz", "--json")
    assert (result.code, result.err) == (0, "")
    document = result.json
    assert (document["samples"], document["shape"], document["seed"], document["step"]) == (10, [1, 8, 8], 3, 12)
    found = arrays(tmp_path / "a.npz")
    assert found["samples"].shape == (10, 1, 8, 8)
    assert found["latent"].shape == (10, 5)
    assert 0 <= found["samples"].min() < found["samples"].max() <= 16


def test_samples_are_what_the_averaged_weights_make(run: Runner, points: Path, images: Path, tmp_path: Path) -> None:
    """By hand, from the checkpoint's arrays; with --raw the others."""
    run("sample", points, "-n", 300, "-o", tmp_path / "a.npz")
    found = arrays(tmp_path / "a.npz")
    nets = read(points).networks["generator"].parameters
    (w1, b1), (w2, b2) = ((nets[f"dense_{n}"]["W"].array, nets[f"dense_{n}"]["b"].array) for n in (1, 2))
    made = np.maximum(found["latent"] @ w1.T + b1.ravel(), 0) @ w2.T + b2.ravel()
    assert found["samples"] == pytest.approx((made - 1) / 0.1, abs=1e-4)
    for name, more in (("b.npz", ()), ("c.npz", ("--raw",))):
        run("sample", images, "-n", 3, "-o", tmp_path / name, *more)
    averaged, raw = arrays(tmp_path / "b.npz"), arrays(tmp_path / "c.npz")
    assert (averaged["latent"] == raw["latent"]).all()
    assert not np.allclose(averaged["samples"], raw["samples"])


def test_a_seed_says_which_samples(run: Runner, images: Path, tmp_path: Path) -> None:
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        run("sample", images, "-n", 4, "-o", tmp_path / f"{name}.npz", "--seed", seed)
    a, b, c = ((tmp_path / f"{name}.npz").read_bytes() for name in "abc")
    assert a == b != c
    run("sample", images, "-n", 400, "-o", tmp_path / "d.npz", "--seed", 5)
    assert arrays(tmp_path / "d.npz")["samples"][:4] == pytest.approx(arrays(tmp_path / "a.npz")["samples"], abs=1e-5)


def test_latent_vectors_are_normal_or_uniform(run: Runner, tmp_path: Path) -> None:
    from scipy import stats

    for distribution, law in (("normal", stats.norm()), ("uniform", stats.uniform(-1, 2))):
        play(write_config(tmp_path), f"latent.distribution={distribution}", "game.steps=1", out=tmp_path / distribution)
        run("sample", tmp_path / distribution, "-n", 500, "-o", tmp_path / "a.npz")
        assert stats.kstest(arrays(tmp_path / "a.npz")["latent"].ravel(), law.cdf).pvalue > 0.01


def test_the_picture_shows_the_samples(run: Runner, pillow: Any, images: Path, tmp_path: Path) -> None:
    run("sample", images, "-n", 6, "-o", tmp_path / "a.npz")
    result = run("sample", images, "-n", 6, "-o", tmp_path / "a.png")
    assert (result.code, result.out, result.err) == (0, "", f"wrote {tmp_path / 'a.png'}: 6 samples\n")
    picture = np.asarray(pillow.open(tmp_path / "a.png"))
    assert picture.shape == ((2 * 9 + 1) * 4, (3 * 9 + 1) * 4)
    for place, sample in enumerate(arrays(tmp_path / "a.npz")["samples"]):
        top, left = (1 + 9 * (place // 3)) * 4, (1 + 9 * (place % 3)) * 4
        found = picture[top : top + 32 : 4, left : left + 32 : 4] / 255 * 16
        assert found == pytest.approx(sample[0], abs=0.15)  # black is 0.08 or less, white 15.92 or more


def test_ways_between_points(run: Runner, pillow: Any, images: Path, tmp_path: Path) -> None:
    """Each row begins where the one before ended, at the points of the same seed; lengths go evenly."""
    run("sample", images, "-n", 4, "-o", tmp_path / "points.npz")
    result = run("sample", images, "-n", 4, "--interpolate", 3, "-o", tmp_path / "ways.npz", "--json")
    assert result.json["samples"] == 15
    found = arrays(tmp_path / "ways.npz")
    z, ends = found["latent"].reshape(3, 5, 5), arrays(tmp_path / "points.npz")["latent"]
    assert z[:, 0] == pytest.approx(ends[:-1])
    assert z[:, -1] == pytest.approx(ends[1:])
    lengths = np.linalg.norm(z, axis=2)
    assert lengths == pytest.approx(np.linspace(lengths[:, 0], lengths[:, -1], 5).T)
    for way in z:
        plane = np.linalg.svd(way, compute_uv=False)
        assert plane[2] < 1e-9 * plane[0]
    run("sample", images, "-n", 4, "--interpolate", 3, "-o", tmp_path / "ways.png")
    with pillow.open(tmp_path / "ways.png") as image:
        assert image.size == ((5 * 9 + 1) * 4, (3 * 9 + 1) * 4)
    run("sample", images, "-n", 4, "--interpolate", 3, "-o", tmp_path / "ways.gif")
    with pillow.open(tmp_path / "ways.gif") as image:
        assert image.size == (256, 256)
        assert image.n_frames <= 13  # two ways share a point; frames that are equal are one


def test_ways_of_uniform_vectors_are_straight(run: Runner, tmp_path: Path) -> None:
    play(write_config(tmp_path), "latent.distribution=uniform", "game.steps=1", out=tmp_path / "run")
    run("sample", tmp_path / "run", "-n", 2, "--interpolate", 1, "-o", tmp_path / "a.npz")
    a, middle, b = arrays(tmp_path / "a.npz")["latent"]
    assert middle == pytest.approx((a + b) / 2)


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_points_of_a_plane(run: Runner, points: Path, tmp_path: Path, kind: str) -> None:
    pytest.importorskip("matplotlib", reason="points are drawn by matplotlib")
    assert run("sample", points, "-o", tmp_path / f"a.{kind}").code == 0
    magic = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}[kind]
    assert (tmp_path / f"a.{kind}").read_bytes().startswith(magic)


def test_where_it_goes_unless_told(run: Runner, pillow: Any, tmp_path: Path) -> None:
    play(write_config(tmp_path), "game.steps=1", out=tmp_path / "run")
    assert run("sample", tmp_path / "run", "-q").code == 0
    with pillow.open(io.BytesIO((tmp_path / "run" / "samples.png").read_bytes())) as image:
        assert image.size == ((8 * 9 + 1) * 4,) * 2


def test_where_it_goes_without_pillow(run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    play(write_config(tmp_path), "game.steps=1", out=tmp_path / "run")
    result = run("sample", tmp_path / "run")
    assert result.err == f"wrote {tmp_path}/run/samples.npz: 64 samples\n"
    result = run("sample", tmp_path / "run", "-o", tmp_path / "a.png")
    assert result.code == 2
    assert "needs pillow, which is not installed" in result.err
    assert "'nncli[images]'; -o samples.npz writes their numbers" in result.err
    assert not (tmp_path / "a.png").exists()


@pytest.mark.parametrize(
    ("name", "allowed", "hint"),
    [
        ("a.jpg", ".png, .npz", ""),
        ("a", ".png, .npz", ""),
        ("a.svg", ".png, .npz", ""),
        ("a.gif", ".png, .npz", "an animation shows the way between points: --interpolate 8"),
    ],
)
def test_a_kind_that_cannot_be(run: Runner, images: Path, tmp_path: Path, name: str, allowed: str, hint: str) -> None:
    result = run("sample", images, "-o", tmp_path / name)
    assert result.code == 2
    said = f"error: --output: '{name}' should end in one of {allowed}, for samples of 1×8×8 numbers\n"
    assert result.err == said + (f"  hint: {hint}\n" if hint else "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [("-n", "0"), ("--interpolate", "3", "-n", "1"), ("--seed", "-1")])
def test_wrong_usage(run: Runner, images: Path, words: tuple[str, ...]) -> None:
    assert run("sample", images, *words).code == 2


def test_a_picture_that_is_too_large(run: Runner, pillow: Any, images: Path, tmp_path: Path) -> None:
    result = run("sample", images, "-n", 70_000, "-o", tmp_path / "a.png")
    assert result.code == 2
    assert "a picture of 72 million pixels is too large" in result.err


def test_no_generator(run: Runner, trained: Path, tmp_path: Path) -> None:
    result = run("sample", trained / "run", "-o", tmp_path / "a.npz")
    assert result.code == 6
    assert "it makes no samples" in result.err
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_cannot_be_written(run: Runner, images: Path, tmp_path: Path) -> None:
    result = run("sample", images, "-o", tmp_path / "no" / "a.npz")
    assert result.code == 7
    assert f"make the folder {tmp_path / 'no'} first" in result.err
    (tmp_path / "a.npz").mkdir()
    assert run("sample", images, "-o", tmp_path / "a.npz").code == 7
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


# -- while a game is played --------------------------------------------------------------------------------------------


def test_gan_says_where_its_pictures_are(run: Runner, pillow: Any, tmp_path: Path) -> None:
    result = run("gan", write_config(tmp_path), "--out", tmp_path / "run")
    assert result.code == 0
    assert f"samples  {tmp_path}/run/samples, {tmp_path}/run/samples.gif" in result.out
    result = run("gan", "--resume", tmp_path / "run", "--steps", 13, "--json")
    assert result.json["animation"] == f"{tmp_path}/run/samples.gif"


def test_gan_says_once_what_is_missing(run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    result = run("gan", write_config(tmp_path), "--out", tmp_path / "run")
    assert result.code == 0
    assert result.err.count("'nncli[images]'") == 1
    assert (tmp_path / "run" / "samples" / "step-0000006.npz").exists()


def test_gan_where_samples_cannot_be_written(run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nncli.report import samples

    def full(*_: object, **__: object) -> None:
        raise samples.OutputError("the samples cannot be written: No space left on device")

    monkeypatch.setattr(samples, "replace", full)
    result = run("gan", write_config(tmp_path), "--out", tmp_path / "run")
    assert result.code == 7
    assert "No space left" in result.err


def test_plot_of_a_game(run: Runner, images: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="curves are drawn by matplotlib")
    result = run("plot", images, "-o", tmp_path / "a.png", "--json")
    assert result.json["panels"][:3] == ["loss of each player", "norm of each gradient", "learning rate"]
