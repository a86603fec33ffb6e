"""What is drawn of a run's history: which figures share a panel, over what, beside which levels."""

from __future__ import annotations

import math
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


PLAYERS = {"d": "discriminator", "g": "generator"}
COLOUR = {"discriminator": ORANGE, "generator": BLUE, "data": BLUE, "samples": ORANGE}
STEP_TITLES = {"loss": "loss of each player", "norm": "norm of each gradient", "lr": "learning rate"}
TITLES = {
    "value": "V, the value of the game",
    "divergence": "Jensen–Shannon divergence",
    "accuracy": "accuracy of the discriminator",
    "saturation": "saturation: gradient that minimax keeps",
    "diversity": "diversity: distance of samples / of data",
    "coverage": "coverage of the data",
    "dimension": "intrinsic dimension",
    "path_ratio": "path of the generator, net / gross",
}
LEVELS: dict[str, dict[str, float]] = {
    "value": {"−2 log 2, where data and samples are alike": -2 * math.log(2)},
    "divergence": {"log 2, the greatest": math.log(2)},
    "accuracy": {"½, a guess": 0.5},
    "saturation": {"0.1, the alarm under minimax": 0.1},
    "diversity": {"0.7, the alarm": 0.7},
    "coverage": {"0.97, of data by data": 1 - 2**-5},
}
"""Heights beside which a figure of a game is read: what it is where all is well, or where its alarm begins."""
SHARED = {
    "js_bound": ("divergence", "at least, by the discriminator"),
    "divergence": ("divergence", "by histograms"),
    "effective_modes": ("effective_modes", "effective modes"),
    "modes": ("effective_modes", "of the data"),
}
"""Panel and name of figures that stand together."""


def game(steps: Mapping[str, Array], diagnose: Mapping[str, Array]) -> list[Panel]:
    """Panels over the generator's steps: both players together, then each figure of the looks at the game.

    `steps` are figures by name as in the checkpoint (`d_loss`), `diagnose` those of the looks and their `step`.
    """
    panels: dict[str, list[Line]] = {}
    for key, values in steps.items():
        player, _, name = key.partition("_")
        if len(values) and player in PLAYERS:
            line = _line(PLAYERS[player], np.arange(1, len(values) + 1), values)
            panels.setdefault(name, []).append(line)
    found = [
        Panel(STEP_TITLES.get(name, name), lines, may_be_logarithmic=name == "norm") for name, lines in panels.items()
    ]
    looks: dict[str, list[Line]] = {}
    for key, values in diagnose.items():
        if key != "step" and key not in steps and len(values):
            panel, name = SHARED.get(key) or _of_data_or_samples(key)
            looks.setdefault(panel, []).append(_line(name, diagnose["step"], values))
    for name, lines in looks.items():
        found.append(Panel(TITLES.get(name, name.replace("_", " ")), lines, LEVELS.get(name, {})))
    return found


def _of_data_or_samples(key: str) -> tuple[str, str]:
    """Panel and name: `dimension_real` and `dimension_fake` stand together."""
    name, _, whose = key.rpartition("_")
    if name and whose in ("real", "fake"):
        return name, {"real": "data", "fake": "samples"}[whose]
    return key, key.replace("_", " ")


def _line(name: str, x: Array, y: Array) -> Line:
    return Line(name, np.asarray(x, float), np.asarray(y, float), colour=COLOUR.get(name, ""))


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
    history, progress = snapshot.history, snapshot.progress
    if snapshot.kind == "gan":
        panels, along = game(history.steps, history.diagnose), "step of the generator"
        said = f"step {progress['step']:,}"
    else:
        panels, along = supervised(history.steps, history.epochs, progress)
        said = f"epoch {progress['epoch']:,}, step {progress['step']:,}"
    if not panels:
        hint = "a run writes it from its first step on"
        raise CheckpointError(Fault("there is no history to draw yet", file=file, hint=hint))
    if progress.get("best_epoch"):
        said += f"; best {progress['best_metric']} {progress['best_value']:.4g}"
    title = name_of(snapshot.config)
    return [panel.title for panel in panels], draw(panels, kind, title, along, said)
