"""Small runs for the tests of training, on the digits that ship with nncli."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from nncli.checkpoint import Snapshot, read
from nncli.training.events import Event, Finished, Stepped
from nncli.training.supervised import open_run

ROOT = Path(__file__).parents[2]

CONFIG = """
name: small
seed: 3
data:
  train: {{npz: {{path: {digits}, x: x_train, y: y_train}}}}
  test: {{npz: {{path: {digits}, x: x_test, y: y_test}}}}
  validation: 300
  preprocess: [{{scale: 0.0625}}, standardize]
network:
  - conv2d: {{filters: 4, kernel: 3, padding: same}}
  - relu
  - max_pool2d: 2
  - flatten
  - dropout: 0.25
  - dense: 10
loss: softmax_cross_entropy
metrics: [accuracy]
optimizer: {{adam: {{lr: 1e-2, weight_decay: 1e-4}}}}
schedule: {{cosine: {{warmup: 5}}}}
train: {{epochs: 3, batch: 500, clip: {{norm: 1, value: 0.5}}}}
"""


def write_config(folder: Path, text: str = CONFIG, name: str = "small.yaml") -> Path:
    path = folder / name
    path.write_text(text.format(digits=ROOT / "data" / "digits.npz"))
    return path


def train(
    config: Path | None, *overrides: str, resume: Path | None = None, out: Path | None = None, stop: int = 0
) -> list[Event]:
    """All events of a run; with `stop`, asked to stop after that many steps (of this call)."""
    steps = 0

    def asked() -> bool:
        return bool(stop) and steps >= stop

    events: list[Event] = []
    with open_run(config, resume, overrides, out) as run:
        for event in run.events(asked):
            steps += isinstance(event, Stepped)
            events.append(event)
    return events


def finished(events: list[Event]) -> Finished:
    last = events[-1]
    assert isinstance(last, Finished)
    return last


def contents(path: Path) -> dict[str, Any]:
    """All that a checkpoint holds but the times, as bytes by name."""
    snapshot = read(path)
    found: dict[str, Any] = {}
    walk(snapshot.model, "model", found)
    walk(snapshot.model_ema, "model_ema", found)
    walk(snapshot.state, "state", found)
    walk(snapshot.optimizer, "optimizer", found)
    walk(snapshot.preprocess, "preprocess", found)
    walk(snapshot.progress, "progress", found)
    walk(snapshot.plan, "plan", found)
    walk(snapshot.history.steps, "steps", found)
    walk(snapshot.history.epochs, "epochs", found)
    walk(snapshot.history.probe, "probe", found)
    return found


def walk(value: Any, path: str, found: dict[str, Any]) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            walk(inner, f"{path}/{key}", found)
    else:
        array = np.asarray(getattr(value, "array", value))
        array = array.astype(np.str_) if array.dtype == object else array
        found[path] = (array.dtype.str, array.shape, array.tobytes())


def weights(snapshot: Snapshot) -> np.ndarray[Any, Any]:
    return np.concatenate([named.array.ravel() for node in snapshot.model.values() for named in node.values()])
