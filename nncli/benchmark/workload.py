"""What is measured: the training run of a configuration, on its data or on random numbers like them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nncli.benchmark import memory
from nncli.data.dataset import Dataset, Origin, Target
from nncli.engine import Objective, make_plan
from nncli.engine.plan import Planner
from nncli.errors import DataError, Fault, SpecError
from nncli.graph import Graph
from nncli.graph.graph import Node
from nncli.parts import Array, Shape
from nncli.randomness import generator
from nncli.spec import Loaded
from nncli.spec.config import Data
from nncli.training.loop import Run
from nncli.training.objective import examples, objective
from nncli.training.setup import Setup, checked_graph
from nncli.training.supervised import set_up

BATCHES = 16
"""Batches of random samples: as many as make gathering them cost what it costs on a data set."""
STANDSTILL = 1e-6
"""Factor on step sizes."""
MOST_BYTES = 2**28
"""Bytes that random samples may take, unless one batch takes more."""


@dataclass(frozen=True, slots=True)
class Noise:
    """A source of random samples of a `shape`, and targets as the losses take them; samples are stored as `type`."""

    shape: Shape
    graph: Graph
    objective: Objective
    samples: int
    seed: int
    type: str = "float32"

    def load(self, base: Path) -> Dataset:
        rng, shape = generator(self.seed, "bench"), (self.samples, *self.shape)
        x: Array
        if self.graph.indices is not None:
            x = rng.integers(self.graph.indices, size=shape)
        elif self.type == "uint8":
            x = rng.integers(256, size=shape, dtype=np.uint8)
        else:
            x = rng.standard_normal(shape, dtype=np.float32)
        origin = Origin("random numbers")
        targets = {
            name: Target(np.moveaxis(t, -1, 0), origin)
            for name, t in examples(self.objective, self.graph, rng, self.samples).items()
        }
        return Dataset.with_targets(x, origin, targets)


@dataclass(frozen=True)
class Workload:
    """A run that is ready to train, and what its data are called. `why` says why they are not the configuration's."""

    run: Run
    data: str
    why: str = ""
    base_bytes: int | None = None
    """What the process took before the arrays of the run were made."""


@contextmanager
def open_workload(loaded: Loaded, random: bool, planner: Planner = make_plan) -> Iterator[Workload]:
    """The run of a configuration at its initial weights; nothing is written.

    Random numbers stand in for the data where `random` asks for it, where there is no section `data`, and where the
    files are absent although `input` says what they would hold. Raises SpecError, DataError, UsageError.
    """
    loaded.require_loss()
    given = loaded.config.input
    why = "" if random else "the configuration has no data"
    if given is None or not (random or loaded.config.data is None):
        loaded.require_data("; without data, `input` says the shape of the samples, and random numbers stand in")
        why = ""
        if loaded.config.data is None:
            raise SpecError(loaded.faults)
        try:
            setup, data = set_up(_training_only(loaded), None, planner), "the training split"
        except DataError as error:
            if given is None or not all(_absent(fault) for fault in error.faults):
                raise
            why = f"{error.faults[0].file}: {error.faults[0].message}"
        else:
            if not random:
                yield from _opened(setup, data)
                return
            given = setup.config.input
            loaded = dataclasses.replace(loaded, config=setup.config)
            setup.model.close()
    assert given is not None
    made = _with_noise(loaded, given.shape, checked_graph(loaded, given.shape))
    yield from _opened(set_up(made, None, planner), "random numbers", why)


def _opened(setup: Setup, data: str, why: str = "") -> Iterator[Workload]:
    try:
        base = memory.taken()
        memory.begin_anew()
        run = Run(setup, Path())
        run.begin()
        with run.model.limits(), closing(run):
            yield Workload(run, data, why, base)
    finally:
        setup.model.close()


def _absent(fault: Fault) -> bool:
    try:
        return bool(fault.file) and not Path(fault.file).exists()
    except OSError:  # it cannot be there: no file that is not at hand, but a wrong name
        return False


def _training_only(loaded: Loaded) -> Loaded:
    """Without the splits that training does not need, so that they are not read."""
    data = loaded.config.data
    assert data is not None
    kept = data.validation if isinstance(data.validation, int | float) else None
    return _with(loaded, dataclasses.replace(data, validation=kept, test=None))


def _with_noise(loaded: Loaded, shape: Shape, graph: Graph) -> Loaded:
    config = loaded.config
    kind = getattr(config.data.train, "stores", "float32") if config.data is not None else "float32"
    size = int(np.prod(shape)) * np.dtype(kind).itemsize
    samples = max(config.train.batch, min(BATCHES * config.train.batch, MOST_BYTES // size))
    steps, changes = (config.data.preprocess, config.data.augment) if config.data is not None else ((), ())
    noise = Noise(shape, graph, objective(config, graph), samples, config.seed, kind)
    return _with(loaded, Data(noise, preprocess=steps, augment=changes))


def _with(loaded: Loaded, data: Data) -> Loaded:
    """With other data, and step sizes so small that weights hardly move while time is taken: no run diverges."""
    config = loaded.config
    optimizer = dataclasses.replace(config.optimizer, lr=config.optimizer.lr * STANDSTILL)
    groups = tuple(
        group if group.lr is None else dataclasses.replace(group, lr=group.lr * STANDSTILL) for group in config.groups
    )
    return dataclasses.replace(
        loaded, config=dataclasses.replace(config, data=data, optimizer=optimizer, groups=groups, diagnose=None)
    )


def without_noise(graph: Graph) -> Graph:
    """The graph with random layers that change nothing: their rate or deviation, the first field, is 0."""
    return Graph(graph.input, tuple(_silent(node) if node.layer.traits.random else node for node in graph.nodes))


def _silent(node: Node) -> Node:
    first = dataclasses.fields(node.layer)[0].name  # type: ignore[arg-type]
    return dataclasses.replace(node, layer=dataclasses.replace(node.layer, **{first: 0.0}))  # type: ignore[type-var]
