"""The players of a checkpoint, to make samples with and to judge some: no data are needed for that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nncli import checkpoint
from nncli.checkpoint import Network, Snapshot
from nncli.data.batches import Preprocessing
from nncli.engine import Model
from nncli.errors import CheckpointError, Fault
from nncli.parts import Array, Shape
from nncli.randomness import generator
from nncli.spec import read_game
from nncli.spec.game import GameConfig
from nncli.training.game.saving import AVERAGE
from nncli.training.game.setup import checked_graphs, density_of, make_models, plans_of
from nncli.training.saving import load_network
from nncli.training.stored import trusting

BLOCK = 256
"""Samples that are made or judged at a time."""


@dataclass
class Trained:
    """Both players of a checkpoint; the generator with its averaged weights where there are some.

    `density` is what the data were drawn from, None where there was a finite number of samples.
    """

    path: Path
    snapshot: Snapshot
    config: GameConfig
    base: Path
    models: dict[str, Model]
    preprocessing: Preprocessing
    density: Any

    @property
    def shape(self) -> Shape:
        """Of a sample."""
        return self.models["generator"].graph.output

    def latent(self, n: int, seed: int = 0) -> Array:
        """Latent vectors (n, dim), by a seed."""
        rng, size = generator(seed, "samples"), (n, self.config.latent.dim)
        return rng.normal(size=size) if self.config.latent.distribution == "normal" else rng.uniform(-1, 1, size)

    def samples(self, z: Array) -> Array:
        """Samples (n, …) of latent vectors (n, dim), in the data's own units where preprocessing can be undone."""
        model = self.models["generator"]
        made = blockwise(model, np.ascontiguousarray(z.T, model.dtype))
        self.preprocessing.undo(made)
        return np.ascontiguousarray(np.moveaxis(made, -1, 0))

    def logits(self, samples: Array) -> Array:
        """What the discriminator gives for samples (n, …) in the data's own units: (n,).

        Under packing it judges several samples together: here packs of equal ones.
        """
        model = self.models["discriminator"]
        return verdicts(model, self.preprocessing, self.shape, self.config.game.pack, samples)


def verdicts(model: Model, preprocessing: Preprocessing, shape: Shape, pack: int, samples: Array) -> Array:
    """What a discriminator gives for samples (n, …) before preprocessing, (n,); under packing for packs of equals."""
    x = np.array(np.moveaxis(samples, 0, -1), model.dtype, order="C")
    preprocessing.bound(shape, model.dtype)(x)
    logits: Array = blockwise(model, np.concatenate([x] * pack, axis=0) if pack > 1 else x)[0]
    return logits


def blockwise(model: Model, x: Array) -> Array:
    """Outputs (…, n) of a network as it is in evaluation, some samples at a time."""
    parts = [evaluate(model, x[..., start : start + BLOCK]) for start in range(0, x.shape[-1], BLOCK)]
    return np.concatenate(parts, axis=-1)


def evaluate(model: Model, x: Array) -> Array:
    """A new array of the outputs (…, n) for inputs (…, n), in evaluation."""
    program = model.program(x.shape[-1], training=False)
    program.forward(lambda shard: np.copyto(shard.x, x[..., shard.start : shard.start + shard.n]))
    return np.concatenate([shard.y for shard in program.shards], axis=-1)


@contextmanager
def open_trained(path: Path, averaged: bool = True) -> Iterator[Trained]:
    """The players of a checkpoint or run folder. Raises CheckpointError where it is no GAN's."""
    file = checkpoint.resolve(path)
    snapshot = checkpoint.read(file)
    if snapshot.kind != "gan":
        message = "the checkpoint of a network alone: it makes no samples"
        raise CheckpointError(Fault(message, file=str(file), hint="`nncli eval` and `nncli predict` work with it"))
    with trusting(file):
        trained = _trained(file, snapshot, averaged)
    try:
        with trained.models["generator"].limits():
            yield trained
    finally:
        for model in trained.models.values():
            model.close()


def _trained(file: Path, snapshot: Snapshot, averaged: bool) -> Trained:
    base = Path(snapshot.config_dir)
    loaded = read_game(snapshot.config, f"{file}:config", base=base, digests=snapshot.plugins)
    config = loaded.config
    graphs = checked_graphs(loaded, None if config.input is None else config.input.shape)
    models = make_models(config, graphs, plans_of(snapshot))
    try:
        for name, model in models.items():
            stored = snapshot.networks.get(name, Network())
            if name == "generator" and averaged and AVERAGE in snapshot.networks:
                stored = snapshot.networks[AVERAGE]
            load_network(model.parameters, stored, name)
        steps = config.data.preprocess if config.data is not None else ()
        preprocessing = Preprocessing.restore(steps, snapshot.preprocess)
        return Trained(file, snapshot, config, base, models, preprocessing, density_of(config))
    except BaseException:
        for model in models.values():
            model.close()
        raise
