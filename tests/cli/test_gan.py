"""`nncli gan`: exit codes, streams, JSON, what is written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nncli.checkpoint import read
from tests.cli.conftest import Runner
from tests.training.game.test_loop import RING
from tests.training.runs import ROOT, train, write_config


@pytest.fixture
def ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "pair.yaml"
    path.write_text(RING)
    return path


def test_json(run: Runner, ring: Path) -> None:
    result = run("gan", ring, "--json")
    assert result.code == 0
    assert result.err == ""
    document = result.json
    assert document["run"] == "runs/pair"
    assert document["checkpoint"] == "runs/pair/last.h5"
    assert (document["steps"], document["finished"]) == (40, "done")
    assert set(document) >= {"run", "checkpoint", "best", "epochs", "steps", "seconds", "metrics"}
    assert document["metrics"]["train"]["modes"] == pytest.approx(8)
    assert read(ring.parent / "runs/pair/last.h5").kind == "gan"


def test_plain_lines(run: Runner, ring: Path) -> None:
    result = run("gan", ring, "--out", "made", "-v")
    assert result.code == 0
    assert "pair: a generator of 162 and a discriminator of 129 parameters; samples: without end" in result.err
    assert sum(line.startswith("step ") for line in result.err.splitlines()) == 5
    assert "saved made/last.h5" in result.err
    assert "done after 40 steps" in result.out
    assert "value" in result.out
    assert max(map(len, result.out.splitlines())) <= 80


def test_samples_are_written(run: Runner, ring: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # as if it were not installed: numbers instead of pictures
    run("gan", ring, "--out", "made", "--set", "sample={every: 20, fixed_noise: 5}", "-q")
    for step in (0, 20, 40):
        with np.load(ring.parent / f"made/samples/step-{step:07}.npz") as file:
            assert file["samples"].shape == (5, 2)
            assert file["latent"].shape == (5, 2)


def test_steps_seed_and_threads(run: Runner, ring: Path) -> None:
    run("gan", ring, "--steps", "7", "--seed", "9", "--threads", "1", "--out", "made", "-q")
    config = read(ring.parent / "made/last.h5").config
    assert "seed: 9" in config
    assert "steps: 7" in config
    assert "threads: 1" in config


def test_a_variable_stands_for_an_option(run: Runner, ring: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NNCLI_GAN_STEPS", "3")
    assert run("gan", ring, "--dry-run", "--json").json["steps"] == 3
    assert run("gan", ring, "--dry-run", "--json", "--steps", "4").json["steps"] == 4


def test_dry_run_writes_nothing(run: Runner, ring: Path) -> None:
    result = run("gan", ring, "--dry-run")
    assert result.code == 0
    assert "would play 40 steps of the generator" in result.out
    assert list(ring.parent.iterdir()) == [ring]
    document = run("gan", ring, "--dry-run", "--json").json
    assert document["steps"] == 40
    assert document["nodes"][0]["name"] == "generator.dense_1"


def test_an_alarm_ends_it_with_8(run: Runner, ring: Path) -> None:
    """A generator that cannot move from one point."""
    still = "generator=[{dense: {units: 2, init: {constant: 0}}, trainable: false}]"
    result = run("gan", ring, "--set", still, "--set", "diagnose.on_alarm=stop", "--steps", "400", "--out", "made")
    assert result.code == 8
    assert "alarm: mode collapse" in result.err
    assert "remedy: `game.pack: 2`" in result.err
    assert "stopped by an alarm" in result.out
    assert read(ring.parent / "made/last.h5").progress["step"] < 400


def test_stopped_by_a_signal_and_resumed(run: Runner, ring: Path) -> None:
    code = "import sys; from nncli.cli import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", code, "gan", str(ring), "--steps", "100000", "--out", "made"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}) as p:
        assert p.stderr is not None
        for line in p.stderr:
            if line.startswith("step"):
                break
        p.send_signal(signal.SIGINT)
        p.stderr.read()
    assert p.returncode == 130
    done = read(ring.parent / "made/last.h5").progress["step"]
    result = run("gan", "--resume", "made", "--set", f"game.steps={done + 5}")
    assert result.code == 0
    assert f"going on after step {done:,}" in result.err


def test_divergence_is_4(run: Runner, ring: Path) -> None:
    result = run("gan", ring, "--set", "optimizer={sgd: {lr: 1e30}}", "--set", "game.loss=least_squares")
    assert result.code == 4
    assert "the game diverged" in result.err
    written = [path for path in (ring.parent / "runs/pair").rglob("*") if path.is_file()]
    assert [path.stem for path in written] == ["step-0000000"], "what it began with, and no checkpoint"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "give a CONFIG, or --resume RUN"),
        (("pair.yaml", "--set", "game.pack=3"), 2, "cannot be cut into packs of 3"),
        (("pair.yaml", "--set", "data.train={npz: {path: no.npz}}"), 3, "no.npz"),
        (("--resume", "nothing"), 6, "no such file"),
        (("pair.yaml", "--out", "pair.yaml"), 7, "is a file, not a folder"),
        (("missing.yaml",), 2, "missing.yaml"),
    ],
)
def test_what_goes_wrong(run: Runner, ring: Path, arguments: tuple[str, ...], code: int, message: str) -> None:
    result = run("gan", *arguments)
    assert result.code == code
    assert message in result.err
    assert list(ring.parent.iterdir()) == [ring]


def test_other_commands_on_a_game(run: Runner, ring: Path) -> None:
    assert "valid; 6 nodes, 291 parameters" in run("validate", ring).out
    assert "\ndiscriminator" in run("summary", ring).out
    assert "all 14 gradients agree" in run("gradcheck", ring).out
    train_it = run("train", ring)
    assert train_it.code == 2
    assert "`nncli gan` trains it" in train_it.err
    run("gan", ring, "--out", "made", "-q")
    shown = run("inspect", "made/last.h5")
    assert shown.code == 0
    assert "generator.dense_1" in shown.out
    assert run("inspect", "made/last.h5", "--json").json["kind"] == "gan"
    assert run("train", "--resume", "made").code == 2


def test_a_network_alone_is_refused(run: Runner, tmp_path: Path) -> None:
    config = write_config(tmp_path)
    train(config, out=tmp_path / "run", stop=1)
    assert run("gan", config).code == 2
    assert run("gan", "--resume", tmp_path / "run").code == 2
