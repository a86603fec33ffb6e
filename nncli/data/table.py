"""Tables: columns of numbers and of texts, and what is learned from the training split to make samples of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import numpy as np

from nncli.data.dataset import LIMIT, TARGET, Dataset, Origin, Target, missing_target
from nncli.errors import CheckpointError, DataError, Fault
from nncli.parts import Array

Strategy: TypeAlias = Literal["error", "mean", "median", "most_frequent", "drop"] | float
"""What is done about a missing value; a number is put in its place."""
State: TypeAlias = Mapping[str, Mapping[str, Array]]
"""What was learned, as a checkpoint keeps it in `/preprocess`."""
MOST_CATEGORIES = 1000
"""Categories of a column, and classes: each becomes a number of every sample, so that memory stays in proportion."""
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Numbers:
    """A column (n,) of float64; what is missing is NaN."""

    name: str
    values: Array
    missing: Strategy = "error"

    @property
    def gaps(self) -> Array:
        return np.isnan(self.values)

    def picked(self, rows: Array) -> Numbers:
        return replace(self, values=self.values[rows])


@dataclass(frozen=True, slots=True)
class Texts:
    """A column of texts: (n,) numbers of `texts`, -1 where one is missing."""

    name: str
    codes: Array
    texts: tuple[str, ...]
    missing: Strategy = "error"
    unknown: Literal["error", "zeros"] = "error"

    @property
    def gaps(self) -> Array:
        return self.codes < 0

    def picked(self, rows: Array) -> Texts:
        return replace(self, codes=self.codes[rows])


@dataclass(frozen=True, slots=True)
class Either:
    """A target's column, as numbers and as texts: the loss decides which of them it is.

    `values` is None where some text is no number: `wrong` is the first such text, in the line `line`. `texts` is None
    where there are more different texts than classes may be.
    """

    name: str
    values: Array | None
    texts: Texts | None
    line: int = 0
    wrong: str = ""

    @property
    def gaps(self) -> Array:
        if self.texts is not None:
            return self.texts.gaps
        return np.isnan(self.values) if self.values is not None else np.zeros((), dtype=bool)

    def picked(self, rows: Array) -> Either:
        values = None if self.values is None else self.values[rows]
        return replace(self, values=values, texts=None if self.texts is None else self.texts.picked(rows))


@dataclass(frozen=True, slots=True)
class Encoding:
    """What makes samples of a table, learned from the training split.

    names         the columns that are read, in order
    fills         what stands in for a missing value of each: a number, or of texts the number of a category; NaN: none
    categories    of each column the texts that have a number of their own in a sample; () for columns of numbers
    labels        the names of the classes of each target that is class numbers
    """

    names: tuple[str, ...]
    fills: tuple[float, ...]
    categories: tuple[tuple[str, ...], ...]
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Numbers of a sample."""
        return sum(len(texts) or 1 for texts in self.categories)

    def state(self) -> dict[str, dict[str, Array]]:
        """The opposite of `restore`; names are kept as values, because any text may be one."""
        categories = {str(place): _texts(texts) for place, texts in enumerate(self.categories) if texts}
        return {
            "columns": {"names": _texts(self.names), "fills": np.array(self.fills, dtype=np.float64)},
            **({"categories": categories} if categories else {}),
            **labels_state(self.labels),
        }

    @classmethod
    def restore(cls, state: State) -> Encoding | None:
        """From `state`; None where it has no table. Raises CheckpointError where something of it is missing."""
        if "columns" not in state:
            return None
        texts, classes = state.get("categories", {}), restored_labels(state)
        try:
            names, fills = _tuple(state["columns"]["names"]), tuple(map(float, state["columns"]["fills"]))
        except (KeyError, TypeError, ValueError) as error:
            raise _incomplete(error) from None
        if len(fills) != len(names):
            message = f"{len(fills)} fillings for {len(names)} columns of a table"
            raise CheckpointError(Fault(message, "/preprocess/columns"))
        return cls(names, fills, tuple(_tuple(texts.get(str(place), ())) for place in range(len(names))), classes)


def labels_state(labels: Mapping[str, tuple[str, ...]]) -> dict[str, dict[str, Array]]:
    """Names of classes, by target, as a checkpoint keeps them; empty where there are none."""
    kept = {str(place): _texts(names) for place, names in enumerate(labels.values())}
    return {"labels": {"targets": _texts(tuple(labels)), **kept}} if labels else {}


def restored_labels(state: State) -> dict[str, tuple[str, ...]]:
    """The opposite of `labels_state`. Raises CheckpointError where names are missing."""
    labels = state.get("labels", {})
    try:
        return {name: _tuple(labels[str(place)]) for place, name in enumerate(_tuple(labels.get("targets", ())))}
    except (KeyError, TypeError) as error:
        raise _incomplete(error) from None


def _incomplete(error: Exception) -> CheckpointError:
    return CheckpointError(Fault(f"what was learned of the data is incomplete: {error}", "/preprocess"))


@dataclass(frozen=True, slots=True)
class Table:
    """n rows of a file that hold samples once it is known what the training split is.

    `lines` (n,) says where in the file each row begins. `parts` are the rows of the splits, where a column of the file
    says them. `dropped` is how many rows of the file are left out, because a value is missing.
    """

    origin: Origin
    lines: Array
    features: Sequence[Numbers | Texts]
    targets: Mapping[str, Sequence[Either]]
    parts: Mapping[str, Array] = field(default_factory=dict)
    dropped: int = 0

    def __len__(self) -> int:
        return len(self.lines)

    def gaps(self, rows: Array | None) -> dict[str, int]:
        """How many of these rows (None: of all) have no value, by the name of the column; columns without gaps are left
        out."""
        everywhere = slice(None) if rows is None else rows
        counts = {column.name: int(np.count_nonzero(column.gaps[everywhere])) for column in self.features}
        return {name: count for name, count in counts.items() if count}

    # -- learning ------------------------------------------------------------------------------------------------------

    def fit(self, rows: Array, kinds: Mapping[str, str]) -> Encoding:
        """Learn from these rows. Names of classes are those of the whole file: they are no property of a sample.

        Raises DataError where there is nothing to learn from.
        """
        fills, categories = [], []
        for column in self.features:
            fill, texts = self._fit_numbers(column, rows) if isinstance(column, Numbers) else _fit_texts(column, rows)
            fills.append(fill)
            categories.append(texts)
        labels = {name: self.labels(name)[1] for name, kind in kinds.items() if kind == "classes"}
        return Encoding(tuple(column.name for column in self.features), tuple(fills), tuple(categories), labels)

    def _fit_numbers(self, column: Numbers, rows: Array) -> tuple[float, tuple[str, ...]]:
        strategy = column.missing
        if strategy in ("error", "drop"):
            return np.nan, ()
        if not isinstance(strategy, str):
            return float(strategy), ()
        values = column.values[rows]
        values = values[~np.isnan(values)]
        if not len(values):
            what = strategy.replace("_", " ")
            message = f"the training split has no value to take the {what} of"
            raise DataError(_fault(self.origin, column.name, message, "leave it out: `ignore`"))
        if strategy == "most_frequent":
            different, counts = np.unique(values, return_counts=True)
            return float(different[np.argmax(counts)]), ()
        return float(np.mean(values) if strategy == "mean" else np.median(values)), ()

    def labels(self, target: str) -> tuple[Array, tuple[str, ...]]:
        """Class numbers (n,) of a target and the names of its classes: in order of size if they are numbers.

        Raises DataError that names the line of a missing label, or says why there are no classes.
        """
        column = self._one(target)
        texts, values = column.texts, column.values
        hint = "for values choose a loss such as `least_squares`"
        if texts is None:
            message = f"holds more than {MOST_CATEGORIES} different labels"
            raise DataError(_fault(self.origin, column.name, message, hint))
        self._refuse_gaps(column.name, texts.gaps, "label")
        if values is not None and not np.array_equal(values, np.trunc(values)):
            row = int(np.argmax(values != np.trunc(values)))
            message = f"the label {values[row]:g} is no whole number"
            raise DataError(_fault(self.origin, column.name, message, hint, self._line(row)))
        if values is not None:
            self._refuse_infinite(Numbers(column.name, values))
        canonical = [_canonical(text) for text in texts.texts] if values is not None else list(texts.texts)
        names = in_order(set(canonical))
        place = {name: number for number, name in enumerate(names)}
        return np.array([place[name] for name in canonical], dtype=np.intp)[texts.codes], names

    # -- samples -------------------------------------------------------------------------------------------------------

    def encode(self, encoding: Encoding, kinds: Mapping[str, str]) -> Dataset:
        """All rows as samples. Raises DataError with a fault for each column that does not fit."""
        columns = self._in_order(encoding)
        x = np.zeros((len(self), encoding.size))
        faults: list[Fault] = []
        start = 0
        for column, fill, texts in zip(columns, encoding.fills, encoding.categories, strict=True):
            width = len(texts) or 1
            part = x[:, start : start + width]
            try:
                if isinstance(column, Numbers) and not texts:
                    self._encode_numbers(column, fill, part[:, 0])
                elif isinstance(column, Texts) and texts:
                    self._encode_texts(column, fill, texts, part)
                else:
                    kind = "categories" if texts else "numbers"
                    raise DataError(_fault(self.origin, column.name, f"held {kind} in training", "write it alike"))
            except DataError as error:
                faults += error.faults
            start += width
        if faults:
            raise DataError(faults)
        targets = {name: self._target(name, kind, encoding.labels.get(name)) for name, kind in kinds.items()}
        return Dataset.with_targets(x, self.origin, targets)

    def _in_order(self, encoding: Encoding) -> list[Numbers | Texts]:
        """The columns that were learned from, in their order."""
        named = {column.name: column for column in self.features}
        learned = set(encoding.names)
        if faults := [
            _fault(self.origin, name, "the network was trained with this column, here there is none")
            for name in encoding.names
            if name not in named
        ] + [
            _fault(self.origin, name, "the network was not trained with this column", "leave it out: `ignore`")
            for name in named
            if name not in learned
        ]:
            raise DataError(faults)
        return [named[name] for name in encoding.names]

    def _encode_numbers(self, column: Numbers, fill: float, out: Array) -> None:
        gaps = column.gaps
        if np.isnan(fill):
            self._refuse_gaps(column.name, gaps, "value", fillable=True)
        self._refuse_infinite(column)
        np.copyto(out, column.values)
        out[gaps] = fill

    def _encode_texts(self, column: Texts, fill: float, known: tuple[str, ...], out: Array) -> None:
        place = {text: number for number, text in enumerate(known)}
        codes = np.array([*(place.get(text, -1) for text in column.texts), -2], dtype=np.intp)[column.codes]
        gaps, strange = codes == -2, codes == -1
        if np.isnan(fill):
            self._refuse_gaps(column.name, gaps, "text", fillable=True)
        else:
            codes[gaps] = int(fill)
        if column.unknown == "error" and strange.any():
            row = int(np.argmax(strange))
            message = f"'{column.texts[column.codes[row]]}' is none of the categories of the training split: "
            hint = "`unknown: zeros` gives it zeros for all categories; or draw splits with more training data"
            raise DataError(_fault(self.origin, column.name, message + shortened(known), hint, self._line(row)))
        rows = np.flatnonzero(codes >= 0)
        out[rows, codes[rows]] = 1.0

    def _target(self, name: str, kind: str, labels: tuple[str, ...] | None) -> Target:
        if kind == "classes":
            return Target(self._class_numbers(name, labels), self._origin(self._one(name).name))
        columns = self._columns(name)
        values = []
        for column in columns:
            if column.values is None:
                hint = "for texts as classes choose a loss such as `softmax_cross_entropy`"
                message = f"the target '{column.wrong}' is no number"
                raise DataError(_fault(self.origin, column.name, message, hint, column.line))
            self._refuse_gaps(column.name, np.isnan(column.values), "target")
            self._refuse_infinite(Numbers(column.name, column.values))
            values.append(column.values)
        array = values[0] if len(values) == 1 else np.stack(values, axis=1)
        return Target(array, self._origin(", ".join(column.name for column in columns)))

    def _class_numbers(self, name: str, known: tuple[str, ...] | None) -> Array:
        """As the training data number their classes. Raises DataError at a label that they do not have."""
        codes, names = self.labels(name)
        if known is None or names == known:
            return codes
        place = {text: number for number, text in enumerate(known)}
        numbers = np.array([place.get(text, -1) for text in names], dtype=np.intp)[codes]
        if (numbers < 0).any():
            row = int(np.argmax(numbers < 0))
            message = f"the label '{names[codes[row]]}' is none of the training data's: {shortened(known)}"
            raise DataError(_fault(self.origin, self._one(name).name, message, "", self._line(row)))
        return numbers

    # -- faults --------------------------------------------------------------------------------------------------------

    def _columns(self, target: str) -> Sequence[Either]:
        if target not in self.targets:
            raise self.origin.error(*missing_target(target, list(self.targets)))
        return self.targets[target]

    def _one(self, target: str) -> Either:
        """The column of a target that is class numbers."""
        columns = self._columns(target)
        if len(columns) > 1:
            hint = "name one column; or several targets, each with a loss of its own: `target: {name: column}`"
            names = ", ".join(column.name for column in columns)
            raise self.origin.error(f"a label is one column, here there are {len(columns)}: {names}", hint)
        return columns[0]

    def _line(self, row: int) -> int:
        return int(self.lines[row])

    def _origin(self, name: str) -> Origin:
        return Origin(self.origin.file, called(name), self.lines)

    def _refuse_gaps(self, name: str, gaps: Array, what: str, fillable: bool = False) -> None:
        """Raises DataError that names the line of the first gap and how many there are."""
        count = int(np.count_nonzero(gaps))
        if not count:
            return
        more = f" (the first of {count} that are missing)" if count > 1 else ""
        hint = "`missing: drop` leaves such rows out"
        if fillable:
            hint = "`missing: median` (or mean, most_frequent, a number) puts one in, `missing: drop` leaves rows out"
        raise DataError(_fault(self.origin, name, f"no {what}{more}", hint, self._line(int(np.argmax(gaps)))))

    def _refuse_infinite(self, column: Numbers) -> None:
        bad = np.abs(column.values) > LIMIT
        if bad.any():
            row = int(np.argmax(bad))
            beyond = "" if np.isinf(column.values[row]) else ", too large for float32"
            hint = "take such rows out, or put a finite number in"
            message = f"the number is {column.values[row]:g}{beyond}"
            raise DataError(_fault(self.origin, column.name, message, hint, self._line(row)))


def _fit_texts(column: Texts, rows: Array) -> tuple[float, tuple[str, ...]]:
    """What stands in for a missing text, and the categories: those of the rows.

    Means and medians are of numbers; a text that is missing becomes the most frequent one. A number in the place of
    what is missing is a category of its own.
    """
    codes = column.codes[rows]
    counts = np.bincount(codes[codes >= 0], minlength=len(column.texts))
    present = {column.texts[code] for code in np.flatnonzero(counts)}
    if not isinstance(column.missing, str):
        own = f"{column.missing:g}"
        names = in_order(present | {own})
        return float(names.index(own)), names
    names = in_order(present)
    if column.missing in ("error", "drop") or not names:
        return np.nan, names
    frequent = max(names, key=lambda text: counts[column.texts.index(text)])
    return float(names.index(frequent)), names


def in_order(texts: set[str]) -> tuple[str, ...]:
    """Numbers by size, other texts by the alphabet."""
    try:
        return tuple(sorted(texts, key=lambda text: (float(text), text)))
    except ValueError:
        return tuple(sorted(texts))


def _canonical(text: str) -> str:
    """One text for each whole number, however it is written."""
    return str(int(float(text)))


def shortened(names: Sequence[str]) -> str:
    """A list that a message can hold."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def called(name: str) -> str:
    """How messages call a column."""
    return f"column {name}" if name.isdigit() else f"column '{name}'"


def _fault(origin: Origin, name: str, message: str, hint: str = "", line: int | None = None) -> Fault:
    return Fault(message, called(name), hint, origin.file, line)


def _texts(texts: Sequence[str]) -> Array:
    return np.array(texts, dtype=np.str_)


def _tuple(texts: Any) -> tuple[str, ...]:
    return tuple(str(text) for text in texts)


__all__ = ["MOST_CATEGORIES", "TARGET", "Either", "Encoding", "Numbers", "State", "Strategy", "Table", "Texts"]
