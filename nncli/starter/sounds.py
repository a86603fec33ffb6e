"""Networks for sounds: their spectrograms are images."""

from __future__ import annotations

from nncli.data.detect import Sight
from nncli.starter import signals, stages
from nncli.starter.goals import end_of
from nncli.starter.recipe import Recipe, Said

_WINDOW = 0.032
"""Seconds of a frame: long enough for the pitch of a voice, short enough for a consonant."""
_FREQUENCIES = 96
_HALVINGS = 3
_FILTERS = (16, 32, 64)
_FRAMES = 48
_STEPS = 1200
_SHORTEST = 1024
"""Numbers of a sound below which it has no spectrogram worth the name."""


def recipe(sight: Sight) -> Recipe:
    length = sight.shape[-1]
    if length < _SHORTEST:
        return signals.recipe(sight)
    samples = sight.samples["train"]
    window = _power(max(64.0, min(sight.rate * _WINDOW, length / 8)))
    hop = max(16, min(window // 2, length // _FRAMES))
    kept = min(_FREQUENCIES, window // 2)
    highest, width = kept * sight.rate / window, 1000 * window / sight.rate
    spectrogram = {"spectrogram": {"window": window, "hop": hop, "frequencies": kept}}
    heard = f"how loud each frequency up to {highest:,.0f} Hz is at each time, in frames of {width:.3g} ms"
    return stages.recipe(
        samples,
        end_of(sight.goal, smooth=True),
        network=[
            *stages.uses(_FILTERS, samples),
            Said(
                {"conv2d": {"filters": 128, "kernel": (kept >> _HALVINGS, 1), "bias": False}},
                "a kernel as high as the image joins the frequencies",
            ),
            Said("batch_norm"),
            Said("relu"),
            Said("global_avg_pool2d", "the mean over time: it is no matter when something was heard"),
            Said({"dropout": 0.3}),
        ],
        block=stages.block("conv2d", 3, "max_pool2d", 2),
        preprocess=[Said(spectrogram, heard), Said("standardize")],
        steps=_STEPS,
    )


def _power(number: float) -> int:
    """The power of two that is nearest below or at a number, or a little above."""
    power = 1
    while power * 1.5 < number:
        power *= 2
    return power
