"""Files that a library may not survive are examined in a process of their own, with limits on time and memory."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import nncli
from nncli.data.files import reason
from nncli.errors import DataError, Fault

_ROOT = Path(nncli.__file__).parents[1]
_START = 20.0
"""Seconds that a process may take before it has begun and after it has ended, and time that others take from it."""
_AGAIN = "copy or download the file again"


def examine(program: Path, file: Path, asked: dict[str, Any], seconds: int) -> dict[str, Any]:
    """Let a `program`, a module of nncli that runs by itself, look at a file, and return what it answers.

    It gets `asked` with the file and `seconds`, the processor time after which it is to be ended, as JSON, and answers
    with JSON. Raises DataError with the `faults` that it finds; one that crashes, is ended or does not answer in time
    means that the file is damaged.
    """
    asked = asked | {"file": str(file), "seconds": seconds}
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    alone = {name: "1" for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    try:
        done = subprocess.run(
            [sys.executable, "-P", str(program), json.dumps(asked)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=2 * seconds + _START,
            env=os.environ | alone | {"PYTHONPATH": path},
        )
    except subprocess.TimeoutExpired:
        raise _damaged(file, f"to read it takes more than {2 * seconds + _START:.0f} seconds") from None
    except OSError as error:
        message = f"the process that examines it cannot be started: {reason(error)}"
        raise DataError(Fault(message, file=str(file))) from None
    if done.returncode:
        raise _damaged(file, _end(done, seconds))
    try:
        answer: dict[str, Any] = json.loads(done.stdout.strip().rpartition(b"\n")[2])
        faults = [Fault(**fault) for fault in answer["faults"]]
    except (ValueError, KeyError, TypeError):
        raise _damaged(file, "a process that read it ended without an answer") from None
    if faults:
        raise DataError(faults)
    return answer


def _end(done: subprocess.CompletedProcess[bytes], seconds: int) -> str:
    """How a process ended that did not come to its answer."""
    if done.returncode == -getattr(signal, "SIGXCPU", 0):
        return f"to read it takes more than {seconds} seconds of processor time"
    if done.returncode < 0:
        return f"a process that read it was ended by {signal.Signals(-done.returncode).name}"
    said = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
    return f"a process that read it ended with exit code {done.returncode}" + (f": {said}" if said else "")


def _damaged(file: Path, how: str) -> DataError:
    return DataError(Fault(f"is damaged: {how}", "", _AGAIN, str(file)))
