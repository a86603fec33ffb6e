from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from nncli import progress
from nncli.data.dataset import Dataset
from nncli.data.files import DEFLATE_LIMIT, reason
from nncli.data.folders import FOLDER, check_labels, listed
from nncli.errors import DataError, Fault, UsageError
from nncli.fields import Count, Pair, Text, Texts
from nncli.memory import claim
from nncli.parts import Array
from nncli.registry import source

_GREY = ("1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "I;16N")
"""Modes of pillow without colours."""
_OTHER_PROGRAMS = ("EPS", "WMF")
"""Formats that pillow gives to other programs to draw."""
_AGAIN = "copy it again, or leave it out"
_FEW_PIXELS = 2 * 10**6
"""Any file may have so many; what they take does not matter."""
_PER_BYTE = 8 * DEFLATE_LIMIT
"""Pixels of one bit that a byte of a file can stand for. A header that claims more is wrong, or the whole image is of
one colour; decoders fill up what is missing."""
_RESIZED = 12
"""Bytes of a pixel of an image that is made larger: pillow's, twice, and NumPy's."""
_ORIENTATION = 0x0112
"""Number of the EXIF tag; 1 is upright."""
_ON_ITS_SIDE = 5
"""The tag's values from this one on exchange rows and columns."""


@source("folder")
@dataclass(frozen=True, slots=True)
class Folder:
    """Images in folders, one for each class: `class/name.png`, or JPEG, or anything else that pillow opens.

    `path` is the folder that the classes are in; their names go into the checkpoint. Other data, such as a test split,
    is another source, whose classes are found by their names. With `labels: "{label}_*"` the classes are taken from the
    files' names, where {label} stands, `*` for any characters and `?` for one; with `labels: null` there are none.
    `files` are patterns of file names, such as "*.png"; others are left out, and so is what begins with a dot.

    `channels` is 1 for grey or 3 for colours; without it images are grey if all of the folder are. `resize: [H, W]`
    brings each image to this size, `resize: S` its shorter side to S pixels with its proportions kept; `crop: [H, W]`,
    or one number for a square, then cuts out the middle. Without them all images must be of one size. What is
    transparent is laid on white, 16 bits become 8, photographs are turned as their camera says, and of several frames
    the first counts.

    Shapes (N files)
        x (N, channels, H, W) uint8   y (N,), in order of the classes' names, then of the files'

    Raises DataError that names a file that is no image, damaged, too large or of another size, or a folder without
    files, UsageError where pillow is not installed.
    """

    path: Text
    labels: Text | None = FOLDER
    files: Texts = ("*",)
    channels: Literal[1, 3] | None = None
    resize: Count | tuple[Count, Count] | None = None
    crop: Pair | None = None

    stores: ClassVar[str] = "uint8"

    def __post_init__(self) -> None:
        check_labels(self.labels)

    def load(self, base: Path) -> Dataset:
        listing = listed(base, self.path, self.files, self.labels)
        files = listing.files
        channels = self.channels or (1 if _all_grey(files) else 3)
        first = self._pixels(files[0], channels)
        try:
            claim(len(files) * first.size)
            x = np.empty((len(files), *first.shape), dtype=np.uint8)
        except (MemoryError, ValueError) as error:
            height, width = first.shape[1:]
            message = f"{len(files)} images of {width} × {height} pixels do not fit into memory: {reason(error)}"
            raise DataError(Fault(message, hint="`resize: 64` makes them smaller", file=str(listing.folder))) from None
        x[0] = first
        for image, file in zip(x[1:], progress.track(files[1:], "reading images", unit="files"), strict=True):
            pixels = self._pixels(file, channels)
            if pixels.shape != image.shape:
                message = f"is {_size(pixels)} pixels large, {files[0]} is {_size(first)}"
                hint = "`resize: [32, 32]` brings all to one size; `resize: 32, crop: 32` keeps their proportions"
                raise DataError(Fault(message, hint=hint, file=str(file)))
            image[...] = pixels
        return listing.dataset(x)

    def _pixels(self, file: Path, channels: int) -> Array:
        """(channels, H, W) uint8."""
        with _opened(file) as image:
            image = _upright(image)
            image = self._sized(_of_channels(image, channels, file), file)
            pixels = np.asarray(image)
        return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)

    def _sized(self, image: Any, file: Path) -> Any:
        if self.resize is not None:
            width, height = self._resized(*image.size)
            claim(width * height * _RESIZED)
            image = image.resize((width, height), _pillow().Resampling.BICUBIC)
        if self.crop is None:
            return image
        (width, height), (rows, columns) = image.size, self.crop
        if height < rows or width < columns:
            message = f"is {width} × {height} pixels large, less than `crop: [{rows}, {columns}]` cuts out"
            hint = f"`resize: {max(rows, columns)}` before it makes the shorter side as long"
            raise DataError(Fault(message, hint=hint, file=str(file)))
        left, top = (width - columns) // 2, (height - rows) // 2
        return image.crop((left, top, left + columns, top + rows))

    def _resized(self, width: int, height: int) -> tuple[int, int]:
        """Width and height."""
        if isinstance(self.resize, tuple):
            return self.resize[1], self.resize[0]
        assert self.resize is not None
        shorter = min(width, height)
        return round(width * self.resize / shorter), round(height * self.resize / shorter)


def size_of(file: Path) -> tuple[int, int]:
    """Width and height of an image, turned as its camera says, without reading its pixels. Raises as `Folder.load`."""
    with _opened(file) as image:
        width, height = image.size
        turned = image.format in ("JPEG", "MPO") and image.getexif().get(_ORIENTATION, 1) >= _ON_ITS_SIDE
        return (height, width) if turned else (width, height)


def _pillow() -> Any:
    """Its module Image. Raises UsageError where it is not installed."""
    try:
        from PIL import Image
    except ImportError:
        hint = "pip install 'nncli[images]'"
        raise UsageError("folders of images are read by pillow, which is not installed", hint=hint) from None
    return Image


def _all_grey(files: Sequence[Path]) -> bool:
    for file in progress.track(files, "looking for colours", unit="files"):
        with _opened(file) as image:
            if image.mode not in _GREY:
                return False
    return True


@contextmanager
def _opened(file: Path) -> Iterator[Any]:
    """An image whose pixels are not read yet; whatever pillow raises while it is open becomes a DataError."""
    image_module = _pillow()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", image_module.DecompressionBombWarning)
            with image_module.open(file) as image:
                if image.format in _OTHER_PROGRAMS:
                    raise DataError(Fault(f"is a drawing ({image.format}), no image of pixels", file=str(file)))
                _check_claim(image.size, file)
                yield image
    except DataError:
        raise
    except (image_module.DecompressionBombWarning, image_module.DecompressionBombError):
        limit = image_module.MAX_IMAGE_PIXELS
        message = f"is too large: an image has {limit / 1e6:.0f} million pixels at most"
        raise DataError(Fault(message, hint="make it smaller, or leave it out", file=str(file))) from None
    except MemoryError as error:
        raise DataError(Fault(f"does not fit into memory: {reason(error)}", file=str(file))) from None
    except Exception as error:  # damaged images make pillow raise nearly anything
        raise _damaged(file, error) from None


def _check_claim(pixels: tuple[int, int], file: Path) -> None:
    """Raise DataError before memory is taken for more pixels (width, height) than a file of its size can hold."""
    (width, height), size = pixels, file.stat().st_size
    if width * height > max(_FEW_PIXELS, _PER_BYTE * size):
        message = f"the image is damaged: {width} × {height} pixels cannot come from {size:,} bytes"
        raise DataError(Fault(message, hint=_AGAIN, file=str(file)))


def _damaged(file: Path, error: Exception) -> DataError:
    try:
        with file.open("rb") as stream:
            begin = stream.read(8)
    except OSError as unreadable:
        return DataError(Fault(f"cannot be read: {reason(unreadable)}", file=str(file)))
    if not begin:
        return DataError(Fault("the file is empty", hint=_AGAIN, file=str(file)))
    if isinstance(error, _pillow().UnidentifiedImageError):
        message = f"is no image that pillow knows: it begins with {begin.hex(' ')}"
        if begin.isascii() and begin.decode("ascii").strip().isprintable():
            message = f"is no image but text: it begins with '{begin.decode('ascii').strip()}'"
        hint = 'leave it out: `files: ["*.png", "*.jpg"]` says what is read'
        return DataError(Fault(message, hint=hint, file=str(file)))
    return DataError(Fault(f"the image is damaged: {reason(error)}", hint=_AGAIN, file=str(file)))


def _upright(image: Any) -> Any:
    """Turned as its camera says; only photographs say so."""
    if image.format not in ("JPEG", "MPO") or image.getexif().get(_ORIENTATION, 1) == 1:
        return image
    from PIL import ImageOps

    return ImageOps.exif_transpose(image)


def _of_channels(image: Any, channels: int, file: Path) -> Any:
    """An image of pillow with 8 bits in each of 1 or 3 channels. Raises DataError where its numbers have more."""
    module = _pillow()
    if image.mode == "F" or (image.mode == "I" and image.format != "PNG"):
        message = "holds numbers of 32 bits, of which it does not say what is white"
        raise DataError(Fault(message, hint="save it with 8 or 16 bits", file=str(file)))
    if image.mode.startswith("I"):
        image = module.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if "transparency" in image.info or image.mode in ("LA", "La", "PA", "RGBA", "RGBa"):
        image = image.convert("RGBA")
        image = module.alpha_composite(module.new("RGBA", image.size, "white"), image)
    return image.convert("L" if channels == 1 else "RGB")


def _size(pixels: Array) -> str:
    return f"{pixels.shape[2]} × {pixels.shape[1]}"
