"""Cross-validation: a run for each fold of the training data, in folders side by side, and what they amount to."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nncli.engine import make_plan
from nncli.engine.plan import Planner
from nncli.errors import Fault, OutputError
from nncli.spec import load
from nncli.training import supervised
from nncli.training.events import Figures, Finished
from nncli.training.folders import free_folder
from nncli.training.loop import Run


def texts_of(texts: Sequence[str], number: int, of: int) -> list[str]:
    """The overrides of a run that holds out this fold, counted from 1."""
    return [*texts, f"data.fold={{number: {number}, of: {of}}}"]


class Folds:
    """The runs of a configuration on `of` folds, each in a subfolder of `folder`; each draws weights by the same seed.

    `finished` are those that are done. Nothing is written before the first run has been checked.

    Raises OutputError where `out` is there and has something in it.
    """

    def __init__(
        self, config: Path, texts: Sequence[str], out: Path | None, of: int, planner: Planner = make_plan
    ) -> None:
        self.config, self.texts, self.of, self.planner = config, texts, of, planner
        self.folder = out or free_folder(load(config, texts).config.name)
        self.finished: list[Finished] = []
        self._made = not self.folder.exists()
        if not self._made and (not self.folder.is_dir() or any(self.folder.iterdir())):
            hint = "choose another folder: folds are no runs that go on"
            raise OutputError(Fault("the folder exists and is not empty", file=str(self.folder), hint=hint))

    @contextmanager
    def open_run(self, number: int) -> Iterator[Run]:
        """The run of a fold, counted from 1."""
        try:
            texts = texts_of(self.texts, number, self.of)
            with supervised.open_run(self.config, None, texts, self.folder / f"fold-{number}", self.planner) as run:
                yield run
        finally:
            if self._made:
                with contextlib.suppress(OSError):
                    self.folder.rmdir()

    def document(self) -> dict[str, Any]:
        """What `train --folds --json` prints: means over the folds that are done, deviations, and each fold."""
        return {
            "run": str(self.folder),
            "checkpoint": None,
            "best": None,
            "epochs": sum(one.epochs for one in self.finished),
            "steps": sum(one.steps for one in self.finished),
            "seconds": math.fsum(one.seconds for one in self.finished),
            "finished": self.finished[-1].reason,
            "metrics": self.means(),
            "deviations": self.deviations(),
            "folds": [supervised.document(one) for one in self.finished],
        }

    def means(self) -> dict[str, Figures]:
        return self._over_folds(lambda values: math.fsum(values) / len(values))

    def deviations(self) -> dict[str, Figures]:
        """Of the figures of single folds, estimated from these: the sum of squares is divided by one less than their
        number."""

        def deviation(values: list[float]) -> float:
            mean = math.fsum(values) / len(values)
            return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))

        return self._over_folds(deviation) if len(self.finished) > 1 else {}

    def _over_folds(self, of: Callable[[list[float]], float]) -> dict[str, Figures]:
        """Of the splits that all folds have."""
        splits = [split for split in self.finished[0].figures if all(split in one.figures for one in self.finished)]
        return {
            split: {
                name: of([one.figures[split][name] for one in self.finished])
                for name in self.finished[0].figures[split]
            }
            for split in splits
        }


__all__ = ["Folds", "texts_of"]
