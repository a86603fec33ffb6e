from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from nncli.checkpoint import read
from nncli.engine import Plan, make_plan
from nncli.engine.plan import combined
from nncli.graph import build
from nncli.spec import load
from nncli.training.plan_files import write_plan
from tests.cli.conftest import Runner

TEXT = """
input: {shape: [1, 8, 8], classes: 10}
network:
  - {conv2d: {filters: 4, kernel: 3}, name: a_stem_with_a_name_that_is_longer_than_a_column}
  - relu
  - flatten
  - dense: 10
loss: softmax_cross_entropy
train: {batch: 16}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "fast.yaml"
    path.write_text(TEXT)
    return path


def test_the_document_has_what_was_promised(run: Runner, config: Path) -> None:
    done = run("bench", config, "--json", "--steps", 2, "--set", "train.batch=4")
    assert done.code == 0, done.err
    document = done.json
    assert {"step_ms", "samples_per_s", "peak_gflops", "nodes", "memory"} <= document.keys()
    assert document["batch"] == 4
    assert [row["type"] for row in document["nodes"]] == ["conv2d", "relu", "flatten", "dense"]
    assert "measuring steps" in done.err


def test_the_table_fits_eighty_columns(run: Runner, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = run("bench", config, "--steps", 1, "--quiet")
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert max(map(len, lines)) <= 80
    for word in ("forward", "backward", "of peak", "fused", "update", "random numbers", "forecast", "1 shard"):
        assert any(word in line for line in lines), word
    assert done.err == ""


@pytest.mark.parametrize(
    ("arguments", "text", "code"),
    [
        (["--steps", "0"], TEXT, 2),
        (["--vs", "jax"], TEXT, 2),
        ([], TEXT.replace("flatten", "flaten"), 2),
        ([], TEXT.replace("input: {shape: [1, 8, 8], classes: 10}", ""), 2),
        ([], TEXT.replace("input:", "data: {train: {npz: {path: bad.npz}}}\ninput:"), 3),
    ],
)
def test_exit_codes(run: Runner, tmp_path: Path, arguments: list[str], text: str, code: int) -> None:
    (tmp_path / "bad.npz").write_bytes(b"nonsense")
    path = tmp_path / "config.yaml"
    path.write_text(text)
    assert run("bench", path, *arguments).code == code


def test_without_pytorch_there_is_no_comparison(run: Runner, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    done = run("bench", config, "--vs", "torch")
    assert done.code == 2
    assert "pip install torch" in done.err


def test_tuning_writes_a_plan_that_others_take(
    run: Runner, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nncli.benchmark.tuning.TURN", 0.005)
    plan = tmp_path / "plan.yaml"
    done = run("bench", config, "--tune", "-o", plan, "--seconds", 0.1, "--threads", 1, "--json")
    assert done.code == 0, done.err
    document = done.json
    assert document["tuned"]["file"] == str(plan)
    assert document["tuned"]["step_ms"] <= document["tuned"]["usual_step_ms"]
    again = run("bench", config, "--tune", "-o", plan)
    assert again.code == 7
    assert "the file exists" in again.err
    assert run("summary", config, "--plan", plan, "--threads", 1).code == 0


def test_a_plan_is_kept_in_the_checkpoint(run: Runner, tmp_path: Path) -> None:
    from tests.training.runs import write_config

    config, plan = write_config(tmp_path), tmp_path / "plan.yaml"
    options = ["--set", "train.epochs=1", "--threads", 1]
    assert run("bench", config, "--seconds", 0, "-o", plan).code == 2
    loaded = load(config)
    graph = build(loaded.config.network, (1, 8, 8), loaded.document, loaded.faults)
    assert graph is not None
    usual = make_plan(graph, 500, 4, 1)
    (node,) = usual.nodes
    (layer,) = (made.layer for made in graph.nodes if made.name == node)
    offers = layer.alternatives(((1, 8, 8),), 500, 4)["forward"]
    choice = combined(
        usual.nodes[node], [next(offer for offer in offers if not offer.items() <= usual.nodes[node].items())]
    )
    write_plan(plan, Plan(1, 1, {node: choice}), 500, "float32", "here")
    done = run("train", config, "--plan", plan, "--out", tmp_path / "run", *options)
    assert done.code == 0, done.err
    assert read(tmp_path / "run" / "last.h5").plan["nodes"][node] == choice
    assert run("train", "--resume", tmp_path / "run", "--plan", plan).code == 2
    refused = run("train", config, "--plan", plan, "--set", "train.batch=64", "--out", tmp_path / "other")
    assert refused.code == 2
    assert "batches of 500, these are of 64" in refused.err
    assert not (tmp_path / "other").exists()
