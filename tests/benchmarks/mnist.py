"""From a cold start to 99 % of MNIST's test images: `nncli train` on configs/mnist_lenet.yaml, and PyTorch."""

from __future__ import annotations

import importlib.util
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from nncli.engine.plan import processors

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
GOAL = 0.99
EPOCHS = 2
"""A one-cycle schedule over two epochs is enough for both sides; `mnist_torch.py` has the same number."""
FIGURES = {"first step, s": "first", "epoch, s": "epoch", "99 %, s": "goal", "peak memory, MiB": "peak"}


def report(folder: Path, rounds: int) -> None:
    """Both sides in turn, medians, as Markdown."""
    sides = {"nncli": nncli_command}
    if importlib.util.find_spec("torch") is not None:
        sides |= {
            f"PyTorch, {n} thread{'s'[: n != 1]}": lambda f, out, n=n: torch_command(f, n)
            for n in sorted({1, processors()})
        }
    found: dict[str, list[dict[str, float]]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, command in sides.items():
            with TemporaryDirectory() as out:
                found[name].append(figures(command(folder, out)))
    print(f"\n| MNIST, LeNet, medians of {rounds} | {' | '.join(FIGURES)} |\n|---|{'---|' * len(FIGURES)}")
    for name, runs in found.items():
        print(f"| {name} | {' | '.join(f'{median(run[key] for run in runs):.1f}' for key in FIGURES.values())} |")


def nncli_command(folder: Path, out: str) -> list[str]:
    names = {"train": "train", "test": "t10k", "validation": "t10k"}
    sets = [f"train.epochs={EPOCHS}"]
    for split, name in names.items():
        files = f"{{images: {folder}/{name}-images-idx3-ubyte.gz, labels: {folder}/{name}-labels-idx1-ubyte.gz}}"
        sets.append(f"data.{split}={{idx: {files}}}")
    return [sys.executable, str(HERE / "mnist_nncli.py"), str(ROOT / "configs/mnist_lenet.yaml"), f"{out}/run", *sets]


def torch_command(folder: Path, threads: int) -> list[str]:
    return [sys.executable, str(HERE / "mnist_torch.py"), str(folder), str(threads)]


def figures(command: list[str]) -> dict[str, float]:
    """Seconds from the start of the process; the peak of its memory in MiB."""
    begun = time.time()
    lines = list(_lines(command))
    first = next(line for line in lines if line["what"] == "first step")["at"] - begun
    epochs = [line for line in lines if line["what"] == "epoch"]
    ends = [begun + first, *(line["at"] for line in epochs)]
    reached = (line["at"] - begun for line in epochs if line["accuracy"] >= GOAL)
    return {
        "first": first,
        "epoch": median(after - before for before, after in itertools.pairwise(ends)),
        "goal": next(reached, float("nan")),
        "peak": max(line["peak_bytes"] for line in lines) / 2**20,
    }


def _lines(command: list[str]) -> Iterator[dict[str, float]]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        yield from map(json.loads, process.stdout)
    if process.returncode:
        raise SystemExit(f"{command[1]} ended with {process.returncode}")
