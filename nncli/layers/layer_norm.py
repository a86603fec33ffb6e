from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nncli.fields import Positive
from nncli.layers._sample_norm import SampleNorm
from nncli.parts import Shape, Traits
from nncli.registry import layer


@layer("layer_norm")
@dataclass(frozen=True, slots=True)
class LayerNorm(SampleNorm):
    """Each sample with mean 0 and variance 1 over all its numbers, then scaled and shifted: ``y = γ s (x − μ) + β``.

    s = 1 / √(σ² + `eps`), with the variance of all numbers (not one less). γ and β are one number for each number of
    the sample, as of PyTorch's LayerNorm with the sample's whole shape; γ starts at 1, β at 0 and both are free of
    weight decay; without `affine` there are none. For images that may come in other sizes, or one gain for each
    channel, use `group_norm: 1`.

    Shapes (N samples)
        x (..., N)   γ (...)   β (...)   ->   y the same as x

    Gradients (mean over the numbers of a sample; x̂ = s (x − μ), e = γ dy)
        dβ = Σₙ dy        dγ = Σₙ dy x̂        dx = s (e − mean(e) − x̂ mean(e x̂))

    Source: Ba, Kiros & Hinton 2016, "Layer normalization", arXiv:1607.06450, equations 3 and 4; with `eps`, as PyTorch.
    """

    eps: Positive = 1e-5
    affine: bool = True

    traits: ClassVar[Traits] = Traits(in_place=True, needs_x=False, finishes=True, suits="pass")

    def parted(self, x: Shape) -> tuple[int, Shape, tuple[str, ...]]:
        known = {1: ("feature",), 2: ("channel", "position"), 3: ("channel", "height", "width")}
        return 1, x, known.get(len(x), tuple(f"axis {axis}" for axis in range(len(x))))
