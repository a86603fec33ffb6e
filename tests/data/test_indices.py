"""Data that a network reads as indices: whole numbers below a bound, or an error that names the row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nncli.data.dataset import Dataset, Origin
from nncli.errors import DataError

ORIGIN = Origin("words.npz", "x_train")


def dataset(*rows: list[Any]) -> Dataset:
    return Dataset.of(np.array(rows), None, ORIGIN)


@pytest.mark.parametrize("kind", [int, float])
def test_whole_numbers_below_the_bound(kind: type) -> None:
    dataset([kind(0), kind(4)], [kind(3), kind(1)]).check_indices(5)


@pytest.mark.parametrize("bad", [5, -1, 2.5])
def test_others_are_named_with_their_row(bad: float) -> None:
    with pytest.raises(DataError, match=rf"words.npz: x_train, row 1: the number {bad:g} is no index.*0 to 4"):
        dataset([0, 1], [4, bad], [9, 9]).check_indices(5)
