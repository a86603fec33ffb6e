"""Changed data files: of each kind some that are right, changed in their bytes and in what their parts say."""

from __future__ import annotations

import gzip
import io
import json
import random
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

import numpy as np

from tests.benchmarks.fuzz import octets, texts
from tests.benchmarks.fuzz.verdict import Answer, Ask
from tests.benchmarks.fuzz.workers import Case
from tests.data.files import cifar_bytes, idx_bytes
from tests.data.media import image, image_bytes, wav_bytes, wav_chunks

REAL = 0.1
"""Share of the files that can be read which are trained on."""
Change = Callable[[random.Random], bytes]
CONFIG = (
    "{input}data: {{train: {{{source}}}}}\nnetwork: [flatten, {{dense: {outputs}}}]\nloss: {loss}\noptimizer: sgd\n"
    "train: {{epochs: 1, batch: 8}}\n"
)


def config(source: str, given: str = "", outputs: int = 10, loss: str = "softmax_cross_entropy") -> str:
    return CONFIG.format(source=source, input=f"input: {given}\n" if given else "", outputs=outputs, loss=loss)


def commands(rng: random.Random, here: Path, text: str, paths: Sequence[Path]) -> Generator[Ask, Answer, None]:
    """What reads data: the checks, and for some a little training."""
    file = here / "case.yaml"
    file.write_text(text)
    size = sum(path.stat().st_size for path in paths)
    # samples become numbers of 4 or 8 bytes, whatever their file holds of them
    names, codes = ("/",), frozenset({0, 2, 3})
    end = yield Ask(("train", str(file), "--dry-run", "--json"), codes, names, size)
    if end.code == 2:
        # only where there are data, of another form than the network
        yield Ask(
            ("train", str(file), "--dry-run", "--set", "network=[flatten, {dense: 1000}]"), codes - {2}, names, size
        )
    if end.code or rng.random() > REAL or json.loads(end.out)["memory_bytes"] > 2**26:
        return
    yield Ask(("train", str(file), "--out", str(here / "run"), "--json"), codes | {4}, names, size)


def _one(
    suffix: str,
    made: Sequence[bytes],
    change: Callable[[random.Random, Sequence[bytes]], bytes],
    text: Callable[[random.Random], str],
) -> Case:
    """The format of single files, called a and the suffix."""

    def asked(rng: random.Random, here: Path) -> Generator[Ask, Answer, None]:
        path = here / f"a{suffix}"
        path.write_bytes(change(rng, made))
        yield from commands(rng, here, text(rng), [path])

    return asked


# -- NPZ ---------------------------------------------------------------------------------------------------------------


def npz(folder: Path) -> Case:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 17, (30, 4, 4)).astype(np.uint8), np.arange(30) % 10
    arrays = [
        {"x": x, "y": y},
        {"x": x.astype(np.float64), "y": y.astype(np.uint8)},
        {"x": np.asfortranarray(x.astype(">f4")), "y": y.astype(">i4")},
        {"x": x.reshape(30, 16).astype(np.float16), "y": y.astype(bool)},
    ]
    made = []
    for packed in (np.savez, np.savez_compressed):
        for named in arrays:
            stream = io.BytesIO()
            packed(stream, **named)
            made.append(stream.getvalue())
    members = [_member(array) for named in arrays for array in named.values()]

    def change(rng: random.Random, made: Sequence[bytes]) -> bytes:
        if rng.random() < 0.5:
            return octets.changed(rng, rng.choice(made), made)
        return _archive(rng, members)

    return _one(
        ".npz", made, change, lambda rng: config("npz: a.npz", rng.choice(["", "{shape: [1, 4, 4], classes: 10}"]))
    )


def _member(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array)
    return stream.getvalue()


_SHAPES = (
    "()",
    "(30,)",
    "(30, 4)",
    "(-1,)",
    "(0, 4)",
    "(30, 99999999999)",
    f"({2**62}, 2)",
    "(1e3,)",
    "(30, (4,))",
    "[30]",
    "(True,)",
    "30",
    "(30," + "1," * 40 + ")",
)
_TYPES = (
    "'<f4'",
    "'|O'",
    "'|V8'",
    "'<U3'",
    "'<c8'",
    "'>i8'",
    "'|b1'",
    "[('a', '<f4')]",
    "'<M8[D]'",
    "'<f16'",
    "3",
    "'<i4', 'x'",
    "('<f4', (99999,))",
    "[('a', '|O')]",
    "'<U99999999'",
)
_NAMES = ("x.npy", "y.npy", "x", "y", "../x.npy", "/x.npy", "x.npy/", "", "z.npy", "x.npy\0", "é.npy")


def _archive(rng: random.Random, members: Sequence[bytes]) -> bytes:
    """An archive of members that are changed in what they say of themselves; their checksums are right."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in ("x.npy", "y.npy", *([rng.choice(_NAMES)] if rng.random() < 0.3 else [])):
            content = rng.choice(members)
            if rng.random() < 0.6:
                content = _headed(rng, content)
            if rng.random() < 0.3:
                content = octets.changed(rng, content, head=128)
            if rng.random() < 0.05:
                content += bytes(rng.choice([10**6, 10**7]))  # packs well
            name = rng.choice(_NAMES) if rng.random() < 0.1 else name
            kinds = [
                zipfile.ZIP_STORED,
                zipfile.ZIP_DEFLATED,
                zipfile.ZIP_DEFLATED,
                zipfile.ZIP_BZIP2,
                zipfile.ZIP_LZMA,
            ]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of a name that stands twice
                archive.writestr(zipfile.ZipInfo(name), content, rng.choice(kinds))
    data = stream.getvalue()
    if rng.random() < 0.4:  # sizes, offsets and flags of the directory
        place = data.find(b"PK\x01\x02")
        data = data[:place] + octets.changed(rng, data[place:], head=46)
    if rng.random() < 0.1:
        data = b"#!/bin/sh\n" + data
    return data


def _headed(rng: random.Random, member: bytes) -> bytes:
    """The array behind another header."""
    length = struct.unpack("<H", member[8:10])[0]
    head, content = member[10 : 10 + length].decode("latin-1"), member[10 + length :]
    for _ in range(rng.choice([1, 1, 2])):
        match rng.randrange(4):
            case 0:
                head = head[: head.index("'shape': ") + 9] + rng.choice(_SHAPES) + ", }"
            case 1:
                head = (
                    "{'descr': " + rng.choice(_TYPES) + head[head.index(", 'fortran") :]
                    if ", 'fortran" in head
                    else head
                )
            case 2:
                head = texts.changed(rng, head, ("shape", "descr", "True", "0", "'"), 1)
            case _:
                head = head.replace("False", rng.choice(["True", "None", "2", "'x'"]))
        if "'shape': " not in head:
            break
    head = head.rstrip() + " " * rng.choice([0, 3, 60, 20000]) + "\n"
    raw = head.encode("utf-8", "replace")
    version = rng.choice([1, 1, 1, 2, 3, 4, 0]) if len(raw) < 65536 else 2
    size = struct.pack("<H" if version < 2 else "<I", len(raw))
    return b"\x93NUMPY" + bytes([version, 0]) + size + raw + content


# -- IDX ---------------------------------------------------------------------------------------------------------------


def idx(folder: Path) -> Case:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (30, 5, 4))
    plain = [idx_bytes(x.astype(kind)) for kind in ("u1", "i2", "i4", "f4", "f8")] + [
        idx_bytes(x.astype("i1").reshape(30, 20))
    ]
    labels = idx_bytes((np.arange(30) % 10).astype("u1"))

    def asked(rng: random.Random, here: Path) -> Generator[Ask, Answer, None]:
        content, other = rng.choice(plain), labels
        if rng.random() < 0.8:
            content = octets.changed(rng, content, [*plain, labels], head=16)
        else:
            other = octets.changed(rng, other, plain, head=8)
        if rng.random() < 0.4:
            content = gzip.compress(content, mtime=0)
            if rng.random() < 0.5:
                content = octets.changed(rng, content, plain, head=12)
            elif rng.random() < 0.2:
                content += gzip.compress(bytes(10 ** rng.randrange(8)), mtime=0)
        paths = [here / "images", here / "labels"]
        for path, data in zip(paths, (content, other), strict=True):
            path.write_bytes(data)
        text = config("idx: {images: images, labels: labels}", rng.choice(["", "{shape: [1, 5, 4], classes: 10}"]))
        yield from commands(rng, here, text, paths)

    return asked


# -- CIFAR-10 ----------------------------------------------------------------------------------------------------------


def cifar10(folder: Path) -> Case:
    images, labels = np.arange(6 * 3072).reshape(6, 3, 32, 32) % 251, np.arange(6)
    made = [cifar_bytes(images, labels), cifar_bytes(images, labels, labels + 20)]

    def change(rng: random.Random, made: Sequence[bytes]) -> bytes:
        data = rng.choice(made)
        if rng.random() < 0.3:
            return octets.changed(rng, data, made)
        record = 3073 if data is made[0] else 3074  # keep whole records, so that labels are looked at
        data = octets.changed(rng, data[:2], head=2)[:2].ljust(2, b"\0") + data[2:]
        return data + rng.choice([b"", data[:record], b"\0", data[:3073]])

    return _one(
        ".bin",
        made,
        change,
        lambda rng: config(rng.choice(["cifar10: a.bin", "cifar10: {path: a.bin, labels: 2}"]), outputs=120),
    )


# -- CSV ---------------------------------------------------------------------------------------------------------------

_TABLES = (
    "a,b,c,y\n" + "".join(f"{n},{n / 3:.3f},{'red' if n % 2 else 'blue'},{'uvw'[n % 3]}\n" for n in range(20)),
    "".join(f"{n}\t{n * n}\t{n % 4}\n" for n in range(30)),
    "".join(f"{n};{n / 7:.2f}".replace(".", ",") + ";text, and more;1\n" for n in range(12)),
    'id,text,part,y\n1,"a ""quoted"" one",train,2.5\n2,"two\nlines",test,1e3\n3,,train,-7\n4,x,train,0\n',
    "  1.0   2.0  3\n  4.0   5.0  6\n" * 5,
)
_FIELDS = (
    "csv: a.csv",
    "csv: {path: a.csv, target: y, categorical: [c]}",
    "csv: {path: a.csv, target: -1, missing: mean, ignore: [0]}",
    "csv: {path: a.csv, target: [0, 1], missing: drop, header: false}",
    "csv: {path: a.csv, target: y, split: part, categorical: [text], unknown: zeros, ignore: [id]}",
    "csv: {path: a.csv, separator: whitespace}",
    'csv: {path: a.csv, separator: ";", decimal: ",", categorical: [2]}',
    "csv: {path: a.csv, encoding: latin-1, skip: 1}",
)
_WORDS = (
    *texts.EXTREMES,
    '"',
    '""',
    ",",
    ";",
    "\t",
    "\n",
    "\r",
    "\r\n",
    "?",
    "NA",
    "1,5",
    "1e400",
    "١٢",
    "0x1f",
    "Infinity",
    "-",
    "1_0",
    "'",
)


def csv(folder: Path) -> Case:
    def asked(rng: random.Random, here: Path) -> Generator[Ask, Answer, None]:
        text = texts.changed(rng, rng.choice(_TABLES), _WORDS, rng.choice([1, 1, 2, 3, 5]))
        match rng.randrange(30):
            case 0:
                text = text.replace("\n", "," * rng.choice([10, 1000]) + "\n")
            case 1:
                text += rng.choice('a1,"') * rng.choice([1000, 200_000])
            case 2:
                text = text * rng.choice([2, 50])
        data = texts.encoded(rng, text)
        if rng.random() < 0.1:
            data = octets.changed(rng, data)
        path = here / "a.csv"
        path.write_bytes(data)
        loss = rng.choice(["softmax_cross_entropy", "least_squares"])
        outputs = 50 if loss.startswith("soft") else rng.choice([1, 1, 1, 2])
        yield from commands(rng, here, config(rng.choice(_FIELDS), outputs=outputs, loss=loss), [path])

    return asked


# -- images ------------------------------------------------------------------------------------------------------------


def images(folder: Path) -> Case:
    grey = image("L", 8, 6, lambda x, y: 30 * x + y)
    colour = image("RGB", 8, 6, lambda x, y: (x, y, 9))
    alpha = image("RGBA", 8, 6, lambda x, y: (x, y, 9, 40 * y))
    made = [
        *(
            image_bytes(one, "PNG")
            for one in (grey, colour, alpha, colour.quantize(5), grey.convert("1"), grey.convert("I;16"))
        ),
        *(image_bytes(one, "JPEG") for one in (grey, colour)),
        image_bytes(colour, "JPEG", progressive=True),
        image_bytes(colour, "PNG", save_all=True, append_images=[colour, alpha]),
        image_bytes(grey, "GIF", save_all=True, append_images=[grey, grey]),
        image_bytes(colour, "BMP"),
        image_bytes(colour, "TIFF"),
        image_bytes(grey, "TIFF", compression="tiff_deflate"),
        image_bytes(alpha, "WEBP"),
        image_bytes(colour, "PPM"),
        image_bytes(alpha, "ICO", sizes=[(8, 6)]),
        image_bytes(colour, "TGA"),
        image_bytes(colour, "PCX"),
        image_bytes(grey.convert("F"), "TIFF"),
    ]
    pngs = [data for data in made if data.startswith(b"\x89PNG")]

    def asked(rng: random.Random, here: Path) -> Generator[Ask, Answer, None]:
        paths = []
        for place, name in enumerate(("a/1.png", "b/2.jpg", "b/3")):
            (here / "i" / name).parent.mkdir(parents=True, exist_ok=True)
            data = made[1]
            if place == 0 or rng.random() < 0.2:
                data = (
                    _png(rng, rng.choice(pngs)) if rng.random() < 0.4 else octets.changed(rng, rng.choice(made), made)
                )
            paths.append(here / "i" / name)
            paths[-1].write_bytes(data)
        source = rng.choice(
            ["folder: i", "folder: {path: i, resize: [6, 8]}", "folder: {path: i, channels: 1, resize: 4, crop: 3}"]
        )
        given = "" if "crop" in source else rng.choice(["", "{shape: [3, 6, 8], classes: 2}"])
        yield from commands(rng, here, config(source, given), paths)

    return asked


def _png(rng: random.Random, data: bytes) -> bytes:
    """A PNG whose chunks are changed, put elsewhere, doubled or left out; their checksums are right."""
    chunks, place = [], 8
    while place < len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        chunks.append((data[place + 4 : place + 8], data[place + 8 : place + 8 + length]))
        place += 12 + length
    for _ in range(rng.choice([1, 1, 2, 3])):
        at = rng.randrange(len(chunks))
        kind, content = chunks[at]
        match rng.randrange(8):
            case 0 | 1:
                kind, content = chunks[0]
                size = struct.pack(
                    ">II", *(rng.choice([0, 1, 6, 8, 5000, 20000, 2**31 - 1, 2**32 - 1]) for _ in range(2))
                )
                form = bytes(
                    [rng.choice([1, 2, 4, 8, 16, 3]), rng.choice([0, 2, 3, 4, 6, 1]), 0, 0, rng.choice([0, 1])]
                )
                chunks[0] = (
                    kind,
                    (size if rng.random() < 0.7 else content[:8]) + (form if rng.random() < 0.5 else content[8:]),
                )
            case 2:
                chunks[at] = (kind, octets.changed(rng, content, head=32))
            case 3:
                packed = zlib.compress(bytes(rng.choice([0, 10, 10**6, 10**7])))
                chunks.insert(
                    at, (rng.choice([b"IDAT", b"zTXt", b"iCCP", b"iTXt"]), rng.choice([b"", b"k\0\0"]) + packed)
                )
            case 4:
                chunks.insert(rng.randrange(len(chunks) + 1), chunks[at])
            case 5:
                del chunks[at]
            case 6:
                chunks[at] = (
                    rng.choice([b"PLTE", b"tRNS", b"IEND", b"acTL", b"fcTL", b"fdAT", b"gAMA", b"eXIf", b"zzzz"]),
                    content,
                )
            case _:
                chunks[at] = (kind, octets.number(rng) * rng.choice([0, 1, 4]))
        if not chunks:
            break
    body = b"".join(struct.pack(">I", len(c)) + k + c + struct.pack(">I", zlib.crc32(k + c)) for k, c in chunks)
    return data[:8] + body


# -- WAV ---------------------------------------------------------------------------------------------------------------


def wav(folder: Path) -> Case:
    values = [0, 100, -100, 30, 7, -7, 1, 2]
    made = [
        wav_bytes(values),
        wav_bytes([abs(v) for v in values], width=1),
        wav_bytes(values, width=3),
        wav_bytes(values, width=4, channels=2),
        wav_chunks(3, 32, np.linspace(-1, 1, 8).astype("<f4").tobytes()),
        wav_chunks(3, 64, np.linspace(-1, 1, 8).tobytes(), channels=2),
        b"RIFX" + wav_bytes(values)[4:],
        b"RF64" + wav_bytes(values)[4:],
    ]

    def asked(rng: random.Random, here: Path) -> Generator[Ask, Answer, None]:
        paths = []
        for place, name in enumerate(("a/1.wav", "b/2.wav")):
            (here / "i" / name).parent.mkdir(parents=True, exist_ok=True)
            data = made[0]
            if place == 0 or rng.random() < 0.2:
                data = octets.changed(rng, rng.choice(made), made, head=44)
            paths.append(here / "i" / name)
            paths[-1].write_bytes(data)
        source = rng.choice(
            ["wav: i", "wav: {path: i, length: 8, align: centre}", "wav: {path: i, channels: 2, length: 5}"]
        )
        yield from commands(rng, here, config(source, rng.choice(["", "{shape: [1, 8], classes: 2}"])), paths)

    return asked


FORMATS: dict[str, Callable[[Path], Case]] = {
    "npz": npz,
    "idx": idx,
    "cifar10": cifar10,
    "csv": csv,
    "images": images,
    "wav": wav,
}
