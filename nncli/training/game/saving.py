"""A game to a checkpoint and back: what is stored under which name."""

from __future__ import annotations

import copy
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nncli.checkpoint import History, NamedArray, Network, Players, Snapshot, read, write
from nncli.errors import CheckpointError, Fault
from nncli.spec import dump, plugins
from nncli.training.diverging import HEALTHY
from nncli.training.events import Saved
from nncli.training.saving import (
    LAST,
    load_network,
    named_parameters,
    named_state,
    numbered_by_step,
    plain,
    restore_slots,
)
from nncli.training.stored import trusting

if TYPE_CHECKING:
    from nncli.training.game.loop import GameRun

AVERAGE, RAW = "generator_ema", "discriminator_raw"
ALARMS, U = "alarms", "u"


class GameSaving:
    """Writes a game's checkpoints into its folder, and reads one back."""

    def __init__(self, run: GameRun) -> None:
        self.run = run
        self.last = run.folder / LAST
        self.begun = False
        self.healthy = run.folder / f"{HEALTHY}.h5"
        self.kept: Players | None = None

    def write(self, why: str) -> Saved:
        """Write `last.h5` (also where the run has `begun` or is `stopped`), the `healthy` one, or a `numbered` one."""
        numbered = self.run.folder / numbered_by_step(self.run.step)
        path = {"healthy": self.healthy, "numbered": numbered}.get(why, self.last)
        if why == "healthy":
            self.keep()
            write(path, dataclasses.replace(self.snapshot(), healthy=None))
        else:
            write(path, self.snapshot())
        self.begun = why == "begun" or (self.begun and path != self.last)
        return Saved(path, why)

    def snapshot(self) -> Snapshot:
        run, setup = self.run, self.run.setup
        config, plans = setup.config, setup.plans
        return Snapshot(
            kind="gan",
            config=dump(config),
            config_dir=str(setup.base),
            dtype=config.dtype,
            threads=max(max(plan.shards, plan.blas) for plan in plans.values()),
            plugins=plugins.digests(config.plugins, setup.base),
            data=setup.data,
            networks=self._networks(),
            healthy=self.kept,
            preprocess=setup.preprocessing.state(),
            optimizer=self._slots(),
            progress={
                "step": run.step,
                "rollbacks": run.rollbacks,
                "fixed_noise": run.fixed.T.copy(),
                ALARMS: run.diagnosing.stored(),
            },
            plan={
                name: {"shards": plan.shards, "blas": plan.blas, "nodes": plain(plan.nodes)}
                for name, plan in plans.items()
            },
            history=History(
                step=np.arange(1, run.step + 1),
                steps={name: np.array(values) for name, values in run.steps.items()},
                diagnose=run.diagnosing.history(),
                rollback=run.diverged.history(),
            ),
            timing={"seconds": np.array([run.seconds])},
        )

    def keep(self) -> None:
        """Remember both players as they are, to go back to them; checkpoints hold them too from here on."""
        self.kept = copy.deepcopy(Players(self.run.step, self._networks(), self._slots()))

    def _slots(self) -> dict[str, dict[str, Any]]:
        """What the optimizers keep, by player and slot."""
        return {
            name: {slot: player.model.parameters.views_of(vector) for slot, vector in player.updater.slots.items()}
            for name, player in self.run.play.players.items()
        }

    def _networks(self) -> dict[str, Network]:
        play = self.run.play
        networks = {}
        for name, player in play.players.items():
            parameters = player.model.parameters
            state = named_state(player.model.graph, parameters)
            networks[name] = Network(named_parameters(parameters, parameters.w), state)
            if name == "generator" and play.average is not None:
                networks[AVERAGE] = Network(named_parameters(parameters, play.average.vector), state)
        if play.spectral is not None:
            parameters = play.spectral.parameters
            vectors = {}
            for weight in play.spectral.weights:
                vectors[weight.node] = {f"{U}_{weight.name}": NamedArray(weight.u, ("out",))}
            networks[RAW] = Network(named_parameters(parameters, play.spectral.raw.w), vectors)
        return networks

    # -- back --------------------------------------------------------------------------------------------------------

    def restore(self, snapshot: Snapshot, changed: bool = False) -> None:
        """Put the run where the checkpoint left it. Raises CheckpointError where something is missing or unfit.

        Where the configuration has `changed`, an average of the weights that is not there yet begins at them.
        """
        with trusting(self.last):
            self._restore(snapshot, changed)

    def _restore(self, snapshot: Snapshot, changed: bool) -> None:
        run = self.run
        try:
            self.restore_players(snapshot, changed)
            run.step, run.rollbacks = int(snapshot.progress["step"]), int(snapshot.progress["rollbacks"])
            run.seconds = float(snapshot.timing["seconds"][0])
            run.steps = {name: list(map(float, snapshot.history.steps[name])) for name in run.steps}
            run.diverged.restore(snapshot.history.rollback)
            run.play.scale = run.diverged.scale
            run.diagnosing.restore(snapshot.progress.get(ALARMS, {}), snapshot.history.diagnose)
            self._restore_kept(snapshot)
        except KeyError as error:
            raise _lacks(error, self.last) from None

    def _restore_kept(self, snapshot: Snapshot) -> None:
        """The players to go back to: those in the checkpoint, else in the file beside it, else as they are now."""
        run = self.run
        if run.setup.config.diagnose.on_alarm != "rollback" and not run.diverged.wanted:
            return
        self.kept = snapshot.healthy
        if self.kept is None and self.healthy.exists():
            beside = read(self.healthy)
            self.kept = Players(int(beside.progress["step"]), beside.networks, beside.optimizer)
        if self.kept is None or self.kept.step > run.step:
            self.keep()

    def roll_back(self) -> int:
        """Take both players back to where they were healthy; returns the number of steps that they had done."""
        assert self.kept is not None, "a game that rolls back keeps its players at the start"
        try:
            self.restore_players(self.kept)
        except KeyError as error:
            raise _lacks(error, self.last) from None
        return self.kept.step

    def restore_players(self, snapshot: Snapshot | Players, changed: bool = False) -> None:
        """Weights, averages, and what the optimizers keep. Raises KeyError, CheckpointError."""
        play = self.run.play
        for name, player in play.players.items():
            parameters = player.model.parameters
            load_network(parameters, snapshot.networks[name], name)
            restore_slots(player.updater, parameters, snapshot.optimizer[name], f"/optimizer/{name}")
        if play.average is not None and changed and AVERAGE not in snapshot.networks:
            play.average.start()
        elif play.average is not None:
            stored = snapshot.networks[AVERAGE].parameters
            for node, arrays in play.average.parameters.views_of(play.average.vector).items():
                for parameter, view in arrays.items():
                    view[...] = stored[node][parameter].array
        if play.spectral is not None:
            raw = snapshot.networks[RAW]
            for node, arrays in play.spectral.raw.views.items():
                for parameter, view in arrays.items():
                    view[...] = raw.parameters[node][parameter].array
            for weight in play.spectral.weights:
                weight.u[...] = raw.state[weight.node][f"{U}_{weight.name}"].array
            play.spectral.refresh(0)


def _lacks(error: KeyError, file: Path) -> CheckpointError:
    return CheckpointError(Fault(f"the checkpoint lacks {error} that the game needs to go on", file=str(file)))


__all__ = ["GameSaving"]
