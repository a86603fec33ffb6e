"""From a configuration to everything a run needs: data, graph, plan and model, all checked before anything runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from nncli.data.augmentation import Augmenter
from nncli.data.batches import Loader, Preprocessing
from nncli.data.dataset import Dataset
from nncli.data.fingerprint import Fingerprint, fingerprint
from nncli.data.splits import Splits
from nncli.data.table import State
from nncli.engine import Model, Plan
from nncli.errors import ShapeError, SpecError
from nncli.graph import Graph, build
from nncli.parts import Array, Shape
from nncli.spec import Loaded
from nncli.spec.config import Config, Input
from nncli.training.initial import Initial
from nncli.training.measure import LEAST_BATCH
from nncli.training.needs import refuse, training_needs
from nncli.training.objective import Measured, faults_of, unknown_outputs


@dataclass
class Setup:
    """A run's parts. `config` is resolved: its `input` says the shape that the data have."""

    config: Config
    base: Path
    graph: Graph
    plan: Plan
    model: Model
    metrics: dict[str, Measured]
    preprocessing: Preprocessing
    train: Loader
    validation: Loader | None
    test: Loader | None
    initial: Initial | None = None
    class_names: tuple[str, ...] = ()
    table: State = field(default_factory=dict)
    """What was learned to make samples of a table, and the names of classes."""
    augmenter: Augmenter | None = None
    sources: Mapping[str, Dataset] = field(default_factory=dict)

    @cached_property
    def data(self) -> Fingerprint:
        """What is known of the data that were read."""
        return fingerprint(self.sources)

    @property
    def samples(self) -> dict[str, int]:
        loaders = {"train": self.train, "validation": self.validation, "test": self.test}
        return {split: len(loader) for split, loader in loaders.items() if loader is not None}

    @property
    def watched_split(self) -> str:
        """Whose figures decide on what is best, when to stop, and on the step size."""
        return "validation" if self.validation is not None else "train"

    def better(self, figure: str) -> str:
        """Whether more or less of a figure is better: "max" or "min"."""
        return self.metrics[figure].metric.better if figure in self.metrics else "min"

    @staticmethod
    def in_order(n: int) -> Array:
        return np.arange(n)


def checked_graph(loaded: Loaded, shape: Shape) -> Graph:
    """The graph of a configuration for samples of this shape, which preprocessing may give another.

    Raises SpecError with all faults of the file.
    """
    config, document, faults = loaded.config, loaded.document, list(loaded.faults)
    shape = _preprocessed(loaded, shape)
    unknown = unknown_outputs(loaded)
    faults += unknown
    outputs = [term.output for term in config.loss if term.output is not None]
    if unknown:  # then no node can be said to be idle
        outputs = [spec.name for spec in config.network]
    graph = build(config.network, shape, document, faults, config.groups, outputs)
    if graph is not None and not unknown:
        faults += faults_of(loaded, graph)
        if graph.indices is not None and config.data is not None and config.data.preprocess:
            message = "the network reads whole numbers as indices, which preprocessing would change"
            faults.append(document.fault(("data", "preprocess"), message, "leave `preprocess` out"))
    if faults:
        raise SpecError(faults)
    assert graph is not None
    return graph


def _preprocessed(loaded: Loaded, shape: Shape) -> Shape:
    """The shape of a sample as the network sees it. Raises SpecError with all faults of the file."""
    for place, step in enumerate(loaded.config.data.preprocess if loaded.config.data is not None else ()):
        try:
            shape = step.shape(shape)
        except ShapeError as error:
            (fault,) = error.faults
            here = loaded.document.fault(("data", "preprocess", place), fault.message, fault.hint)
            raise SpecError([*loaded.faults, here]) from None
    return shape


def resolve_input(config: Config, splits: Splits) -> Config:
    """The configuration with the data's shape and number of classes written into `input`."""
    return dataclasses.replace(config, input=Input(splits.shape, splits.classes))


def check_memory(loaded: Loaded, graph: Graph, plan: Plan, splits: Splits) -> int:
    """Bytes that training will take. Raises UsageError where this machine has less."""
    config, train = loaded.config, len(splits.train)
    n, others = (
        min(config.train.batch, train),
        [split for split in (splits.validation, splits.test) if split is not None],
    )
    measured = min(max(map(len, others), default=0), max(n, LEAST_BATCH))
    needs = training_needs(graph, plan, config, n, measured)
    return refuse("training", needs, [graph], loaded.document.fault, ("train", "batch"))
