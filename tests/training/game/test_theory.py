"""The theorem of the game, on lines where all of it is known: the value at the optimum, the best discriminator, and the
divergence that it proves. The generator is held; the discriminator is trained as in any game."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from scipy import integrate, stats

from nncli.data.density import Density
from nncli.diagnostics.game import LOG2, OPTIMUM, histogram_divergence, js_bound, optimal_discriminator, value
from nncli.parts import Array
from nncli.registry import source
from nncli.spec import read_game
from nncli.training.game.play import Play
from nncli.training.game.setup import GameSetup, set_up
from nncli.training.game.trained import evaluate

CONFIG = """
name: theory
seed: 5
dtype: float64
threads: 1
data: {train: {mixture: {means: [-1, 2], stds: 0.5}}}
latent: 2
generator: [{dense: 4, name: split}, relu, {dense: 1, name: join}]
discriminator: [{dense: 64}, tanh, {dense: 64}, tanh, {dense: 1, name: verdict}]
game: {loss: minimax, steps: 2000, batch: 256}
optimizer: {adam: {lr: 4e-3, beta1: 0.5}}
schedule: cosine
"""
HELD_OUT = 20_000


class Two(NamedTuple):
    """A mixture of two Gaussians of one deviation on a line."""

    means: tuple[float, float]
    std: float

    @property
    def density(self) -> Density:
        known: Density = source["mixture"](means=self.means, stds=self.std).density()
        return known

    def pdf(self, x: Array | float) -> Array:
        low, high = (stats.norm(mean, self.std).pdf(x) for mean in self.means)
        return np.asarray(0.5 * (low + high))


DATA, OTHER = Two((-1, 2), 0.5), Two((-0.5, 1), 0.8)


@contextmanager
def game(held: Two) -> Iterator[tuple[GameSetup, Play]]:
    """A game whose generator makes that mixture: of (a, b) from the normal distribution ``std · a + low`` where b < 0,
    and ``std · a + high`` else, but for b from 0 to 0.001, which one b in 2,500 is."""
    setup = set_up(read_game(CONFIG, "theory.yaml", base=Path()))
    try:
        play = setup.play()
        play.begin()
        split, join = (play.generator.model.parameters.views[name] for name in ("split", "join"))
        split["W"][...] = [[1, 0], [-1, 0], [0, 1000], [0, 1000]]
        split["b"][...] = [0, 0, 0, -1]
        low, high = held.means
        join["W"][...] = [[held.std, -held.std, high - low, low - high]]
        join["b"][...] = low
        with play.generator.model.limits():
            yield setup, play
    finally:
        setup.close()


def samples(setup: GameSetup, play: Play) -> tuple[Array, Array]:
    """Held-out data and samples, (1, n)."""
    real, z = np.empty((1, HELD_OUT)), np.empty((2, HELD_OUT))
    setup.reals.held_out(real, 0)
    play.draw(z, "held out", 0)
    return real, evaluate(play.generator.model, z)


def logits(play: Play, x: Array) -> Array:
    found: Array = evaluate(play.discriminator.model, x.reshape(1, -1))[0]
    return found


def divergence(p: Two, q: Two) -> float:
    """By quadrature."""

    def part(x: float) -> float:
        a, b = float(p.pdf(x)), float(q.pdf(x))
        return 0.5 * (a * math.log(2 * a / (a + b)) + b * math.log(2 * b / (a + b)))

    return float(integrate.quad(part, -6, 7, limit=500)[0])


def test_the_held_generator_makes_the_mixture() -> None:
    for held in (DATA, OTHER):
        with game(held) as (setup, play):
            fake = samples(setup, play)[1][0]
        low, high = (stats.norm(mean, held.std) for mean in held.means)
        assert stats.kstest(fake, lambda x, a=low, b=high: 0.5 * (a.cdf(x) + b.cdf(x))).pvalue > 1e-3


def test_both_players_held_at_the_optimum() -> None:
    """D = ½ everywhere: V is −2 log 2 to the last digit, nothing pulls at the generator, and nothing but the sampling
    error of a batch at the discriminator."""
    with game(DATA) as (setup, play):
        verdict = play.discriminator.model.parameters.views["verdict"]
        verdict["W"][...], verdict["b"][...] = 0, 0
        real, fake = samples(setup, play)
        assert value(logits(play, real), logits(play, fake)) == pytest.approx(OPTIMUM, rel=1e-14)
        loss = play.discriminator_gradient(0, 0)
        assert loss == pytest.approx(2 * LOG2, rel=1e-14)
        pulls = []
        for step in range(200):
            play.discriminator_gradient(step, 0)
            play.gather("discriminator")
            pulls.append(play.discriminator.model.gradients[0].copy())
        play.generator_gradient(0)
        assert play.gather("generator") == 0
    mean, error = np.mean(pulls, axis=0), np.std(pulls, axis=0) / math.sqrt(len(pulls))
    assert np.abs(mean[error > 0] / error[error > 0]).max() < 5
    assert (mean[error == 0] == 0).all()


def test_against_the_datas_own_distribution_the_best_there_is_to_learn_is_a_guess() -> None:
    with game(DATA) as (setup, play):
        for step in range(2000):
            play.step_discriminator(step, 0)
        real, fake = (logits(play, x) for x in samples(setup, play))
        there = np.linspace(-2, 3, 200)
        there = there[DATA.pdf(there) > 0.02]
        verdict = 1 / (1 + np.exp(-logits(play, there)))
    # V is the mean of two means; its error is theirs
    error = math.hypot(np.logaddexp(0, -real).std(), np.logaddexp(0, fake).std()) / math.sqrt(HELD_OUT)
    assert value(real, fake) == pytest.approx(OPTIMUM, abs=4 * error + 0.002)
    assert np.abs(verdict - 0.5).max() < 0.06


def test_against_another_density_it_learns_the_best_discriminator_and_proves_the_divergence() -> None:
    truth, bounds = divergence(DATA, OTHER), []
    with game(OTHER) as (setup, play):
        real, fake = samples(setup, play)
        for step in range(2000):
            if step in (0, 20, 100):
                bounds.append(js_bound(value(logits(play, real), logits(play, fake))))
            play.step_discriminator(step, 0)
        found = [logits(play, x) for x in (real, fake)]
        x = np.linspace(-3, 4, 300)
        verdict = 1 / (1 + np.exp(-logits(play, x)))
    bounds.append(js_bound(value(*found)))
    best, weight = DATA.pdf(x) / (DATA.pdf(x) + OTHER.pdf(x)), DATA.pdf(x) + OTHER.pdf(x)
    apart = math.sqrt(float(np.average((verdict - best) ** 2, weights=weight)))
    assert apart < 0.03, apart
    np.testing.assert_allclose(optimal_discriminator(DATA.density, OTHER.density, x[:, None]), best, rtol=1e-9)
    histogram = histogram_divergence(real.T, fake.T)
    error = math.hypot(np.logaddexp(0, -found[0]).std(), np.logaddexp(0, found[1]).std()) / math.sqrt(HELD_OUT) / 2
    assert histogram == pytest.approx(truth, abs=0.01)
    assert bounds == sorted(bounds), bounds
    assert bounds[0] < 0.5 * truth
    assert truth - 0.01 < bounds[-1] < truth + 3 * error
    assert bounds[-1] < histogram + 0.005
