"""A step of the dense pair on MNIST, both players, here and in PyTorch in turns, each in a process of its own."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from nncli.engine.plan import processors

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TURN = 0.5
"""Seconds of each in a round."""
ROUNDS = 7


class Side:
    """A process that takes steps for so many seconds whenever it is asked, and says how long each took."""

    def __init__(self, script: str, threads: int) -> None:
        command = [sys.executable, str(HERE / script), str(threads)]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def __enter__(self) -> Side:
        return self

    def __exit__(self, *_: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def steps(self, seconds: float) -> list[float]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{seconds}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self._process.args!r} ended with {self._process.wait()}")
        found: list[float] = json.loads(line)
        return found


def report(seconds: float) -> None:
    """Medians of the rounds' medians, as Markdown; the ratio is PyTorch's better one over nncli's better one."""
    counts = sorted({1, processors()})
    names = [("nncli", "gan_nncli.py", n) for n in counts]
    if importlib.util.find_spec("torch") is not None:
        names += [("PyTorch", "gan_torch.py", n) for n in counts]
    rounds = max(ROUNDS, round(seconds / (len(names) * TURN)))
    with ExitStack() as stack:
        sides = [stack.enter_context(Side(script, n)) for _, script, n in names]
        for side in sides:
            side.steps(TURN)
        found: list[list[float]] = [[] for _ in sides]
        for _ in range(rounds):
            for place, side in enumerate(sides):
                found[place].append(median(side.steps(TURN)))
    print(f"\n| MNIST, dense pair, batch 64, medians of {rounds} rounds | ms for a step of both |\n|---|---|")
    best: dict[str, float] = {}
    for (name, _, n), times in zip(names, found, strict=True):
        value = median(times) * 1e3
        best[name] = min(value, best.get(name, value))
        print(f"| {name}, {n} thread{'s'[: n != 1]} | {value:.2f} |")
    if "PyTorch" in best:
        print(f"| PyTorch / nncli, the better of each | {best['PyTorch'] / best['nncli']:.2f} |")
