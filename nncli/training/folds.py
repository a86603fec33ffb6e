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
from nncli.errors import CheckpointError, Fault, OutputError, naming
from nncli.spec import load
from nncli.training import supervised
from nncli.training.events import Figures, Finished
from nncli.training.folders import free_folder
from nncli.training.loop import Run
from nncli.training.saving import LAST


def texts_of(texts: Sequence[str], number: int, of: int) -> list[str]:
    """The overrides of a run that holds out this fold, counted from 1."""
    return [*texts, f"data.fold={{number: {number}, of: {of}}}"]


class Folds:
    """The runs of a configuration on `of` folds, each in a subfolder of `folder`; each draws weights by the same seed.

    `finished` are those that are done, and one that was stopped. Nothing is written before the first run has been
    checked. With `resume` those go on that are in the folder `out`, and the others follow.

    Raises OutputError where `out` is there and has something in it, unless that goes on.
    """

    def __init__(
        self,
        config: Path,
        texts: Sequence[str],
        out: Path | None,
        of: int,
        planner: Planner = make_plan,
        resume: bool = False,
        allow_change: bool = False,
    ) -> None:
        self.config, self.texts, self.of, self.planner = config, texts, of, planner
        self.resume, self.allow_change = resume, allow_change
        self.folder = out or free_folder(load(config, texts).config.name)
        self.finished: list[Finished] = []
        with naming(self.folder, OutputError, "cannot make the run folder"):
            self._made = not self.folder.exists()
        if resume and not any(self.folder.glob("fold-*/last.h5")):
            hint = "give the folder that `train --folds` made, such as runs/NAME"
            raise CheckpointError(Fault("no folds in this folder", file=str(self.folder), hint=hint))
        if not resume and not self._made and (not self.folder.is_dir() or any(self.folder.iterdir())):
            hint = "choose another folder, or go on with the folds in it: --resume"
            raise OutputError(Fault("the folder exists and is not empty", file=str(self.folder), hint=hint))

    @contextmanager
    def open_run(self, number: int) -> Iterator[Run]:
        """The run of a fold, counted from 1."""
        try:
            texts = texts_of(self.texts, number, self.of)
            folder = self.folder / f"fold-{number}"
            goes_on = self.resume and (folder / LAST).exists()
            where = (folder, None) if goes_on else (None, folder)
            allow = self.allow_change and goes_on
            with supervised.open_run(self.config, where[0], texts, where[1], self.planner, allow) as run:
                yield run
        finally:
            if self._made:
                with contextlib.suppress(OSError):
                    self.folder.rmdir()

    @property
    def interrupted(self) -> bool:
        """Whether the last of them was stopped before its end."""
        return bool(self.finished) and self.finished[-1].reason in ("stopped", "time")

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
