"""Folders of images and sounds that cannot be read: the source, the files, the message, and its hint.

{d} stands for the folder that all is in; a message that ends with … may go on.
"""

from __future__ import annotations

import struct

from tests.data.media import grey, image, image_bytes, wav_bytes, wav_chunks

AGAIN = "copy it again, or leave it out"
SIZES = "`resize: [32, 32]` brings all to one size; `resize: 32, crop: 32` keeps their proportions"
NO_IMAGE = 'leave it out: `files: ["*.png", "*.jpg"]` says what is read'
NO_WAV = 'leave it out: `files: "*.wav"` says what is read'
CONVERT = "convert it first, as by `ffmpeg -i in.mp3 out.wav`"


def move(suffix: str) -> str:
    return f'move it elsewhere, or say with `files` which files are read: `files: "*{suffix}"`'


def bomb(width: int, height: int) -> bytes:
    """A PNG whose header claims so many pixels; its checksum is right."""
    import zlib

    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    good = grey()
    return good[:12] + chunk + struct.pack(">I", zlib.crc32(chunk)) + good[33:]


GOOD = grey()
BIG = image_bytes(image("L", 40, 30, lambda x, y: (x * y * 37) % 251))
JPEG = image_bytes(image("L", 40, 30, lambda x, y: (x * y * 37) % 251), "JPEG")
SOUND = wav_bytes([1, 2, 3, 4, 5, 6])
TWO = {"i/a/1.png": GOOD, "i/b/1.png": GOOD}
WAVS = {"i/a/1.wav": SOUND, "i/b/1.wav": SOUND}

Row = tuple[str, dict[str, bytes], str, str]

IMAGES: dict[str, Row] = {
    "no folder": (
        "folder: images",
        TWO,
        "{d}/images: no such folder",
        "paths in a configuration are relative to its own folder",
    ),
    "another folder": (
        "folder: image",
        {"images/a/1.png": GOOD},
        "{d}/image: no such folder",
        "did you mean 'images'?",
    ),
    "a file": ("folder: i.zip", {"i.zip": b"PK"}, "{d}/i.zip: is a file, not a folder", "unpack it first"),
    "nothing in it": ("folder: i", {"i/": b""}, "{d}/i: there are no files in this folder", ""),
    "files without classes": (
        "folder: i/a",
        TWO,
        "{d}/i/a: holds files, where each class is a folder of files",
        'for classes from file names `labels: "{label}_*"`, without classes `labels: null`',
    ),
    "file beside classes": (
        "folder: i",
        TWO | {"i/readme.txt": b"hello"},
        "{d}/i/readme.txt: is a file beside the folders of the classes",
        move(".txt"),
    ),
    "empty class": ("folder: i", TWO | {"i/c/": b""}, "{d}/i/c: there are no files in this folder", ""),
    "class without such files": (
        "folder: {path: i, files: '*.jpg'}",
        TWO,
        "{d}/i/a: there are no files in this folder whose names fit *.jpg",
        "that is what `files` says",
    ),
    "splits as classes": (
        "folder: i",
        {"i/test/a/1.png": GOOD, "i/train/a/1.png": GOOD},
        "{d}/i/test/a: is a folder where files of a class should be",
        "classes are the folders right inside `path`; did you mean '{d}/i/test'?",
    ),
    "unfit name": (
        "folder: {path: i, labels: '{label}_*'}",
        {"i/a_1.png": GOOD, "i/b.png": GOOD},
        '{d}/i/b.png: its name does not fit `labels: "{{label}}_*"`',
        move(".png"),
    ),
    "empty file": ("folder: i", TWO | {"i/b/2.png": b""}, "{d}/i/b/2.png: the file is empty", AGAIN),
    "text": (
        "folder: i",
        TWO | {"i/b/2.png": b"hello world, no pixels"},
        "{d}/i/b/2.png: is no image but text: it begins with 'hello wo'",
        NO_IMAGE,
    ),
    "no image": (
        "folder: {path: i, channels: 1}",
        TWO | {"i/b/2.png": b"\x7fELF\x02\x01\x01\x00"},
        "{d}/i/b/2.png: is no image that pillow knows: it begins with 7f 45 4c 46 02 01 01 00",
        NO_IMAGE,
    ),
    "a sound": (
        "folder: i",
        TWO | {"i/b/2.wav": SOUND},
        "{d}/i/b/2.wav: is no image that pillow knows: it begins with 52 49 46 46 30 00 00 00",
        NO_IMAGE,
    ),
    "cut PNG": (
        "folder: {path: i, channels: 3}",
        {"i/a/1.png": BIG, "i/a/2.png": BIG[:400]},
        "{d}/i/a/2.png: the image is damaged: …",
        AGAIN,
    ),
    "cut JPEG": (
        "folder: i",
        {"i/a/1.jpg": JPEG, "i/a/2.jpg": JPEG[:-200]},
        "{d}/i/a/2.jpg: the image is damaged: …",
        AGAIN,
    ),
    "cut header": ("folder: i", TWO | {"i/a/2.png": GOOD[:20]}, "{d}/i/a/2.png: …", AGAIN),
    "changed byte": (
        "folder: i",
        {"i/a/1.png": BIG[:200] + bytes([BIG[200] ^ 255]) + BIG[201:]},
        "{d}/i/a/1.png: the image is damaged: …",
        AGAIN,
    ),
    "bomb": (
        "folder: i",
        TWO | {"i/b/2.png": bomb(50_000, 50_000)},
        "{d}/i/b/2.png: is too large: an image has 89 million pixels at most",
        "make it smaller, or leave it out",
    ),
    "small bomb": (
        "folder: i",
        TWO | {"i/b/2.png": bomb(10_000, 10_000)},
        "{d}/i/b/2.png: is too large: an image has 89 million pixels at most",
        "make it smaller, or leave it out",
    ),
    "drawing": (
        "folder: i",
        {"i/a/1.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n%%EOF\n"},
        "{d}/i/a/1.eps: is a drawing (EPS), no image of pixels",
        "",
    ),
    "two sizes": (
        "folder: i",
        TWO | {"i/b/2.png": BIG},
        "{d}/i/b/2.png: is 40 × 30 pixels large, {d}/i/a/1.png is 3 × 2",
        SIZES,
    ),
    "two sizes after resize": (
        "folder: {path: i, resize: 4}",
        TWO | {"i/b/2.png": BIG},
        "{d}/i/b/2.png: is 5 × 4 pixels large, {d}/i/a/1.png is 6 × 4",
        SIZES,
    ),
    "too small": (
        "folder: {path: i, crop: 4}",
        {"i/a/1.png": BIG, "i/a/2.png": GOOD},
        "{d}/i/a/2.png: is 3 × 2 pixels large, less than `crop: [4, 4]` cuts out",
        "`resize: 4` before it makes the shorter side as long",
    ),
    "real numbers": (
        "folder: i",
        {"i/a/1.tiff": image_bytes(image("F", 3, 2, lambda x, y: 0.5), "TIFF")},
        "{d}/i/a/1.tiff: holds numbers of 32 bits, of which it does not say what is white",
        "save it with 8 or 16 bits",
    ),
    "unprintable name": (
        "folder: i",
        TWO | {"i/b/2\n.png": GOOD},
        "{d}/i/b/'2\\n.png': has a name that is no printable text",
        "rename it",
    ),
    "more classes than given": (
        "folder: i",
        {f"i/{name}/x.png": grey(2, 3) for name in "abcd"},
        "{d}/i/d/x.png: label 3, but the configuration's input.classes is 3: 0 to 2",
        "",
    ),
    "another shape": (
        "folder: i",
        {"i/a/1.png": BIG},
        "{d}/i: a sample is [1, 30, 40] (1200 numbers), the configuration's input.shape is [1, 3, 2] (6 numbers)",
        "",
    ),
}

SOUNDS: dict[str, Row] = {
    "no folder": (
        "wav: images",
        WAVS,
        "{d}/images: no such folder",
        "paths in a configuration are relative to its own folder",
    ),
    "empty class": ("wav: i", WAVS | {"i/c/": b""}, "{d}/i/c: there are no files in this folder", ""),
    "empty file": ("wav: i", WAVS | {"i/b/2.wav": b""}, "{d}/i/b/2.wav: the file is empty", AGAIN),
    "text": (
        "wav: i",
        WAVS | {"i/b/2.wav": b"hello world, no sound"},
        "{d}/i/b/2.wav: is no WAV file: it begins with 68 65 6c 6c 6f 20 77 6f",
        NO_WAV,
    ),
    "MP3": ("wav: i", WAVS | {"i/b/2.wav": b"ID3\x03" + bytes(90)}, "{d}/i/b/2.wav: is MP3, no WAV", CONVERT),
    "FLAC": ("wav: i", WAVS | {"i/b/2.flac": b"fLaC" + bytes(90)}, "{d}/i/b/2.flac: is FLAC, no WAV", CONVERT),
    "cut": (
        "wav: i",
        WAVS | {"i/b/2.wav": SOUND[:-4]},
        "{d}/i/b/2.wav: is truncated: it ends after 52 bytes, and its header speaks of more",
        AGAIN,
    ),
    "cut in a number": ("wav: i", WAVS | {"i/b/2.wav": SOUND[:-3]}, "{d}/i/b/2.wav: …", AGAIN),
    "cut header": ("wav: i", WAVS | {"i/b/2.wav": SOUND[:30]}, "{d}/i/b/2.wav: the sound is damaged: …", AGAIN),
    "another RIFF": (
        "wav: i",
        {"i/a/1.avi": SOUND.replace(b"WAVE", b"AVI ")},
        "{d}/i/a/1.avi: the sound is damaged: Not a WAV file. …",
        AGAIN,
    ),
    "no numbers": ("wav: i", {"i/a/1.wav": wav_bytes([])}, "{d}/i/a/1.wav: holds no sound: its length is 0", AGAIN),
    "compressed": (
        "wav: i",
        {"i/a/1.wav": wav_chunks(7, 8, bytes(8))},
        "{d}/i/a/1.wav: Unknown wave file format: MULAW. …",
        CONVERT,
    ),
    "no channels": (
        "wav: i",
        {"i/a/1.wav": wav_chunks(1, 16, bytes(8), channels=0)},
        "{d}/i/a/1.wav: the sound is damaged: …",
        AGAIN,
    ),
    "NaN": (
        "wav: i",
        {"i/a/1.wav": wav_chunks(3, 32, struct.pack("<2f", 1.0, float("nan")))},
        "{d}/i/a/1.wav: holds a number that is infinite or NaN",
        AGAIN,
    ),
    "beyond float32": (
        "wav: i",
        {"i/a/1.wav": wav_chunks(3, 64, struct.pack("<2d", 1.0, 1e300))},
        "{d}/i/a/1.wav: holds a number that is infinite or NaN",
        AGAIN,
    ),
    "two rates": (
        "wav: i",
        WAVS | {"i/b/2.wav": wav_bytes([1] * 6, rate=16000)},
        "{d}/i/b/2.wav: is sampled at 16000 Hz, {d}/i/a/1.wav at 8000",
        "bring all to one rate first, as by `ffmpeg -i in.wav -ar 8000 out.wav`",
    ),
    "another rate": (
        "wav: {path: i, rate: 16000}",
        WAVS,
        "{d}/i/a/1.wav: is sampled at 8000 Hz, `rate` says 16000",
        "bring all to one rate first, as by `ffmpeg -i in.wav -ar 16000 out.wav`",
    ),
    "two lengths": (
        "wav: i",
        WAVS | {"i/b/2.wav": wav_bytes([1] * 9)},
        "{d}/i/b/2.wav: has 9 numbers in each channel, {d}/i/a/1.wav has 6",
        "`length: 9` makes all equally long",
    ),
    "mono": (
        "wav: {path: i, channels: 2}",
        WAVS,
        "{d}/i/a/1.wav: has 1 channel, `channels` says 2",
        "`channels: 1` takes their mean",
    ),
    "stereo": (
        "wav: {path: i, channels: 3}",
        {"i/a/1.wav": wav_bytes([1] * 6, channels=2)},
        "{d}/i/a/1.wav: has 2 channels, `channels` says 3",
        "`channels: 1` takes their mean",
    ),
}
