"""What the data of a configuration are like: for `data info`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from nncli.data.batches import Preprocessing
from nncli.data.dataset import Dataset
from nncli.data.overview import Column, Figures, Known, Overview, columns, kept_bytes, overview
from nncli.data.splits import Kind, Splits, open_splits
from nncli.diagnostics.data import Context, judge_data
from nncli.errors import DataError, Fault, SpecError
from nncli.graph import Graph, build
from nncli.parts import Array, Shape
from nncli.spec import Loaded, LoadedGame, load_any
from nncli.spec.config import Config
from nncli.training.game.picturing import bounds_of
from nncli.training.game.setup import density_of
from nncli.training.objective import kinds_of, standardized

MOST_TARGETS = 8
"""Numbers of a target that have figures of their own."""
FLAT = 0.02
"""What may lie between a bound of an activation and where it counts as flat."""


class Info:
    """The data of a configuration, opened and looked at. `document` is what `data info --json` prints."""

    def __init__(self, loaded: Loaded | LoadedGame) -> None:
        self.loaded, self.config = loaded, loaded.config
        if self.config.data is None:
            loaded.require_data()
        if loaded.faults:
            raise SpecError(loaded.faults)
        assert self.config.data is not None
        self.data = self.config.data
        self.splits, self.kinds = _opened(loaded)
        scaled = standardized(self.config) if isinstance(self.config, Config) else ()
        self.preprocessing = Preprocessing.fit(self.data.preprocess, self.splits.train, scaled)
        self.graph = _graph(loaded, self.preprocessing.shape(self.splits.shape))
        self.density = density_of(loaded.config) if isinstance(loaded, LoadedGame) else None
        self.columns = columns(self.splits.fitted)
        self.overviews = self._overviews()
        self.names = self._names()
        self.document = self._document()

    @property
    def datasets(self) -> dict[str, Dataset]:
        """The splits that there are."""
        named = {"train": self.splits.train, "validation": self.splits.validation, "test": self.splits.test}
        return {name: dataset for name, dataset in named.items() if dataset is not None}

    @property
    def classed(self) -> str | None:
        """The target whose classes are counted."""
        return next((name for name, kind in self.kinds.items() if kind == "classes"), None)

    def _overviews(self) -> dict[str, Overview]:
        found: dict[str, Overview] = {}
        train: Known | None = None
        for name, dataset in self.datasets.items():
            found[name], known = overview(dataset, self.kinds, self.splits.classes, self.preprocessing, train)
            train = train or known
        return found

    def _names(self) -> tuple[str, ...]:
        """Of all classes that have samples; their numbers, where the data do not name them."""
        if self.classed is None:
            return ()
        known = self.splits.class_names
        count = max(len(one.counts[self.classed]) for one in self.overviews.values())
        return tuple(known[number] if number < len(known) else str(number) for number in range(count))

    # -- the document --------------------------------------------------------------------------------------------------

    def _document(self) -> dict[str, Any]:
        findings = judge_data(self.overviews, self._context())
        return {
            "name": self.config.name,
            "kind": "gan" if isinstance(self.loaded, LoadedGame) else "supervised",
            "shape": list(self.splits.shape),
            "splits": {name: self._split(name, dataset) for name, dataset in self.datasets.items()},
            "preprocess": [step.type_name for step in self.data.preprocess],
            "augment": [step.type_name for step in self.data.augment],
            "endless": self.density is not None,
            "classes": self._classes(),
            "targets": self._targets(),
            "columns": [self._column(column) for column in self._all_columns()],
            "missing": self._missing(),
            "dropped_rows": self.splits.dropped,
            "findings": [{"kind": f.kind, "evidence": f.evidence, "remedy": f.remedy} for f in findings],
        }

    def _split(self, name: str, dataset: Dataset) -> dict[str, Any]:
        one = self.overviews[name]
        after = {"shape": list(one.taken.shape), **_figures(one.taken)} if self.data.preprocess else None
        return {
            "source": self._source(name),
            "from": str(dataset.x_origin),
            "samples": len(dataset),
            "dtype": str(dataset.x.dtype),
            "bytes": kept_bytes(dataset),
            **_figures(one.stored),
            "after_preprocessing": after,
            "repeats": one.repeats,
            "in_train": None if name == "train" else one.known,
        }

    def _source(self, name: str) -> str:
        """The type of the source that a split has, or how it was drawn from the training samples."""
        if name == "test" and self.data.fold is not None:
            return f"fold {self.data.fold.number} of {self.data.fold.of}"
        source: Any = getattr(self.data, name)
        if source is None:
            return "a column of train"
        if isinstance(source, float):
            return f"{source:.4g} of train"
        return "of train" if isinstance(source, int) else str(source.type_name)

    def _classes(self) -> dict[str, Any] | None:
        """Samples of each class by split; of the training split how many times as many the largest has as the smallest,
        and its share: how often one is right who always says it."""
        if self.classed is None:
            return None
        counts = {name: _padded(one.counts[self.classed], len(self.names)) for name, one in self.overviews.items()}
        most, least = max(counts["train"]), min(counts["train"])
        return {
            "names": list(self.names),
            "counts": counts,
            "ratio": most / least if least else None,
            "majority": most / sum(counts["train"]),
        }

    def _targets(self) -> list[dict[str, Any]]:
        """Targets that are values: of a few numbers each of them, of more all together."""
        found = []
        for name, kind in self.kinds.items():
            if kind != "values":
                continue
            target, scaled = self.splits.train.target(name), name in self.preprocessing.scales
            called = target.origin.array.removeprefix("column ").strip("'") or name
            names = called.split(", ")
            size = math.prod(target.shape)
            if size > MOST_TARGETS:
                splits = {split: _figures(one.values[name]) for split, one in self.overviews.items()}
                found.append({"name": called, "standardized": scaled, "splits": splits})
                continue
            for place in range(size):
                splits = {split: _figures_at(one.values[name], place) for split, one in self.overviews.items()}
                own = names[place] if len(names) == size else f"{called} {place}"
                found.append({"name": own, "standardized": scaled, "splits": splits})
        return found

    def _all_columns(self) -> list[Column]:
        """Those of a table; of other vectors their numbers."""
        if self.columns or len(self.splits.shape) != 1:
            return self.columns
        return [Column(str(place), slice(place, place + 1)) for place in range(self.splits.shape[0])]

    def _column(self, column: Column) -> dict[str, Any]:
        stored, place = self.overviews["train"].stored, column.place
        missing = self.splits.gaps.get("train", {}).get(column.name, 0)
        document: dict[str, Any] = {"name": column.name, "missing": missing, "categories": None}
        if column.categories:
            counts = np.rint(stored.mean[place] * stored.samples).astype(int)
            return document | {"categories": dict(zip(column.categories, counts.tolist(), strict=True))}
        return document | _figures_at(stored, place.start)

    def _missing(self) -> list[dict[str, Any]]:
        """Columns with missing values: how many in each split, what is done about them, and what is put in."""
        strategy = getattr(self.data.train, "strategy", None)
        return [
            {
                "column": column.name,
                "counts": {split: gaps.get(column.name, 0) for split, gaps in self.splits.gaps.items()},
                "strategy": strategy(column.name) if strategy is not None else None,
                "filled_with": column.fill,
            }
            for column in self.columns
            if any(column.name in gaps for gaps in self.splits.gaps.values())
        ]

    def _context(self) -> Context:
        data, graph = self.data, self.graph
        terms = self.config.loss if isinstance(self.config, Config) else ()
        values = [term.target or name for term in terms for name in self.kinds if term.part.span is None]
        first = next((n.type for n in graph.nodes), "") if graph is not None else ""
        return Context(
            columns=self.columns,
            gaps=self.splits.gaps,
            names=self.splits.class_names,
            drawn=tuple(name for name in ("validation", "test") if self._is_drawn(name)),
            stratified=data.stratified,
            indices=graph is not None and graph.indices is not None,
            normalized=first == "batch_norm",
            weighs=any(getattr(term.part, "class_weights", None) is not None for term in terms),
            sorted_=not data.shuffle and self._is_sorted(),
            scalable=tuple(name for name in values if name not in self.preprocessing.scales),
            bounds=_reach(graph) if isinstance(self.loaded, LoadedGame) and graph is not None else None,
            density=self.density is not None,
        )

    def _is_drawn(self, name: str) -> bool:
        return isinstance(getattr(self.data, name), int | float) or (name == "test" and self.data.fold is not None)

    def _is_sorted(self) -> bool:
        """Whether each class of the training split comes in one piece."""
        if self.classed is None:
            return False
        train = self.splits.train
        labels = train.target(self.classed).array
        labels = labels if train.rows is None else labels[train.rows]
        pieces = 1 + int(np.count_nonzero(labels[1:] != labels[:-1]))
        return 1 < pieces == len(np.unique(labels))


def data_info(path: Path, texts: Sequence[str] = ()) -> Info:
    """The data of a configuration, of a network or of a game.

    Raises SpecError with all faults of the file, DataError where its data are unreadable.
    """
    return Info(load_any(path, texts))


def _opened(loaded: Loaded | LoadedGame) -> tuple[Splits, Mapping[str, Kind]]:
    """The splits, and the targets that can be looked at: those that the losses take, without losses all there are."""
    config = loaded.config
    kinds = kinds_of(config) if isinstance(config, Config) else {}
    assert config.data is not None
    splits = open_splits(config.data, base=loaded.base, seed=config.seed, kinds=kinds, given=config.input)
    if kinds:
        return splits, kinds
    named = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    guessed: dict[str, Kind] = {}
    for name in splits.train.targets:
        try:
            changed = {split: one.labelled(name) for split, one in named.items() if one is not None}
            guessed[name] = "classes"
            named = {split: changed.get(split) for split in named}
        except DataError:
            guessed[name] = "values"
    train = named["train"]
    assert train is not None
    names = next((target.names for target in train.targets.values() if target.names), ())
    guessed = {name: guessed[name] for name in sorted(guessed, key=lambda name: guessed[name])}
    changed_splits = replace(splits, train=train, validation=named["validation"], test=named["test"], class_names=names)
    return changed_splits, guessed


def _graph(loaded: Loaded | LoadedGame, shape: Shape) -> Graph | None:
    """The network that reads the data, of a game the generator that makes their like; None where it is faulty."""
    faults: list[Fault] = []
    if isinstance(loaded, LoadedGame):
        return build(loaded.config.generator, (loaded.config.latent.dim,), loaded.document, faults)
    config = loaded.config
    names = [spec.name for spec in config.network]
    graph = build(config.network, shape, loaded.document, faults, config.groups, names)
    return None if faults else graph


def _reach(graph: Graph) -> tuple[float, float] | None:
    """What a generator's samples lie between. An activation counts as flat a little before its bounds, which are whole
    numbers unless they are chosen."""
    flat = bounds_of(graph)
    if flat is None:
        return None
    low, high = (round(end) if abs(end - round(end)) <= FLAT else end for end in flat)
    return low, high


def _figures(figures: Figures) -> dict[str, float]:
    values = {"min": figures.minimum, "max": figures.maximum, "mean": figures.centre, "deviation": figures.deviation}
    return {name: float(value) for name, value in values.items()}


def _figures_at(figures: Figures, place: int) -> dict[str, float]:
    """Of one number of a sample."""
    values = {"min": figures.low, "max": figures.high, "mean": figures.mean, "deviation": figures.std}
    return {name: float(array[place]) for name, array in values.items()}


def _padded(counts: Array, size: int) -> list[int]:
    return [int(count) for count in counts] + [0] * (size - len(counts))
