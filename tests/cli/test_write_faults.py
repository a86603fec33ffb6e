"""A disk that fails at any call of a run: no checkpoint is lost, and what goes on is the run without faults."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nncli.checkpoint import differences, read
from nncli.errors import OutputError
from tests.checkpoint.faults import FULL, Disk, plant
from tests.cli.conftest import Runner
from tests.training.runs import ROOT, train

TRAIN = """
name: faulty
data:
  train: {random: {samples: 40, shape: [3], classes: 2}}
  validation: 10
network: [{dense: 3}, {dense: 2}]
loss: softmax_cross_entropy
optimizer: {adam: {lr: 1e-2}}
train: {epochs: 2, batch: 10}
checkpoint: {every: 1}
"""
GAN = """
name: faulty
latent: 2
data: {train: {random: {samples: 40, shape: [3], classes: 2}}}
generator: [{dense: 3}]
discriminator: [{dense: 1}]
game: {steps: 4, batch: 8, on_divergence: rollback}
checkpoint: {last: 2, every: 2}
diagnose: {every: 2, samples: 32}
sample: {every: 2, fixed_noise: 4}
"""

EACH = 4
"""Of the calls this part fails, one after the other. A file takes nine of them, so that over the files each one comes.
With 1 it takes 30 s of processor time."""


def files_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def check_same(run: Path, whole: Path) -> None:
    assert files_of(run) == files_of(whole)
    for name in files_of(run):
        if name.endswith(".h5"):
            assert differences(run / name, whole / name) == [], name
        else:
            assert (run / name).read_bytes() == (whole / name).read_bytes(), name


def readable(run: Path) -> None:
    for path in run.glob("*.h5"):
        read(path)


def test_every_call_of_a_run_may_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, whole = tmp_path / "faulty.yaml", tmp_path / "whole"
    config.write_text(TRAIN)
    with monkeypatch.context() as patch:
        disk = plant(patch, Disk())
        train(config, out=whole)
        calls = disk.count
        plant(patch, Disk(short=True))
        train(config, out=tmp_path / "short")
        check_same(tmp_path / "short", whole)
    assert calls > 50
    for at in range(1, calls + 1, EACH):
        run = tmp_path / f"run-{at}"
        with monkeypatch.context() as patch:
            plant(patch, Disk(at, FULL[at % len(FULL)], lasting=True))
            with pytest.raises(OutputError, match=r"cannot be written: |cannot make the run folder") as caught:
                train(config, out=run)
        assert len(caught.value.faults) == 1
        if not run.exists():
            assert at < 9, "only what it began with"
            continue
        readable(run)
        if (run / "last.h5").exists():
            epoch = read(run / "last.h5").progress["epoch"]
            if epoch:
                assert differences(run / "last.h5", whole / f"epoch-{epoch:04}.h5") == []
            train(None, resume=run)
        else:
            train(config, out=run)
        check_same(run, whole)


def test_calls_of_a_game_may_fail(run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, whole = tmp_path / "faulty.yaml", tmp_path / "whole"
    config.write_text(GAN)
    with monkeypatch.context() as patch:
        disk = plant(patch, Disk())
        assert run("gan", config, "--out", whole).code == 0
        calls = disk.count
    for at in range(10, calls + 1, 13):
        out = tmp_path / f"run-{at}"
        with monkeypatch.context() as patch:
            plant(patch, Disk(at, FULL[at % len(FULL)], lasting=True))
            failed = run("gan", config, "--out", out)
        assert failed.code == 7
        assert failed.err.count("error: ") == 1
        readable(out)
        assert run("gan", "--resume", out).code == 0
        check_same(out, whole)


def test_a_run_survives_what_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "faulty.yaml"
    config.write_text(TRAIN)
    train(config, out=tmp_path / "whole")
    for at in (12, 23, 37):
        with monkeypatch.context() as patch:
            disk = plant(patch, Disk(at))
            train(config, out=tmp_path / f"run-{at}")
            assert disk.failed == 1
        check_same(tmp_path / f"run-{at}", tmp_path / "whole")


def test_a_limit_of_the_system(tmp_path: Path) -> None:
    """Files may not be as large as the last checkpoint becomes."""
    config, whole = tmp_path / "faulty.yaml", tmp_path / "whole"
    config.write_text(TRAIN.replace("epochs: 2", "epochs: 20").replace("every: 1", "every: 20"))
    train(config, out=whole)
    first, last = ((whole / name).stat().st_size for name in ("best.h5", "last.h5"))
    assert last >= first
    code = "import sys; from nncli.checkpoint import files; files.PAUSE = 0\n"
    code += "from nncli.cli import main; main(sys.argv[1:])"

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (last - 1, last - 1))

    command: list[Any] = [sys.executable, "-c", code, "train", config, "--out", "run"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, preexec_fn=limit, env=environment
    )
    assert done.returncode == 7
    assert "the checkpoint cannot be written: File too large" in done.stderr
    assert "go on from last.h5 with --resume" in done.stderr
    assert read(tmp_path / "run/last.h5").progress["epoch"] < 20
    train(None, resume=tmp_path / "run")
    check_same(tmp_path / "run", whole)
