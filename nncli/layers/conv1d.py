from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from nncli.fields import Count, Initializer, NaturalPair, Positive
from nncli.layers._line import Line
from nncli.layers.conv2d import Conv2d
from nncli.parts import Traits
from nncli.registry import layer


@layer("conv1d")
@dataclass(frozen=True, slots=True)
class Conv1d(Line):
    """Convolution of each sequence with shared kernels: ``z[j,r] = b[j] + Σ x[i, r·s + a·d] W[j,i,a]``.

    The sum runs over the input channels i of the map's group and the taps a of the kernel, at stride s and dilation d;
    x is zero outside its ends. `padding` is `valid` (none), `same` (output length ceil(length / stride), the surplus at
    the end), `full` (every position that overlaps the sequence), a number for both ends, or [left, right].
    `filters` is the number of output maps, `kernel` the length of W, `stride` the distance of neighbouring windows,
    `dilation` that of neighbouring taps. `groups` cuts channels and filters into as many parts that see nothing of each
    other. `algorithm` and `tolerance` are those of `conv2d`, which does the work on images of
    height 1.

    `bias: false` leaves b out. `init` and `bias_init` are the initializers of W and b; null leaves them to the program.

    Shapes (N samples, C channels, L positions, F filters, G groups)
        x (C, L, N)   W (F, C/G, k)   b (F,)   ->   y (F, P, N)

    Gradients (stride 1, no dilation; ∗ a convolution of one sequence with one kernel)
        dW[j,i,a] = Σ dy[j,r] x[i,r+a]        db[j] = Σ dy[j,r]        dx[i] = Σⱼ dy[j] ∗_full W[j,i]

    Raises ShapeError unless the input is a sequence that the kernel fits and whose channels the groups divide,
    SpecError where the groups do not divide the filters.

    Source: Waibel et al. 1989, "Phoneme recognition using time-delay neural networks"; for the algorithm see `conv2d`.
    """

    filters: Count
    kernel: Count = 3
    stride: Count = 1
    dilation: Count = 1
    groups: Count = 1
    padding: Literal["valid", "same", "full"] | NaturalPair = "valid"
    bias: bool = True
    init: Initializer = None
    bias_init: Initializer = None
    algorithm: Literal["auto", "gemm", "fft", "oaconvolve", "direct"] = "auto"
    tolerance: Positive = 1e-5

    traits: ClassVar[Traits] = Conv2d.traits

    @property
    def image(self) -> Conv2d:
        return Conv2d(
            self.filters,
            (1, self.kernel),
            (1, self.stride),
            (1, self.dilation),
            self.groups,
            ((0, 0), self.padding) if isinstance(self.padding, tuple) else self.padding,
            self.bias,
            self.init,
            self.bias_init,
            self.algorithm,
            self.tolerance,
        )
