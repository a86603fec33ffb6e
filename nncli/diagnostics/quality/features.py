"""Distances of two sets of samples by what a trained network sees in them."""

from __future__ import annotations

import numpy as np

from nncli.diagnostics.neighbours import rows
from nncli.parts import Array

_BLOCK = 2**22


def frechet_distance(a: Array, b: Array) -> float:
    """``‖μₐ − μ_b‖² + Tr(Σₐ + Σ_b − 2 (Σₐ Σ_b)^½)`` of features (N, F) and (M, F): the squared 2-Wasserstein distance
    of Gaussians with their means and covariances.

    It falls as N and M grow, so that only figures of equally many samples can be compared. Not to be called FID, which
    is this distance on one certain Inception network.

    Source: Heusel et al. 2017, arXiv:1706.08500, equation 6. The trace of the root is the sum of the singular values of
    ``Bₐᵀ B_b`` with ``Σ = B Bᵀ``, which stays exact where a covariance is singular and `sqrtm` does not.
    """
    a, b = rows(a), rows(b)
    gap = a.mean(axis=0) - b.mean(axis=0)
    (first, first_trace), (second, second_trace) = _root(a), _root(b)
    overlap = float(np.linalg.svd(first.T @ second, compute_uv=False).sum())
    return max(0.0, float(gap @ gap) + first_trace + second_trace - 2 * overlap)


def _root(x: Array) -> tuple[Array, float]:
    """A matrix B with ``B Bᵀ`` the covariance of x, and the covariance's trace."""
    covariance = np.atleast_2d(np.cov(x, rowvar=False))
    values, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.maximum(values, 0)), float(np.trace(covariance))


def kernel_distance(a: Array, b: Array) -> float:
    """The kernel inception distance of features (N, F) and (M, F), here on any features: an unbiased estimate of the
    squared maximum mean discrepancy with the kernel ``(xᵀy / F + 1)³``. Around 0 for equal distributions, also below.

    Source: Bińkowski et al. 2018, arXiv:1801.01401, section 4, on all samples at once instead of on blocks of them.
    """
    a, b = rows(a), rows(b)
    return _within(a) + _within(b) - 2 * _kernel(a, b) / (len(a) * len(b))


def _within(x: Array) -> float:
    """The mean of the kernel over all pairs of different samples."""
    itself = float(_cubed(np.sum(x * x, axis=1), x).sum())
    return (_kernel(x, x) - itself) / (len(x) * (len(x) - 1))


def _kernel(a: Array, b: Array) -> float:
    """The sum of the kernel over all pairs."""
    step = max(1, _BLOCK // len(b))
    return sum(float(_cubed(a[start : start + step] @ b.T, a).sum()) for start in range(0, len(a), step))


def _cubed(products: Array, x: Array) -> Array:
    return np.asarray((products / x.shape[1] + 1) ** 3)
