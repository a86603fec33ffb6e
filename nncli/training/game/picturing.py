"""What is needed for a picture of a game's samples, besides them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nncli.data.batches import Preprocessing
from nncli.diagnostics.game.theory import optimal_discriminator
from nncli.graph import INPUT, Graph
from nncli.parts import Array, Shape
from nncli.randomness import generator
from nncli.training.game.trained import Trained, verdicts

if TYPE_CHECKING:
    from nncli.training.game.loop import GameRun

POINTS = 1500
"""Samples and points of the data where both are drawn as points: 64 would not show which modes are missing."""
MOST = 5000
"""Samples whose density is computed at most: at 14,400 points they take a second or two."""
PLANE = 2
"""Numbers of a sample up to which samples are drawn as points."""


@dataclass(frozen=True, slots=True)
class Scene:
    """`samples` (n, …) in the data's own units, and what stands around them in a picture.

    `limits` are black and white of images. `points` says that a sample is a point of a line or plane: then `data` (m,
    …) are some of the data, as far as those are at hand, and `judge` maps points (m, …) to what the discriminator gives
    for them (m,) when it is asked, log-odds of data where `odds`. `density` is what data are drawn from, None where it
    is not known.
    """

    samples: Array
    limits: tuple[float, float]
    points: bool = False
    data: Array | None = None
    judge: Callable[[Array], Array] | None = None
    odds: bool = False
    density: Any = None

    def best(self, points: Array) -> Array:
        """What the best discriminator would give for points (m, …): the share of data there, NaN where is nothing.

        Of more samples than `MOST` the first ones stand for all.
        """
        return optimal_discriminator(self.density, self.samples[:MOST].astype(np.float64), points)


def are_points(shape: Shape) -> bool:
    return len(shape) == 1 and shape[0] <= PLANE


def scene_of_run(run: GameRun, samples: Array) -> Scene:
    """That of a game that is being played; `samples` (n, …) are those of the fixed latent vectors.

    Of points more are drawn: always from the same latent vectors, beside the same data.
    """
    setup = run.setup
    if not are_points(setup.shape):
        return Scene(samples, limits_of(setup.graphs["generator"], setup.preprocessing, samples))
    config, model = setup.config, setup.models["discriminator"]
    z = np.empty((config.latent.dim, POINTS), config.dtype)
    run.play.draw(z, "points", 0)
    data: Array = np.empty((*setup.shape, POINTS), config.dtype)
    setup.reals.held_out(data, 0)
    known = setup.preprocessing.undo(data)

    def judge(points: Array) -> Array:
        steps = setup.preprocessing if known else Preprocessing()
        return verdicts(model, steps, setup.shape, config.game.pack, points)

    made = in_units(run.make(z), setup.preprocessing)
    density = setup.density if known else None
    return Scene(made, (0, 1), True, np.moveaxis(data, -1, 0), judge, config.game.loss.odds, density)


def scene_of_trained(trained: Trained, samples: Array) -> Scene:
    """That of a checkpoint's samples (n, …); data are drawn where their density is known."""
    if not are_points(trained.shape):
        return Scene(samples, limits_of(trained.models["generator"].graph, trained.preprocessing, samples))
    density, data = trained.density, None
    if density is not None:
        data = density.sample(POINTS, generator(trained.config.seed, "points of data"))
    return Scene(samples, (0, 1), True, data, trained.logits, trained.config.game.loss.odds, density)


def in_units(made: Array, preprocessing: Preprocessing) -> Array:
    """A generator's output (…, n) as samples (n, …) in the data's own units, where preprocessing can be undone."""
    preprocessing.undo(made)
    return np.ascontiguousarray(np.moveaxis(made, -1, 0))


def limits_of(graph: Graph, preprocessing: Preprocessing, samples: Array) -> tuple[float, float]:
    """Black and white of images: where the generator ends in an activation that is bounded to both sides its bounds,
    in the data's own units, so that pictures of one game can be compared; else almost the range of the samples."""
    finite = samples[np.isfinite(samples)].astype(np.float64)
    bounds = bounds_of(graph)
    if bounds is None or not finite.size:
        low, high = np.quantile(finite, [0.005, 0.995]) if finite.size else (0.0, 1.0)
        return float(low), float(high)
    ends = np.empty((*graph.output, 2))
    ends[...] = bounds
    preprocessing.undo(ends)
    # an activation counts as flat a little before its bound
    return float(min(ends.min(), finite.min())), float(max(ends.max(), finite.max()))


def bounds_of(graph: Graph) -> tuple[float, float] | None:
    """Those of the last activation, where only layers without parameters and with one input come after it."""
    place = len(graph.nodes) - 1
    while place != INPUT:
        node = graph.nodes[place]
        bounds = node.layer.flat()
        if bounds is not None:
            return bounds if bool(np.isfinite(bounds).all()) else None
        if node.parameter_count or len(node.inputs) != 1:
            return None
        place = node.inputs[0]
    return None
