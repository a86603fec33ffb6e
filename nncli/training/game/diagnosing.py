"""A look at the game every few hundred steps: figures, alarms, and what of them must be stored."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from nncli.diagnostics import game as figures_of
from nncli.diagnostics.game import Situation, Watch, WeightPath
from nncli.parts import Array
from nncli.training.game import events as ev
from nncli.training.game.trained import evaluate

if TYPE_CHECKING:
    from nncli.training.game.loop import GameRun

PLANE = 2
"""Dimensions up to which a histogram of a few hundred samples tells a divergence."""


class Diagnosing:
    """Figures by name for each look, and the alarms' memory.

    What the players do to each other (value, accuracy, saturation) is measured on both as they are, with the instance
    noise that the discriminator is used to; what samples are like, with the averaged generator where there is one.
    """

    def __init__(self, run: GameRun) -> None:
        self.run = run
        self.looks: list[int] = []
        self.figures: dict[str, list[float]] = {}
        self.rung: dict[str, int] = {}
        config, play = run.setup.config, run.play
        pack = config.game.pack
        self.n = max(config.diagnose.samples - config.diagnose.samples % pack, pack)
        shape, dtype = run.setup.shape, play.generator.model.dtype
        self._real, self._noise = np.empty((*shape, self.n), dtype), np.empty((*shape, self.n), dtype)
        self._z = np.empty((config.latent.dim, self.n), dtype)
        self.path = WeightPath(play.generator.model.parameters.length, config.seed)
        run.setup.reals.held_out(self._real, 0)
        self.situation = Situation(
            loss=config.game.loss.type_name,
            steps=config.game.steps,
            spread=float(self._real.reshape(math.prod(shape), -1).std(axis=1).mean()),
            pack=pack,
            noise=config.game.instance_noise is not None,
            ema=config.game.ema is not None,
            decays=config.schedule.generator.type_name != "constant",
            beta1=getattr(config.optimizer.generator, "beta1", None),
        )
        self.watch = Watch(self.situation)

    def due(self) -> bool:
        """Whether the game is to be looked at after the steps that were done."""
        return self.run.step % self.run.setup.config.diagnose.every == 0

    def look(self) -> ev.Diagnosed:
        """Measure, judge, and keep the figures."""
        step, found = self.run.step, self._measure()
        self.looks.append(step)
        for name in [
            *found,
            *(self.figures.keys() - found.keys()),
        ]:  # what a look lacks is NaN, so that all are as long
            series = self.figures.setdefault(name, [math.nan] * (len(self.looks) - 1))
            series.append(found.get(name, math.nan))
        ringing, fresh = self.watch.see(step, found)
        for alarm in fresh:
            self.rung[alarm.name] = self.rung.get(alarm.name, 0) + 1
        shown = figures_of.judge(found, self.situation)
        return ev.Diagnosed(step, found, tuple(ringing), tuple(fresh), all(alarm.hint for alarm in shown))

    def rolled_back(self) -> None:
        """Both players are others now: an alarm needs two more looks."""
        self.watch = Watch(self.situation)

    # -- figures -----------------------------------------------------------------------------------------------------

    def _measure(self) -> dict[str, float]:
        run, play = self.run, self.run.play
        with np.errstate(all="ignore"):
            run.setup.reals.held_out(self._real, run.step)
            play.draw(self._z, "latent/diagnose", run.step)
            raw = run.make(self._z, averaged=False)
            found = self._between(raw)
            samples = run.make(self._z) if play.average is not None else raw
            found |= self._spread(samples)
            ratio = self.path.add(play.generator.model.parameters.w)
        every = run.setup.config.diagnose.every
        found["path_ratio"] = ratio
        for name in ("d_norm", "g_norm"):
            recent = run.steps[name][-every:]
            found[name] = math.fsum(recent) / len(recent) if recent else math.nan
        return found

    def _between(self, fake: Array) -> dict[str, float]:
        """What the players do to each other. The divergence is of what the discriminator sees, so that its bound is one
        of just that: of packs, with noise, from the generator as it is."""
        run, play = self.run, self.run.play
        real, fake = self._seen(self._real, "real"), self._seen(fake, "fake")
        model = play.discriminator.model
        scores = [evaluate(model, x)[0].astype(np.float64) for x in (real, fake)]
        loss = run.setup.config.game.loss
        logits = scores if loss.odds else list(figures_of.calibrated(*scores))
        value = figures_of.value(*logits)
        found = {"value": value, "js_bound": figures_of.js_bound(value), "accuracy": figures_of.accuracy(*logits)}
        if loss.odds:
            found["saturation"] = figures_of.saturation(scores[1], self._slopes(fake))
        if math.prod(real.shape[:-1]) <= PLANE and np.isfinite(fake).all():
            seen = [x.reshape(-1, x.shape[-1]).T for x in (real, fake)]
            found["divergence"] = figures_of.histogram_divergence(*seen)
        return found

    def _seen(self, samples: Array, what: str) -> Array:
        """Packs of samples with noise, as the discriminator is used to them."""
        play, step = self.run.play, self.run.step
        std, seen = play.noise_at(step), samples
        if std:
            play.normal(self._noise, f"noise/diagnose {what}", step)
            seen = samples + std * self._noise
        packs = np.empty((*play.discriminator.model.graph.input, self.n // play.pack), samples.dtype)
        play.packed(seen, packs, 0)
        return packs

    def _slopes(self, packs: Array) -> Array:
        """Norms (P,) of the logit's gradient with respect to each pack."""
        play = self.run.play
        program = play.discriminator.model.program(packs.shape[-1], training=True, frozen=True)
        use = 2 * self.run.setup.config.game.d_steps + 1
        program.forward(
            lambda shard: np.copyto(shard.x, packs[..., shard.start : shard.start + shard.n]), use, self.run.step
        )
        for shard in program.shards:
            assert shard.dy is not None
            shard.dy.fill(1)
        program.backward()
        norms = [
            np.linalg.norm(shard.dx.reshape(-1, shard.n).astype(np.float64), axis=0)
            for shard in program.shards
            if shard.dx is not None
        ]
        return np.concatenate(norms)

    def _spread(self, samples: Array) -> dict[str, float]:
        """What samples are like, beside data, both in the data's own units."""
        setup = self.run.setup
        pair = [np.ascontiguousarray(x, np.float64) for x in (self._real, samples)]
        known = all([setup.preprocessing.undo(x) for x in pair])
        real, fake = (np.ascontiguousarray(x.reshape(-1, self.n).T) for x in pair)
        if not np.isfinite(fake).all():
            return {}
        found = {
            "diversity": figures_of.diversity(real, fake),
            "coverage": figures_of.coverage(real, fake),
            "dimension_real": figures_of.intrinsic_dimension(real),
            "dimension_fake": figures_of.intrinsic_dimension(fake),
        }
        modes = setup.density.modes if setup.density is not None and known else None
        if modes is not None:
            found |= {"effective_modes": figures_of.effective_modes(fake, modes), "modes": modes.effective}
        return found

    # -- for a checkpoint --------------------------------------------------------------------------------------------

    def stored(self) -> dict[str, Any]:
        return {"watch": self.watch.state(), "rung": dict(self.rung), "path": self.path.snapshots}

    def history(self) -> dict[str, Array]:
        if not self.looks:
            return {}
        return {"step": np.array(self.looks)} | {name: np.array(values) for name, values in self.figures.items()}

    def restore(self, memory: Mapping[str, Any], history: Mapping[str, Array]) -> None:
        """The opposite of `stored` and `history`. Raises KeyError where something is missing."""
        self.looks = list(map(int, history.get("step", ())))
        self.figures = {name: list(map(float, values)) for name, values in history.items() if name != "step"}
        self.watch.restore({name: list(map(int, pair)) for name, pair in memory["watch"].items()})
        self.rung = {name: int(times) for name, times in memory["rung"].items()}
        self.path.restore(memory["path"])
