"""`nncli summary --probe`, and what `train` and `inspect` show of `diagnose`, as users see it."""

from __future__ import annotations

from pathlib import Path

import pytest

from nncli.spec.files import open_document, shipped, shipped_names
from nncli.spec.game import is_game
from tests.cli.conftest import Runner
from tests.diagnostics.looks import chain
from tests.training.runs import CONFIG, ROOT, write_config

DEEP = "data: {train: {random: {samples: 400, shape: [64]}}}\nloss: softmax_cross_entropy\n"


def deep(folder: Path, activation: str, extra: str = "") -> Path:
    path = folder / "deep.yaml"
    path.write_text(DEEP + chain(activation, 40, 256, extra) + "\n")
    return path


def alone(name: str) -> bool:
    path = shipped(name)
    assert path is not None
    return not is_game(open_document(path).plain)


@pytest.mark.parametrize("name", list(filter(alone, shipped_names())))
def test_configurations_that_ship_are_healthy(run: Runner, name: str) -> None:
    path = shipped(name)
    result = run("summary", path, "--probe", "--json")
    if result.code == 3:
        result = run("summary", path, "--probe", "--random", "--json")
    assert result.code == 0, result.out
    probe = result.json["probe"]
    assert probe["findings"] == []
    assert probe["samples"] == 128
    assert [node["name"] for node in probe["nodes"]][1:] == [node["name"] for node in result.json["nodes"]]
    text = run("summary", path, "--probe", *(("--random",) if "random" in probe["batch"] else ()))
    assert "no findings" in text.out
    assert max(map(len, text.out.splitlines())) <= 80


def test_selu_keeps_mean_and_variance(run: Runner, tmp_path: Path) -> None:
    probe = run("summary", deep(tmp_path, "selu"), "--probe", "--samples", 256, "--json").json["probe"]
    assert probe["findings"] == []
    assert all(abs(mean) < 0.1 for mean in probe["hidden"]["mean"])
    assert all(0.8 < variance < 1.25 for variance in probe["hidden"]["variance"])
    text = run("summary", deep(tmp_path, "selu"), "--probe", "--samples", 256).out
    assert "between input and output: mean -0.0" in text
    assert "no findings" in text


def test_relu_with_a_wrong_initialization_does_not(run: Runner, tmp_path: Path) -> None:
    config = deep(tmp_path, "relu", ", init: glorot")
    probe = run("summary", config, "--probe", "--samples", 256, "--json").json["probe"]
    assert [finding["kind"] for finding in probe["findings"]] == ["vanishing signal", "vanishing gradient"]
    assert probe["hidden"]["variance"][0] < 1e-9
    for finding in probe["findings"]:
        assert "`init: he` at 'dense_1', 'dense_2' and 38 more" in finding["remedy"]
    text = run("summary", config, "--probe").out
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert "1 vanishing signal: the variance between samples falls from" in text
    assert any(line.startswith("1,2 ") or line.startswith("1  ") for line in lines)
    (first,) = (line for line in lines[60:] if " dense_1 " in line)
    assert first.startswith("2")
    assert run("summary", deep(tmp_path, "relu"), "--probe", "--json").json["probe"]["findings"] == []


def test_the_document(run: Runner, tmp_path: Path) -> None:
    config = write_config(tmp_path)
    probe = run("summary", config, "--probe", "--samples", 50, "--json").json["probe"]
    assert {"samples", "batch", "dtype", "weights", "nodes", "findings", "hidden"} == set(probe)
    assert (probe["samples"], probe["batch"], probe["dtype"], probe["weights"]) == (
        50,
        "the training split",
        "float32",
        "initial",
    )
    dense = probe["nodes"][-1]
    assert {
        "name",
        "type",
        "output",
        "mean",
        "variance",
        "signal",
        "dead",
        "saturated",
        "gradient",
        "parameters",
    } == set(dense)
    assert dense["parameters"]["b"] == {
        "gradient": pytest.approx(dense["parameters"]["b"]["gradient"]),
        "weights": 0.0,
        "ratio": None,
    }
    W = dense["parameters"]["W"]
    assert W["ratio"] == pytest.approx(W["gradient"] / W["weights"])
    assert run("summary", config, "--json").json.get("probe") is None


def test_the_weights_of_a_checkpoint(run: Runner, trained: Path) -> None:
    config, weights = trained / "small.yaml", trained / "run"
    probe = run("summary", config, "--probe", "--json", "--weights", weights).json["probe"]
    assert probe["weights"] == str(weights)
    initial = run("summary", config, "--probe", "--json").json["probe"]
    assert probe["nodes"][0] == initial["nodes"][0]
    assert probe["nodes"][-1]["gradient"] < 0.8 * initial["nodes"][-1]["gradient"]
    assert f"at the weights of {weights}" in run("summary", config, "--probe", "--weights", weights).out.replace(
        "\n", ""
    )
    other = run("summary", config, "--probe", "--weights", weights, "--set", "network.dense_1.units=11")
    assert other.code == 2 or other.code == 6


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--random"], 2, "are for --probe"),
        (["--samples", "9"], 2, "are for --probe"),
        (["--weights", "runs"], 2, "are for --probe"),
        (["--probe", "--samples", "99999"], 2, "the training split has 3523"),
        (["--probe", "--samples", "1"], 2, "--samples"),
        (["--probe", "--weights", "nothere"], 6, "no such file"),
    ],
)
def test_wrong_usage(run: Runner, tmp_path: Path, arguments: list[str], code: int, words: str) -> None:
    result = run("summary", write_config(tmp_path), *arguments)
    assert result.code == code
    assert words in result.err


def test_random_needs_no_data(run: Runner, tmp_path: Path) -> None:
    text = CONFIG.replace("{digits}", "nothere.npz") + "input: {{shape: [1, 8, 8], classes: 10}}\n"
    config = write_config(tmp_path, text)
    assert run("summary", config, "--probe").code == 3
    result = run("summary", config, "--probe", "--random", "--json")
    assert result.json["probe"]["batch"] == "random numbers"


SICK = f"""
name: sick
data:
  train: {{npz: {{path: {ROOT}/data/digits.npz, x: x_train, y: y_train}}}}
network: [flatten, {{dense: 32}}, relu, {{dense: 32}}, relu, {{dense: 10}}]
loss: softmax_cross_entropy
optimizer: {{sgd: {{lr: 0.3}}}}
train: {{epochs: 2, batch: 64}}
diagnose: {{every: 20}}
"""


def test_train_warns_and_inspect_shows_it(run: Runner, tmp_path: Path) -> None:
    config = tmp_path / "sick.yaml"
    config.write_text(SICK)
    result = run("train", config, "--out", tmp_path / "run")
    lines = result.err.splitlines()
    (place,) = (place for place, line in enumerate(lines) if line.startswith("warning: dead units after 20 steps: "))
    assert lines[place + 1].startswith("  remedy: a smaller `lr`")
    assert sum(line.startswith("epoch") for line in lines) == 2
    document = run("inspect", tmp_path / "run", "--json").json
    assert document["probe"]["step"] == 100
    assert [finding["kind"] for finding in document["probe"]["findings"]] == ["dead units"]
    text = run("inspect", tmp_path / "run").out
    assert "the last look into the network, after 100 steps" in text
    assert "1 dead units: " in text
    quiet = run("train", config, "--out", tmp_path / "quiet", "-q")
    assert quiet.err == ""
    as_json = run("train", config, "--out", tmp_path / "json", "--json")
    assert as_json.err == ""
    assert as_json.json["steps"] == 120


def test_inspect_without_looks(run: Runner, trained: Path) -> None:
    assert run("inspect", trained / "run", "--json").json["probe"] is None
    assert "last look" not in run("inspect", trained / "run").out


def test_every_is_required_and_positive(run: Runner, tmp_path: Path) -> None:
    for text, words in (
        ("{{}}", "diagnose: the field 'every' is required"),
        ("{{every: 0}}", "diagnose.every"),
        ("{{evry: 3}}", "every"),
    ):
        result = run("validate", write_config(tmp_path, CONFIG + f"diagnose: {text}\n"))
        assert result.code == 2
        assert words in result.err
