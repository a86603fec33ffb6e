"""From the shards' gradients to a step of the optimizer, in pieces that fit the cache."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from nncli.engine.parameters import Parameters
from nncli.parts import Array, Optimizer, UpdateFrame


class Settings(NamedTuple):
    """What a group of parameters has of its own: a factor on the step size, and its weight decay (None: as usual)."""

    rate: float = 1.0
    weight_decay: float | None = None


PIECE = 1 << 16
"""Elements. Measured with 431,000 parameters: 6 to 10 % faster than pieces of half the size, as fast as of twice it."""


class Updater:
    """Sums the gradients, clips them, and lets the optimizer change the parameters.

    `clip_value` bounds each component, then `clip_norm` the L2 norm of the whole. `groups` are the settings of the
    segments that have some of their own.
    """

    def __init__(
        self,
        parameters: Parameters,
        gradients: list[Array],
        optimizer: Optimizer,
        clip_value: float | None = None,
        clip_norm: float | None = None,
        groups: Sequence[Settings] = (),
    ) -> None:
        self.optimizer, self.clip_value, self.clip_norm = optimizer, clip_value, clip_norm
        self.slots: dict[str, Array] = {name: parameters.vector() for name in optimizer.slots()}
        for name, slot in self.slots.items():
            slot.fill(optimizer.start(name))
        self._gradients = gradients
        self._kept: Array | None = None
        self._weight = 0.0
        self._parameters = parameters
        length = min(PIECE, parameters.length)
        a, b = np.zeros(length, parameters.dtype), np.zeros(length, parameters.dtype)
        self._pieces: list[tuple[slice, list[Array], UpdateFrame, float]] = []
        for run_start, run_stop, settings in _runs(parameters, optimizer, groups):
            for start in range(run_start, run_stop, PIECE):
                part = slice(start, min(start + PIECE, run_stop))
                size = part.stop - start
                slots: Mapping[str, Array] = {name: slot[part] for name, slot in self.slots.items()}
                frame = UpdateFrame(w=parameters.w[part], g=gradients[0][part], slots=slots, a=a[:size], b=b[:size])
                frame.weight_decay = settings.weight_decay or 0.0
                self._pieces.append((part, [gradient[part] for gradient in gradients[1:]], frame, settings.rate))

    def keep(self, shards: int, weight: float) -> None:
        """Add the gradients of `shards` shards in their order to what is kept of a step, with this weight."""
        if self._kept is None:
            self._kept = self._parameters.vector()
        if not self._weight:
            self._kept.fill(0)
        self._weight += weight
        with np.errstate(all="ignore"):
            for part, others, f, _ in self._pieces:
                for other in others[: shards - 1]:
                    np.add(f.g, other, out=f.g)
                np.multiply(f.g, weight, out=f.a)
                np.add(self._kept[part], f.a, out=self._kept[part])

    def gather_kept(self) -> float:
        """The weighted mean of what was kept, clipped by value, as the batch's gradient; returns its L2 norm."""
        assert self._kept is not None
        scale, self._weight = 1.0 / self._weight, 0.0
        with np.errstate(all="ignore"):
            for part, _, f, _ in self._pieces:
                np.multiply(self._kept[part], scale, out=f.g)
        return self.gather(1)

    def gather(self, shards: int) -> float:
        """Add the gradients of `shards` shards in their order, clip by value, and return the L2 norm.

        After it the first gradient vector holds the batch's gradient.
        """
        square = 0.0
        with np.errstate(all="ignore"):
            for _, others, f, _ in self._pieces:
                for other in others[: shards - 1]:
                    np.add(f.g, other, out=f.g)
                if self.clip_value is not None:
                    np.clip(f.g, -self.clip_value, self.clip_value, out=f.g)
                square += float(np.dot(f.g, f.g))
        return math.sqrt(square) if math.isfinite(square) else self._careful_norm()

    def _careful_norm(self) -> float:
        """The norm where squares may overflow in float32."""
        largest = max((float(max(f.g.max(), -f.g.min())) for _, _, f, _ in self._pieces), default=0.0)
        if not math.isfinite(largest) or largest == 0.0:
            return largest
        return largest * math.sqrt(
            math.fsum(float(np.square(f.g.astype(np.float64) / largest).sum()) for _, _, f, _ in self._pieces)
        )

    def apply(self, norm: float, lr: float, t: int) -> None:
        """Update number `t` (from 1) with the step size `lr`, of a gradient with this norm."""
        scale = None
        if self.clip_norm is not None and norm > self.clip_norm:
            scale = self.clip_norm / norm
        with np.errstate(all="ignore"):
            for _, _, f, rate in self._pieces:
                if scale is not None:
                    np.multiply(f.g, scale, out=f.g)
                f.lr, f.t = lr * rate, t
                self.optimizer.update(f)


def _runs(
    parameters: Parameters, optimizer: Optimizer, groups: Sequence[Settings]
) -> Iterator[tuple[int, int, Settings]]:
    """The trained runs of the parameter vector from `start` to `stop`, each with what holds for it.

    Neighbours with equal settings are one run: for a network of a few thousand weights, one piece instead of two takes
    4.1 instead of 6.3 µs.
    """
    start = stop = 0
    before: Settings | None = None
    for segment in parameters.segments:
        if not segment.trainable:
            continue
        own = groups[segment.group] if segment.group is not None else Settings()
        usual = optimizer.weight_decay if segment.decay or optimizer.decay_all else 0.0
        settings = Settings(own.rate, usual if own.weight_decay is None else own.weight_decay)
        if before is not None and (segment.start != stop or settings != before):
            yield start, stop, before
            before = None
        if before is None:
            start, before = segment.start, settings
        stop = segment.stop
    if before is not None:
        yield start, stop, before
