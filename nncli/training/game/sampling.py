"""Samples of a checkpoint's generator, or ways between some of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nncli.parts import Array
from nncli.training.game.picturing import Scene, scene_of_trained
from nncli.training.game.trained import open_trained
from nncli.training.slerp import lerp, slerp, ways


@dataclass(frozen=True, slots=True)
class Made:
    """Samples (n, …) in the data's own units, and the latent vectors (n, dim) that they were made from.

    `columns` is the number of samples in a row, where rows mean something: each is the way from one point to the next.
    """

    name: str
    step: int
    checkpoint: Path
    seed: int
    samples: Array
    latent: Array
    scene: Scene
    columns: int = 0


@contextmanager
def open_samples(
    path: Path, n: int, seed: int | None = None, between: int | None = None, averaged: bool = True
) -> Iterator[Made]:
    """`n` samples by a seed (None: that of the run); with `between`, that many more on the way from each to the next.

    Ways are arcs where latent vectors are normal, straight lines where they are uniform. The scene's judge answers as
    long as it is entered. Raises CheckpointError.
    """
    with open_trained(path, averaged) as trained:
        seed = trained.config.seed if seed is None else seed
        z, columns = trained.latent(n, seed), 0
        if between is not None:
            way = slerp if trained.config.latent.distribution == "normal" else lerp
            z, columns = ways(z, between, way).reshape(-1, z.shape[1]), between + 2
        samples = trained.samples(z)
        step = int(trained.snapshot.progress["step"])
        scene = scene_of_trained(trained, samples)
        yield Made(trained.config.name, step, trained.path, seed, samples, z, scene, columns)
