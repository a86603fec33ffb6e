"""Opening a run: a new one from a configuration, or one that goes on from its checkpoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from nncli.checkpoint import Snapshot
from nncli.data.augmentation import Augmenter
from nncli.data.batches import Loader, Preprocessing
from nncli.data.splits import Splits, open_splits
from nncli.engine import Model, Plan, make_plan
from nncli.engine.plan import Planner
from nncli.errors import SpecError
from nncli.graph import Graph
from nncli.spec import Loaded, load, read_text
from nncli.spec.config import Config
from nncli.training.describe import document_of
from nncli.training.events import Finished
from nncli.training.folders import free_folder
from nncli.training.initial import initial_weights
from nncli.training.loop import Run
from nncli.training.objective import check_targets, kinds_of, measured, objective, standardized
from nncli.training.resuming import Kind, owned, read_run, run_folder, same_threads
from nncli.training.saving import plan_of
from nncli.training.setup import Setup, check_memory, checked_graph, resolve_input

MAY_CHANGE = (
    "train.epochs",
    "train.early_stopping",
    "train.on_divergence",
    "checkpoint",
    "diagnose",
    "threads",
    "name",
)
"""Paths of the configuration that may be others when a run goes on; all else would make it another run."""
KIND = Kind("supervised", "gan", "`nncli gan --resume` goes on with it", MAY_CHANGE)


@contextmanager
def open_run(
    config: Path | None, resume: Path | None, texts: Sequence[str], out: Path | None, planner: Planner = make_plan
) -> Iterator[Run]:
    """A run in its locked folder, ready to train; memory and threads are let go at the end.

    Everything that can be wrong is found before the folder is made.
    """
    with owned(resume) as checkpoint:
        loaded, snapshot, last = read_run(KIND, load, read_text, config, checkpoint, texts)
        setup = set_up(loaded, snapshot, planner)
        model = setup.model
        try:
            with run_folder(setup.config.name, out, last) as folder, model.limits():
                run = Run(setup, folder)
                with closing(run):
                    if snapshot is not None:
                        run.saving.restore(snapshot)
                    else:
                        run.begin()
                    yield run
        finally:
            model.close()


def plan_only(
    config: Path | None, resume: Path | None, texts: Sequence[str], planner: Planner = make_plan
) -> dict[str, Any]:
    """What `open_run` and training would do, all checks made and nothing written."""
    loaded, snapshot, last = read_run(KIND, load, read_text, config, resume, texts)
    setup = set_up(loaded, snapshot, planner)
    setup.model.close()
    batch = min(setup.config.train.batch, len(setup.train))
    folder = last.parent if last is not None else free_folder(setup.config.name)
    return document_of(setup.config, setup.graph, setup.plan) | {
        "run": str(folder),
        "samples": setup.samples,
        "epochs": setup.config.train.epochs,
        "steps_per_epoch": -(-len(setup.train) // (batch * setup.config.train.accumulate)),
    }


def document(finished: Finished) -> dict[str, Any]:
    """What `train --json` prints."""
    return {
        "run": str(finished.folder),
        "checkpoint": str(finished.checkpoint),
        "best": str(finished.best) if finished.best is not None else None,
        "best_epoch": finished.best_epoch,
        "epochs": finished.epochs,
        "steps": finished.steps,
        "seconds": finished.seconds,
        "finished": finished.reason,
        "rollbacks": finished.rollbacks,
        "metrics": finished.figures,
    }


# -- setting up --------------------------------------------------------------------------------------------------------


def set_up(loaded: Loaded, snapshot: Snapshot | None, planner: Planner = make_plan) -> Setup:
    """Data, graph, plan, model; faults of the file first, then of the data."""
    config, base = loaded.config, loaded.base.resolve()
    loaded.require_loss()
    if config.data is None:
        loaded.require_data()
    if loaded.faults and config.input is None:
        raise SpecError(loaded.faults)
    if config.input is not None:
        checked_graph(loaded, config.input.shape)
    assert config.data is not None
    splits = open_splits(
        config.data,
        base=base,
        seed=config.seed,
        kinds=kinds_of(config),
        given=config.input,
        fitted=None if snapshot is None else snapshot.preprocess,
    )
    graph = checked_graph(loaded, splits.shape)
    terms = objective(config, graph)
    check_targets(splits, terms, graph)
    config = resolve_input(config, splits)
    plan = _plan(config, graph, splits, snapshot, planner)
    check_memory(graph, plan, config, min(config.train.batch, len(splits.train)))
    initial = None
    if config.init_from is not None and snapshot is None:
        initial = initial_weights(config.init_from, base, graph)
    preprocessing = _preprocessing(config, splits, snapshot)
    loaders = {
        name: Loader(dataset, preprocessing, config.dtype) if dataset is not None else None
        for name, dataset in (("train", splits.train), ("validation", splits.validation), ("test", splits.test))
    }
    model = Model(graph, plan, config.dtype, terms, config.seed)
    train = loaders["train"]
    assert train is not None
    return Setup(
        config,
        base,
        graph,
        plan,
        model,
        measured(config, graph),
        preprocessing,
        train,
        loaders["validation"],
        loaders["test"],
        initial,
        splits.class_names,
        splits.fitted,
        _augmenter(config, graph),
    )


def _augmenter(config: Config, graph: Graph) -> Augmenter | None:
    steps = config.data.augment if config.data is not None else ()
    return Augmenter(steps, graph.input, config.dtype, config.seed) if steps else None


def _plan(config: Config, graph: Graph, splits: Splits, snapshot: Snapshot | None, planner: Planner) -> Plan:
    """That of the checkpoint, as long as the number of threads is the same."""
    if snapshot is not None and same_threads(snapshot, config):
        return plan_of(snapshot)
    itemsize = 8 if config.dtype == "float64" else 4
    return planner(graph, min(config.train.batch, len(splits.train)), itemsize, config.threads)


def _preprocessing(config: Config, splits: Splits, snapshot: Snapshot | None) -> Preprocessing:
    assert config.data is not None
    if snapshot is not None:
        return Preprocessing.restore(config.data.preprocess, snapshot.preprocess, standardized(config))
    return Preprocessing.fit(config.data.preprocess, splits.train, standardized(config))


__all__ = ["document", "open_run", "plan_only"]
