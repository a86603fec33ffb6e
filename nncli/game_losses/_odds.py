"""Sums over log-odds that losses of probabilities share."""

from __future__ import annotations

import numpy as np

from nncli.parts import Array


def softplus(s: Array, ds: Array, a: Array) -> float:
    """``Σ softplus(s)``, with σ(s) written to ds: without overflow, and exact where s is very negative.

    softplus(s) = max(s, 0) + log(1 + e^−|s|), and σ(s) is 1/(1 + e^−|s|) or e^−|s|/(1 + e^−|s|) by the sign of s.
    """
    np.abs(s, out=a)
    np.negative(a, out=a)
    np.exp(a, out=a)
    np.log1p(a, out=ds)
    total = float(ds.sum(dtype=np.float64))
    np.maximum(s, 0, out=ds)
    total += float(ds.sum(dtype=np.float64))
    np.heaviside(s, 1, out=ds)
    np.maximum(ds, a, out=ds)
    np.add(a, 1, out=a)
    np.divide(ds, a, out=ds)
    return total


class Odds:
    """The discriminator's side of losses in which it estimates a probability, ``D = σ(s)``."""

    __slots__ = ()

    def real(self, s: Array, ds: Array, a: Array, smoothing: float) -> float:
        """``softplus(s) − (1 − ε) s``: the cross-entropy with the target 1 − ε, which is softplus(−s) for ε = 0."""
        if smoothing == 0:
            np.negative(s, out=s)
            total = softplus(s, ds, a)
            np.negative(ds, out=ds)
            return total
        total = softplus(s, ds, a) - (1 - smoothing) * float(s.sum(dtype=np.float64))
        np.subtract(ds, 1 - smoothing, out=ds)
        return total

    def fake(self, s: Array, ds: Array, a: Array) -> float:
        """``softplus(s)``, which is −log(1 − D)."""
        return softplus(s, ds, a)
