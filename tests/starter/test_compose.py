"""The configurations that `nncli init` writes: valid, with comments that are true, of networks that run."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from nncli.data.detect import Asked, Sight, Wanted, examine
from nncli.spec import load
from nncli.spec.schema import json_schema
from nncli.starter.compose import Composed, compose
from nncli.starter.names import command, name_of, run_name
from nncli.starter.text import relative
from nncli.training.describe import describe
from nncli.training.supervised import plan_only
from tests.starter.made import MADE, houses, photos
from tests.training.runs import ROOT, finished, train

NEEDS_PILLOW = ("photos", "sounds", "clicks")


def composed(name: str, folder: Path) -> tuple[Path, Sight, Composed]:
    """The file for made data, in another folder than they are."""
    if name in NEEDS_PILLOW:
        pytest.importorskip("PIL", reason="the module that makes images makes sounds too")
    (folder / "data").mkdir()
    (folder / "configs").mkdir()
    file, place = folder / "configs" / f"{name}.yaml", MADE[name](folder / "data")
    sight = examine(place, Asked())
    made = compose(sight, file, place=place, schema=True)
    file.write_text(made.text)
    return file, sight, made


@pytest.mark.parametrize("name", MADE)
def test_what_is_written_is_valid_and_its_comments_are_true(name: str, tmp_path: Path) -> None:
    """Against what `validate` and `train --dry-run` find in the file."""
    jsonschema = pytest.importorskip("jsonschema")
    file, sight, made = composed(name, tmp_path)
    text = file.read_text()
    assert "/tmp" not in re.sub(r"(?m)^ *# .*$", "", text), "a path of a source is absolute"
    document = describe(file, [])
    plan = plan_only(file, None, [])
    assert document["parameters"] == made.parameters
    assert plan["epochs"] == made.epochs
    (steps,) = re.findall(r"^  epochs: \d+ # of ([\d,]+) steps? each$", text, re.MULTILINE)
    assert int(steps.replace(",", "")) == plan["steps_per_epoch"]
    total = sum(sight.samples.values())
    assert sum(plan["samples"].values()) == total
    for split, share in re.findall(r"^  (test|validation): 0\.\d+ # (\d+)% of the", text, re.MULTILINE):
        of = total if split == "test" else plan["samples"]["train"] + plan["samples"]["validation"]
        assert plan["samples"][split] == pytest.approx(of * int(share) / 100, abs=1)
    plain = load(file).document.plain
    jsonschema.validate(json.loads(json.dumps(plain)), json_schema())
    assert max(map(len, text.splitlines())) <= 120


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tiny", ["categorical: kind", "stratified: true"]),
        ("houses", ["missing: median", "unknown: zeros", "target: price", "standardize_targets: true", "r2"]),
        ("uneven", ["macro_f1"]),
        ("many_classes", ["dense: 1000", "top_k"]),
        ("signals", ["input: {shape: [1, 3000]}", "conv1d", "stride: 4"]),
        ("channels", ["input: {shape: [3, 40]}", "x: x_test"]),
        ("several_values", ["dense: 3", "least_squares"]),
        ("switches", ["binary_cross_entropy", "all_right"]),
        ("pixels", ["input: {shape: [1, 16, 16]}", "conv2d", "rotation: 10"]),
        ("colours", ["layout: nhwc", "flip"]),
        ("photos", ["resize: 18", 'files: "*.png"', "path: ../data/photos/val"]),
        ("sounds", ["spectrogram", "length: ", 'labels: "{label}_*"']),
        ("clicks", ["conv1d"]),
    ],
)
def test_choices(name: str, said: list[str], tmp_path: Path) -> None:
    file, _, _ = composed(name, tmp_path)
    text = file.read_text()
    assert [piece for piece in said if piece not in text] == []


@pytest.mark.parametrize("name", ["tiny", "channels", "strips", "switches"])
def test_a_step_of_what_is_written(name: str, tmp_path: Path) -> None:
    file, _, _ = composed(name, tmp_path)
    metrics = finished(train(file, "train.epochs=1", "threads=1", out=tmp_path / "run")).figures["test"]
    assert all(np.isfinite(value) for value in metrics.values())


def test_the_digits_are_learned(tmp_path: Path) -> None:
    """Two of the epochs that are written are enough to see that the network learns."""
    place = ROOT / "data" / "digits.npz"
    file = tmp_path / "digits.yaml"
    made = compose(examine(place, Asked()), file, place=place, schema=False)
    file.write_text(made.text)
    metrics = finished(train(file, "train.epochs=2", "train.ema=null", out=tmp_path / "run")).figures
    assert metrics["test"]["accuracy"] > 0.9


def test_few_samples_are_all_learned_from(tmp_path: Path) -> None:
    text = composed("tiny", tmp_path)[0].read_text()
    assert "\n  validation:" not in text
    assert "\n  test: 0.2 #" in text


def test_a_test_split_that_was_asked_for(tmp_path: Path) -> None:
    place = houses(tmp_path)
    sight = examine(place, Asked(test=Wanted.of("150")))
    text = compose(sight, tmp_path / "a.yaml", place=place, schema=False).text
    assert "  test: 150 # 150 of the samples are held out" in text
    assert "yaml-language-server" not in text


def test_paths(tmp_path: Path) -> None:
    assert relative(tmp_path / "a" / "x.csv", tmp_path / "b") == "../a/x.csv"
    assert relative(tmp_path / "~x.csv", tmp_path) == "./~x.csv"


def test_names(tmp_path: Path) -> None:
    (tmp_path / "My Photos" / "train").mkdir(parents=True)
    assert name_of(tmp_path / "My Photos" / "train") == "My_Photos"
    (tmp_path / "houses.csv").touch()
    assert name_of(tmp_path / "houses.csv") == "houses"
    assert run_name("Größe 1") == "Gr_e_1"
    assert run_name("...") == "network"
    assert command(Path("my net.yaml")) == "nncli train 'my net.yaml'"


def test_hostile_names_stay_in_their_comment(tmp_path: Path) -> None:
    """A column's name may hold the end of a line."""
    rows = "\n".join(f"{i * 37 % 11},{'uv'[i % 2]}" for i in range(30))
    (tmp_path / "t.csv").write_text(f'a,"y\nepochs: [: {{"\n{rows}\n')
    sight = examine(tmp_path / "t.csv", Asked())
    file = tmp_path / "t.yaml"
    file.write_text(compose(sight, file, place=tmp_path / "t.csv", schema=True).text)
    assert describe(file, [])["name"] == "t"


def test_photos_need_no_second_look(tmp_path: Path) -> None:
    """Splits that are folders of their own are written as they are."""
    pytest.importorskip("PIL")
    sight = examine(photos(tmp_path), Asked())
    assert sight.samples == {"train": 60, "validation": 8, "test": 8}
