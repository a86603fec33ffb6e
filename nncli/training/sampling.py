"""A batch of a configuration's training data, or of random numbers like them, to look at a network with."""

from __future__ import annotations

import dataclasses

import numpy as np

from nncli.data.batches import Loader, Preprocessing
from nncli.data.splits import Splits, open_splits
from nncli.data.table import State
from nncli.errors import DataError, SpecError, UsageError
from nncli.gradcheck.network import Batch
from nncli.graph import Graph
from nncli.parts import Shape
from nncli.randomness import generator
from nncli.spec import Loaded
from nncli.training.objective import arrays, check_targets, examples, kinds_of, objective, standardized
from nncli.training.setup import checked_graph


@dataclasses.dataclass(frozen=True)
class Sample:
    """The graph for the data's shape, a batch in float64, and what it is called."""

    graph: Graph
    batch: Batch
    called: str


def sample(loaded: Loaded, random: bool, samples: int, what: str, learned: State | None = None) -> Sample:
    """The first samples of the training split as the first epoch orders them, or random numbers.

    `what` is what the option `--random` would do, for hints. `learned` is what a checkpoint keeps of preprocessing;
    without it that is fitted on the split. Raises SpecError with all faults of the file, DataError, UsageError where
    the split has fewer samples.
    """
    loaded.require_loss()
    if not random or loaded.config.input is None:
        loaded.require_data(f"; without data, --random {what} on random numbers with the shape that `input` says")
    if loaded.config.input is not None:
        checked_graph(loaded, loaded.config.input.shape)
    elif loaded.faults:
        raise SpecError(loaded.faults)
    try:
        return _sample(loaded, random, samples, learned)
    except DataError as error:
        hint = f"--random {what} on random numbers, with the shape that `input` says"
        raise DataError(
            [dataclasses.replace(f, hint=f"{f.hint}; {hint}" if f.hint else hint) for f in error.faults]
        ) from None


def _sample(loaded: Loaded, random: bool, samples: int, learned: State | None) -> Sample:
    config = loaded.config
    if random and config.input is not None:
        return _random(loaded, config.input.shape, samples)
    assert config.data is not None
    splits: Splits = open_splits(
        config.data,
        base=loaded.base,
        seed=config.seed,
        kinds={} if random else kinds_of(config),
        given=config.input,
        only="train",
        fitted=learned,
    )
    if random:
        return _random(loaded, splits.shape, samples)
    graph = checked_graph(loaded, splits.shape)
    terms = objective(config, graph)
    check_targets(splits, terms, graph)
    steps, scaled = config.data.preprocess, standardized(config)
    if learned is not None:
        preprocessing = Preprocessing.restore(steps, learned, scaled)
    else:
        preprocessing = Preprocessing.fit(steps, splits.train, scaled)
    loader = Loader(splits.train, preprocessing, np.float64)
    if samples > len(loader):
        raise UsageError(f"--samples {samples}: the training split has {len(loader)}")
    x, targets = np.empty((*graph.input, samples)), arrays(terms, graph, samples)
    loader.fill(loader.order(config.seed, 0)[:samples], x, targets)
    return Sample(graph, Batch(x, targets), "the training split")


def _random(loaded: Loaded, shape: Shape, samples: int) -> Sample:
    graph = checked_graph(loaded, shape)
    rng = generator(loaded.config.seed, "gradcheck")
    size = (*graph.input, samples)
    x = rng.normal(size=size) if graph.indices is None else rng.integers(graph.indices, size=size).astype(np.float64)
    targets = examples(objective(loaded.config, graph), graph, rng, samples)
    return Sample(graph, Batch(x, targets), "random numbers")
