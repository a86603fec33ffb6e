"""Names of files, folders and arrays: which split and which role they speak of."""

from __future__ import annotations

import re
from collections.abc import Iterable

SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "t10k", "eval", "te"), "test"),
}
"""Words for splits, in small letters."""
SAMPLES = ("x", "images", "image", "data", "features", "inputs", "input", "samples", "signals", "imgs")
TARGETS = ("y", "labels", "label", "targets", "target", "classes", "class", "t", "outputs", "output")
_WORD = re.compile(r"t10k|[a-z]+[0-9]*|[0-9]+", re.IGNORECASE)
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def words(name: str) -> list[str]:
    """The words of a name in small letters: `xTrain`, `x_train` and `X-train` are x and train."""
    return [word.lower() for word in _WORD.findall(_HUMP.sub(" ", name))]


def split_of(name: str) -> tuple[str | None, str]:
    """The split that a name speaks of, and the rest of it: `x_train` gives train and x, `xtest` test and x."""
    found, rest = None, []
    for word in words(name):
        if word in SPLITS and found is None:
            found = SPLITS[word]
        else:
            rest.append(word)
    whole = "_".join(rest)
    if found is None and whole[:1] in ("x", "y") and whole[1:] in SPLITS:
        return SPLITS[whole[1:]], whole[:1]
    return found, whole


def first_of(names: Iterable[str], known: Iterable[str]) -> str | None:
    """The first known name that is there."""
    there = set(names)
    return next((name for name in known if name in there), None)
