"""The two steps of a game, on buffers that are made once: the discriminator's and the generator's."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from nncli.engine import Model, Program, Updater
from nncli.engine.shard import Shard
from nncli.parts import Array, Moment, Optimizer, Schedule
from nncli.randomness import generator
from nncli.spec.game import GameConfig
from nncli.training.average import Average
from nncli.training.game.reals import Reals
from nncli.training.game.spectral import SpectralNorm


@dataclass
class Player:
    """One side: its network, and how its parameters change."""

    model: Model
    optimizer: Optimizer
    schedule: Schedule
    updater: Updater
    lr: float = 0.0
    """Step size of the last step."""


class Taken(NamedTuple):
    """The mean loss of a step, and the norm of its gradient; where one is not finite nothing was changed."""

    loss: float
    norm: float = math.nan

    @property
    def finite(self) -> bool:
        return math.isfinite(self.loss) and math.isfinite(self.norm)


class Play:
    """Both players and the buffers between them.

    N samples are a batch, P = N / pack packs of them what the discriminator judges. Arrays are batch-last: `z` (dim,
    N), `real`, `fake` and `error` (*sample, N), where error is dL/d fake. `logits` and `slopes` (2 P,) are first those
    of data, then those of samples.

    Data and samples go through the discriminator together, unless a layer of it couples what is in a batch: then each
    goes alone, as in the generator's step.
    """

    def __init__(
        self, config: GameConfig, models: dict[str, Model], reals: Reals, spectral: SpectralNorm | None = None
    ) -> None:
        self.config, self.reals, self.spectral = config, reals, spectral
        game = config.game
        g, d = models["generator"], models["discriminator"]
        self.n, self.pack = game.batch, game.pack
        self.packs = game.batch // game.pack
        shape, dtype = g.graph.output, g.dtype
        self.together = not any(node.layer.traits.coupled for node in d.graph.nodes)
        g.program(self.n, training=True)
        d.program(2 * self.packs if self.together else self.packs, training=True)
        d.program(self.packs, training=True, frozen=True)
        trained = d.parameters if spectral is None else spectral.raw
        self.generator = Player(
            g,
            config.optimizer.generator,
            config.schedule.generator,
            Updater(g.parameters, g.gradients, config.optimizer.generator),
        )
        self.discriminator = Player(
            d,
            config.optimizer.discriminator,
            config.schedule.discriminator,
            Updater(trained, d.gradients, config.optimizer.discriminator),
        )
        self.average = None if game.ema is None else Average(g.parameters, game.ema.decay, game.ema.warmup)
        self.z = np.empty((config.latent.dim, self.n), dtype)
        self.real, self.fake, self.error = (np.empty((*shape, self.n), dtype) for _ in range(3))
        self.noise = np.empty((*shape, self.n), dtype) if game.instance_noise is not None else None
        self.logits, self.slopes, self._scratch = (np.empty(2 * self.packs, dtype) for _ in range(3))
        self.scale = 1.0  # of both step sizes
        self.clip = game.clip
        if self.clip is None and spectral is None:
            self.clip = game.loss.clips

    @property
    def players(self) -> dict[str, Player]:
        return {"generator": self.generator, "discriminator": self.discriminator}

    def begin(self) -> None:
        """Draw the initial weights."""
        for player in self.players.values():
            player.model.parameters.initialize(player.model.graph, player.model.seed)
        if self.spectral is not None:
            self.spectral.start()
        if self.average is not None:
            self.average.start()

    # -- steps -------------------------------------------------------------------------------------------------------

    def step_discriminator(self, step: int, number: int) -> Taken:
        """The discriminator's step `number` of this `step`, both from 0."""
        loss = self.discriminator_gradient(step, number)
        if not math.isfinite(loss):
            return Taken(loss)
        player = self.discriminator
        taken = Taken(loss, self.gather("discriminator"))
        if taken.finite:
            self._update(player, taken.norm, step, step * self.config.game.d_steps + number + 1)
            if self.spectral is not None:
                self.spectral.refresh()
            if self.clip is not None:
                np.clip(player.model.parameters.w, -self.clip, self.clip, out=player.model.parameters.w)
        return taken

    def step_generator(self, step: int) -> Taken:
        loss = self.generator_gradient(step)
        if not math.isfinite(loss):
            return Taken(loss)
        player = self.generator
        taken = Taken(loss, self.gather("generator"))
        if taken.finite:
            self._update(player, taken.norm, step, step + 1)
            if self.average is not None:
                self.average.add(step + 1)
        return taken

    def gather(self, name: str) -> float:
        """Put the gradients of a player's last step together; returns the norm of what its first vector then holds."""
        player = self.players[name]
        if name == "discriminator" and not self.together:
            return player.updater.gather_kept()
        program = self._judge() if name == "discriminator" else player.model.program(self.n, training=True)
        return player.updater.gather(len(program.shards))

    def _update(self, player: Player, norm: float, step: int, t: int) -> None:
        """Update number `t` of a player, from 1."""
        player.lr = self.rate(player, step, self.config.game.steps)
        player.updater.apply(norm, player.lr, t)

    def rate(self, player: Player, step: int, steps: int) -> float:
        """A player's step size in this step, from 0, of a game of so many `steps`, by its schedule."""
        factor = player.schedule.factor(Moment(step, steps, self.reals.passes(self.n)))
        return float(self.scale * player.optimizer.lr * factor)

    # -- gradients ---------------------------------------------------------------------------------------------------

    def discriminator_gradient(self, step: int, number: int) -> float:
        """The loss of the discriminator, its gradient left in the shards' gradients (kept, where not `together`)."""
        game = self.config.game
        use = 2 * number
        self._make("latent/discriminator", step, number)
        self.reals.fill(self.real, step * game.d_steps + number)
        self._disturb(self.real, "noise/real", step, number)
        self._disturb(self.fake, "noise/fake", step, number)
        program = self._judge()
        halves = [slice(0, self.packs), slice(self.packs, 2 * self.packs)]
        if self.together:
            program.forward(self._show, use, step)
            self._collect(program, self.logits)
            loss = self._losses(halves[0], "real") + self._losses(halves[1], "fake")
            self._answer(program, self.slopes)
            program.backward()
            self._pull(len(program.shards))
            return loss
        loss = 0.0
        for part, what, shown in zip(halves, ("real", "fake"), (self._show_real, self._show_fake), strict=True):
            program.forward(shown, use, step)
            self._collect(program, self.logits[part])
            loss += self._losses(part, what)
            # `gather_kept` gives the mean of the two, and the loss is their sum
            np.multiply(self.slopes[part], 2, out=self.slopes[part])
            self._answer(program, self.slopes[part])
            program.backward()
            self._pull(len(program.shards))
            self.discriminator.updater.keep(len(program.shards), 1.0)
            use += 1
        return loss

    def generator_gradient(self, step: int) -> float:
        """The loss of the generator, its gradient left in the shards' gradients; the discriminator stays as it is."""
        k = self.config.game.d_steps
        program = self._make("latent/generator", step, k)
        self._disturb(self.fake, "noise/generator", step, 0)
        judge = self.discriminator.model.program(self.packs, training=True, frozen=True)
        judge.forward(self._show_fake, 2 * k, step)
        part = slice(0, self.packs)
        self._collect(judge, self.logits[part])
        loss = self._losses(part, "generator")
        self._answer(judge, self.slopes[part])
        judge.backward()
        for shard in judge.shards:
            assert shard.dx is not None
            self._unpack(shard.dx, self.error, shard.start)
        for shard in program.shards:
            if shard.dy is not None:  # None where nothing of it is trained
                np.copyto(shard.dy, self.error[..., shard.start : shard.start + shard.n])
        program.backward()
        return loss

    def _judge(self) -> Program:
        """The discriminator's program of its own step."""
        return self.discriminator.model.program(2 * self.packs if self.together else self.packs, training=True)

    def _losses(self, part: slice, what: str) -> float:
        """The mean of one part of the loss, and its slopes."""
        loss, game = self.config.game.loss, self.config.game
        arrays = self.logits[part], self.slopes[part], self._scratch[part]
        if what == "real":
            total = loss.real(*arrays, game.label_smoothing)
        else:
            total = (loss.fake if what == "fake" else loss.generator)(*arrays)
        np.multiply(arrays[1], 1 / self.packs, out=arrays[1])
        return float(total) / self.packs

    def _pull(self, shards: int) -> None:
        if self.spectral is not None:
            for gradient in self.discriminator.model.gradients[:shards]:
                self.spectral.pull(gradient)

    # -- between the players -----------------------------------------------------------------------------------------

    def _make(self, use: str, step: int, number: int) -> Program:
        """Samples of the generator, as it is in training, in `fake`."""
        self.draw(self.z, use, step, number)
        program = self.generator.model.program(self.n, training=True)
        program.forward(self._load, number, step)
        for shard in program.shards:
            np.copyto(self.fake[..., shard.start : shard.start + shard.n], shard.y)
        return program

    def draw(self, out: Array, use: str, step: int, number: int = 0) -> None:
        """Latent vectors (dim, n), by the seed and the place in the game."""
        if self.config.latent.distribution == "normal":
            self.normal(out, use, step, number)
        else:
            generator(self.config.seed, use, number, step).random(dtype=out.dtype, out=out)
            np.multiply(out, 2, out=out)
            np.subtract(out, 1, out=out)

    def normal(self, out: Array, use: str, step: int, number: int = 0) -> None:
        """Standard normal numbers, by the seed and the place in the game."""
        generator(self.config.seed, use, number, step).standard_normal(dtype=out.dtype, out=out)

    def noise_at(self, step: int) -> float:
        """Standard deviation of the instance noise."""
        noise, steps = self.config.game.instance_noise, self.config.game.steps
        return 0.0 if noise is None else noise.std * max(0.0, 1 - step / (noise.until * steps))

    def _disturb(self, x: Array, use: str, step: int, number: int) -> None:
        std = self.noise_at(step)
        if std and self.noise is not None:
            self.normal(self.noise, use, step, number)
            np.multiply(self.noise, std, out=self.noise)
            np.add(x, self.noise, out=x)

    def _load(self, shard: Shard) -> None:
        np.copyto(shard.x, self.z[:, shard.start : shard.start + shard.n])

    def _show(self, shard: Shard) -> None:
        """Data first, then samples."""
        first = min(max(self.packs - shard.start, 0), shard.n)
        if first:
            self.packed(self.real, shard.x[..., :first], shard.start)
        if first < shard.n:
            self.packed(self.fake, shard.x[..., first:], shard.start + first - self.packs)

    def _show_real(self, shard: Shard) -> None:
        self.packed(self.real, shard.x, shard.start)

    def _show_fake(self, shard: Shard) -> None:
        self.packed(self.fake, shard.x, shard.start)

    def packed(self, samples: Array, out: Array, start: int) -> None:
        """Packs from number `start` on: the channels of m samples one after the other."""
        m, n, channels = self.pack, out.shape[-1], samples.shape[0]
        for place in range(m):
            part = samples[..., start * m + place : (start + n) * m : m]
            np.copyto(out[place * channels : (place + 1) * channels], part)

    def _unpack(self, packs: Array, out: Array, start: int) -> None:
        """The opposite of `packed`."""
        m, n, channels = self.pack, packs.shape[-1], out.shape[0]
        for place in range(m):
            part = packs[place * channels : (place + 1) * channels]
            np.copyto(out[..., start * m + place : (start + n) * m : m], part)

    @staticmethod
    def _collect(program: Program, out: Array) -> None:
        for shard in program.shards:
            np.copyto(out[shard.start : shard.start + shard.n], shard.y[0])

    @staticmethod
    def _answer(program: Program, slopes: Array) -> None:
        for shard in program.shards:
            if shard.dy is not None:  # None where nothing of it is trained
                np.copyto(shard.dy[0], slopes[shard.start : shard.start + shard.n])
