"""From figures of the game to alarms: what goes wrong, how it shows, and one change of the configuration."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nncli.diagnostics.game.value import LOG2

PERFECT, VANISHING, COLLAPSE = "perfect discriminator", "vanishing gradient", "mode collapse"
OSCILLATION = "oscillation"

DISJOINT = 0.9
"""Of log 2: a discriminator that proves so much of the divergence has found supports that hardly meet."""
SATURATED = 0.1
"""Of the non-saturating gradient, that the minimax loss keeps."""
NARROW = 0.7
"""Mean distance of samples over that of data."""
FEW_MODES = 0.7
"""Effective modes over those of the data."""
CIRCLING = 0.25
"""Net over gross path of the generator's weights; steps in random directions would have 0.2."""
TWICE = 2
"""Looks in a row that must show an alarm before it rings, and must be without it before it is over."""
WARM_UP = {PERFECT: 0.1, VANISHING: 0.1, COLLAPSE: 0.25, OSCILLATION: 0.25}
"""Share of the steps before which looks do not count. A generator starts with one or two modes and finds the others one
after the other: healthy runs on the ring had less than 0.7 of them for up to 15 % of the steps. No healthy run had a
discriminator near perfect after the first look."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that goes wrong: what shows it, in numbers, and one change of the configuration. A `hint` may be wrong
    as often as right, and stops no run."""

    name: str
    evidence: str
    remedy: str
    hint: bool = False


@dataclass(frozen=True, slots=True)
class Situation:
    """What of the configuration the judgement and its remedies depend on.

    loss             the game's, by its name in YAML          steps   of the whole game
    spread           the data's standard deviation            pack    samples that the discriminator sees at once
    noise, ema, decays     whether there is instance noise, an average of the generator, a step size that falls
    beta1            of the generator's optimizer, None where it has none
    """

    loss: str
    steps: int
    spread: float = 1.0
    pack: int = 1
    noise: bool = False
    ema: bool = False
    decays: bool = False
    beta1: float | None = None


def judge(figures: Mapping[str, float], situation: Situation) -> list[Alarm]:
    """What the figures of one look show, alarms before hints. A figure that is missing or not finite shows nothing.

    js_bound, accuracy             bound of the divergence in nats, and what is told apart
    saturation                     share of the gradient that is kept
    diversity, coverage            distance of samples over that of data; share of data near samples
    effective_modes, modes         of the samples, and of the data
    path_ratio                     net over gross path of the generator's weights
    """
    known = {name: value for name, value in figures.items() if math.isfinite(value)}
    return [alarm for look in (_perfect, _vanishing, _collapse, _oscillation) for alarm in look(known, situation)]


def _perfect(figures: Mapping[str, float], now: Situation) -> Iterator[Alarm]:
    bound = figures.get("js_bound", 0.0)
    if bound <= DISJOINT * LOG2:
        return
    evidence = f"it proves a divergence of {bound:.3f}, {bound / LOG2:.0%} of log 2"
    if "accuracy" in figures:
        evidence += f", and tells {figures['accuracy']:.1%} of data and samples apart"
    remedy = f"`game.instance_noise: {{std: {_rounded(0.1 * now.spread)}}}`"
    if now.noise:
        remedy = "a smaller step size of the discriminator, `optimizer.discriminator`, or more `game.instance_noise`"
    yield Alarm(PERFECT, evidence, remedy)


def _vanishing(figures: Mapping[str, float], now: Situation) -> Iterator[Alarm]:
    kept = figures.get("saturation", 1.0)
    if now.loss != "minimax" or kept >= SATURATED:
        return
    evidence = f"the minimax loss keeps {kept:.1%} of the gradient that the non-saturating one would give"
    yield Alarm(VANISHING, evidence, "`game.loss: nonsaturating`")


def _collapse(figures: Mapping[str, float], now: Situation) -> Iterator[Alarm]:
    spread, found = figures.get("diversity", 1.0), figures.get("effective_modes")
    evidence = []
    if found is not None and found < FEW_MODES * figures["modes"]:
        evidence.append(f"samples are at {found:.1f} of {figures['modes']:.3g} modes (exponential of the entropy)")
    if spread < NARROW:
        evidence.append(f"two samples are {spread:.2f} times as far apart as two data")
    if not evidence:
        return
    if "coverage" in figures:
        evidence.append(f"{figures['coverage']:.0%} of the data have a sample near them")
    remedy = f"`game.pack: {2 * now.pack}`"
    if now.pack > 1 and now.beta1 is not None and now.beta1 > 0.5:
        remedy = "a lower `beta1` of both optimizers, 0.5"
    yield Alarm(COLLAPSE, ", ".join(evidence), remedy)


def _oscillation(figures: Mapping[str, float], now: Situation) -> Iterator[Alarm]:
    ratio = figures.get("path_ratio", 1.0)
    if ratio >= CIRCLING:
        return
    remedy = "a smaller step size of both players, `optimizer`"
    if not now.decays:
        remedy = "`schedule: linear`"
    if not now.ema:
        remedy = "`game.ema: {decay: 0.99}`"
    evidence = f"the generator's weights went {ratio:.2f} of their way's length forward in the last 25 looks"
    yield Alarm(OSCILLATION, evidence, remedy, hint=True)


def _rounded(value: float) -> str:
    return f"{float(f'{value:.1g}'):g}"


class Watch:
    """Remembers what looks showed, so that an alarm needs two of them in a row, and is rung once."""

    def __init__(self, situation: Situation) -> None:
        self.situation = situation
        self._seen: dict[str, int] = {}
        self._rings: set[str] = set()

    def see(self, step: int, figures: Mapping[str, float]) -> tuple[list[Alarm], list[Alarm]]:
        """The alarms and hints that ring after `step` steps, and of them those that did not ring at the look before.

        An alarm that rings is over after two looks without it; in the first of these it is not among the returned.
        """
        done = step / self.situation.steps
        shown = {alarm.name: alarm for alarm in judge(figures, self.situation) if done >= WARM_UP[alarm.name]}
        fresh = []
        for name in {*self._seen, *self._rings, *shown}:
            against = (name in shown) != (name in self._rings)
            count = self._seen.get(name, 0) + 1 if against else 0
            if count >= TWICE:
                self._rings ^= {name}
                fresh += [name] if name in shown else []
                count = 0
            self._seen[name] = count
        ringing = [alarm for name, alarm in shown.items() if name in self._rings]
        return ringing, [alarm for alarm in ringing if alarm.name in fresh]

    def state(self) -> dict[str, list[int]]:
        """What a checkpoint keeps: by name, whether it rings, and how many looks in a row speak against that."""
        return {name: [int(name in self._rings), count] for name, count in sorted(self._seen.items())}

    def restore(self, state: Mapping[str, list[int]]) -> None:
        """The opposite of `state`."""
        self._seen = {name: int(count) for name, (_, count) in state.items()}
        self._rings = {name for name, (rings, _) in state.items() if rings}
