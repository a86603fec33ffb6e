"""Opening a run: a new one from a configuration, or one that goes on from its checkpoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

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
from nncli.training.resuming import Kind, Resumed, check_optimizer, owned, read_run, run_folder
from nncli.training.saving import plan_of
from nncli.training.setup import Setup, check_memory, checked_graph, resolve_input
from nncli.training.stored import trusting

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
ANEW = ("seed", "data", "train.batch", "train.accumulate", "loss", "metrics", "input")
"""Paths of what an epoch is made of, and of what is summed up in it: where one is another, the epoch begins anew."""
KIND = Kind("supervised", "gan", "`nncli gan --resume` goes on with it", MAY_CHANGE)


@contextmanager
def open_run(
    config: Path | None,
    resume: Path | None,
    texts: Sequence[str],
    out: Path | None,
    planner: Planner = make_plan,
    allow_change: bool = False,
) -> Iterator[Run]:
    """A run in its locked folder, ready to train; memory and threads are let go at the end.

    A run that goes on does so with what it began with, unless `allow_change`. Everything that can be wrong is found
    before the folder is made.
    """
    with owned(resume) as checkpoint:
        loaded, resumed = read_run(KIND, load, read_text, config, checkpoint, texts, allow_change)
        last = None if resumed is None else resumed.last
        with trusting(last):
            setup = set_up(loaded, resumed, planner)
        model = setup.model
        try:
            with run_folder(setup.config.name, out, last) as folder, model.limits():
                run = Run(setup, folder)
                with closing(run):
                    if resumed is not None:
                        _go_on(run, resumed)
                    else:
                        run.begin()
                    yield run
        finally:
            model.close()


def _go_on(run: Run, resumed: Resumed) -> None:
    """Put a run where its checkpoint left it, and note what is another than it was then."""
    config, stored = run.setup.config, resumed.stored
    check_optimizer(stored.optimizer, config.optimizer)
    anew = resumed.changed(*ANEW) or resumed.data_changed
    run.saving.restore(resumed.snapshot, bool(resumed.others), anew)
    run.notes = notes = resumed.notes
    if anew and resumed.snapshot.progress["cursor"]:
        notes.append(f"epoch {run.progress.epoch + 1} begins anew, because it is made of other batches now")
    epochs, before = config.train.epochs, stored.train.epochs
    if epochs != before and run.progress.epoch < epochs:
        was, now = run.rate(before), run.rate(epochs)
        if abs(was - now) > 1e-9 * config.optimizer.lr:
            over = f"the schedule '{config.schedule.type_name}' goes over the whole run"
            notes.append(f"{over}, {epochs} epochs instead of {before}: its step size is {now:.3g} here, not {was:.3g}")
    if run.progress.stopped_early and run.early is not None and epochs > before:
        run.early.waited, run.progress.stopped_early = 0, False
        notes.append("it had stopped early; for more epochs the waiting begins anew")
    if run.progress.epoch >= epochs:
        more = f"--epochs {2 * run.progress.epoch} would go on"
        notes.append(f"nothing left to do: all {run.progress.epoch} epochs are done; {more}")
    elif run.progress.stopped_early:
        notes.append(
            "nothing left to do: it stopped early; more --epochs or `train.early_stopping.patience` would go on"
        )
    resumed.note_environment(max(run.setup.plan.shards, run.setup.plan.blas))


def plan_only(
    config: Path | None,
    resume: Path | None,
    texts: Sequence[str],
    planner: Planner = make_plan,
    allow_change: bool = False,
) -> dict[str, Any]:
    """What `open_run` and training would do, all checks made and nothing written."""
    loaded, resumed = read_run(KIND, load, read_text, config, resume, texts, allow_change)
    with trusting(None if resumed is None else resumed.last):
        setup = set_up(loaded, resumed, planner)
    setup.model.close()
    batch = min(setup.config.train.batch, len(setup.train))
    folder = resumed.last.parent if resumed is not None else free_folder(setup.config.name)
    return document_of(setup.config, setup.graph, setup.plan) | {
        "run": str(folder),
        "samples": setup.samples,
        "epochs": setup.config.train.epochs,
        "steps_per_epoch": -(-len(setup.train) // (batch * setup.config.train.accumulate)),
        "notes": resumed.notes if resumed is not None else [],
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
        "notes": list(finished.notes),
        "rollbacks": finished.rollbacks,
        "metrics": finished.figures,
    }


# -- setting up --------------------------------------------------------------------------------------------------------


def set_up(loaded: Loaded, resumed: Resumed | None, planner: Planner = make_plan) -> Setup:
    """Data, graph, plan, model; faults of the file first, then of the data."""
    snapshot = None if resumed is None else resumed.snapshot
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
    plan = _plan(config, graph, splits, resumed, planner)
    check_memory(loaded, graph, plan, splits)
    initial = None
    if config.init_from is not None and snapshot is None:
        initial = initial_weights(config.init_from, base, graph)
    preprocessing = _preprocessing(config, splits, resumed)
    loaders = {
        name: Loader(dataset, preprocessing, config.dtype) if dataset is not None else None
        for name, dataset in (("train", splits.train), ("validation", splits.validation), ("test", splits.test))
    }
    model = Model(graph, plan, config.dtype, terms, config.seed)
    train = loaders["train"]
    assert train is not None
    setup = Setup(
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
        splits.sources,
    )
    if resumed is not None:
        resumed.check_data(setup.data)
    return setup


def _augmenter(config: Config, graph: Graph) -> Augmenter | None:
    steps = config.data.augment if config.data is not None else ()
    return Augmenter(steps, graph.input, config.dtype, config.seed) if steps else None


def _plan(config: Config, graph: Graph, splits: Splits, resumed: Resumed | None, planner: Planner) -> Plan:
    """That of the checkpoint, where it is for the same run and number of threads."""
    if resumed is not None and resumed.keeps_plan(config):
        return plan_of(resumed.snapshot)
    itemsize = 8 if config.dtype == "float64" else 4
    return planner(graph, min(config.train.batch, len(splits.train)), itemsize, config.threads)


def _preprocessing(config: Config, splits: Splits, resumed: Resumed | None) -> Preprocessing:
    """What was learned stays, unless the steps are others."""
    assert config.data is not None
    if resumed is not None and not resumed.changed("data.preprocess", "data.standardize_targets"):
        return Preprocessing.restore(config.data.preprocess, resumed.snapshot.preprocess, standardized(config))
    return Preprocessing.fit(config.data.preprocess, splits.train, standardized(config))


__all__ = ["document", "open_run", "plan_only"]
