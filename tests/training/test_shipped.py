"""The configurations that ship with nncli: they are valid, and those whose data do not ship take a step on noise."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from nncli.graph import build
from nncli.spec import load, open_document
from nncli.spec.game import is_game
from nncli.training.describe import describe
from nncli.training.events import Finished
from nncli.training.folds import Folds
from nncli.training.game.events import Finished as GameFinished
from nncli.training.game.opening import open_game
from tests.data.files import DATASETS, cifar_bytes
from tests.data.media import image, image_bytes, wav_bytes, write
from tests.training.runs import ROOT, train

CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
GAMES = [path for path in CONFIGS if is_game(open_document(path).plain)]
ON_CIFAR = [path for path in CONFIGS if path.stem.startswith("cifar")]


def each(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.stem)


@each(CONFIGS)
def test_valid_without_other_data(path: Path) -> None:
    document = describe(path, ["threads=1"])
    assert document["name"] == path.stem
    assert document["missing"] is None or "../data/digits.npz" not in path.read_text()


@each(ON_CIFAR)
def test_a_step_on_noise(path: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (16, 3, 32, 32), dtype=np.uint8)
    (tmp_path / "noise.bin").write_bytes(cifar_bytes(images, np.arange(16) % 10))
    here = [f"data.{split}.cifar10.path={tmp_path / 'noise.bin'}" for split in ("train", "test")]
    end = train(path, *here, "train.epochs=1", "train.batch=16", "threads=1", out=tmp_path / "run")[-1]
    assert isinstance(end, Finished)
    assert end.steps == 1
    assert all(math.isfinite(end.figures[split]["loss"]) for split in ("train", "test"))


ON_IMAGES = {"folder_mnist": ("L", 28), "folder_cifar": ("RGB", 32)}


@pytest.mark.parametrize("name", ON_IMAGES)
def test_an_epoch_on_images(name: str, tmp_path: Path) -> None:
    mode, size = ON_IMAGES[name]
    for k in range(10):
        pixel = (25 * k,) * 3 if mode == "RGB" else 25 * k
        made = image_bytes(image(mode, size, size, lambda x, y, pixel=pixel: pixel), "PNG" if mode == "L" else "JPEG")
        write(tmp_path, {f"{split}/{k}/{n}.x": made for split in ("train", "test") for n in range(2)})
    field = "folder.path" if mode == "RGB" else "folder"
    here = [f"data.{split}.{field}={tmp_path / split}" for split in ("train", "test")]
    end = train(ROOT / "configs" / f"{name}.yaml", *here, "train.epochs=1", "threads=1", out=tmp_path / "run")[-1]
    assert isinstance(end, Finished)
    assert all(math.isfinite(end.figures[split]["loss"]) for split in ("train", "test"))


@pytest.mark.parametrize("name", ["spoken_digits", "spoken_digits_raw"])
def test_an_epoch_on_sounds(name: str, tmp_path: Path) -> None:
    files = {f"{k}_ann_{n}.wav": wav_bytes(list(range(1200 + 50 * k))) for k in range(10) for n in (3, 4, 5, 9, 12)}
    write(tmp_path / "recordings", files)
    here = [f"data.{split}.wav.path={tmp_path / 'recordings'}" for split in ("train", "test")]
    end = train(ROOT / "configs" / f"{name}.yaml", *here, "train.epochs=1", "threads=1", out=tmp_path / "run")[-1]
    assert isinstance(end, Finished)
    assert all(math.isfinite(end.figures[split]["loss"]) for split in ("train", "test"))


ROWS = {
    "iris": "5.{n},3.5,1.4,0.2,setosa\n6.{n},3.2,4.7,1.4,versicolor\n7.{n},3.3,6.0,2.5,virginica\n",
    "wine": "".join(f"{label},14.{{n}}{',2.5' * 12}\n" for label in (1, 2, 3)),
    "breast_cancer": "".join(f"{{n}},{label},17.{{n}}{',0.5' * 29}\n" for label in "BM"),
    "abalone": "".join(f"{sex},0.{{n}}{',0.3' * 6},1{{n}}\n" for sex in "MFI"),
    "auto_mpg": '1{n}.0   8   307.0      ?      3504.      12.0   70  1\t"a car"\n'
    '2{n}.0   4   97.0      90.5      2100.      15.0   71  2\t"another"\n'
    '3{n}.0   4   98.0      80.0      2000.      14.0   72  3\t"one more"\n',
    "energy_efficiency": "0.9{n},514.5,294,110.25,7,2,0,0,15.{n},21.{n}\n",
    "california_housing": "-122.{n},37.8,41,880,{n}29,322,126,8.3,4526{n}0,NEAR BAY\n"
    "-118.{n},34,21,700,,240,113,3,35850{n},INLAND\n"
    "-121.{n},36,22,500,200,250,115,3.5,2585{n}0,ISLAND\n-120.{n},35,25,600,100,260,112,4,1585{n}0,NEAR OCEAN\n"
    "-119.{n},33,24,650,150,255,111,4.5,2000{n}0,<1H OCEAN\n",
}
"""Lines in the form of the tables, to be written ten times each."""
HEADS = {
    "energy_efficiency": "X1,X2,X3,X4,X5,X6,X7,X8,Y1,Y2\n",
    "california_housing": "longitude,latitude,housing_median_age,total_rooms,total_bedrooms,population,households,"
    "median_income,median_house_value,ocean_proximity\n",
}


@pytest.mark.parametrize("name", ROWS)
def test_an_epoch_on_a_table(name: str, tmp_path: Path) -> None:
    text = HEADS.get(name, "") + "".join(ROWS[name].format(n=n) for n in range(10))
    (tmp_path / "table").write_text(text)
    here = [f"data.train.csv.path={tmp_path / 'table'}", "train.epochs=1", "threads=1"]
    end = train(ROOT / "configs" / f"{name}.yaml", *here, out=tmp_path / "run")[-1]
    assert isinstance(end, Finished)
    assert all(math.isfinite(end.figures[split]["loss"]) for split in ("train", "test"))


@pytest.mark.skipif(not (DATASETS / "iris").is_dir(), reason="the table is not in ../shared/datasets/iris")
def test_iris_in_five_folds(tmp_path: Path) -> None:
    """One round; the mean of five is in the README."""
    folds = Folds(ROOT / "configs" / "iris.yaml", [f"data.train.csv.path={DATASETS / 'iris/iris.data'}"], tmp_path, 5)
    for number in range(1, 6):
        with folds.open_run(number) as run:
            *_, end = run.events()
            assert isinstance(end, Finished)
            folds.finished.append(end)
    assert folds.means()["test"]["accuracy"] >= 0.94


@each(GAMES)
def test_two_steps_of_a_game(path: Path, tmp_path: Path) -> None:
    """On data of their own where those ship, else on noise in their place."""
    noise = "data={train: {random: {samples: 300, shape: [1, 28, 28]}}}"
    more = [noise] if path.stem.startswith("mnist") else []
    with open_game(path, None, [*more, "game.steps=2", "threads=1"], tmp_path / "run") as run:
        end = list(run.events())[-1]
    assert isinstance(end, GameFinished)
    assert end.steps == 2
    assert math.isfinite(end.figures["value"])


def test_the_residual_network_is_that_of_the_paper() -> None:
    """He et al. 2016, section 4.2, table of the architecture for n = 3, and table 6: 0.27 million parameters; and two
    projections, where the maps become half as large."""
    loaded = load(ROOT / "configs" / "cifar_resnet20.yaml")
    graph = build(loaded.config.network, (3, 32, 32), loaded.document, loaded.faults)
    assert graph is not None
    kernels = [(node.layer.kernel[0], node.declared.output) for node in graph.nodes if node.type == "conv2d"]
    maps = Counter(output for kernel, output in kernels if kernel == 3)
    assert maps == {(16, 32, 32): 1 + 2 * 3, (32, 16, 16): 2 * 3, (64, 8, 8): 2 * 3}
    assert sorted(output for kernel, output in kernels if kernel == 1) == [(32, 16, 16), (64, 8, 8)]
    assert graph.output == (10,)
    assert round(graph.parameter_count / 1e6, 2) == 0.27
