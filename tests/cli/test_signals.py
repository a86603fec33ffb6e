"""Signals, closed streams and full disks: a run is never lost, and the exit code tells.

Where a signal meets what the process itself does, it is a process of its own.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nncli.checkpoint import atomic, differences, read
from nncli.errors import OutputError
from nncli.report import samples
from nncli.training import loop, measure
from nncli.training.game.diagnosing import Diagnosing
from nncli.training.game.play import Play
from tests.cli.conftest import Runner
from tests.training.game.games import play
from tests.training.runs import ROOT, train

TRAIN = """
name: small
data:
  train: {random: {samples: 400, shape: [4], classes: 3}}
  validation: 200
  test: 20
network: [{dense: 8}, relu, {dropout: 0.2}, {dense: 3}]
loss: softmax_cross_entropy
train: {epochs: 6, batch: 60, ema: 0.9}
"""
GAN = """
name: small
latent: 2
data: {train: {ring: {modes: 8, std: 0.05}}}
generator: [{dense: 4}, relu, {dense: 2}]
discriminator: [{dense: 4}, relu, {dense: 1}]
game: {steps: 12, batch: 8}
diagnose: {every: 4, samples: 32}
sample: {every: 6, fixed_noise: 4}
"""
TEXTS = {"train": TRAIN, "gan": GAN}

HOOK = """
import os, signal, sys
numbers = [getattr(signal, name) for name in {signals!r}]

def ask():
    if numbers:
        os.kill(os.getpid(), numbers.pop(0))

def before(owner, name, at=1):
    real, calls = getattr(owner, name), []
    def hooked(*arguments, **options):
        calls.append(name)
        if len(calls) >= at:
            ask()
        return real(*arguments, **options)
    setattr(owner, name, hooked)

{plant}
from nncli.cli import main
main(sys.argv[1:])
"""
"""A process that sends itself signals, at what is planted."""


def child(
    folder: Path, *arguments: str, plant: str = "", signals: tuple[str, ...] = (), shell: str = ""
) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, in `folder`; `shell` is put behind it where a shell is to run it."""
    command = [sys.executable, "-c", HOOK.format(plant=plant, signals=signals), *arguments]
    if shell:
        command = ["bash", "-c", f'"$@" {shell}', "bash", *command]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=120, env=environment
    )


def before(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, at: int, *numbers: int) -> None:
    """Send this process the signals when `owner.name` is called the `at`-th time."""
    real, calls = getattr(owner, name), []

    def hooked(*arguments: Any, **options: Any) -> Any:
        calls.append(name)
        if len(calls) == at:
            for number in numbers:
                os.kill(os.getpid(), number)
        return real(*arguments, **options)

    monkeypatch.setattr(owner, name, hooked)


MOMENTS: list[tuple[str, Any, str, int]] = [
    ("train", loop.Run, "_step", 5),
    ("train", measure, "loading", 3),
    ("train", loop.Run, "_finished", 1),
    ("train", atomic, "_write", 4),
    ("gan", Play, "step_generator", 5),
    ("gan", Diagnosing, "look", 2),
    ("gan", samples.Frames, "_sampled", 2),
    ("gan", atomic, "_write", 3),
]
"""Commands, and what is called when the signal comes, the how manieth time."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Configurations and runs of them, `whole-train` and `whole-gan`, that nobody stopped."""
    made = tmp_path_factory.mktemp("signals")
    for kind, text in TEXTS.items():
        (made / f"{kind}.yaml").write_text(text)
    train(made / "train.yaml", out=made / "whole-train")
    play(made / "gan.yaml", out=made / "whole-gan")
    return made


def same_when_resumed(folder: Path, kind: str, run: Path) -> None:
    (train if kind == "train" else play)(None, resume=run)
    assert differences(run / "last.h5", folder / f"whole-{kind}" / "last.h5") == []
    assert [path.name for path in run.rglob(".*")] == []


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: f"{moment[0]}-{moment[2]}")
def test_the_first_signal_lets_it_write_a_checkpoint(
    run: Runner, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: Any
) -> None:
    kind, owner, name, at = moment
    number = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)[MOMENTS.index(moment) % 3]
    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        before(patch, owner, name, at, number)
        stopped = run(kind, folder / f"{kind}.yaml", "--out", out)
    assert stopped.code == 128 + number
    assert f"go on with: nncli {kind} --resume {out}" in "".join(stopped.err.split("\n"))
    assert read(out / "last.h5").progress["step"] > 0
    same_when_resumed(folder, kind, out)


def test_the_second_leaves_at_once(run: Runner, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind, owner, name in (("train", loop.Run, "_step"), ("train", atomic, "_write"), ("gan", Diagnosing, "look")):
        out = tmp_path / f"{kind}-{name}"
        with monkeypatch.context() as patch:
            before(patch, owner, name, 4 if kind == "train" else 2, signal.SIGINT, signal.SIGTERM)
            stopped = run(kind, folder / f"{kind}.yaml", "--out", out)
        assert stopped.code == 143
        assert "stopped at once by SIGTERM" in stopped.err
        same_when_resumed(folder, kind, out)


def test_the_third_ends_it_where_it_is(folder: Path, tmp_path: Path) -> None:
    plant = "from nncli.checkpoint import atomic\n" + "before(atomic, '_write', 4)\n" * 2
    plant += "from pathlib import Path; before(Path, 'unlink')"  # where the second one cleans
    signals = ("SIGINT", "SIGINT", "SIGTERM")
    done = child(tmp_path, "train", str(folder / "train.yaml"), "--out", "run", plant=plant, signals=signals)
    assert done.returncode == -signal.SIGTERM
    assert [path.suffix for path in (tmp_path / "run").glob(".*")] == [".tmp"]
    same_when_resumed(folder, "train", tmp_path / "run")


@pytest.mark.parametrize(("number", "code"), [("SIGINT", 130), ("SIGHUP", 129)])
def test_while_data_are_read_it_leaves_nothing(folder: Path, tmp_path: Path, number: str, code: int) -> None:
    plant = "from nncli.training import supervised; before(supervised, 'open_splits')"
    done = child(tmp_path, "train", str(folder / "train.yaml"), plant=plant, signals=(number,))
    assert done.returncode == code
    assert f"stopped at once by {number}" in done.stderr
    assert list(tmp_path.rglob("small*")) == []


def test_before_the_first_step_it_leaves_nothing(
    run: Runner, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before(monkeypatch, loop.Run, "begin", 1, signal.SIGTERM)  # the folder is there by then
    assert run("train", folder / "train.yaml", "--out", tmp_path / "run").code == 143
    assert list(tmp_path.iterdir()) == []


def test_folds_end_with_the_one_that_was_stopped(
    run: Runner, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before(monkeypatch, loop.Run, "_step", 20, signal.SIGTERM)
    config = tmp_path / "folds.yaml"
    config.write_text(TRAIN.replace("  test: 20\n", ""))
    assert run("train", config, "--folds", 3, "--out", tmp_path / "run").code == 143
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["fold-1", "fold-2"]
    assert run("train", "--resume", tmp_path / "run/fold-2").code == 0


def test_who_ignores_hangups_is_not_stopped_by_one(
    run: Runner, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As under `nohup`."""
    before(monkeypatch, loop.Run, "_step", 2, signal.SIGHUP)
    handler = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert run("train", folder / "train.yaml", "--out", tmp_path / "run").code == 0
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, handler)


# -- streams -----------------------------------------------------------------------------------------------------------

SAYING = """
from nncli.checkpoint import atomic

def ask():
    os.write(2, b"said by a library")

before(atomic, "_write")
"""


@pytest.mark.parametrize(
    ("shell", "code"),
    [
        ("2> >(true)", 0),  # nobody reads messages: a run goes on
        ("2>/dev/full", 0),
        ("0<&- 2>&-", 0),  # the next file that is opened has the number of standard error
        (">&-", 7),  # nobody gets the result
    ],
)
def test_closed_streams_do_not_end_a_run(folder: Path, tmp_path: Path, shell: str, code: int) -> None:
    plant = SAYING if "2>&-" in shell else ""
    done = child(tmp_path, "train", str(folder / "train.yaml"), "--out", "run", "-v", shell=shell, plant=plant)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert "unexpected" not in done.stderr
    assert differences(tmp_path / "run/last.h5", folder / "whole-train/last.h5") == []


@pytest.mark.parametrize("arguments", [("--help",), ("validate", "train.yaml", "--json")])
def test_a_result_that_cannot_be_written_is_7(folder: Path, arguments: tuple[str, ...]) -> None:
    done = child(folder, *arguments, shell=">/dev/full")
    assert done.returncode == 7
    assert "standard output cannot be written: No space left on device" in done.stderr


def test_a_picture_that_cannot_be_written_does_not_lose_the_game(
    run: Runner, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = samples.replace

    def replace(path: Path, *parts: bytes, **options: Any) -> None:
        if "0000006" in path.name:
            raise OutputError("planted")
        real(path, *parts, **options)

    monkeypatch.setattr(samples, "replace", replace)
    done = run("gan", folder / "gan.yaml", "--out", tmp_path / "run")
    assert done.code == 7
    assert "planted" in done.err
    assert read(tmp_path / "run/last.h5").progress["step"] == 6
