"""What is drawn of a run's history: which figures share a panel, over what, beside which levels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nncli.checkpoint import Snapshot
from nncli.errors import CheckpointError, Fault, UsageError
from nncli.parts import Array
from nncli.report.inspection import name_of
from nncli.report.pictures.curves import Line, Panel, draw
from nncli.report.pictures.drawing import BLUE, GREEN, KINDS, ORANGE

SPLITS = {"train": BLUE, "validation": ORANGE, "test": GREEN}
NAMES = {"lr": "learning rate", "gradient_norm": "norm of the gradient"}


def supervised(
    steps: Mapping[str, Array], epochs: Mapping[str, Array], progress: Mapping[str, Any]
) -> tuple[list[Panel], str]:
    """Panels, each figure with its splits, then what is known of each step; and what they are over: epochs, or steps
    where no epoch ended yet.

    `steps` and `epochs` are figures by name as in the checkpoint (`loss`; `validation_loss`), `progress` how far the
    run has come.
    """
    at = _epochs_of_steps(steps, progress)
    best = int(progress.get("best_epoch", 0) or 0)
    marks = {f"best (epoch {best})": float(best)} if best else {}
    figures: dict[str, list[Line]] = {"loss": []}
    for key, values in epochs.items():
        split, _, name = key.partition("_")
        if split in SPLITS and name:
            x = np.arange(1, len(values) + 1, dtype=float)
            figures.setdefault(name, []).append(Line(split, x, np.asarray(values, float), colour=SPLITS[split]))
    if len(steps.get("loss", ())):
        each = Line("train, each step", at, np.asarray(steps["loss"], float), faint=True, colour=BLUE)
        figures["loss"].insert(0, each)
    panels = [
        Panel(name, lines, marks=marks, may_be_logarithmic=name == "loss" or name.endswith("_loss"))
        for name, lines in figures.items()
        if lines
    ]
    for key, values in steps.items():
        if key != "loss" and len(values):
            line = Line(NAMES.get(key, key), at, np.asarray(values, float))
            panels.append(Panel(NAMES.get(key, key), [line], may_be_logarithmic=key == "gradient_norm"))
    return panels, "epoch" if progress.get("epoch") else "step"


def _epochs_of_steps(steps: Mapping[str, Array], progress: Mapping[str, Any]) -> Array:
    """When each step ended, in epochs; by steps where no epoch ended yet."""
    total = max((len(values) for values in steps.values()), default=0)
    epochs, cursor = int(progress.get("epoch", 0)), int(progress.get("cursor", 0))
    done = np.arange(1, total + 1, dtype=float)
    each = (total - cursor) / epochs if epochs and total > cursor else 0
    return done / each if each else done


def kind_of(path: Path) -> str:
    """The kind of picture that the file's name asks for. Raises UsageError where it is none of ours."""
    kind = path.suffix[1:].lower()
    if kind not in KINDS:
        allowed = ", ".join(f".{kind}" for kind in KINDS)
        raise UsageError(Fault(f"'{path.name}' should end in one of {allowed}", "--output"))
    return kind


def curves_of(snapshot: Snapshot, file: str, kind: str) -> tuple[list[str], bytes]:
    """Titles of the panels of a checkpoint's history, and the picture as a file of that kind.

    Raises CheckpointError where it has no history, UsageError where matplotlib is missing.
    """
    panels, along = supervised(snapshot.history.steps, snapshot.history.epochs, snapshot.progress)
    if not panels:
        hint = "a run writes it from its first step on"
        raise CheckpointError(Fault("there is no history to draw yet", file=file, hint=hint))
    progress = snapshot.progress
    said = f"epoch {progress['epoch']:,}, step {progress['step']:,}"
    if progress.get("best_epoch"):
        said += f"; best {progress['best_metric']} {progress['best_value']:.4g}"
    title = name_of(snapshot.config)
    return [panel.title for panel in panels], draw(panels, kind, title, along, said)
