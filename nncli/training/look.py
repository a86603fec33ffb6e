"""Looking into the network of a configuration before it is trained: `summary --probe`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nncli import checkpoint
from nncli.diagnostics import judge, probe
from nncli.engine import Model, make_plan
from nncli.spec import load
from nncli.training.needs import probe_needs, refuse
from nncli.training.objective import objective
from nncli.training.probing import document
from nncli.training.sampling import sample
from nncli.training.saving import load_weights
from nncli.training.stored import trusting

SAMPLES = 128
"""Samples of a look: a share of units is then told to a few per cent."""


def probe_config(
    path: Path, texts: Sequence[str] = (), *, random: bool = False, samples: int = SAMPLES, weights: Path | None = None
) -> dict[str, Any]:
    """The part `probe` of the document of `summary`: at the initial weights, or those of a checkpoint.

    Raises SpecError, DataError, CheckpointError.
    """
    loaded = load(path, texts)
    file = checkpoint.resolve(weights) if weights is not None else None
    snapshot = checkpoint.read(file) if file is not None else None
    with trusting(file):
        sampled = sample(loaded, random, samples, "looks", None if snapshot is None else snapshot.preprocess)
    config, graph, batch = loaded.config, sampled.graph, sampled.batch
    itemsize = 8 if config.dtype == "float64" else 4
    plan = make_plan(graph, config.train.batch, itemsize, config.threads)
    terms = objective(config, graph)
    needs = probe_needs(graph, plan, config.dtype, terms, batch.n)
    refuse("--probe", needs, [graph], loaded.document.fault, ("--samples",))
    model = Model(graph, plan, config.dtype, terms, config.seed)
    try:
        if snapshot is not None:
            with trusting(file):
                load_weights(model.parameters, snapshot)
        else:
            model.parameters.initialize(graph, config.seed)
        with model.limits():
            seen = probe(model, batch.n, batch.load)
    finally:
        model.close()
    return {
        "batch": sampled.called,
        "dtype": config.dtype,
        "weights": str(weights) if weights is not None else "initial",
        **document(graph, seen, judge(graph, seen, start=snapshot is None)),
    }
