"""What sources of several splits hold, and a test split that the user names in the place of the one that was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from nncli.data.dataset import Dataset
from nncli.data.detect._sight import Detector, Form, Goal, Sight, Wanted
from nncli.errors import UsageError
from nncli.parts import Shape


def sight_of(kind: str, sources: Mapping[str, Any], train: Dataset, form: Form, shape: Shape, goal: Goal) -> Sight:
    """Of sources by split, whose training data were read already; the others are read here.

    Raises DataError where one of them cannot be.
    """
    samples = {split: len(source.load(Path())) for split, source in sources.items() if split != "train"}
    return Sight(
        kind,
        sources["train"],
        form,
        shape,
        train.shape,
        goal,
        {"train": len(train), **samples},
        sources.get("validation"),
        sources.get("test"),
    )


def splits_of(sight: Sight, detector: Detector, wanted: Wanted) -> Sight:
    """With the test split from where it is wanted. Raises UsageError where it cannot come from there."""
    if "test" in sight.within:
        message = "a column of the table says which rows are for testing, --test says another split"
        raise UsageError(message, hint="leave --test out")
    if wanted.share is not None:
        _check_share(wanted.share, sight.samples["train"])
        samples = {split: n for split, n in sight.samples.items() if split != "test"}
        return replace(sight, test=wanted.share, samples=samples)
    if wanted.path is not None:
        test = detector.beside(sight.train, wanted.path.resolve())
        loaded: Any = test.load(Path())
        return replace(sight, test=test, samples={**sight.samples, "test": len(loaded)})
    if not hasattr(sight.train, "files"):
        raise UsageError(
            f"--test '{wanted.pattern}' is a pattern of file names, and {sight.kind} data are no folder of files",
            hint="give a share such as 0.2, or a path",
        )
    return sight


def _check_share(share: float, n: int) -> None:
    if not (0 < share < 1 or (isinstance(share, int) and 1 <= share < n)):
        raise UsageError(
            f"--test {share:g} is neither a share between 0 and 1 nor a count below {n}", hint="such as --test 0.2"
        )
