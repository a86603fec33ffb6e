"""Loss and metrics of a checkpoint on a split, or on other data."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from nncli import checkpoint, progress
from nncli.checkpoint import Snapshot
from nncli.data.batches import Loader, Preprocessing
from nncli.data.splits import open_splits
from nncli.engine import Model, make_plan
from nncli.errors import CheckpointError, Fault, UsageError
from nncli.spec import read_source, read_text
from nncli.spec.config import Data
from nncli.training.measure import LEAST_BATCH, measure_split
from nncli.training.needs import evaluation_needs, refuse
from nncli.training.objective import check_targets, kinds_of, measured, objective, standardized
from nncli.training.saving import load_weights, plan_of
from nncli.training.setup import Setup, checked_graph
from nncli.training.stored import trusting


def evaluate_checkpoint(
    path: Path, split: str | None, data: str | None, threads: int | None, features: Path | None = None
) -> dict[str, Any]:
    """The document of `eval`; of a GAN what `evaluate_game` gives.

    Raises CheckpointError, DataError, SpecError for a `data` that is no source, UsageError for a split that the run
    does not have.
    """
    file = checkpoint.resolve(path)
    snapshot = checkpoint.read(file)
    if snapshot.kind == "gan":
        from nncli.training.game.evaluating import evaluate_game

        with progress.task("comparing samples with data"):
            return evaluate_game(file, split, data, features)
    if features is not None:
        raise UsageError(f"--features is for the samples of a GAN; {file} is the checkpoint of a network alone")
    with trusting(file):
        return _evaluated(file, snapshot, split, data, threads)


def _evaluated(
    file: Path, snapshot: Snapshot, split: str | None, data: str | None, threads: int | None
) -> dict[str, Any]:
    """Of a network that is trained alone."""
    loaded = read_text(snapshot.config, f"{file}:config", base=Path(snapshot.config_dir), digests=snapshot.plugins)
    loaded.require_loss()
    loaded.require_data()
    config = loaded.check()
    assert config.data is not None
    if config.input is None:
        raise CheckpointError(Fault("does not say the shape of a sample", "/config", file=str(file)))
    name, wanted, base = wanted_split(config.data, split, data)
    splits = open_splits(
        wanted,
        base=base or loaded.base,
        seed=config.seed,
        kinds=kinds_of(config),
        given=config.input,
        only=name,
        fitted=snapshot.preprocess,
    )
    dataset = {"train": splits.train, "validation": splits.validation, "test": splits.test}[name]
    if dataset is None:
        raise UsageError(
            Fault(f"the data have no rows for the {name} split", "--split", "ask for another, or give --data")
        )
    graph = checked_graph(loaded, config.input.shape)
    terms = objective(config, graph)
    check_targets(splits, terms, graph)
    if threads is None:
        plan = plan_of(snapshot)
    else:
        plan = make_plan(graph, max(config.train.batch, LEAST_BATCH), 8 if config.dtype == "float64" else 4, threads)
    batch = min(len(dataset), max(config.train.batch, LEAST_BATCH))
    needs = evaluation_needs(graph, plan, config.dtype, terms, batch)
    refuse("evaluation", needs, [graph], loaded.document.fault, ("train", "batch"))
    model = Model(graph, plan, config.dtype, terms, config.seed)
    try:
        load_weights(model.parameters, snapshot, averaged=True)
        preprocessing = Preprocessing.restore(config.data.preprocess, snapshot.preprocess, standardized(config))
        loader = Loader(dataset, preprocessing, config.dtype)
        metrics = measured(config, graph)
        setup = Setup(config, loaded.base, graph, plan, model, metrics, preprocessing, loader, None, None)
        with model.limits():
            running = measure_split(setup, loader)
    finally:
        model.close()
    assert running is not None
    figures = running.figures()
    loss = figures.pop("loss")
    shown = data if data is not None else name
    return {"checkpoint": str(file), "split": shown, "samples": len(loader), "loss": loss, "metrics": figures}


def wanted_split(data: Data, split: str | None, other: str | None) -> tuple[str, Data, Path | None]:
    """Which split to open, of which data, with paths from where (None: as the run's)."""
    if other is not None:
        source = read_source(other, "--data")
        return "test", dataclasses.replace(data, test=source, fold=None), Path()
    tested = data.test is not None or data.fold is not None or _said(data.train)
    has = {"train": True, "validation": data.validation is not None or _said(data.train), "test": tested}
    if split is None:
        split = next((name for name in ("test", "validation") if has[name]), "train")
    if not has[split]:
        known = ", ".join(name for name, there in has.items() if there)
        raise UsageError(Fault(f"the run has no {split} split", "--split", f"it has: {known}; or give --data"))
    return split, data, None


def _said(source: Any) -> bool:
    """Whether a column of the data says what belongs to which split; some of them may be empty."""
    return getattr(source, "split", None) is not None
