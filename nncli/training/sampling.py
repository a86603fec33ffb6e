"""A batch of a configuration's training data, or of random numbers like them, to look at a network with."""

from __future__ import annotations

import dataclasses

import numpy as np

from nncli.data.batches import Loader, Preprocessing, order
from nncli.data.splits import Splits, open_splits
from nncli.errors import DataError, SpecError, UsageError
from nncli.gradcheck.network import Batch
from nncli.graph import Graph
from nncli.parts import Loss
from nncli.randomness import generator
from nncli.spec import Loaded
from nncli.training.setup import checked_graph


@dataclasses.dataclass(frozen=True)
class Sample:
    """The graph for the data's shape, a batch in float64, and what it is called."""

    graph: Graph
    batch: Batch
    called: str


def sample(loaded: Loaded, random: bool, samples: int, what: str, preprocessing: Preprocessing | None = None) -> Sample:
    """The first samples of the training split as the first epoch orders them, or random numbers.

    `what` is what the option `--random` would do, for hints. `preprocessing` None is fitted on the split. Raises
    SpecError with all faults of the file, DataError, UsageError where the split has fewer samples.
    """
    loaded.require_loss()
    if not random or loaded.config.input is None:
        loaded.require_data(f"; without data, --random {what} on random numbers with the shape that `input` says")
    if loaded.config.input is not None:
        checked_graph(loaded, loaded.config.input.shape)
    elif loaded.faults:
        raise SpecError(loaded.faults)
    try:
        return _sample(loaded, random, samples, preprocessing)
    except DataError as error:
        hint = f"--random {what} on random numbers, with the shape that `input` says"
        raise DataError(
            [dataclasses.replace(f, hint=f"{f.hint}; {hint}" if f.hint else hint) for f in error.faults]
        ) from None


def _sample(loaded: Loaded, random: bool, samples: int, preprocessing: Preprocessing | None) -> Sample:
    config = loaded.config
    assert config.loss is not None
    target = config.loss.target
    if random and config.input is not None:
        graph = checked_graph(loaded, config.input.shape)
        return Sample(graph, _random(graph, config.loss, config.seed, samples), "random numbers")
    assert config.data is not None
    splits: Splits = open_splits(
        config.data,
        base=loaded.base,
        seed=config.seed,
        target=None if random else target,
        given=config.input,
        only="train",
    )
    graph = checked_graph(loaded, splits.shape)
    if random:
        return Sample(graph, _random(graph, config.loss, config.seed, samples), "random numbers")
    splits.check_targets(graph.output, config.loss.span)
    splits.check_indices(graph.indices)
    fitted = preprocessing or Preprocessing.fit(config.data.preprocess, splits.train)
    loader = Loader(splits.train, fitted, np.float64)
    if samples > len(loader):
        raise UsageError(f"--samples {samples}: the training split has {len(loader)}")
    x = np.empty((*splits.shape, samples))
    t = np.empty(samples, np.intp) if target == "classes" else np.empty((*graph.output, samples))
    loader.fill(order(config.seed, 0, len(loader))[:samples], x, t)
    return Sample(graph, Batch(x, t), "the training split")


def _random(graph: Graph, loss: Loss, seed: int, samples: int) -> Batch:
    rng = generator(seed, "gradcheck")
    shape = (*graph.input, samples)
    x = rng.normal(size=shape) if graph.indices is None else rng.integers(graph.indices, size=shape).astype(np.float64)
    return Batch(x, loss.example(rng, graph.output, samples))
