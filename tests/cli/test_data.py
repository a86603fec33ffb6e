"""`nncli data info`: what it says is what the files hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Runner
from tests.data.files import DATASETS
from tests.training.runs import ROOT, write_config

CONFIGS = sorted(path.name for path in (ROOT / "configs").glob("*.yaml"))
SHIPPED = [name for name in CONFIGS if name.startswith(("digits", "ring8", "grid25"))]
TABLE = """
name: small
data:
  train: {csv: {path: t.csv, target: y, categorical: b, missing: median}}
  test: {csv: {path: u.csv, target: y, categorical: b, missing: median}}
  standardize_targets: true
network: [dense: 1]
loss: least_squares
"""


def test_digits(run: Runner, tmp_path: Path) -> None:
    result = run("data", "info", write_config(tmp_path), "--json")
    assert (result.code, result.err) == (0, "")
    with np.load(ROOT / "data" / "digits.npz") as file:
        x, y = file["x_train"], file["y_train"]
        u, v = file["x_test"], file["y_test"]
    document = result.json
    splits = document["splits"]
    assert {name: split["samples"] for name, split in splits.items()} == {
        "train": len(x) - 300,
        "validation": 300,
        "test": len(u),
    }
    counts = {name: np.array(here) for name, here in document["classes"]["counts"].items()}
    assert (counts["train"] + counts["validation"] == np.bincount(y)).all()
    assert (counts["test"] == np.bincount(v)).all()
    assert document["classes"]["ratio"] == counts["train"].max() / counts["train"].min()
    assert document["classes"]["majority"] == counts["train"].max() / counts["train"].sum()
    test = splits["test"]
    assert (test["source"], test["dtype"], test["bytes"]) == ("npz", "uint8", u.nbytes + 8 * len(v))
    assert (test["min"], test["max"]) == (u.min(), u.max())
    assert (test["mean"], test["deviation"]) == pytest.approx((u.mean(), u.std()))
    after = splits["train"]["after_preprocessing"]
    assert (after["mean"], after["deviation"]) == pytest.approx((0, 1), abs=1e-9)
    assert document["preprocess"] == ["scale", "standardize"]
    assert document["findings"] == []


def table(folder: Path) -> Path:
    (folder / "t.csv").write_text(
        "a,b,c,y\n" + "".join(f"{n},{'rs'[n % 2]},{n if n else ''},{1000 * n}\n" for n in range(50))
    )
    (folder / "u.csv").write_text("a,b,c,y\n3,r,,7\n3,s,3,3000\n")
    (folder / "t.yaml").write_text(TABLE)
    return folder / "t.yaml"


def test_a_table(run: Runner, tmp_path: Path) -> None:
    document = run("data", "info", table(tmp_path), "--json").json
    assert document["missing"] == [
        {"column": "c", "counts": {"train": 1, "test": 1}, "strategy": "median", "filled_with": 25.0}
    ]
    assert [column["name"] for column in document["columns"]] == ["a", "b", "c"]
    assert document["columns"][1]["categories"] == {"r": 25, "s": 25}
    assert (document["columns"][0]["mean"], document["columns"][0]["max"]) == (24.5, 49)
    (target,) = document["targets"]
    assert (target["name"], target["standardized"]) == ("y", True)
    assert target["splits"]["train"]["mean"] == pytest.approx(24500)
    assert target["splits"]["test"]["min"] == 7
    assert [finding["kind"] for finding in document["findings"]] == ["samples in two splits", "large numbers"]
    assert document["splits"]["test"]["in_train"] == 1


def test_a_table_on_the_screen(run: Runner, tmp_path: Path) -> None:
    result = run("data", "info", table(tmp_path))
    assert result.code == 0
    lines = [line.split() for line in result.out.splitlines()]
    assert ["test", "csv", "2", "float64", "80", "B", "1"] in lines
    assert ["a", "0", "49", "24.5", "14.43", "0,", "2,", "4"] in lines
    assert ["c", "1", "1", "median", "25"] in lines
    assert "  remedy: `preprocess: [standardize]` brings them to mean 0 and deviation 1" in result.out.splitlines()
    assert max(map(len, result.out.splitlines())) <= 80


@pytest.mark.parametrize("name", SHIPPED)
def test_no_finding_about_what_ships(run: Runner, name: str) -> None:
    document = run("data", "info", ROOT / "configs" / name, "--json").json
    assert document["findings"] == []
    assert document["endless"] == name.startswith(("ring8", "grid25"))


@pytest.mark.skipif(not DATASETS.is_dir(), reason="the data sets are not in ../shared/datasets")
@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("abalone", "abalone/abalone.data"),
        ("auto_mpg", "auto-mpg/auto-mpg.data"),
        ("breast_cancer", "breast-cancer/wdbc.data"),
        ("california_housing", "california-housing/housing.csv"),
        ("energy_efficiency", "energy-efficiency/ENB2012_data.csv"),
        ("iris", "iris/iris.data"),
        ("wine", "wine/wine.data"),
    ],
)
def test_no_finding_about_known_tables(run: Runner, name: str, file: str) -> None:
    path = f"data.train.csv.path={DATASETS / file}"
    assert run("data", "info", ROOT / "configs" / f"{name}.yaml", "--set", path, "--json").json["findings"] == []


def test_a_game_whose_generator_cannot_reach_the_data(run: Runner) -> None:
    result = run("data", "info", ROOT / "configs" / "digits_gan.yaml", "--set", "data.preprocess=[]", "--json")
    assert [finding["kind"] for finding in result.json["findings"]] == ["data beyond the generator"]
    assert result.json["kind"] == "gan"


def test_a_network_that_does_not_fit_is_no_matter(run: Runner, tmp_path: Path) -> None:
    config = write_config(tmp_path)
    assert run("data", "info", config, "--set", "network=[{dense: 10}]").code == 0
    assert run("data", "info", config, "--set", "network=[{densse: 10}]").code == 2


@pytest.mark.parametrize("augmented", [False, True])
def test_a_sheet_of_samples(run: Runner, tmp_path: Path, augmented: bool) -> None:
    image = pytest.importorskip("PIL.Image")
    flags = ["--augmented", "--set", "data.augment=[{shift: 2}]"] if augmented else []
    target = tmp_path / "sheet.png"
    result = run("data", "info", write_config(tmp_path), "--samples", target, *flags)
    assert result.code == 0
    assert "wrote" in result.err
    picture = np.asarray(image.open(target))
    side, zoom = 8 + 1, 4
    assert picture.shape == ((10 * side + 1) * zoom, (10 * side + 1) * zoom)
    with np.load(ROOT / "data" / "digits.npz") as file:
        x, y = file["x_train"], file["y_train"]
    small = picture[::zoom, ::zoom]
    bright = 0
    for row in range(10):
        for column in range(10):
            found = small[row * side + 1 : (row + 1) * side, column * side + 1 : (column + 1) * side]
            alike = (np.rint(x[y == row] * (255 / 16)) == found).all(axis=(1, 2))
            bright += bool(alike.any())
    assert bright < 50 if augmented else bright == 100


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--augmented"], "--augmented is for --samples"),
        (["--samples", "x.jpg"], "should end in .png"),
        (["--samples", "{}/x.png", "--augmented"], "the configuration changes no samples"),
        (["--samples", "{}/x.png", "--set", "input.shape=[64]", "--set", "data.preprocess=[]"], "a sheet shows images"),
    ],
)
def test_what_cannot_be_drawn(run: Runner, tmp_path: Path, flags: list[str], message: str) -> None:
    pytest.importorskip("PIL")
    result = run("data", "info", write_config(tmp_path), *(flag.format(tmp_path) for flag in flags))
    assert result.code == 2
    assert message in result.err
    assert not (tmp_path / "x.png").exists()


def test_data_that_are_not_there(run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = write_config(tmp_path, "data: {{train: {{npz: {{path: none.npz}}}}}}\nnetwork: [dense: 2]\nloss: hinge")
    result = run("data", "info", config)
    assert result.code == 3
    assert "no such file" in result.err
    monkeypatch.setenv("NNCLI_DATA_INFO_JSON", "1")
    assert run("data", "info", config).json["exit_code"] == 3
    assert run("data", "info", write_config(tmp_path, "network: [dense: 2]")).json["exit_code"] == 2
