"""What `import nncli` offers to Python: the same steps as the commands, as functions.

import nncli
with nncli.open_run("configs/digits_cnn.yaml") as run:
    for event in run.events():
        print(event)
nncli.evaluate("runs/digits_cnn")

Inside `with nncli.allow_plugins():` configurations may run the Python files that they name in `plugins`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from nncli.checkpoint import Snapshot
from nncli.checkpoint import read as _read
from nncli.checkpoint import resolve as _resolve
from nncli.spec.plugins import allowed as allow_plugins
from nncli.training import supervised
from nncli.training.describe import describe
from nncli.training.evaluate import evaluate_checkpoint
from nncli.training.loop import Run


def open_run(
    config: str | Path | None = None,
    *,
    resume: str | Path | None = None,
    overrides: Sequence[str] = (),
    out: str | Path | None = None,
    allow_change: bool = False,
) -> AbstractContextManager[Run]:
    """A training run, new or resumed; `overrides` are texts as after `--set`. `run.events()` trains.

    With `allow_change` a run goes on although the configuration or the data are others than when it began.

    Raises NncliError, of the kind that the command's exit code stands for.
    """
    if config is None and resume is None:
        raise TypeError("give a config, or resume")
    return supervised.open_run(_path(config), _path(resume), overrides, _path(out), allow_change=allow_change)


def evaluate(
    checkpoint: str | Path, split: str | None = None, *, data: str | None = None, threads: int | None = None
) -> dict[str, Any]:
    """Loss and metrics of a checkpoint or run folder: what `nncli eval --json` prints."""
    return evaluate_checkpoint(Path(checkpoint), split, data, threads)


def summary(config: str | Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Shapes, parameters and costs of a configuration: what `nncli summary --json` prints."""
    return describe(Path(config), overrides)


def load(checkpoint: str | Path) -> Snapshot:
    """All that a checkpoint (or the `last.h5` of a run folder) holds, weights as NumPy arrays by node and name."""
    return _read(_resolve(Path(checkpoint)))


def _path(value: str | Path | None) -> Path | None:
    return None if value is None else Path(value)


__all__ = ["allow_plugins", "evaluate", "load", "open_run", "summary"]
