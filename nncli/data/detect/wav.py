"""Folders of sounds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from nncli.data.detect._goal import goal_of
from nncli.data.detect._media import Media, holds, media_of, walk
from nncli.data.detect._sight import Asked, Detector, FilePath, Sight
from nncli.data.detect._splits import sight_of
from nncli.data.sources.wav import Wav, read_wav

SUFFIXES = (".wav", ".wave")
_MOST_LOOKED_AT = 1000
_USUAL = 0.95
"""Share of the sounds that are not to be cut."""
_MOST_NUMBERS = 2**28
"""Numbers of all sounds together: 1 GiB in memory."""


def _claims(place: Path) -> bool:
    return holds(place, SUFFIXES)


def _examine(place: Path, asked: Asked) -> Sight:
    media = media_of(place, asked, SUFFIXES)
    rate, fields = _length(media)
    sources: dict[str, Any] = {
        split: Wav(path=path, rate=rate, **media.fields(split), **fields)  # type: ignore[arg-type]
        for split, path in media.paths().items()
    }
    train = sources["train"].load(Path())
    sight = sight_of("wav", sources, train, "sound", train.shape, goal_of(train, asked, media.what()))
    return replace(sight, rate=rate, notes=media.notes | {"rate": "Hz"})


def _length(media: Media) -> tuple[int, dict[str, Any]]:
    """The sampling rate, and fields that make all sounds equally long."""
    files = [file for path in media.paths().values() for file in walk(Path(path)) if file.suffix.lower() in SUFFIXES]
    looked = [read_wav(file) for file in files[:: max(1, len(files) // _MOST_LOOKED_AT)]]
    rate = looked[0][0]
    lengths = sorted(sound.shape[1] for _, sound in looked)
    if lengths[0] == lengths[-1] and len(looked) == len(files):
        return rate, {}
    usual = lengths[int(_USUAL * (len(lengths) - 1))]
    length = min(_rounded_up(usual), max(rate, _MOST_NUMBERS // len(files)))
    longer = sum(one > length for one in lengths) / len(lengths)
    media.notes["length"] = (
        f"numbers of a sound, {length / rate:.2g} s: {longer:.0%} are longer and cut, others get zeros"
    )
    media.notes["align"] = "their middle stays in the middle"
    return rate, {"length": length, "align": "centre"}


def _rounded_up(number: int) -> int:
    """To one digit and zeros."""
    unit = int(10 ** (len(str(number)) - 1))
    return -(-number // unit) * unit


def _beside(source: Any, place: Path) -> Any:
    return replace(source, path=FilePath(place))


DETECTOR = Detector("a folder of WAV files", _claims, _examine, _beside)
