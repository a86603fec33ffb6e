"""Small data of every kind, made here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.data.files import cifar_bytes, idx_bytes


def _rows(path: Path, n: int, header: str, *columns: Callable[[int], object]) -> Path:
    lines = [",".join(str(column(i)) for column in columns) for i in range(n)]
    path.write_text("\n".join([*([header] if header else []), *lines]) + "\n")
    return path


def _number(i: int) -> float:
    return (i * 37 % 101) / 7


def tiny(folder: Path) -> Path:
    columns = (_number, lambda i: "uvw"[i % 3], lambda i: "no" if i % 2 else "yes")
    return _rows(folder / "tiny.csv", 20, "a,kind,y", *columns)


def houses(folder: Path) -> Path:
    """A table of values to predict, with missing ones and a rare text."""
    columns = (_number, lambda i: "" if i % 50 == 3 else i % 7, lambda i: "rare" if i == 5 else "ab"[i % 2], _number)
    return _rows(folder / "houses.csv", 1200, "a,b,kind,price", *columns)


def uneven(folder: Path) -> Path:
    return _rows(folder / "uneven.data", 300, "", _number, _number, lambda i: "b" if i % 10 == 0 else "a")


def many_classes(folder: Path) -> Path:
    y = np.repeat(np.arange(1000), 5)
    np.savez(folder / "many.npz", x=np.random.default_rng(0).normal(size=(len(y), 6)) + y[:, None] / 100, y=y)
    return folder / "many.npz"


def signals(folder: Path) -> Path:
    """Long enough that the first convolution leaves places out."""
    rng = np.random.default_rng(0)
    x = np.sin(np.arange(3000) / 50 + rng.uniform(0, 6, (60, 1))).astype(np.float32)
    np.savez(folder / "signals.npz", x=x, y=np.arange(60) % 3)
    return folder / "signals.npz"


def channels(folder: Path) -> Path:
    x = np.random.default_rng(0).normal(size=(60, 3, 40)).astype(np.float32)
    np.savez(folder / "channels.npz", x_train=x, y_train=np.arange(60) % 2, x_test=x[:9], y_test=np.arange(9) % 2)
    return folder / "channels.npz"


def several_values(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    np.savez(folder / "several.npz", x=rng.normal(size=(150, 4)), y=rng.normal(size=(150, 3)))
    return folder / "several.npz"


def switches(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    np.savez(folder / "switches.npz", x=rng.normal(size=(150, 4)), y=rng.integers(0, 2, (150, 3)))
    return folder / "switches.npz"


def pixels(folder: Path) -> Path:
    """Rows of numbers that are images."""
    rng = np.random.default_rng(0)
    x = np.cumsum(np.cumsum(rng.normal(size=(120, 16, 16)), axis=1), axis=2).reshape(120, 256)
    np.savez(folder / "pixels.npz", x=x, y=np.arange(120) % 3)
    return folder / "pixels.npz"


def colours(folder: Path) -> Path:
    """Channels last."""
    x = np.random.default_rng(0).integers(0, 256, (60, 32, 40, 3)).astype(np.uint8)
    np.savez(folder / "colours.npz", images=x, labels=np.arange(60) % 2)
    return folder / "colours.npz"


def strips(folder: Path) -> Path:
    """Images of three rows: no stage halves them."""
    x = np.random.default_rng(0).integers(0, 256, (60, 3, 9)).astype(np.uint8)
    np.savez(folder / "strips.npz", x=x, y=np.arange(60) % 2)
    return folder / "strips.npz"


def idx(folder: Path) -> Path:
    for split, n in (("train", 60), ("t10k", 20)):
        x = np.random.default_rng(0).integers(0, 256, (n, 12, 12)).astype(np.uint8)
        (folder / f"{split}-images-idx3-ubyte").write_bytes(idx_bytes(x))
        (folder / f"{split}-labels-idx1-ubyte").write_bytes(idx_bytes((np.arange(n) % 4).astype(np.uint8)))
    return folder


def cifar(folder: Path) -> Path:
    x, y = np.random.default_rng(0).integers(0, 256, (20, 3, 32, 32)), np.arange(20) % 10
    for name in ("data_batch_1.bin", "data_batch_2.bin", "test_batch.bin"):
        (folder / name).write_bytes(cifar_bytes(x, y))
    return folder


def photos(folder: Path) -> Path:
    """Images of several sizes, in folders of splits, with a file that is none among them."""
    from tests.data.media import grey, write

    files = {
        f"photos/{split}/{name}/{i}.png": grey(20 + i % 3, 18, i)
        for split, count in (("train", 30), ("val", 4), ("test", 4))
        for name in ("cat", "dog")
        for i in range(count)
    }
    write(folder, files | {"photos/train/cat/notes.txt": b"text"})
    return folder / "photos"


def sounds(folder: Path) -> Path:
    from tests.data.media import wav_bytes, write

    files = {
        f"sounds/{'ab'[i % 2]}_{i:02}.wav": wav_bytes([(n * (i % 7 + 1)) % 999 for n in range(1500 + 40 * i)])
        for i in range(24)
    }
    write(folder, files)
    return folder / "sounds"


def clicks(folder: Path) -> Path:
    """Sounds too short for a spectrogram."""
    from tests.data.media import wav_bytes, write

    write(folder, {f"clicks/{'ab'[i % 2]}/{i}.wav": wav_bytes([i * n % 99 for n in range(200)]) for i in range(20)})
    return folder / "clicks"


MADE = {
    make.__name__: make
    for make in (
        tiny, houses, uneven, many_classes, signals, channels, several_values, switches, pixels, colours, strips, idx,
        cifar, photos, sounds, clicks,
    )
}  # fmt: skip
