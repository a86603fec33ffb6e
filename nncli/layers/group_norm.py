from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nncli.errors import ShapeError
from nncli.fields import Count, Positive
from nncli.layers._sample_norm import SampleNorm
from nncli.parts import Shape, Traits
from nncli.registry import layer


@layer("group_norm")
@dataclass(frozen=True, slots=True)
class GroupNorm(SampleNorm):
    """Channels of each sample in `groups` groups, each with mean 0 and variance 1: ``y = γ s (x − μ) + β``.

    s = 1 / √(σ² + `eps`), with the variance of all numbers of the group (not one less). γ and β are one number for each
    channel; γ starts at 1, β at 0 and both are free of weight decay; without `affine` there are none. One group is
    layer normalisation, a group for each channel is instance normalisation.

    Shapes (N samples, C channels)
        x (C, ..., N)   γ (C,)   β (C,)   ->   y the same as x

    Gradients (sums over a channel's positions too, means over the numbers of a group; x̂ = s (x − μ), e = γ dy)
        dβ = Σ dy        dγ = Σ dy x̂        dx = s (e − mean(e) − x̂ mean(e x̂))

    Raises ShapeError where the groups do not divide the channels.

    Source: Wu & He 2018, "Group normalization", arXiv:1803.08494, equations 1 to 3.
    """

    groups: Count
    eps: Positive = 1e-5
    affine: bool = True

    traits: ClassVar[Traits] = Traits(in_place=True, needs_x=False, finishes=True, suits="pass")

    def parted(self, x: Shape) -> tuple[int, Shape, tuple[str, ...]]:
        if x[0] % self.groups:
            hint = f"use groups that divide {x[0]}"
            raise ShapeError(f"{self.groups} groups do not divide {x[0]} channels", hint=hint)
        return self.groups, (x[0],), ("channel",)
