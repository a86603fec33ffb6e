"""Folders of sounds against numbers that the standard library's wave wrote, and spectrograms against SciPy and DFTs."""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from nncli.data.batches import Loader, Preprocessing
from nncli.errors import DataError, ShapeError
from nncli.fields import Annotated, Choice
from nncli.parts import Array
from tests.data.files import DATASETS, dataset, source, step
from tests.data.media import sine, wav_bytes, wav_chunks, write

needs_sounds = pytest.mark.skipif(not (DATASETS / "fsdd-subset").is_dir(), reason="no sounds in ../shared/datasets")


def one(tmp_path: Path, content: bytes, **fields: Any) -> Array:
    write(tmp_path, {"c/a.wav": content})
    return np.asarray(source("wav", path=".", **fields).load(tmp_path).x)


@pytest.mark.parametrize("width", [2, 3, 4])
def test_pcm(tmp_path: Path, width: int) -> None:
    full = 2 ** (8 * width - 1)
    values = [0, 1, -1, full // 2, -full, full - 1]
    x = one(tmp_path, wav_bytes(values, width=width))
    assert (x.shape, x.dtype) == ((1, 1, 6), np.float32)
    assert x[0, 0].tolist() == [float(np.float32(value / full)) for value in values]


def test_bytes_have_their_silence_in_the_middle(tmp_path: Path) -> None:
    assert one(tmp_path, wav_bytes([128, 0, 255, 192], width=1))[0, 0].tolist() == [0, -1, 127 / 128, 0.5]


@pytest.mark.parametrize(("bits", "code"), [(32, "f"), (64, "d")])
def test_floating_point(tmp_path: Path, bits: int, code: str) -> None:
    values = [0.0, 0.1, -1.0, 1.5]
    x = one(tmp_path, wav_chunks(3, bits, struct.pack(f"<4{code}", *values)))
    assert x[0, 0].tolist() == [float(np.float32(value)) for value in values]


def test_channels(tmp_path: Path) -> None:
    content = wav_bytes([100, 300, -5, 5, 7, 8], channels=2)
    assert one(tmp_path, content)[0, 0].tolist() == [200 / 2**15, 0, 7.5 / 2**15]
    x = one(tmp_path, content, channels=2)
    assert (x * 2**15).tolist() == [[[100, -5, 7], [300, 5, 8]]]


@pytest.mark.parametrize(
    ("length", "align", "expected"),
    [
        (3, "start", [1, 2, 3]),
        (3, "centre", [2, 3, 4]),
        (3, "end", [3, 4, 5]),
        (8, "start", [1, 2, 3, 4, 5, 0, 0, 0]),
        (8, "centre", [0, 1, 2, 3, 4, 5, 0, 0]),
        (8, "end", [0, 0, 0, 1, 2, 3, 4, 5]),
        (5, "centre", [1, 2, 3, 4, 5]),
    ],
)
def test_length(tmp_path: Path, length: int, align: str, expected: list[int]) -> None:
    x = one(tmp_path, wav_bytes([1, 2, 3, 4, 5]), length=length, align=align)
    assert (x[0, 0] * 2**15).tolist() == expected


def test_classes(tmp_path: Path) -> None:
    write(
        tmp_path, {f"s/{name}.wav": wav_bytes([place]) for place, name in enumerate(["1_ann_0", "0_bob_3", "10_x_1"])}
    )
    data = source("wav", path="s", labels="{label}_*").load(tmp_path)
    assert data.shape == (1, 1)
    assert (data.x.ravel() * 2**15).tolist() == [1, 2, 0]
    assert data.target("y").array.tolist() == [0, 2, 1]
    assert data.target("y").names == ("0", "1", "10")
    only = source("wav", path="s", labels="*_{label}_?.wav", files=("*_0.wav", "*_1.wav")).load(tmp_path)
    assert only.target("y").names == ("ann", "x")


def test_chunks_that_are_not_known_are_left_out(tmp_path: Path) -> None:
    content = wav_bytes([1, 2, 3])
    more = content[:12] + b"note" + struct.pack("<I", 4) + b"abcd" + content[12:]
    more = more[:4] + struct.pack("<I", len(more) - 8) + more[8:]
    assert (one(tmp_path, more)[0, 0] * 2**15).tolist() == [1, 2, 3]


def test_a_header_that_claims_much_takes_no_memory(tmp_path: Path) -> None:
    content = bytearray(wav_bytes([1] * 100))
    place = content.index(b"data") + 4
    content[4:8] = content[place : place + 4] = struct.pack("<I", 2**32 - 2)
    tracemalloc.start()
    with pytest.raises(DataError, match=r"truncated|damaged"):
        one(tmp_path, bytes(content))
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()


@pytest.mark.parametrize(
    "fields", [{"length": 0}, {"align": "middle"}, {"channels": 0}, {"labels": "*"}, {"rate": "8k"}]
)
def test_faulty_fields(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Annotated[Any, Choice("source")]).validate_python({"wav": {"path": "i", **fields}})


# -- spectrograms ------------------------------------------------------------------------------------------------------


def filled(x: Array, *steps: Any, dtype: str = "float64", before: Array | None = None) -> Array:
    """All samples, batch first, after the steps, which were fitted to `before`."""
    fitted = Preprocessing.fit(steps, dataset(x if before is None else before))
    out = np.empty((*fitted.shape(x.shape[1:]), len(x)), dtype)
    Loader(dataset(x), fitted, dtype).fill(np.arange(len(x)), out)
    return np.moveaxis(out, -1, 0)


def spoken(n: int, length: int) -> Array:
    return np.random.default_rng(n).normal(0, 0.1, (n, length))


@pytest.mark.parametrize("place", [3, 20, 100])
def test_a_sine_has_its_peak_where_it_belongs(place: int) -> None:
    """A sine of amplitude 1 at the frequency of a bin has −6 dB there: |X| = ½."""
    x = np.array([sine(place * 8000 / 256, 4000)])
    image = filled(x, step("spectrogram", window=256, hop=128))
    assert image.shape == (1, 1, 129, 32)
    inner = image[0, 0, :, 1:-1]
    assert (inner.argmax(axis=0) == place).all()
    np.testing.assert_allclose(inner[place], 20 * np.log10(0.5), atol=1e-2)


@pytest.mark.parametrize(
    ("window", "hop", "kind", "length"),
    [
        (64, 16, "hann", 500),
        (64, None, "hamming", 512),
        (33, 33, "blackman", 400),
        (16, 5, "boxcar", 16),
        (9, 1, "hann", 70),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_spectrograms_are_those_of_scipy(window: int, hop: int | None, kind: str, length: int, dtype: str) -> None:
    signal = pytest.importorskip("scipy.signal")
    x = spoken(3, length)
    distance = hop or window // 2
    reference = signal.ShortTimeFFT(signal.get_window(kind, window), distance, 1.0, scale_to="magnitude")
    image = filled(x, step("spectrogram", window=window, hop=hop, kind=kind, floor=1e-6), dtype=dtype)
    spectra = reference.stft(x, p0=0, p1=image.shape[-1])
    expected = 10 * np.log10(np.abs(spectra) ** 2 + 1e-6)
    np.testing.assert_allclose(image[:, 0], expected, atol=2e-3 if dtype == "float32" else 1e-9)


def test_spectrograms_are_discrete_fourier_transforms() -> None:
    """Number by number from the definition, of the frame whose middle is at number 2 · 6, and of the first one."""
    x = spoken(1, 40)
    image = filled(x, step("spectrogram", window=8, hop=6, floor=1e-12))[0, 0]
    weights = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(8) / 8)
    padded = np.concatenate([np.zeros(4), x[0], np.zeros(4)])
    for frame in (0, 2, image.shape[1] - 1):
        part = weights * padded[6 * frame : 6 * frame + 8] / weights.sum()
        for k in range(5):
            value = sum(part[n] * np.exp(-2j * np.pi * k * n / 8) for n in range(8))
            assert image[k, frame] == pytest.approx(10 * np.log10(abs(value) ** 2 + 1e-12), abs=1e-8)


def test_shapes_of_sounds() -> None:
    """Channels stay apart, a vector is one of them, and the lowest frequencies are kept."""
    made = step("spectrogram", window=16, hop=4)
    x = spoken(6, 50)
    whole = filled(x, made)
    assert whole.shape == (6, 1, 9, 13) == (6, *made.shape((50,)))
    two = np.empty((2, 9, 13, 3))
    made.transform(np.moveaxis(x.reshape(3, 2, 50), 0, -1), two, {})
    np.testing.assert_array_equal(np.moveaxis(two, -1, 0).reshape(6, 9, 13), whole[:, 0])
    low = filled(x, step("spectrogram", window=16, hop=4, frequencies=3))
    np.testing.assert_array_equal(low, whole[:, :, :3])
    for shape, words in (((1, 5, 5), "takes a sound"), ((2, 15), "takes no sound of 15")):
        with pytest.raises(ShapeError, match=words):
            made.shape(shape)


@pytest.mark.parametrize(
    "fields", [{"hop": 300}, {"window": 1}, {"window": 64, "frequencies": 34}, {"floor": 0.0}, {"kind": "kaiser"}]
)
def test_faulty_spectrograms(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Annotated[Any, Choice("preprocess")]).validate_python({"spectrogram": fields})


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_steps_before_and_after(dtype: str) -> None:
    """Sounds twice as loud are 6 dB louder; standardized they have mean 0 and deviation 1 over samples and times."""
    x = spoken(40, 300)
    plain = step("spectrogram", window=32, floor=1e-12)
    louder = filled(x, step("scale", factor=2.0), plain, dtype=dtype) - filled(x, plain, dtype=dtype)
    np.testing.assert_allclose(louder, 20 * np.log10(2), atol=0.03)
    image = filled(x, plain, step("standardize"), dtype=dtype)
    assert abs(image.mean()) < 1e-4
    assert image.std() == pytest.approx(1, abs=1e-4)


def test_batches_are_the_same_whatever_their_size() -> None:
    x = spoken(50, 4000).astype(np.float32)
    made = (step("spectrogram", window=64), step("standardize", per="feature"))
    data = dataset(x)
    loader = Loader(data, Preprocessing.fit(made, data), "float32")
    shape = loader.preprocessing.shape((4000,))
    whole, single = np.empty((*shape, 50), np.float32), np.empty((*shape, 1), np.float32)
    loader.fill(np.arange(50), whole)
    for n in (0, 17, 49):
        loader.fill(np.array([n]), single)
        np.testing.assert_allclose(whole[..., n], single[..., 0], rtol=1e-6, atol=1e-6)


def test_a_batch_takes_no_memory_by_its_size() -> None:
    data = dataset(spoken(400, 4000).astype(np.float32))
    loader = Loader(data, Preprocessing.fit((step("spectrogram", window=64),), data), "float32")
    shape, peaks = loader.preprocessing.shape((4000,)), []
    for n in (400, 100):
        out, rows = np.empty((*shape, n), np.float32), np.arange(n)
        loader.fill(rows, out)
        tracemalloc.start()
        loader.fill(rows, out)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert abs(peaks[0] - peaks[1]) < 20_000, "300 sounds more are 4.8 MB"


@needs_sounds
def test_real_sounds() -> None:
    """Its own split, by the index that stands at the end of a name."""
    base = DATASETS / "fsdd-subset"
    common: dict[str, Any] = {"path": "recordings", "labels": "{label}_*", "length": 6000, "rate": 8000}
    test = source("wav", files=("*_[0-4].wav",), **common).load(base)
    train = source("wav", files=("*_[5-9].wav", "*_1?.wav"), **common).load(base)
    assert (test.x.shape, train.x.shape) == ((300, 1, 6000), (600, 1, 6000))
    assert np.bincount(train.target("y").array).tolist() == [60] * 10
    assert not {file.name for file in test.x_origin.files} & {file.name for file in train.x_origin.files}
