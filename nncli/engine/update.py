"""From the shards' gradients to a step of the optimizer, in pieces that fit the cache."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from nncli.engine.parameters import Parameters
from nncli.parts import Array, Optimizer, UpdateFrame

PIECE = 1 << 15
"""Elements. A piece of every vector that Adam works on stays in a 1 MiB cache."""


class Updater:
    """Sums the gradients, clips them, and lets the optimizer change the parameters.

    `clip_value` bounds each component, then `clip_norm` the L2 norm of the whole.
    """

    def __init__(
        self,
        parameters: Parameters,
        gradients: list[Array],
        optimizer: Optimizer,
        clip_value: float | None = None,
        clip_norm: float | None = None,
    ) -> None:
        self.optimizer, self.clip_value, self.clip_norm = optimizer, clip_value, clip_norm
        self.slots: dict[str, Array] = {name: parameters.vector() for name in optimizer.slots()}
        for name, slot in self.slots.items():
            slot.fill(optimizer.start(name))
        self._gradients = gradients
        length = min(PIECE, parameters.length)
        a, b = np.zeros(length, parameters.dtype), np.zeros(length, parameters.dtype)
        self._pieces: list[tuple[list[Array], UpdateFrame]] = []
        for begin, end, decay in (
            (0, parameters.decayed, True),
            (parameters.decayed, parameters.length, False),
        ):
            for start in range(begin, end, PIECE):
                part = slice(start, min(start + PIECE, end))
                size = part.stop - start
                slots: Mapping[str, Array] = {name: slot[part] for name, slot in self.slots.items()}
                frame = UpdateFrame(w=parameters.w[part], g=gradients[0][part], slots=slots, a=a[:size], b=b[:size])
                frame.weight_decay = optimizer.weight_decay if decay or optimizer.decay_all else 0.0
                self._pieces.append(([gradient[part] for gradient in gradients[1:]], frame))

    def gather(self, shards: int) -> float:
        """Add the gradients of `shards` shards in their order, clip by value, and return the L2 norm.

        After it the first gradient vector holds the batch's gradient.
        """
        square = 0.0
        with np.errstate(all="ignore"):
            for others, f in self._pieces:
                for other in others[: shards - 1]:
                    np.add(f.g, other, out=f.g)
                if self.clip_value is not None:
                    np.clip(f.g, -self.clip_value, self.clip_value, out=f.g)
                square += float(np.dot(f.g, f.g))
        return math.sqrt(square) if math.isfinite(square) else self._careful_norm()

    def _careful_norm(self) -> float:
        """The norm where squares may overflow in float32."""
        g = self._gradients[0]
        largest = float(max(g.max(), -g.min())) if g.size else 0.0
        if not math.isfinite(largest) or largest == 0.0:
            return largest
        return largest * math.sqrt(
            math.fsum(float(np.square(f.g.astype(np.float64) / largest).sum()) for _, f in self._pieces)
        )

    def apply(self, norm: float, lr: float, t: int) -> None:
        """Update number `t` (from 1) with the step size `lr`, of a gradient with this norm."""
        scale = None
        if self.clip_norm is not None and norm > self.clip_norm:
            scale = self.clip_norm / norm
        with np.errstate(all="ignore"):
            for _, f in self._pieces:
                if scale is not None:
                    np.multiply(f.g, scale, out=f.g)
                f.lr, f.t = lr, t
                self.optimizer.update(f)
