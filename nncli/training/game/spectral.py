"""Spectral normalisation: the weights that the network works with are others than those that are trained."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from nncli.engine.parameters import Parameters
from nncli.parts import Array
from nncli.randomness import generator

AT_FIRST = 15
"""Steps of the power iteration before the first step of the game, from random vectors."""


@dataclass(slots=True)
class Weight:
    """A weight as a matrix (out, everything else), its singular vectors u (out,) and v, and σ = uᵀ W v.

    raw     what is trained           used    what the network works with
    """

    node: str
    name: str
    raw: Array
    used: Array
    u: Array
    v: Array
    sigma: float = 1.0


class SpectralNorm:
    """``W̄ = c W / σ(W)`` for every weight, with σ from the power iteration.

    Gradients, with the singular vectors taken for constants and G = dL/dW̄
        dW = (c/σ) (G − (⟨G, W⟩/σ) u vᵀ)

    Source: Miyato et al. 2018, arXiv:1802.05957, algorithm 1 and equation 12. The iteration goes on after each step of
    the discriminator, so that the generator's step and the next step of the discriminator see the same weights; PyTorch
    iterates at each forward pass.
    """

    def __init__(self, parameters: Parameters, coefficient: float, iterations: int, seed: int) -> None:
        self.parameters, self.coefficient, self.iterations = parameters, coefficient, iterations
        self.raw = parameters.of(parameters.vector())
        self.weights: list[Weight] = []
        for entry in parameters.entries:
            shape = entry.parameter.shape
            if len(shape) < 2 or not entry.parameter.decay:
                continue
            size = shape[0], math.prod(shape[1:])
            rng = generator(seed, f"spectral/{entry.node}/{entry.name}")
            u, v = (rng.normal(size=n).astype(parameters.dtype) for n in size)
            raw, used = (of.views[entry.node][entry.name].reshape(size) for of in (self.raw, parameters))
            self.weights.append(Weight(entry.node, entry.name, raw, used, u / np.linalg.norm(u), v))
        self._scratch = np.empty(max((w.raw.size for w in self.weights), default=0), parameters.dtype)

    def start(self) -> None:
        """Begin at the network's weights as they are."""
        np.copyto(self.raw.w, self.parameters.w)
        self.refresh(AT_FIRST)

    def refresh(self, iterations: int | None = None) -> None:
        """After a change of what is trained: go on with the iteration, and give the network its weights.

        With 0 iterations these follow from what is trained and from u, as after both were read from a checkpoint.
        """
        np.copyto(self.parameters.w, self.raw.w)
        for weight in self.weights:
            for _ in range(self.iterations if iterations is None else iterations):
                np.matmul(weight.u, weight.raw, out=weight.v)
                _normalize(weight.v)
                np.matmul(weight.raw, weight.v, out=weight.u)
                _normalize(weight.u)
            self._measure(weight)

    def _measure(self, weight: Weight) -> None:
        np.matmul(weight.u, weight.raw, out=weight.v)
        weight.sigma = _normalize(weight.v)
        np.multiply(weight.raw, self.coefficient / weight.sigma, out=weight.used)

    def pull(self, gradient: Array) -> None:
        """From dL/dW̄ to dL/dW in a vector like that of the parameters, in place."""
        views = self.parameters.views_of(gradient)
        for weight in self.weights:
            g = views[weight.node][weight.name].reshape(weight.raw.shape)
            along = float(np.vdot(g, weight.raw)) / weight.sigma
            outer = self._scratch[: g.size].reshape(g.shape)
            np.multiply(weight.u[:, None], weight.v, out=outer)
            np.multiply(outer, along, out=outer)
            np.subtract(g, outer, out=g)
            np.multiply(g, self.coefficient / weight.sigma, out=g)


def _normalize(vector: Array) -> float:
    """Bring a vector to length 1 in place; returns its length, at least the smallest that can be divided by."""
    length = max(math.sqrt(float(np.dot(vector, vector))), 1e-12)
    np.multiply(vector, 1 / length, out=vector)
    return length
