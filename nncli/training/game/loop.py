"""The game's loop. It yields events and prints nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np

from nncli.errors import DivergenceError, Fault
from nncli.parts import Array
from nncli.training.diverging import Rollbacks
from nncli.training.game import events as ev
from nncli.training.game.diagnosing import Diagnosing
from nncli.training.game.picturing import in_units, scene_of_run
from nncli.training.game.play import Taken
from nncli.training.game.saving import GameSaving
from nncli.training.game.setup import GameSetup
from nncli.training.game.trained import evaluate
from nncli.training.rhythm import Rhythm
from nncli.training.saving import left

Stop = Callable[[], bool]
FIGURES = ("d_loss", "g_loss", "d_norm", "g_norm", "d_lr", "g_lr")


class GameRun:
    """One game in a folder, from its start or from where a checkpoint left it.

    The object holds everything that a checkpoint stores, so that a game that goes on cannot be told from one that was
    never interrupted. `step` counts the generator's steps.
    """

    def __init__(self, setup: GameSetup, folder: Path) -> None:
        self.setup, self.folder = setup, folder
        self.play = setup.play()
        self.step = self.rollbacks = 0
        self.seconds = 0.0
        self.steps: dict[str, list[float]] = {name: [] for name in FIGURES}
        config = setup.config
        self.fixed: Array = np.empty((config.latent.dim, config.sample.fixed_noise), config.dtype)
        self.play.draw(self.fixed, "fixed noise", 0)
        self.diverged = Rollbacks(config.game.on_divergence)
        self.diagnosing = Diagnosing(self)
        self.saving = GameSaving(self)
        self.numbered = Rhythm(config.checkpoint.every, "steps")
        self.kept = Rhythm(config.checkpoint.last, "steps")
        self.notes: list[str] = []

    def begin(self) -> None:
        """Draw the initial weights."""
        self.play.begin()

    def events(self, stop: Stop = lambda: False, late: Stop = lambda: False) -> Iterator[ev.Event]:
        """Play to the end, or until `stop()`, or `late()`, says so after a step; then a checkpoint is written first.

        One is written before the first step too: whatever ends the process, `last.h5` is there to go on from.

        Raises DivergenceError at a loss or gradient that is not finite (the step is not applied, no checkpoint is
        written), unless the game is one that then goes back, and OutputError where a checkpoint cannot be written.
        """
        config = self.setup.config
        yield self._started()
        if not self.saving.last.exists():
            yield self.saving.write("begun")
        begun, spent = perf_counter(), self.seconds
        if self.step == 0:
            if not self.diagnosing.looks:  # unless it went back to the beginning before it was stopped
                yield from self._look()
            yield self.sampled()
        while self.step < config.game.steps:
            try:
                with np.errstate(all="ignore"):  # what is not finite is found
                    stepped = self._advance()
            except DivergenceError as error:
                yield self._diverged(error)
                yield self.saving.write("last")
                continue
            yield stepped
            self.seconds = spent + perf_counter() - begun
            for event in self._after():
                yield event
                if isinstance(event, ev.Diagnosed) and event.alarmed and config.diagnose.on_alarm == "stop":
                    yield self.saving.write("last")
                    yield self._finished("alarm")
                    return
            reason = "stopped" if stop() else "time" if late() else ""
            if reason and self.step < config.game.steps:
                yield self.saving.write("stopped")
                yield self._finished(reason)
                return
        yield self._finished("done")

    def _advance(self) -> ev.Stepped:
        """The discriminator's steps, then one of the generator."""
        play, k = self.play, self.setup.config.game.d_steps
        loss = norm = 0.0
        for number in range(k):
            taken = self._finite(play.step_discriminator(self.step, number), "discriminator")
            loss, norm = loss + taken.loss / k, norm + taken.norm / k
        made = self._finite(play.step_generator(self.step), "generator")
        self.step += 1
        row = (loss, made.loss, norm, made.norm, play.discriminator.lr, play.generator.lr)
        for name, value in zip(FIGURES, row, strict=True):
            self.steps[name].append(value)
        return ev.Stepped(self.step, loss, made.loss, norm, made.norm, play.generator.lr)

    def _after(self) -> Iterator[ev.Event]:
        """Whatever is due after a step: a look, samples, checkpoints."""
        config = self.setup.config
        end = self.step == config.game.steps
        rollbacks = self.rollbacks
        if self.diagnosing.due() or end:
            yield from self._look()
        if self.step % config.sample.every == 0 or end:
            yield self.sampled()
        if self.numbered.after_step(self.step):
            yield self.saving.write("numbered")
        if self.kept.after_step(self.step) or end or self.rollbacks > rollbacks:
            yield self.saving.write("last")

    def _look(self) -> Iterator[ev.Event]:
        """Look at the game; where that is wanted keep it while it is healthy, and go back to that at an alarm."""
        seen = self.diagnosing.look()
        yield seen
        at_alarms = self.setup.config.diagnose.on_alarm == "rollback"
        if at_alarms and seen.alarmed:
            self.rollbacks += 1
            names = ", ".join(alarm.name for alarm in seen.fresh if not alarm.hint)
            yield self._roll_back(f"alarm of {names}")
        elif (at_alarms or self.diverged.wanted) and ((seen.healthy and self._is_finite()) or self.step == 0):
            yield self.saving.write("healthy")

    def _is_finite(self) -> bool:
        """Whether all weights are; a state with others is none to go back to."""
        return all(np.isfinite(player.model.parameters.w).all() for player in self.play.players.values())

    def _roll_back(self, why: str) -> ev.RolledBack:
        """Both players go back to where all was well; steps are counted on."""
        to = self.saving.roll_back()
        self.diagnosing.rolled_back()
        return ev.RolledBack(self.step, to, why, self.diverged.scale)

    def _diverged(self, error: DivergenceError) -> ev.RolledBack:
        """Go back, with a smaller step size. Raises the error where that is not wanted, or not any more."""
        self.diverged.refuse(error, lambda: left(self.saving))
        rolled = self._roll_back(str(error))
        self.diverged.add(self.step + 1, rolled.to)
        self.play.scale = self.diverged.scale
        return replace(rolled, step_size=self.diverged.scale)

    def sampled(self) -> ev.Sampled:
        """Samples from the fixed latent vectors, with the averaged weights where there is an average."""
        samples = in_units(self.make(self.fixed), self.setup.preprocessing)
        return ev.Sampled(self.step, samples, self.fixed.T.copy(), scene_of_run(self, samples))

    def make(self, z: Array, averaged: bool = True) -> Array:
        """The generator's samples (*sample, n) of latent vectors (dim, n), as it is in evaluation."""
        play = self.play
        with play.average.in_use() if averaged and play.average is not None else nullcontext():
            return evaluate(play.generator.model, z)

    def _finite(self, taken: Taken, player: str) -> Taken:
        if taken.finite:
            return taken
        what = "loss" if not np.isfinite(taken.loss) else "gradient"
        optimizer = getattr(self.setup.config.optimizer, player)
        message = f"the game diverged: the {player}'s {what} is not finite (loss {taken.loss})"
        hint = f"a smaller step size (optimizer.{player}.{optimizer.type_name}.lr is {optimizer.lr:g})"
        raise DivergenceError(Fault(message, f"step {self.step + 1} of {self.setup.config.game.steps}", hint))

    # -- its ends ----------------------------------------------------------------------------------------------------

    def _started(self) -> ev.Started:
        setup, game = self.setup, self.setup.config.game
        plans = {name: plan.describe() for name, plan in setup.plans.items()}
        return ev.Started(
            name=setup.config.name,
            folder=self.folder,
            plan=plans["generator"],
            parameters={name: graph.parameter_count for name, graph in setup.graphs.items()},
            samples=setup.samples,
            loss=game.loss.type_name,
            batch=game.batch,
            d_steps=game.d_steps,
            steps=game.steps,
            done=self.step,
            notes=tuple(self.notes),
        )

    def _finished(self, reason: str) -> ev.Finished:
        diagnosing = self.diagnosing
        return ev.Finished(
            reason=reason,
            folder=self.folder,
            checkpoint=self.saving.last,
            steps=self.step,
            seconds=self.seconds,
            figures={name: values[-1] for name, values in diagnosing.figures.items()},
            alarms=dict(diagnosing.rung),
            rollbacks=self.rollbacks + len(self.diverged.steps),
            notes=tuple(self.notes),
        )
