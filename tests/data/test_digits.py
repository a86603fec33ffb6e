"""The digits that ship with nncli: their facts, and that they can be made again."""

from __future__ import annotations

import hashlib
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nncli.data.splits import open_splits
from tests.data.files import DATASETS, ROOT, Section, needs_optdigits, source

DIGITS = ROOT / "data" / "digits.npz"
MAKE = ROOT / "data" / "make_digits.py"


def split(name: str) -> Any:
    return source("npz", path="digits.npz", x=f"x_{name}", y=f"y_{name}")


def test_facts() -> None:
    """Counts of the digits as the data's own description (optdigits.names, section 9) states them."""
    splits = open_splits(
        Section(split("train"), None, split("test")), base=DIGITS.parent, seed=0, kinds={"y": "classes"}
    )
    assert splits.test is not None
    assert (splits.train.x.shape, splits.test.x.shape) == ((3823, 1, 8, 8), (1797, 1, 8, 8))
    assert splits.classes == 10
    assert splits.train.x.dtype == np.uint8
    assert (splits.train.x.min(), splits.train.x.max()) == (0, 16)
    assert np.bincount(splits.train.t).tolist() == [376, 389, 380, 389, 387, 376, 377, 387, 380, 382]
    assert np.bincount(splits.test.t).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_nearest_neighbour_is_right_as_often_as_the_description_says() -> None:
    """98.00 % of the test images, by Euclidean distance: pixels, labels and splits belong together."""
    with np.load(DIGITS) as arrays:
        train, test = (arrays[name].reshape(-1, 64).astype(np.float64) for name in ("x_train", "x_test"))
        distance = (train**2).sum(axis=1) - 2 * test @ train.T
        right = arrays["y_train"][distance.argmin(axis=1)] == arrays["y_test"]
    assert round(100 * right.mean(), 2) == 98.00


def test_the_readme_has_the_checksum() -> None:
    assert hashlib.sha256(DIGITS.read_bytes()).hexdigest() in (ROOT / "data" / "README.md").read_text()


@needs_optdigits
def test_made_again_byte_for_byte(tmp_path: Path) -> None:
    result = tmp_path / "digits.npz"
    subprocess.run([sys.executable, MAKE, DATASETS / "optdigits", result], check=True)
    assert result.read_bytes() == DIGITS.read_bytes()


@pytest.mark.parametrize(
    ("rows", "message"),
    [(10, "expected 3823 rows of 65 numbers, found (10, 65)"), (3823, "pixels are 0 to 16 and labels 0 to 9")],
)
def test_other_files_are_refused(tmp_path: Path, rows: int, message: str) -> None:
    np.savetxt(tmp_path / "optdigits.tra", np.full((rows, 65), 17), fmt="%d", delimiter=",")
    main = runpy.run_path(str(MAKE))["main"]
    with pytest.raises(SystemExit) as caught:
        main([str(tmp_path), str(tmp_path / "out.npz")])
    assert caught.value.code == f"{tmp_path / 'optdigits.tra'}: {message}"
    assert not (tmp_path / "out.npz").exists()
