"""Training from an HDF5 file that is larger than the memory it may take, beside training on data in memory.

Both sides are processes of their own that train in turns: one streams a large file, the other holds a small one.
`python -m tests.benchmarks.streaming CONFIG OUT` is such a process; it trains for as many seconds as each line of its
standard input says, and answers with a line of JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import IO, Any

import h5py
import numpy as np

ROOT = Path(__file__).parents[2]
SHAPE = (3, 32, 32)
SMALL = 0.5
"""GiB of the data in memory."""
BATCH = 64
NETWORKS = {
    "perceptron": "[flatten, {dense: 256}, relu, {dense: 10}]",
    "convolutions": "[{conv2d: {filters: 16, kernel: 3, padding: same}}, relu, {max_pool2d: 2},"
    " {conv2d: {filters: 32, kernel: 3, padding: same}}, relu, {max_pool2d: 2}, flatten, {dense: 10}]",
}
CONFIG = """
data:
  train: {{hdf5: {{path: {path}, memory: {memory}}}}}
  preprocess: [{{scale: 0.00392156862745098}}]
network: {network}
loss: softmax_cross_entropy
optimizer: {{sgd: {{lr: 1e-3, momentum: 0.9}}}}
train: {{epochs: 1000, batch: {batch}}}
threads: {threads}
"""
FORMS: dict[str, dict[str, Any]] = {
    "contiguous": {},
    "chunks": {"chunks": (170, *SHAPE)},
    "lzf": {"chunks": (170, *SHAPE), "compression": "lzf"},
    "gzip": {"chunks": (170, *SHAPE), "compression": "gzip", "compression_opts": 4},
}
"""How the large file is stored; a chunk has half a MiB."""


def write(path: Path, gib: float, form: dict[str, Any]) -> int:
    """Images of smooth noise and their classes, block by block; returns how many."""
    rng, n = np.random.default_rng(0), int(gib * 2**30) // int(np.prod(SHAPE))
    with h5py.File(path, "w") as file:
        x = file.create_dataset("x", (n, *SHAPE), "u1", **form)
        file["y"] = rng.integers(0, 10, n).astype("u1")
        block = np.repeat(rng.integers(0, 256, (2040, 3, 32, 16), dtype=np.uint8), 2, axis=3)
        for start in range(0, n, len(block)):
            part = block[: n - start]
            np.add(part, np.uint8(start % 251), out=part)
            x[start : start + len(part)] = part
    return n


class Side:
    """A process that trains when it is asked to."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.speeds: list[float] = []
        self.cpu: list[float] = []
        self.peak = self.samples = 0

    def turn(self, seconds: float) -> None:
        answers, questions = _pipes(self.process)
        questions.write(f"{seconds}\n")
        questions.flush()
        said = json.loads(answers.readline())
        self.speeds.append(said["samples"] / said["seconds"])
        self.cpu.append(said["cpu"] / said["samples"])
        self.peak, self.samples = said["peak"], self.samples + said["samples"]


def _pipes(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    assert process.stdout is not None
    assert process.stdin is not None
    return process.stdout, process.stdin


@contextmanager
def side(folder: Path, name: str, text: str) -> Iterator[Side]:
    (folder / f"{name}.yaml").write_text(text)
    command = [sys.executable, "-m", "tests.benchmarks.streaming", str(folder / f"{name}.yaml"), str(folder / name)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        yield Side(process)
    finally:
        for pipe in _pipes(process):
            pipe.close()
        process.wait()


def report(gib: float, where: Path | None, seconds: float, rounds: int, memory: int, form: str, threads: int) -> None:
    """Samples per second and processor time of a sample, both sides in turns, medians and medians of ratios, and the
    most memory that streaming has taken, as Markdown."""
    with TemporaryDirectory(dir=where) as made:
        folder, large, small = Path(made), Path(made) / "large.h5", Path(made) / "small.h5"
        begun = time.perf_counter()
        counts = write(large, gib, FORMS[form]), write(small, SMALL, {})
        print(f"\n{gib:g} GiB ({counts[0]} images, {form}) were written in {time.perf_counter() - begun:.0f} s")
        print("| network | streamed, samples/s (µs of processors) | in memory | speed | cost | peak, MB | windows |")
        print("|---|---|---|---|---|---|---|")
        for name, network in NETWORKS.items():
            with ExitStack() as stack:
                sides = []
                for what, path, most in (("streamed", large, memory), ("held", small, 1024)):
                    text = CONFIG.format(path=path, memory=most, network=network, batch=BATCH, threads=threads)
                    sides.append(stack.enter_context(side(folder, f"{name}-{what}", text)))
                for one in sides:
                    one.turn(0.5)
                    one.speeds.clear()
                    one.cpu.clear()
                for _ in range(rounds):
                    for one in sides:
                        one.turn(seconds)
                streamed, held = sides
                ratio = median(a / b for a, b in zip(streamed.speeds, held.speeds, strict=True))
                cost = median(a / b for a, b in zip(streamed.cpu, held.cpu, strict=True))
                speeds = " | ".join(f"{median(one.speeds):.0f} ({median(one.cpu) * 1e6:.1f})" for one in sides)
                windows = streamed.samples * int(np.prod(SHAPE)) / (memory * 2**19)
                print(
                    f"| {name} | {speeds} | {ratio:.3f} | {cost:.3f} | {streamed.peak / 1e6:.0f} | {windows:.1f} |",
                    flush=True,
                )


def main() -> None:
    """Train when asked."""
    from nncli.benchmark import memory
    from nncli.training import supervised

    config, out = sys.argv[1:]
    with supervised.open_run(Path(config), None, (), Path(out)) as run:
        steps = run.events()
        for line in sys.stdin:
            begun, before, cpu = time.perf_counter(), run.progress.step, time.process_time()
            while time.perf_counter() - begun < float(line):
                next(steps)
            samples = (run.progress.step - before) * run.batch
            seconds = time.perf_counter() - begun
            said = {"samples": samples, "seconds": seconds, "cpu": time.process_time() - cpu, "peak": memory.peak()}
            print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
