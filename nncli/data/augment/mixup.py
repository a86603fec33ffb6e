from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nncli.fields import Positive
from nncli.parts import Array, Augmentation, AugmentFrame, Shape, Work
from nncli.registry import augment


@augment("mixup")
@dataclass(frozen=True, slots=True)
class Mixup(Augmentation):
    """Replaces each sample by a mean of itself and another one of its batch: ``x ← λ x + (1 − λ) x'``, targets too.

    λ of each sample is from the Beta distribution with both parameters `alpha`, or one less that number where this is
    larger: of a sample and its partner the sample itself has the larger share. Classes are not mixed as numbers: the
    loss is that of both classes by their shares, ``λ L(y, t) + (1 − λ) L(y, t')``, as that of their probabilities
    would be; metrics of the training split look at the class with the larger share.

    Shapes
        x (…, N)   targets (N,) class numbers, or (…, N) values

    Source: Zhang et al. 2018, "mixup: beyond empirical risk minimization" (arXiv:1710.09412), equation 1 and section 3.
    The paper draws one λ for a batch and pairs samples by a permutation; here each has its own λ, and the partner of a
    sample is the one that stands a number of places after it, drawn for each batch.
    """

    alpha: Positive = 0.2

    mixes: ClassVar[bool] = True

    def workspace(self, shape: Shape, n: int) -> dict[str, Work]:
        return {
            "numbers": Work((n, 1), dtype=np.float32),
            "step": Work((1, 1), dtype=np.float32),
            "exact": Work((n,), dtype=np.float64),
            "larger": Work((n,), dtype=np.float64),
            "share": Work((n,)),
            "rest": Work((n,)),
            "partner": Work((*shape, n)),
        }

    def prepare(self, f: AugmentFrame) -> dict[str, Array]:
        """Arrays for the targets of the partners."""
        return {name: np.empty_like(t) for name, t in f.targets.items()}

    def apply(self, f: AugmentFrame) -> None:
        work = f.work
        places = self._draw(f)
        _mix(f.x, work["partner"], places, work["share"], work["rest"])
        for name, t in f.targets.items():
            if name in f.mixed:
                _turn(t, places, f.mixed[name].second)
                np.copyto(f.mixed[name].share, work["share"])
            else:
                _mix(t, f.views[name], places, work["share"], work["rest"])

    def _draw(self, f: AugmentFrame) -> int:
        """Write λ to `share` and 1 − λ to `rest`; returns how many places the partners are away."""
        from scipy.special import betaincinv

        work, exact, larger = f.work, f.work["exact"], f.work["larger"]
        f.uniform(work["numbers"], "")
        f.uniform(work["step"], "partner")
        np.copyto(exact, work["numbers"][:, 0])
        betaincinv(self.alpha, self.alpha, exact, out=exact)
        np.subtract(1, exact, out=larger)
        np.maximum(exact, larger, out=larger)
        np.copyto(work["share"], larger, casting="same_kind")
        np.subtract(1, work["share"], out=work["rest"])
        return min(1 + int(work["step"][0, 0] * (f.n - 1)), f.n - 1)


def _mix(x: Array, partner: Array, places: int, share: Array, rest: Array) -> None:
    _turn(x, places, partner)
    np.multiply(x, share, out=x)
    np.multiply(partner, rest, out=partner)
    np.add(x, partner, out=x)


def _turn(x: Array, places: int, out: Array) -> None:
    """Bring each sample of `x` (…, n) so many places towards the beginning; the first ones come last."""
    n = x.shape[-1]
    np.copyto(out[..., : n - places], x[..., places:])
    np.copyto(out[..., n - places :], x[..., :places])
