from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from nncli import progress
from nncli.data.dataset import Dataset
from nncli.data.files import reason
from nncli.data.folders import FOLDER, check_labels, listed
from nncli.errors import DataError, Fault
from nncli.fields import Count, Text, Texts
from nncli.memory import claim
from nncli.parts import Array
from nncli.registry import source

_OTHERS = {b"fLaC": "FLAC", b"OggS": "Ogg", b"ID3": "MP3", b"\xff\xfb": "MP3", b"FORM": "AIFF"}
"""What files of other kinds begin with."""
_CONVERT = "convert it first, as by `ffmpeg -i in.mp3 out.wav`"
_AGAIN = "copy it again, or leave it out"


@source("wav")
@dataclass(frozen=True, slots=True)
class Wav:
    """Sounds in WAV files: PCM of 8 to 64 bits or floating-point numbers.

    `path` is the folder they are in. The classes are the names of the folders right inside it, with
    `labels: "{label}_*"` what stands for {label} in the files' names (`*` for any characters, `?` for one), and with
    `labels: null` there are none; their names go into the checkpoint. `files` are patterns of file names; others are
    left out, and so is what begins with a dot.

    `length` is how many numbers a sample has in each channel. Longer sounds are cut and shorter ones filled up with
    zeros; `align` says what stays in its place: their `start`, `centre` or `end`. Without it all must be equally long.
    `rate` is the sampling rate in Hz that all must have; without it that of the first file. `channels: 1` takes the
    mean of the channels of each file; another number is how many each must have.

    Shapes (N files)
        x (N, channels, length) float32, full scale from −1 to 1   y (N,), in order of the classes' names, then of the
        files'

    Raises DataError that names a file that is no WAV, damaged, compressed, or of another rate, length or number of
    channels, or a folder without files.

    Source: IBM & Microsoft 1991, "Multimedia Programming Interface and Data Specifications 1.0"; read by
    `scipy.io.wavfile`.
    """

    path: Text
    labels: Text | None = FOLDER
    files: Texts = ("*",)
    length: Count | None = None
    align: Literal["start", "centre", "end"] = "start"
    rate: Count | None = None
    channels: Count = 1

    def __post_init__(self) -> None:
        check_labels(self.labels)

    def load(self, base: Path) -> Dataset:
        listing = listed(base, self.path, self.files, self.labels)
        files = listing.files
        rate, sound = self._read(files[0], self.rate, files)
        length = self.length or sound.shape[1]
        try:
            claim(4 * len(files) * self.channels * length)
            x = np.zeros((len(files), self.channels, length), dtype=np.float32)
        except (MemoryError, ValueError) as error:
            message = f"{len(files)} sounds of {length} numbers do not fit into memory: {reason(error)}"
            raise DataError(Fault(message, hint="`length: 8000` cuts them", file=str(listing.folder))) from None
        self._place(sound, x[0])
        for out, file in zip(x[1:], progress.track(files[1:], "reading sounds", unit="files"), strict=True):
            _, sound = self._read(file, rate, files)
            if self.length is None and sound.shape[1] != length:
                message = f"has {sound.shape[1]} numbers in each channel, {files[0]} has {length}"
                hint = f"`length: {max(sound.shape[1], length)}` makes all equally long"
                raise DataError(Fault(message, hint=hint, file=str(file)))
            self._place(sound, out)
        return listing.dataset(x).shaped(x.shape[1:], "a sound has the shape")

    def _place(self, sound: Array, out: Array) -> None:
        """Write (channels, any length) to `out`, cut or in between zeros."""
        have, want = sound.shape[1], out.shape[1]
        shift = {"start": 0, "centre": (want - have) // 2, "end": want - have}[self.align]
        first, last = max(0, shift), min(want, shift + have)
        out[:, first:last] = sound[:, first - shift : last - shift]

    def _read(self, file: Path, rate: int | None, files: Sequence[Path]) -> tuple[int, Array]:
        """The rate, and (channels, length) float32. Raises DataError where they are not those of the source."""
        found, sound = read_wav(file)
        if rate is not None and found != rate:
            wanted = f"`rate` says {rate}" if self.rate is not None else f"{files[0]} at {rate}"
            hint = f"bring all to one rate first, as by `ffmpeg -i in.wav -ar {rate} out.wav`"
            raise DataError(Fault(f"is sampled at {found} Hz, {wanted}", hint=hint, file=str(file)))
        if self.channels == 1:
            return found, sound.mean(axis=0, keepdims=True)
        if len(sound) != self.channels:
            message = f"has {len(sound)} channel{'s' if len(sound) > 1 else ''}, `channels` says {self.channels}"
            raise DataError(Fault(message, hint="`channels: 1` takes their mean", file=str(file)))
        return found, sound


def read_wav(file: Path) -> tuple[int, Array]:
    """Sampling rate in Hz, and (channels, length) in float32 with full scale from −1 to 1.

    Raises DataError that names the file. Nothing is taken but in proportion to the file, whatever its header claims.
    """
    from scipy.io import wavfile

    try:
        claim(8 * file.stat().st_size)
        content = file.read_bytes()
    except OSError as error:
        raise DataError(Fault(f"cannot be read: {reason(error)}", file=str(file))) from None
    except MemoryError as error:
        raise DataError(Fault(f"does not fit into memory: {reason(error)}", file=str(file))) from None
    _check_begin(content, file)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.filterwarnings("error", "Reached EOF")
            rate, data = wavfile.read(io.BytesIO(content))
    except wavfile.WavFileWarning:
        message = f"is truncated: it ends after {len(content)} bytes, and its header speaks of more"
        raise DataError(Fault(message, hint=_AGAIN, file=str(file))) from None
    except MemoryError:
        raise DataError(Fault("does not fit into memory", file=str(file))) from None
    except Exception as error:  # damaged headers make the reader raise nearly anything
        if "Unknown wave file format" in str(error):
            raise DataError(Fault(reason(error), hint=_CONVERT, file=str(file))) from None
        raise DataError(Fault(f"the sound is damaged: {reason(error)}", hint=_AGAIN, file=str(file))) from None
    if not data.size:
        raise DataError(Fault("holds no sound: its length is 0", hint=_AGAIN, file=str(file)))
    sound = _in_full_scale(data.reshape(len(data), -1).T)
    if not np.isfinite(sound).all():
        raise DataError(Fault("holds a number that is infinite or NaN", hint=_AGAIN, file=str(file)))
    return int(rate), sound


def _in_full_scale(data: Array) -> Array:
    """Bytes are from 0 to 255 with silence at 128; other whole numbers have a sign."""
    if data.dtype.kind == "f":
        with np.errstate(over="ignore", invalid="ignore"):
            return data.astype(np.float32)
    if data.dtype == np.uint8:
        return (data.astype(np.float32) - 128) / 128
    return np.multiply(data, 2.0 ** (1 - 8 * data.dtype.itemsize), dtype=np.float64).astype(np.float32)


def _check_begin(content: bytes, file: Path) -> None:
    if not content:
        raise DataError(Fault("the file is empty", hint=_AGAIN, file=str(file)))
    if content[:4] in (b"RIFF", b"RIFX", b"RF64"):
        return
    for begin, name in _OTHERS.items():
        if content.startswith(begin):
            raise DataError(Fault(f"is {name}, no WAV", hint=_CONVERT, file=str(file)))
    hint = 'leave it out: `files: "*.wav"` says what is read'
    raise DataError(Fault(f"is no WAV file: it begins with {content[:8].hex(' ')}", hint=hint, file=str(file)))
