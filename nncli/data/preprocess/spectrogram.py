from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge

from nncli.errors import ShapeError
from nncli.fields import Count, Positive
from nncli.parts import Array, Shape, Step
from nncli.registry import preprocess

_BLOCK = 2**16
"""Numbers of sound in one go: SciPy's transforms have no `out`, so that what they take must not grow with the batch.
Of 64 sounds of 8000 numbers 3.4 ms, as in one piece."""


@preprocess("spectrogram")
@dataclass(frozen=True, slots=True)
class Spectrogram(Step):
    """How loud each frequency is at each time, in decibels: sounds become images for `conv2d`.

    The sound is cut into frames of `window` numbers, one every `hop` (half a window, unless it is given), the first and
    the last centred on its ends, with zeros beyond them. Each is weighted by a window of the `kind` and transformed:
    ``y = 10 log₁₀(|X|² + floor)``, where a sine of amplitude 1 has |X| = ½ and silence gives what `floor` says.
    `frequencies` keeps so many of the lowest, without it all ⌊window / 2⌋ + 1; frequency k is k times the sampling rate
    over `window`.

    Shapes (N samples, C channels, L numbers, K frequencies, T frames)
        x (C, L, N) or (L, N)   ->   (C, K, T, N), the lowest frequency first
        T = ⌊(L + 2 ⌊window / 2⌋ − window) / hop⌋ + 1

    Raises ShapeError unless a sample is a sound at least as long as the window, SpecError where the hop is longer.

    Source: Allen & Rabiner 1977, "A unified approach to short-time Fourier analysis and synthesis"; by
    `scipy.signal.stft`, which takes a quarter of the time of `ShortTimeFFT` and keeps float32.
    """

    window: Annotated[int, Ge(2)] = 256
    hop: Count | None = None
    frequencies: Count | None = None
    kind: Literal["hann", "hamming", "blackman", "boxcar"] = "hann"
    floor: Positive = 1e-8

    def __post_init__(self) -> None:
        if self.distance > self.window:
            raise ValueError(f"the hop is longer than the window of {self.window}: what is between frames is lost")
        if self.frequencies is not None and self.frequencies > self.window // 2 + 1:
            raise ValueError(f"a window of {self.window} has {self.window // 2 + 1} frequencies")

    @property
    def distance(self) -> int:
        """Of neighbouring frames."""
        return self.hop or self.window // 2

    def shape(self, shape: Shape) -> Shape:
        channels, length = (1, *shape)[-2:]
        if len(shape) > 2:
            hint = "a sound is a sample of the shape [channels, length]"
            raise ShapeError(f"spectrogram takes a sound, not {list(shape)}", hint=hint)
        if length < self.window:
            hint = f"make `window` shorter, a power of two up to {length}"
            raise ShapeError(f"spectrogram with a window of {self.window} takes no sound of {length}", hint=hint)
        frames = (length + 2 * (self.window // 2) - self.window) // self.distance + 1
        return channels, self.frequencies or self.window // 2 + 1, frames

    def transform(self, x: Array, out: Array, fitted: Mapping[str, Array]) -> None:
        from scipy.signal import stft

        n, length = x.shape[-1], x.shape[-2]
        frequencies = out.shape[1]
        step = max(1, _BLOCK // length)
        for sound, image in zip(x.reshape(-1, length, n), out, strict=True):
            for start in range(0, n, step):
                part = np.ascontiguousarray(sound[:, start : start + step].T)
                _, _, spectra = stft(
                    part,
                    window=self.kind,
                    nperseg=self.window,
                    noverlap=self.window - self.distance,
                    boundary="zeros",
                    padded=False,
                )
                here = image[:, :, start : start + step]
                np.abs(np.moveaxis(spectra[:, :frequencies], 0, -1), out=here)
                np.square(here, out=here)
                np.add(here, self.floor, out=here)
                np.log10(here, out=here)
                np.multiply(here, 10.0, out=here)
