"""Other data are noticed, and what of them is other is said."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from nncli.data.dataset import Dataset, Origin, Target
from nncli.data.fingerprint import changes, fingerprint

X = np.arange(24, dtype=np.uint8).reshape(6, 4)
T = np.array([0, 1, 0, 1, 2, 2])


def dataset(x: Any = X, t: Any = T) -> Dataset:
    targets = {} if t is None else {"y": Target(t, Origin("d.npz", "labels"))}
    return Dataset.with_targets(x, Origin("d.npz", "pixels"), targets)


def said(before: Dataset, after: Dataset) -> list[str]:
    return [str(fault) for fault in changes(fingerprint({"train": before}), fingerprint({"train": after}))]


def test_it_is_the_digest_of_the_bytes() -> None:
    found = fingerprint({"train": dataset()})["train"]
    assert found["samples"] == {
        "file": "d.npz",
        "array": "pixels",
        "shape": [6, 4],
        "dtype": "uint8",
        "digest": hashlib.sha256(bytes(range(24))).hexdigest()[:32],
    }
    assert found["target y"]["digest"] == hashlib.sha256(T.tobytes()).hexdigest()[:32]


@pytest.mark.parametrize("dtype", ["bool", "int16", "float16", "float32", "float64"])
def test_of_any_type(dtype: str) -> None:
    x = X.astype(dtype)
    assert fingerprint({"a": dataset(x)})["a"]["samples"]["digest"] == hashlib.sha256(x.tobytes()).hexdigest()[:32]


class InItsFile:
    """Rows that are read two at a time."""

    shape, dtype = X.shape, X.dtype

    def blocks(self) -> Iterator[Any]:
        yield from np.split(X, 3)


def test_of_an_array_that_stays_in_its_file() -> None:
    streamed = replace(dataset(), x=InItsFile())  # type: ignore[arg-type]
    assert fingerprint({"a": streamed}) == fingerprint({"a": dataset()})


def test_equal_data() -> None:
    assert said(dataset(), dataset(X.copy())) == []
    moved = replace(dataset(), x_origin=Origin("elsewhere.npz", "pixels"))
    assert said(dataset(), moved) == []


def test_one_number_is_another() -> None:
    other = X.copy()
    other[5, 3] ^= 1
    (message,) = said(dataset(), dataset(other))
    assert message.startswith("d.npz: pixels, samples of train: the data have changed: as many as before, but others (")
    (message,) = said(dataset(), dataset(t=T[::-1].copy()))
    assert message.startswith("d.npz: labels, target y of train: the data have changed: as many")


def test_rows_in_another_order() -> None:
    assert len(said(dataset(), dataset(X[::-1].copy()))) == 1


def test_other_counts_shapes_and_types() -> None:
    messages = said(dataset(), dataset(X[:5], T[:5]))
    assert [message.partition("changed: ")[2] for message in messages] == ["6 samples then, 5 now"] * 2
    (message,) = said(dataset(), dataset(X.reshape(6, 1, 2, 2)))
    assert message.endswith("one of them had the shape [4], now [1, 2, 2]")
    (message,) = said(dataset(), dataset(X.astype(np.float32)))
    assert message.endswith("they were of type uint8, now float32")


def test_what_was_not_there() -> None:
    (message,) = said(dataset(), dataset(t=None))
    assert message.endswith("there were some, now there are none")
    (message,) = said(dataset(t=None), dataset())
    assert message.endswith("there were none, now there are some")
