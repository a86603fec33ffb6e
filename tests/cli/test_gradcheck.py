"""`nncli gradcheck` as users call it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nncli.layers.dense import Dense
from nncli.layers.max_pool2d import MaxPool2d
from nncli.parts import Frame
from nncli.training import checking
from tests.cli.conftest import Runner
from tests.training.runs import CONFIG, ROOT, write_config

SHAPE = "input: {{shape: [1, 8, 8], classes: 10}}\n"


@pytest.fixture
def scaled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every dense layer with a weight gradient 1.001 times too large."""
    backward = Dense.backward

    def wrong(self: Dense, f: Frame) -> None:
        backward(self, f)
        if f.g is not None:
            f.g["W"] *= 1.001

    monkeypatch.setattr(Dense, "backward", wrong)


@pytest.mark.parametrize("options", [(), ("--random",), ("--samples", 7), ("--seed", 5)])
def test_a_sound_network(run: Runner, tmp_path: Path, options: tuple[object, ...]) -> None:
    config = write_config(tmp_path, CONFIG + (SHAPE if "--random" in options else ""))
    before = sorted(tmp_path.rglob("*"))
    result = run("gradcheck", config, "--json", *options)
    assert result.code == 0
    assert result.err == ""
    assert result.json["passed"] is True
    assert result.json["first"] is None
    rows = {(row["node"], row["parameter"]): row for row in result.json["nodes"]}
    assert len(rows) == 6 + 2 + 2 + 1
    for row in rows.values():
        assert row["passed"] is True
        assert row["error"] < 1e-8
    assert rows["dense_1", "W"]["coordinates"] == 64 * 10
    assert rows["conv2d_1", "W"]["directions"] == 0
    assert rows["loss", "input"]["type"] == "softmax_cross_entropy"
    assert sorted(tmp_path.rglob("*")) == before


def test_random_needs_no_data(run: Runner, tmp_path: Path) -> None:
    config = write_config(tmp_path, SHAPE + "network: [flatten, {{dense: 10}}]\nloss: softmax_cross_entropy\n")
    assert run("gradcheck", config, "--random", "-q").code == 0
    result = run("gradcheck", config)
    assert result.code == 2
    assert "--random" in result.err


@pytest.mark.parametrize("options", [(), ("--random",)])
def test_all_faults_of_the_file_are_named(run: Runner, tmp_path: Path, options: tuple[str, ...]) -> None:
    config = write_config(tmp_path, SHAPE + "network: [flatten, {{dense: 10}}, {{max_pool2d: 2}}]\n")
    result = run("gradcheck", config, *options)
    assert result.code == 2
    assert "the section 'loss' is required" in result.err
    assert "takes images" in result.err


def test_missing_data_hint_at_random(run: Runner, tmp_path: Path) -> None:
    result = run("gradcheck", write_config(tmp_path, CONFIG.replace("{digits}", "nowhere.npz") + SHAPE))
    assert result.code == 3
    assert "--random" in result.err


@pytest.mark.usefixtures("scaled")
def test_a_fault_is_named_with_its_place(run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_config(tmp_path)
    line = next(number for number, text in enumerate(CONFIG.splitlines(), 1) if "dense" in text)
    result = run("gradcheck", "small.yaml")
    assert result.code == 5
    assert f"error: small.yaml:{line}:5: network[5]: the gradient of W of dense_1 is wrong: 1.001 times" in result.err
    assert "hint: it is the first wrong one on the way back" in result.err
    assert "WRONG" in result.out
    document = run("gradcheck", "small.yaml", "--json")
    assert document.code == 5
    assert document.json["passed"] is False
    assert document.json["first"]["node"] == "dense_1"
    assert [row["node"] for row in document.json["nodes"] if not row["passed"]] == ["dense_1"]


@pytest.mark.usefixtures("scaled")
def test_of_everything_a_fault_is_found(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["digits_cnn", "digits_selu"]  # all that ship would take a minute, and `test_everything_agrees` has them
    monkeypatch.setattr(checking, "shipped_names", lambda: names)
    result = run("gradcheck", "--json")
    assert result.code == 5
    wrong = {row["of"] for row in result.json["nodes"] if not row["passed"]}
    assert wrong == {"dense", *(f"configs/{name}.yaml" for name in names)}


def test_two_faults_are_counted(run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scaled: None) -> None:
    """The one nearer to the loss is named; what comes before it in the network is wrong by itself as well."""
    backward = MaxPool2d.backward

    def halved(self: MaxPool2d, f: Frame) -> None:
        backward(self, f)
        assert f.dx is not None
        f.dx *= 0.5

    monkeypatch.setattr(MaxPool2d, "backward", halved)
    result = run("gradcheck", write_config(tmp_path))
    assert result.code == 5
    assert "the gradient of W of dense_1 is wrong" in result.err
    assert "1 more" in result.err
    assert "follows" in result.out


def test_the_table_fits_80_columns(run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    long = CONFIG.replace("  - conv2d:", "  - name: a_rather_long_name_of_a_node_in_the_network\n    conv2d:")
    result = run("gradcheck", write_config(tmp_path, long), "--against", "scipy")
    assert result.code == 0
    table = result.out.partition("\n\n")[0]
    assert max(map(len, table.splitlines())) <= 80
    for word in ("max_pool2d_1", "input", "agrees", "loss", "scipy"):
        assert word in table


def test_everything_agrees(run: Runner) -> None:
    result = run("gradcheck")
    assert result.code == 0
    for name in (
        "conv2d",
        "softmax_cross_entropy",
        *(f"configs/{path.name}" for path in (ROOT / "configs").glob("*.yaml")),
    ):
        assert name in result.out
    assert "gradients agree" in result.out


@pytest.mark.parametrize("option", ["--random", "--exhaustive", "--set=seed=1"])
def test_options_without_a_config(run: Runner, option: str) -> None:
    result = run("gradcheck", option, "--json")
    assert result.code == 2
    assert json.loads(result.out)["exit_code"] == 2


def test_more_samples_than_there_are(run: Runner, tmp_path: Path) -> None:
    result = run("gradcheck", write_config(tmp_path), "--samples", 5000)
    assert result.code == 2
    assert "the training split has 3523" in result.err
