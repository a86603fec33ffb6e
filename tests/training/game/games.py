"""Small games for the tests, on the digits that ship with nncli."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from nncli.checkpoint import read
from nncli.training.game.events import Event, Finished, Stepped
from nncli.training.game.opening import open_game
from tests.training.runs import ROOT, walk

CONFIG = """
name: small
seed: 3
data:
  train: {{npz: {{path: {digits}, x: x_train, y: y_train}}}}
  test: {{npz: {{path: {digits}, x: x_test, y: y_test}}}}
  preprocess: [{{scale: {{factor: 0.125, offset: -1}}}}]
latent: 5
generator:
  - dense: 12
  - batch_norm
  - relu
  - dense: 64
  - tanh
  - reshape: [1, 8, 8]
discriminator:
  - flatten
  - dense: 16
  - leaky_relu: 0.2
  - dropout: 0.25
  - dense: 1
game: {{loss: nonsaturating, d_steps: 2, steps: 12, batch: 20, pack: 2, label_smoothing: 0.1, instance_noise: 0.2,
       ema: 0.9}}
optimizer:
  generator: {{adam: {{lr: 1e-2, beta1: 0.5}}}}
  discriminator: {{rmsprop: 1e-3}}
schedule: {{generator: linear, discriminator: cosine}}
checkpoint: {{last: 5}}
diagnose: {{every: 4, samples: 64}}
sample: {{every: 6, fixed_noise: 9}}
"""

SPECTRAL = ("game.spectral_norm=1.5", "game.pack=1", "game.instance_noise=null", "optimizer.discriminator=sgd")
COUPLED = ("discriminator=[flatten, {dense: 16}, batch_norm, {leaky_relu: 0.2}, {dense: 1}]",)
CRITIC = ("game.loss=wasserstein", "game.label_smoothing=0", "game.ema=null")
VARIANTS: dict[str, tuple[str, ...]] = {
    "as it is": (),
    "spectral": SPECTRAL,
    "coupled": COUPLED,
    "critic": CRITIC,
    "rolling back": ("diagnose.on_alarm=rollback",),
}


def write_config(folder: Path, text: str = CONFIG) -> Path:
    path = folder / "small.yaml"
    path.write_text(text.format(digits=ROOT / "data" / "digits.npz"))
    return path


def play(
    config: Path | None, *overrides: str, resume: Path | None = None, out: Path | None = None, stop: int = 0
) -> list[Event]:
    """All events of a game; with `stop`, asked to stop after that many steps (of this call)."""
    steps = 0

    def asked() -> bool:
        return bool(stop) and steps >= stop

    events: list[Event] = []
    with open_game(config, resume, overrides, out) as run:
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
    for name, network in snapshot.networks.items():
        walk(network.parameters, name, found)
        walk(network.state, f"{name}/state", found)
    walk(snapshot.optimizer, "optimizer", found)
    walk(snapshot.preprocess, "preprocess", found)
    walk(snapshot.progress, "progress", found)
    walk(snapshot.plan, "plan", found)
    walk(snapshot.history.steps, "steps", found)
    walk(snapshot.history.diagnose, "diagnose", found)
    return found


def flat(network: Any) -> np.ndarray[Any, Any]:
    return np.concatenate([named.array.ravel() for node in network.parameters.values() for named in node.values()])
