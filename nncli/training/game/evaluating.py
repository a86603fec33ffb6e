"""How good a generator's samples are: `eval` on a GAN's checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from nncli.data.splits import open_splits
from nncli.diagnostics.game import effective
from nncli.diagnostics.quality import (
    coverage,
    density,
    frechet_distance,
    kernel_distance,
    mode_figures,
    sliced_wasserstein,
)
from nncli.errors import CheckpointError, DataError, Fault
from nncli.parts import Array
from nncli.randomness import generator
from nncli.spec import read_source
from nncli.training.evaluate import wanted_split
from nncli.training.features import Features, open_features
from nncli.training.game.trained import Trained, open_trained

DRAWN = 2500
"""Samples where they can be drawn without end: those of the protocol that published figures follow."""
MOST = 10_000
"""Samples at most: distances between all pairs of 10,000 images take seconds."""
LEAST = 16
SEED = 0


def evaluate_game(file: Path, split: str | None, data: str | None, features: Path | None) -> dict[str, Any]:
    """The document of `eval`: figures of the generator's samples against data, and in `floor` those of other data
    against the same, which samples cannot be expected to do better than.

    Raises CheckpointError, DataError, SpecError for a `data` that is no source, UsageError for a split that the run
    does not have or a network without features.
    """
    with open_trained(file) as trained:
        name, known, real, other = _data(trained, split, data)
        n = len(real)
        samples = trained.samples(trained.latent(n, SEED))
        if not np.isfinite(samples).all():
            message = "the generator makes numbers that are not finite"
            raise CheckpointError(Fault(message, hint="another checkpoint of the run may do better", file=str(file)))
        if not trained.preprocessing.undo(np.zeros((*trained.shape, 1))):
            real, other = (_as_seen(trained, x) for x in (real, other))
        metrics = ({} if known is None else _modes(samples, known)) | _spread(real, samples)
        floor = ({} if known is None else _modes(other, known)) | _spread(real, other)
    stamp: dict[str, Any] | None = None
    if features is not None:
        with open_features(features, trained.shape) as seen:
            stamp = {"file": str(seen.path), "sha256": seen.sha256, "layer": seen.layer, "numbers": seen.numbers}
            wanted = seen.of(real)
            metrics |= _distances(wanted, seen.of(samples))
            floor |= _distances(wanted, seen.of(other))
            stamp |= _classes(seen, real, samples, metrics, floor)
    return {
        "checkpoint": str(file),
        "split": name,
        "samples": n,
        "loss": None,
        "metrics": metrics,
        "floor": floor,
        "features": stamp,
    }


def _data(trained: Trained, split: str | None, data: str | None) -> tuple[str, Any, Array, Array]:
    """What the data are called, their modes where those are known, and two sets of as many samples (n, …)."""
    config = trained.config
    assert config.data is not None
    rng = generator(SEED, "evaluation")
    known = trained.density
    if data is not None:
        source: Any = read_source(data, "--data")
        known = source.density() if hasattr(source, "density") else None
    if known is not None:
        drawn = known.sample(2 * DRAWN, rng).reshape(2, DRAWN, *trained.shape)
        return data or "draws from its density", known.modes, drawn[0], drawn[1]
    name, wanted, base = wanted_split(config.data, split, data)
    splits = {
        part: open_splits(wanted, base=base or trained.base, seed=config.seed, kinds={}, given=config.input, only=part)
        for part in {name, "train" if data is None else name}
    }
    real = _rows(getattr(splits[name], name), rng)
    if name != "train" and data is None:
        other = _rows(splits["train"].train, rng)
        n = min(len(real), len(other), MOST)
        real, other = real[:n], other[:n]
    else:
        n = min(len(real) // 2, MOST)
        real, other = real[:n], real[n : 2 * n]
    if n < LEAST:
        message = f"{n} samples to compare with, at least {LEAST} are needed"
        raise DataError(Fault(message, hint="--split or --data names others"))
    return data or name, None, real, other


def _rows(dataset: Any, rng: np.random.Generator) -> Array:
    """At most what is needed of a split, in another order."""
    return np.asarray(dataset.samples(rng.permutation(len(dataset))[: 2 * MOST]), dtype=np.float32)


def _as_seen(trained: Trained, x: Array) -> Array:
    """Data (n, …) as the discriminator sees them, where its units are not those of the data."""
    seen = np.ascontiguousarray(np.moveaxis(x, 0, -1), dtype=np.float32)
    trained.preprocessing.bound(trained.shape, seen.dtype)(seen)
    return np.moveaxis(seen, -1, 0)


def _modes(samples: Array, modes: Any) -> dict[str, float]:
    found = mode_figures(samples, modes)
    return {
        "modes": found.covered,
        "modes_strict": found.strict,
        "high_quality": found.high_quality,
        "reverse_kl": found.reverse_kl,
    }


def _spread(real: Array, samples: Array) -> dict[str, float]:
    return {
        "coverage": coverage(real, samples),
        "density": density(real, samples),
        "sliced_wasserstein": sliced_wasserstein(real, samples, seed=SEED),
    }


def _distances(real: Array, samples: Array) -> dict[str, float]:
    return {"frechet_distance": frechet_distance(real, samples), "kid": kernel_distance(real, samples)}


def _classes(
    seen: Features, real: Array, samples: Array, metrics: dict[str, float], floor: dict[str, float]
) -> dict[str, Any]:
    """Shares of the classes that the classifier takes samples and data for, and how many classes that amounts to."""
    if seen.classes < 2:
        return {}
    found = [np.bincount(seen.labels(x), minlength=seen.classes) for x in (samples, real)]
    metrics["effective_classes"], floor["effective_classes"] = (effective(counts) for counts in found)
    samples_share, real_share = ([float(value) for value in counts / counts.sum()] for counts in found)
    return {"class_shares": samples_share, "data_class_shares": real_share}
