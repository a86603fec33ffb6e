"""Which rows of the training data are held out: by share or count, by folds, and so that classes stay in proportion."""

from __future__ import annotations

import numpy as np

from nncli.data.dataset import Origin
from nncli.errors import DataError, Fault
from nncli.parts import Array
from nncli.randomness import generator


def draw(
    n: int, share: float, seed: int, split: str, origin: Origin, labels: Array | None = None
) -> tuple[Array, Array]:
    """Places of n rows that stay and that are held out, each in order; at least one of each.

    `share` is a share or a count. With `labels` (n,) every class has its part of both, up to one row. The same rows
    are drawn wherever the seed and the name of the split are the same.

    Raises DataError where nothing would be left.
    """
    count = share if isinstance(share, int) else max(1, round(share * n))
    if count >= n:
        what = {"validation": "validation data", "test": "test data"}[split]
        message = f"{n} samples, of which {count} are asked for as {what}: none is left to train on"
        raise DataError(Fault(message, origin.array, f"make `data.{split}` smaller", origin.file))
    rows = generator(seed, split).permutation(n)
    if labels is not None:
        rows = np.concatenate(_in_proportion(rows, labels[rows], count))
    return np.sort(rows[count:]), np.sort(rows[:count])


def fold(n: int, number: int, of: int, seed: int, origin: Origin, labels: Array | None = None) -> tuple[Array, Array]:
    """Places of n rows that stay and that this fold, counted from 1, holds out; every row is in one fold.

    Folds have equal sizes up to one row, with `labels` (n,) every class too. Raises DataError where there are fewer
    rows than folds.
    """
    if n < of:
        message = f"{n} samples cannot be cut into {of} folds"
        raise DataError(Fault(message, origin.array, "ask for fewer folds", origin.file))
    rows = generator(seed, "folds").permutation(n)
    if labels is not None:
        rows = rows[np.argsort(labels[rows], kind="stable")]
    held = np.arange(n) % of == number - 1
    return np.sort(rows[~held]), np.sort(rows[held])


def _in_proportion(rows: Array, labels: Array, count: int) -> tuple[Array, Array]:
    """`count` of the rows with every class in proportion, up to less than one row, and the others: each class has the
    whole part of its share, and the rows that are left go to the largest fractions."""
    counts = np.bincount(labels)
    whole, fraction = np.divmod(count * counts, len(rows))
    whole[np.argsort(-fraction, kind="stable")[: count - whole.sum()]] += 1
    order = np.argsort(labels, kind="stable")
    ranks = np.empty(len(rows), np.intp)
    ranks[order] = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    taken = ranks < whole[labels]
    return rows[taken], rows[~taken]
