"""What the discriminator's logits on held-out data and fresh samples say of the game."""

from __future__ import annotations

import math

import numpy as np

from nncli.parts import Array

LOG2 = math.log(2)
OPTIMUM = -2 * LOG2
"""The value of the game where samples are distributed as the data are and the discriminator is the best there is."""
_ROUNDS = 50


def value(real_logits: Array, fake_logits: Array) -> float:
    """``V = mean log D(x) + mean log(1 − D(G(z)))`` of logits (N,) for data and (M,) for samples, D = sigmoid(logit).

    Source: Goodfellow et al. 2014, arXiv:1406.2661, equation 1, with ``log D = −softplus(−s)``.
    """
    real, fake = _flat(real_logits), _flat(fake_logits)
    return -float(np.logaddexp(0, -real).mean() + np.logaddexp(0, fake).mean())


def js_bound(v: float) -> float:
    """``(V + 2 log 2) / 2``, from 0 to log 2: what a discriminator's value proves of the Jensen–Shannon divergence.

    No discriminator has a larger value than ``2 JS − 2 log 2`` on the distributions themselves, so that on samples that
    it was not trained on the bound is honest, within sampling error (theorem 1 of Goodfellow et al. 2014).
    """
    return min(max((v - OPTIMUM) / 2, 0.0), LOG2)


def accuracy(real_logits: Array, fake_logits: Array) -> float:
    """Share of data and samples, half each, that the discriminator tells apart: ½ is a guess."""
    return float(np.mean(_flat(real_logits) > 0) + np.mean(_flat(fake_logits) <= 0)) / 2


def saturation(fake_logits: Array, slopes: Array) -> float:
    """How much of the non-saturating gradient the minimax loss keeps: ``mean(D ‖∇ₓs‖) / mean((1 − D) ‖∇ₓs‖)``.

    `slopes` (N,) are the norms of the logit's gradients with respect to the samples. The minimax loss sends ``−D ∇ₓs``
    back to the generator, the non-saturating one ``−(1 − D) ∇ₓs``. The norm alone is no measure: it rises while D
    saturates. NaN where there is no slope at all. At most 1e6, where the discriminator takes all samples for data.
    """
    logits, slopes = _flat(fake_logits), _flat(slopes)
    kept = float(np.mean(np.exp(-np.logaddexp(0, -logits)) * slopes))
    whole = float(np.mean(np.exp(-np.logaddexp(0, logits)) * slopes))
    if kept == whole == 0:
        return math.nan
    return kept / max(whole, kept * 1e-6)


def calibrated(real_scores: Array, fake_scores: Array) -> tuple[Array, Array]:
    """Logits from the scores of a discriminator whose loss makes them none (least squares, hinge, Wasserstein).

    A logistic regression on the score alone, fitted on the first half of each, and applied to the second half: so the
    bound that follows is of samples that it was not fitted to, as honest as that of a discriminator with logits. It has
    a weak prior for scores that are of no use, which keeps separable scores finite.

    Deviates from a probe discriminator of its own (gan.md): two numbers in place of a network, because what the trained
    discriminator knows is in its score.
    """
    real, fake = _flat(real_scores), _flat(fake_scores)
    half, other = len(real) // 2, len(fake) // 2
    shift = float(np.median(np.concatenate([real[:half], fake[:other]])))
    size = float(np.concatenate([real[:half], fake[:other]]).std()) or 1.0
    slope, offset = _fitted((real[:half] - shift) / size, (fake[:other] - shift) / size)
    return slope * (real[half:] - shift) / size + offset, slope * (fake[other:] - shift) / size + offset


def _fitted(real: Array, fake: Array) -> tuple[float, float]:
    """Slope and offset of a logistic regression with as much weight on data as on samples, by Newton's method.

    The penalty ½ · 1e-3 · slope² lets the slope of separable scores reach about 10.
    """
    design = np.stack([np.concatenate([real, fake]), np.ones(len(real) + len(fake))], axis=1)
    weight = np.concatenate([np.full(len(real), 0.5 / len(real)), np.full(len(fake), 0.5 / len(fake))])
    label = np.concatenate([np.ones(len(real)), np.zeros(len(fake))])
    ridge, found = np.array([1e-3, 1e-6]), np.zeros(2)
    for _ in range(_ROUNDS):
        p = np.exp(-np.logaddexp(0, -(design @ found)))
        gradient = design.T @ (weight * (p - label)) + ridge * found
        curvature = (design * (weight * p * (1 - p))[:, None]).T @ design + np.diag(ridge)
        step = np.linalg.solve(curvature, gradient)
        # Newton's step may go far beyond where the curvature was measured
        found -= step * min(1.0, 4.0 / max(float(np.abs(step).max()), 1e-300))
        if float(np.abs(step).max()) < 1e-8:
            break
    return float(found[0]), float(found[1])


def _flat(x: Array) -> Array:
    return np.asarray(x, dtype=np.float64).reshape(-1)
