"""Runs that are killed at random moments, gone on with, killed again, and compared with the run that nobody stopped.

A process gets SIGKILL after a delay that is drawn evenly over the time that the whole run takes, from its start on.
Then every checkpoint in the folder must be readable, and `last.h5` the one that the uninterrupted run had at that step.
After one to four kills the run is let come to its end: all that it leaves must be what the uninterrupted one left, byte
for byte but for `/timing`, and no temporary file.

Most processes are forked from one that has imported everything, or importing would be most of what is killed; every
`COLD`-th is started from nothing.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

from nncli.checkpoint import differences, is_temporary, read
from nncli.errors import CheckpointError

ROOT = Path(__file__).parents[2]
COLD = 10
MOST = 4
"""Kills of one run at most."""
LONGEST = 120.0
"""Seconds until a process that should have ended is taken for hanging."""
TRAIN = """
name: killed
data:
  train: {random: {samples: 300, shape: [8], classes: 4}}
  validation: 60
network: [{dense: 16}, batch_norm, relu, {dropout: 0.2}, {dense: 4}]
loss: softmax_cross_entropy
metrics: [accuracy]
optimizer: {adam: {lr: 1e-2}}
schedule: cosine
train: {epochs: 10, batch: 80, ema: 0.9, on_divergence: rollback}
checkpoint: {last: 1 steps, every: 4}
diagnose: {every: 7}
"""
GAN = """
name: killed
latent: 2
data: {train: {random: {samples: 200, shape: [3], classes: 2}}}
generator: [{dense: 8}, batch_norm, relu, {dense: 3}]
discriminator: [{dense: 8}, {leaky_relu: 0.2}, {dropout: 0.2}, {dense: 1}]
game: {steps: 24, batch: 16, ema: 0.9, on_divergence: rollback}
checkpoint: {last: 1, every: 10}
diagnose: {every: 8, samples: 64, on_alarm: rollback}
sample: {every: 20, fixed_noise: 8}
"""
TEXTS = {"train": TRAIN, "gan": GAN}
ITS_OWN = ("/@config", "/@config_sha256")
"""What the run with a checkpoint of each step, to compare with, has of its own."""


@dataclass
class Outcome:
    """`faults` is one line for each thing that is not as it should be."""

    kills: int = 0
    begun_anew: int = 0
    runs: int = 0
    identical: int = 0
    files: int = 0
    unreadable: int = 0
    strange: int = 0
    left: int = 0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        yield from self.faults
        yield (
            f"{self.kills} kills of {self.runs} runs in {self.seconds:.0f} s; {self.begun_anew} times nothing had been "
            "written yet"
        )
        yield f"unreadable: {self.unreadable} of the {self.files} checkpoints that were there after a kill"
        yield f"not what the uninterrupted run had at that step: {self.strange}"
        yield f"identical with the uninterrupted run at their end: {self.identical} of {self.runs}"
        yield f"temporary files that stayed: {self.left}"


def run_command(arguments: Sequence[str], folder: str, plant: str = "") -> None:
    """The command line, in this process, and its end; `plant` is code that runs before."""
    os.chdir(folder)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(nowhere, number)
    exec(plant, {})
    from nncli.cli import main

    main(arguments)


class Campaign:
    """Kills of runs of one kind, `train` or `gan`, in a folder; the schedule follows from the seed.

    `plant` is code that runs at the beginning of each process but those of the run that nobody stops.
    """

    def __init__(self, kind: str, folder: Path, seed: int = 0, plant: str = "", cold: int = COLD) -> None:
        self.kind, self.folder, self.plant, self.cold = kind, folder, plant, cold
        self.random = random.Random(seed)
        self.outcome = Outcome()
        self.started = 0
        self.context = multiprocessing.get_context("forkserver")
        rooms = ["numpy", "h5py", "nncli.cli.train", "nncli.training.supervised", "nncli.training.folds"]
        rooms += [
            "nncli.training.game.opening",
            "nncli.checkpoint.hdf5",
            "nncli.report.display",
            "nncli.report.samples",
        ]
        rooms += ["nncli.report.tables", "nncli.report.game", "nncli.spec", "tests.benchmarks.kills"]
        self.context.set_forkserver_preload(rooms)
        (folder / "killed.yaml").write_text(TEXTS[kind])

    def play(self, kills: int) -> Outcome:
        """Kill so many times, or somewhat more."""
        begun = perf_counter()
        self._whole()
        while self.outcome.kills < kills:
            self._one_run()
            if self.outcome.runs % 10 == 0:
                print(f"{self.outcome.kills} kills, {len(self.outcome.faults)} faults", file=sys.stderr, flush=True)
        self.outcome.seconds = perf_counter() - begun
        return self.outcome

    def _whole(self) -> None:
        """The run that nobody stops, once with all its checkpoints; how long it takes."""
        self._to_its_end("steps", "--set", "checkpoint.every=1 steps")
        begun = perf_counter()
        self._to_its_end("whole")
        self.lasts = perf_counter() - begun

    def _to_its_end(self, run: str, *more: str) -> None:
        process = self._start([self.kind, "killed.yaml", "--out", run, *more], warm=True)
        code = process.wait(LONGEST)
        if code:
            raise RuntimeError(f"a run of the campaign ended with {code}")

    def _one_run(self) -> None:
        name = f"run-{self.outcome.runs:04}"
        self.outcome.runs += 1
        for _ in range(self.random.randint(1, MOST)):
            if self._killed(name):
                self.outcome.kills += 1
                self._look(name)
        process = self._start(self._next(name), warm=True, plant=self.plant)
        code = process.wait(LONGEST)
        if code:
            self._fault(name, f"ended with {code}" if code is not None else "hangs")
        elif self._compare(name):
            self.outcome.identical += 1

    def _killed(self, name: str) -> bool:
        """Start or go on, and kill after a while; whether it was still at work then."""
        delay = self.random.uniform(0, self.lasts)
        self.started += 1
        process = self._start(self._next(name), warm=self.started % self.cold != 0, plant=self.plant)
        sleep(delay)
        return process.kill()

    def _next(self, name: str) -> list[str]:
        if (self.folder / name / "last.h5").exists():
            return [self.kind, "--resume", name]
        self.outcome.begun_anew += (self.folder / name).exists()
        return [self.kind, "killed.yaml", "--out", name]

    def _start(self, arguments: list[str], warm: bool, plant: str = "") -> _Process:
        return _Process(self.context if warm else None, arguments, str(self.folder), plant)

    # -- checks ------------------------------------------------------------------------------------------------------

    def _look(self, name: str) -> None:
        """At what a kill has left."""
        for path in sorted((self.folder / name).glob("*.h5")):
            self.outcome.files += 1
            try:
                snapshot = read(path)
            except CheckpointError as error:
                self.outcome.unreadable += 1
                self._fault(name, str(error))
                continue
            progress = snapshot.progress
            if path.name != "last.h5" or not progress["step"]:
                continue
            same = self.folder / "steps" / f"step-{progress['step']:07}.h5"
            different = [name for name in differences(path, same) if name not in ITS_OWN]
            if different and differences(
                path, self.folder / "whole" / "last.h5"
            ):  # after its last step it is written once more
                self.outcome.strange += 1
                self._fault(name, f"last.h5 is not that of {same.name}: {', '.join(different[:3])}")

    def _compare(self, name: str) -> bool:
        """Whether a run left just what the uninterrupted one did."""
        run, whole = self.folder / name, self.folder / "whole"
        temporary = [path for path in run.rglob("*") if is_temporary(path.name)]
        self.outcome.left += len(temporary)
        names = {
            str(path.relative_to(folder))
            for folder in (run, whole)
            for path in folder.rglob("*")
            if path.is_file() and path not in temporary
        }
        different = []
        for file in sorted(names):
            one, other = run / file, whole / file
            if not (one.exists() and other.exists()):
                different.append(f"{file} is in one of them only")
            elif file.endswith(".h5"):
                try:
                    different += [f"{file}:{name}" for name in differences(one, other)]
                except CheckpointError as error:
                    different.append(str(error))
            elif one.read_bytes() != other.read_bytes():
                different.append(file)
        if different:
            self._fault(name, f"not identical: {', '.join(different[:3])}, {len(different)} in all")
        return not different

    def _fault(self, name: str, text: str) -> None:
        self.outcome.faults.append(f"{name}: {text}")


class _Process:
    """A command in a process of its own: forked from the server, or without `context` started from nothing."""

    def __init__(self, context: Any, arguments: list[str], folder: str, plant: str) -> None:
        self.forked: Any = None
        if context is not None:
            self.forked = context.Process(target=run_command, args=(arguments, folder, plant))
            self.forked.start()
        else:
            code = "import sys; from tests.benchmarks.kills import run_command\n"
            code += "run_command(sys.argv[3:], sys.argv[1], sys.argv[2])"
            command = [sys.executable, "-c", code, folder, plant, *arguments]
            self.cold = subprocess.Popen(command, cwd=ROOT, start_new_session=True)

    def wait(self, seconds: float) -> int | None:
        """Its exit code; None where it hangs, and was killed."""
        if self.forked is None:
            try:
                return self.cold.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
                return None
        self.forked.join(seconds)
        code: int | None = self.forked.exitcode
        if code is None:
            self.kill()
        return code

    def kill(self) -> bool:
        """SIGKILL; whether it found it at work."""
        if self.forked is None:
            self.cold.kill()
            return self.cold.wait() < 0
        self.forked.kill()
        self.forked.join()
        code: int = self.forked.exitcode
        return code < 0


def report(kind: str, kills: int, seed: int) -> bool:
    """Kill, and print; whether all was as it should be."""
    with tempfile.TemporaryDirectory() as folder:
        campaign = Campaign(kind, Path(folder), seed)
        outcome = campaign.play(kills)
    print(f"{kind}, seed {seed}; the whole run takes {campaign.lasts:.2f} s")
    print("\n".join(outcome.lines()), flush=True)
    return not outcome.faults
