"""What a trained classifier sees in samples: the numbers before its last dense layer."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nncli import checkpoint, progress
from nncli.checkpoint import Network, Snapshot
from nncli.data.batches import Preprocessing
from nncli.engine import Model
from nncli.errors import CheckpointError, Fault, UsageError
from nncli.graph import INPUT, Graph
from nncli.parts import Array, Shape
from nncli.spec import read_text
from nncli.training.game.trained import evaluate
from nncli.training.saving import load_network, load_weights, plan_of
from nncli.training.setup import checked_graph
from nncli.training.stored import trusting

_BLOCK = 256


@dataclass
class Features:
    """A classifier, and the part of it up to the input of its last dense layer, `layer`.

    `sha256` is that of all weights, state, and what preprocessing learned: one hash for one network, whatever the file.
    """

    path: Path
    sha256: str
    layer: str
    whole: Model
    part: Model
    preprocessing: Preprocessing
    shape: Shape
    """Of a sample before preprocessing."""

    @property
    def numbers(self) -> int:
        return int(np.prod(self.part.graph.output))

    @property
    def classes(self) -> int:
        """0 where the output is no vector."""
        output = self.whole.graph.output
        return output[0] if len(output) == 1 else 0

    def of(self, samples: Array) -> Array:
        """Features (n, F) in float64 of samples (n, …) in the data's own units."""
        return self._run(self.part, samples)

    def labels(self, samples: Array) -> Array:
        """The class (n,) that each sample is taken for."""
        return np.asarray(np.argmax(self._run(self.whole, samples), axis=1))

    def _run(self, model: Model, samples: Array) -> Array:
        apply = self.preprocessing.bound(self.shape, model.dtype)
        found = []
        for start in progress.track(range(0, len(samples), _BLOCK), "computing features", unit="blocks"):
            rows = samples[start : start + _BLOCK].reshape(-1, *self.shape)
            x = np.ascontiguousarray(np.moveaxis(rows, 0, -1), dtype=model.dtype)
            y = evaluate(model, apply(x))
            found.append(np.moveaxis(y, -1, 0).reshape(len(rows), -1).astype(np.float64))
        return np.concatenate(found)


@contextmanager
def open_features(path: Path, shape: Shape) -> Iterator[Features]:
    """The classifier of a checkpoint or run folder, for samples of this shape.

    Raises CheckpointError, UsageError where it is of a GAN, reads another shape, or has no layer before its last dense
    one.
    """
    file = checkpoint.resolve(path)
    snapshot = checkpoint.read(file)
    if snapshot.kind != "supervised":
        raise UsageError(Fault(f"{file} is the checkpoint of a {snapshot.kind}", "--features", "train a classifier"))
    with trusting(file):
        features = _opened(file, snapshot, shape)
    try:
        with features.whole.limits():
            yield features
    finally:
        features.whole.close()
        features.part.close()


def _opened(file: Path, snapshot: Snapshot, shape: Shape) -> Features:
    loaded = read_text(snapshot.config, f"{file}:config", base=Path(snapshot.config_dir), digests=snapshot.plugins)
    config = loaded.check()
    if config.input is None:
        raise CheckpointError(Fault("does not say the shape of a sample", "/config", file=str(file)))
    reads = config.input.shape
    if np.prod(reads) != np.prod(shape):
        message = f"{file} reads samples of the shape {list(reads)}, the generator makes {list(shape)}"
        raise UsageError(Fault(message, "--features", "train a classifier on the data of the GAN"))
    graph = checked_graph(loaded, reads)
    part, layer = before_last_dense(graph, file)
    plan = plan_of(snapshot)
    models = [Model(each, plan, config.dtype, seed=config.seed) for each in (graph, part)]
    try:
        load_weights(models[0].parameters, snapshot, averaged=True)
        _load_part(models[1], snapshot)
        steps = config.data.preprocess if config.data is not None else ()
        preprocessing = Preprocessing.restore(steps, snapshot.preprocess)
        return Features(file, _digest(models[0], preprocessing), layer, models[0], models[1], preprocessing, reads)
    except BaseException:
        for model in models:
            model.close()
        raise


def before_last_dense(graph: Graph, file: Path) -> tuple[Graph, str]:
    """The part of a graph that the last dense layer reads, and that layer's name."""
    places = [index for index, node in enumerate(graph.nodes) if node.type == "dense"]
    if not places or graph.nodes[places[-1]].inputs[0] == INPUT:
        message = f"{file}: the network has no layer before its last dense one, whose numbers could be features"
        raise UsageError(Fault(message, "--features"))
    last = graph.nodes[places[-1]]
    needed, waiting = set(), [last.inputs[0]]
    names = {node.name: index for index, node in enumerate(graph.nodes)}
    while waiting:
        index = waiting.pop()
        if index == INPUT or index in needed:
            continue
        needed.add(index)
        node = graph.nodes[index]
        waiting += [*node.inputs, *([names[node.shares]] if node.shares is not None else [])]
    kept = sorted(needed)
    moved = {INPUT: INPUT} | {old: new for new, old in enumerate(kept)}
    nodes = [
        dataclasses.replace(graph.nodes[old], inputs=tuple(moved[source] for source in graph.nodes[old].inputs))
        for old in kept
    ]
    return Graph(graph.input, tuple(nodes)), last.name


def _load_part(model: Model, snapshot: Snapshot) -> None:
    names = {node.name for node in model.graph.nodes}
    nodes = snapshot.model_ema or snapshot.model
    parameters = {name: arrays for name, arrays in nodes.items() if name in names}
    load_network(model.parameters, Network(parameters, snapshot.state), "model")


def _digest(model: Model, preprocessing: Preprocessing) -> str:
    digest = hashlib.sha256()
    parameters = model.parameters
    parts = ("model", parameters.views), ("state", parameters.state), ("preprocess", preprocessing.state())
    for kind, arrays in parts:
        for node, named in sorted(arrays.items()):
            for name, array in sorted(named.items()):
                digest.update(f"{kind}/{node}/{name} {array.shape} {array.dtype}\n".encode())
                digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


__all__ = ["Features", "before_last_dense", "open_features"]
