"""A run to a checkpoint and back: what is stored under which name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nncli.checkpoint import History, NamedArray, Network, Snapshot, match, read, write
from nncli.engine import Plan, Updater
from nncli.engine.parameters import Parameters
from nncli.errors import CheckpointError, Fault
from nncli.parts import Array
from nncli.spec import dump, plugins
from nncli.training.diverging import HEALTHY
from nncli.training.events import Saved
from nncli.training.progress import Watch
from nncli.training.stored import trusting

if TYPE_CHECKING:
    from nncli.training.game.saving import GameSaving
    from nncli.training.loop import Run

LAST, BEST = "last.h5", "best.h5"


def numbered_by_step(step: int) -> str:
    """The name of the checkpoint after `step` steps."""
    return f"step-{step:07}.h5"


class Saving:
    """Writes a run's checkpoints into its folder, and reads one back."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.last = run.folder / LAST
        self.begun = False
        self.best = run.folder / BEST

    def write(self, why: str) -> Saved:
        """Write `last.h5` (also where the run has `begun` or is `stopped`), `best.h5`, or a `numbered` or
        `healthy` one."""
        progress = self.run.progress
        epoch = f"epoch-{progress.epoch:04}.h5"
        numbered = epoch if self.run.numbered.counts_epochs else numbered_by_step(progress.step)
        names = {"numbered": numbered, "healthy": f"{HEALTHY}-{progress.epoch:04}.h5", "best": BEST}
        path = self.run.folder / names.get(why, LAST)
        write(path, self.snapshot())
        self.begun = why == "begun" or (self.begun and path != self.last)
        for old in self.healthy()[2:] if why == "healthy" else ():
            old.unlink(missing_ok=True)
        return Saved(path, why)

    def healthy(self) -> list[Path]:
        """The healthy checkpoints of epochs that are done, the latest first. Of later ones, from before the run went
        back, nothing is known any more."""
        names = [f"{HEALTHY}-{epoch:04}.h5" for epoch in range(self.run.progress.epoch, -1, -1)]
        return [path for name in names if (path := self.run.folder / name).exists()]

    def snapshot(self) -> Snapshot:
        run = self.run
        setup = run.setup
        parameters = setup.model.parameters
        return Snapshot(
            kind="supervised",
            config=dump(setup.config),
            config_dir=str(setup.base),
            dtype=setup.config.dtype,
            threads=max(setup.plan.shards, setup.plan.blas),
            class_names=setup.class_names,
            plugins=plugins.digests(setup.config.plugins, setup.base),
            data=setup.data,
            model=named_parameters(parameters, parameters.w),
            model_ema={} if run.average is None else named_parameters(parameters, run.average.vector),
            state=named_state(setup.model.graph, parameters),
            preprocess={**setup.table, **setup.preprocessing.state()},
            optimizer={name: parameters.views_of(slot) for name, slot in run.updater.slots.items()},
            progress=self._progress(),
            plan={"shards": setup.plan.shards, "blas": setup.plan.blas, "nodes": plain(setup.plan.nodes)},
            history=self._history(),
            timing={name: np.array(values) for name, values in run.history.timing.items()}
            | {"seconds": np.array([run.progress.seconds, run.progress.epoch_seconds])},
        )

    def _progress(self) -> dict[str, Any]:
        run = self.run
        progress = run.progress
        stored: dict[str, Any] = {
            "epoch": progress.epoch,
            "cursor": progress.cursor,
            "step": progress.step,
            "running_samples": run.running.samples,
            "running_loss_sums": run.running.sums.copy(),
            "running_weights": run.running.weights.copy(),
        }
        for name, totals in run.running.totals.items():
            stored[f"running_{name}"] = totals.copy()
        for prefix, watch in (("best", run.best), ("early_stopping", run.early)):
            if watch is not None:
                stored[f"{prefix}_metric"] = f"{watch.split} {watch.metric}"
                stored[f"{prefix}_value"] = np.nan if watch.value is None else watch.value
                stored[f"{prefix}_epoch"] = watch.epoch
                stored[f"{prefix}_waited"] = watch.waited
        return stored

    def _history(self) -> History:
        history = self.run.history
        steps = {name: np.array(values) for name, values in history.steps.items()}
        epochs = {name: np.array(values) for name, values in history.epochs.items()}
        return History(
            step=np.arange(1, len(history.steps["loss"]) + 1),
            steps=steps,
            epoch=np.arange(1, len(history.timing["epoch_seconds"]) + 1),
            epochs=epochs,
            probe=self.run.probing.stored(),
            rollback=self.run.rollbacks.history(),
        )

    def restore(self, snapshot: Snapshot, changed: bool = False, anew: bool = False) -> None:
        """Put the run where the checkpoint left it. Raises CheckpointError where something is missing or unfit.

        Where the configuration has `changed`, an average of the weights that is not there yet begins at them. `anew`
        begins the epoch again that the checkpoint stands in the middle of.
        """
        with trusting(self.last):
            self._restore(snapshot, changed, anew)

    def _restore(self, snapshot: Snapshot, changed: bool, anew: bool) -> None:
        run = self.run
        try:
            parameters = run.setup.model.parameters
            load_weights(parameters, snapshot)
            if run.average is not None and changed and not snapshot.model_ema:
                run.average.start()
            elif run.average is not None:
                for node, arrays in parameters.views_of(run.average.vector).items():
                    for name, view in arrays.items():
                        view[...] = snapshot.model_ema[node][name].array
            restore_slots(run.updater, parameters, snapshot.optimizer)
            self._restore_progress(snapshot, anew)
            run.rollbacks.restore(snapshot.history.rollback)
        except KeyError as error:
            raise CheckpointError(
                Fault(f"the checkpoint lacks {error} that the run needs to go on", file=str(self.last))
            ) from None

    def roll_back(self) -> int:
        """Put the run where the last healthy checkpoint left it, but for the time that was spent; returns its steps.

        One from which not even the first step can be taken is none; the one before it is, for there was that step.
        """
        progress = self.run.progress
        spent, rollbacks, step = progress.seconds + progress.epoch_seconds, self.run.rollbacks.history(), progress.step
        for path in self.healthy():
            snapshot = read(path)
            if int(snapshot.progress["step"]) < step:
                break
        self.restore(snapshot)
        self.run.rollbacks.restore(rollbacks)
        best = self.run.best
        if best.epoch and (not self.best.exists() or read(self.best).progress["epoch"] != best.epoch):
            best.value, best.epoch, best.waited = None, 0, 0  # the file is of an epoch that is none any more
        progress.seconds, progress.epoch_seconds = spent, 0.0
        return progress.step

    def _restore_progress(self, snapshot: Snapshot, anew: bool) -> None:
        run, stored = self.run, snapshot.progress
        progress = run.progress
        progress.epoch, progress.cursor, progress.step = (int(stored[name]) for name in ("epoch", "cursor", "step"))
        progress.seconds, progress.epoch_seconds = (float(s) for s in snapshot.timing["seconds"])
        if anew:
            progress.cursor = 0
        else:
            run.running.samples = int(stored["running_samples"])
            run.running.sums[...] = stored["running_loss_sums"]
            run.running.weights[...] = stored["running_weights"]
            for name, totals in run.running.totals.items():
                totals[...] = stored[f"running_{name}"]
        for prefix, watch in (("best", run.best), ("early_stopping", run.early)):
            if watch is not None and f"{prefix}_epoch" in stored:
                _restore_watch(watch, stored, prefix)
        stopping = run.setup.config.train.early_stopping
        progress.stopped_early = (
            run.early is not None and stopping is not None and run.early.waited >= stopping.patience
        )
        run.probing.restore(snapshot.history.probe)
        history = run.history
        history.steps = {name: list(map(float, snapshot.history.steps[name])) for name in history.steps}
        history.epochs = {name: list(map(float, values)) for name, values in snapshot.history.epochs.items()}
        history.timing["epoch_seconds"] = list(map(float, snapshot.timing["epoch_seconds"]))


def _restore_watch(watch: Watch, stored: Mapping[str, Any], prefix: str) -> None:
    """Go on watching, unless another figure is watched now: then begin anew."""
    if stored[f"{prefix}_metric"] != f"{watch.split} {watch.metric}":
        return
    watch.epoch, watch.waited = int(stored[f"{prefix}_epoch"]), int(stored[f"{prefix}_waited"])
    watch.value = float(stored[f"{prefix}_value"]) if watch.epoch else None


def restore_slots(
    updater: Updater, parameters: Parameters, stored: Mapping[str, Any], path: str = "/optimizer"
) -> None:
    """What the optimizer keeps besides the parameters. Raises CheckpointError where it needs more than there is."""
    if missing := [name for name in updater.slots if name not in stored]:
        kind, there = updater.optimizer.type_name, ", ".join(stored) or "nothing"
        message = f"'{kind}' cannot go on: it keeps {', '.join(missing)} for each parameter, the checkpoint has {there}"
        hint = "`init_from` begins a new run with these weights"
        raise CheckpointError(Fault(message, path, hint))
    for name, slot in updater.slots.items():
        for node, arrays in parameters.views_of(slot).items():
            for parameter, view in arrays.items():
                view[...] = stored[name][node][parameter]


def left(saving: Saving | GameSaving) -> str:
    """What a message says of the last checkpoint when a run diverged; of one that had only begun nothing stays."""
    if saving.begun:
        saving.last.unlink(missing_ok=True)
    return f"; {saving.last} is as it was before" if saving.last.exists() else ""


def load_weights(parameters: Parameters, snapshot: Snapshot, averaged: bool = False) -> None:
    """Weights and state by node name; with `averaged` the average of the weights, where there is one.

    Raises CheckpointError that lists what is missing, surplus or unfit.
    """
    nodes = snapshot.model_ema if averaged and snapshot.model_ema else snapshot.model
    load_network(parameters, Network(nodes, snapshot.state), "model")


def load_network(parameters: Parameters, network: Network, group: str) -> None:
    """As `load_weights`, from one of a checkpoint's groups."""
    match({(e.node, e.name): e.parameter.shape for e in parameters.entries}, network.parameters, group)
    for node, arrays in parameters.views.items():
        for name, view in arrays.items():
            view[...] = network.parameters[node][name].array
    match(
        {
            (node, f"state/{name}"): view.shape
            for node, views in parameters.state.items()
            for name, view in views.items()
        },
        {node: {f"state/{name}": array for name, array in arrays.items()} for node, arrays in network.state.items()},
        group,
    )
    for node, arrays in parameters.state.items():
        for name, view in arrays.items():
            view[...] = network.state[node][name].array


def plan_of(snapshot: Snapshot) -> Plan:
    return Plan(int(snapshot.plan["shards"]), int(snapshot.plan["blas"]), snapshot.plan.get("nodes", {}))


def plain(nodes: Any) -> dict[str, dict[str, Any]]:
    return {name: dict(chosen) for name, chosen in nodes.items()}


def named_parameters(parameters: Parameters, vector: Array) -> dict[str, dict[str, NamedArray]]:
    named: dict[str, dict[str, NamedArray]] = {}
    views = parameters.views_of(vector)
    for entry in parameters.entries:
        array = views[entry.node][entry.name]
        named.setdefault(entry.node, {})[entry.name] = NamedArray(array, entry.parameter.axes)
    return named


def named_state(graph: Any, parameters: Parameters) -> dict[str, dict[str, NamedArray]]:
    return {
        node.name: {
            name: NamedArray(parameters.state[node.name][name], state.axes)
            for name, state in node.declared.state.items()
        }
        for node in graph.nodes
        if node.declared.state
    }


__all__ = ["BEST", "LAST", "Saving", "left", "load_weights", "plan_of"]
