"""Processes of their own for what cannot be measured in this one: peak memory, and PyTorch.

PyTorch's threads and those of NumPy's BLAS fight in one process. A child is this module run with `-m`; it is asked and
answers in lines of JSON, on its standard input and output.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import nncli

ROOT = Path(nncli.__file__).parents[1]
STEPS = 3
"""Steps after which a training process has touched all of its memory."""


class ChildFailed(RuntimeError):
    """A child ended without an answer; its own words are on standard error."""


class Child:
    """The other end of a child that runs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, what: str, **more: Any) -> Any:
        """One question, one answer. Raises ChildFailed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps({"what": what, **more}) + "\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise ChildFailed(f"the process that was to {what} ended with exit code {self._process.wait()}")
        return json.loads(line)


@contextmanager
def child() -> Iterator[Child]:
    """Start a process with this nncli, and end it."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    process = subprocess.Popen(
        [sys.executable, "-m", "nncli.benchmark.children"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": path},
    )
    try:
        yield Child(process)
    finally:
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                stream.close()  # type: ignore[union-attr]
        process.terminate()
        process.wait()


# -- inside of a child -------------------------------------------------------------------------------------------------


def answer() -> None:
    """Answer questions until there are no more."""
    answers, sys.stdout = sys.stdout, sys.stderr
    side: Any = None
    for line in sys.stdin:
        question = json.loads(line)
        what = question.pop("what")
        if what == "measure memory":
            said: Any = _memory(**question)
        elif what == "build it in PyTorch":
            from nncli.benchmark.torch_side import TorchSide

            side = TorchSide(**question)
            said = side.about()
        elif what == "compare gradients":
            said = side.gradients(**question)
        else:
            said = side.times(**question)
        answers.write(json.dumps(said) + "\n")
        answers.flush()


def _memory(config: str, texts: Sequence[str], random: bool, allow: bool, plan: str | None) -> dict[str, Any]:
    """Bytes of this process before a run's arrays are made, and at most while it trains."""
    from nncli.benchmark import memory
    from nncli.benchmark.timing import trained_steps
    from nncli.benchmark.workload import open_workload
    from nncli.engine import make_plan
    from nncli.spec import load, plugins
    from nncli.training.plan_files import planner

    chosen = make_plan if plan is None else planner(Path(plan))
    with (
        plugins.allowed() if allow else nullcontext(),
        open_workload(load(Path(config), texts), random, chosen) as workload,
    ):
        steps = trained_steps(workload.run)
        for _ in range(STEPS):
            next(steps)
        return {"peak_bytes": memory.peak(), "base_bytes": workload.base_bytes}


if __name__ == "__main__":
    answer()
