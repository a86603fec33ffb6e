"""Tables in text files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from nncli.data.columns import EitherColumn, Words
from nncli.data.dataset import Origin
from nncli.data.delimited import Form, Head, body, is_number, read_head
from nncli.data.detect._goal import are_classes, check_count, classes
from nncli.data.detect._names import SPLITS, words
from nncli.data.detect._sight import Asked, Detector, FilePath, Goal, Sight, Task
from nncli.data.sources.csv import Csv
from nncli.data.table import Either, called, in_order
from nncli.errors import DataError, Fault, UsageError, nearest
from nncli.parts import Array

_BLOCK = 2**12
_SAMPLE = 100
"""Rows by which the decimal point and a header are found out."""
_TARGETS = {"target", "label", "labels", "class", "y", "outcome"}
"""Names of a column that say that it is the target."""
_SPLITS = {"split", "subset", "partition", "set", "fold", "usage"}
_NUMBERS = {"id", "index", "idx", "no", "nr", "number", "key", "unnamed", "row", "rownum"}
"""Words in the names of columns that number the rows."""
_MARKS = {"-", "--", ".", "*", "none", "missing", "unknown", "na", "n.a.", "#n/a", "null", "nil", "inf", "#value!"}
"""What else may stand for a missing value, in small letters; it must stand among numbers."""
_RARE = 20
"""Rows of a category below which a part of the data may lack it."""
_ROWS_A_CATEGORY = 5
_TAIL = 3.0
"""Skewness from which on a column has a long tail (an exponential distribution has 2)."""
_TAILS_FROM = 1000
"""Rows from which on ranks are known well enough to go by."""
_MEDIA = (".yaml", ".yml", ".json", ".md", ".py", ".html", ".xml", ".toml", ".ini", ".sh", ".ipynb", ".svg", ".names")


def _claims(place: Path) -> bool:
    """Text files, but for endings that say that they are something else."""
    if not place.is_file() or place.suffix.lower() in _MEDIA:
        return False
    try:
        with place.open("rb") as stream:
            begin = stream.read(2**12)
    except OSError:
        return False
    if begin[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return True
    return bool(begin) and not begin.translate(None, _TEXT)


_TEXT = bytes({7, 8, 9, 10, 12, 13, 27} | set(range(0x20, 0x100)) - {0x7F})


@dataclass(frozen=True, slots=True)
class _Read:
    """A table as it was read: all columns, as numbers and as texts, and the fields of the source that made it so."""

    file: Path
    head: Head
    columns: Sequence[Either]
    rows: int
    fields: dict[str, Any]

    @property
    def names(self) -> Sequence[str]:
        return self.head.names

    def call(self, place: int) -> int | str:
        """How a configuration calls a column."""
        return self.names[place] if self.head.named else place


def _examine(place: Path, asked: Asked) -> Sight:
    read = _read(place)
    check_count(read.rows, Origin(str(place)))
    if len(read.columns) < 2:
        message = "there is one column only, where a sample has at least one beside its target"
        raise DataError(Fault(message, hint="is the separator a usual one?", file=str(place)))
    split = _split_column(read)
    targets = _targets(read, asked.target, split)
    goal = _goal(read, targets, asked.task)
    roles = _Roles(read, {*targets, *([] if split is None else [split])})
    fields = dict(read.fields)
    notes: dict[str, str] = {}
    fields["target"] = tuple(read.call(place) for place in targets)
    notes["target"] = goal.what if asked.target else f"{goal.what}: --target says another"
    if not read.head.named:
        notes["path"] = "no header: columns are called by their numbers from 0"
    if roles.categorical:
        fields["categorical"] = tuple(read.call(place) for place in roles.categorical)
        notes["categorical"] = "a 0 or 1 for each of their texts"
    if roles.ignored:
        fields["ignore"] = tuple(read.call(place) for place in roles.ignored)
        notes["ignore"] = "; ".join(dict.fromkeys(roles.ignored.values()))
    if not roles.numbers and not roles.categorical:
        message = f"no column is left to learn from: {notes.get('ignore', '')}"
        raise DataError(Fault(message, hint="is the target the right one? --target names it", file=str(place)))
    gaps = [place for place in (*roles.numbers, *roles.categorical) if read.columns[place].gaps.any()]
    count = sum(int(np.count_nonzero(read.columns[place].gaps)) for place in gaps)
    unlabelled = [place for place in targets if read.columns[place].gaps.any()]
    if gaps and not unlabelled:
        fields["missing"] = "median"
        notes["missing"] = f"that of the column stands in for {count} missing values; of texts the most frequent one"
    elif unlabelled:
        fields["missing"] = {read.names[place]: "drop" for place in unlabelled}
        fields["missing"] |= {read.names[place]: "median" for place in gaps}
        notes["missing"] = "rows without a target are left out"
    if roles.rare:
        fields["unknown"] = "zeros"
        notes["unknown"] = "a category that the training split lacks is zeros: some are rare"
    samples: dict[str, int] = {"train": read.rows}
    within: list[str] = []
    if split is not None:
        fields["split"] = read.call(split)
        notes["split"] = "says of each row which split it is for"
        samples, within = _parts(read.columns[split])
    return Sight(
        "csv",
        Csv(FilePath(place), **fields),
        "table",
        (roles.width,),
        (roles.width,),
        goal,
        samples,
        tails=tuple(roles.tails) if read.rows >= _TAILS_FROM else (),
        notes=notes,
        within=tuple(within),
    )


# -- reading -----------------------------------------------------------------------------------------------------------


def _read(file: Path) -> _Read:
    """All columns. Encoding, decimal point, header and marks of missing values are tried until numbers are numbers."""
    fields: dict[str, Any] = {}
    try:
        head, columns, rows = _columns(file, fields)
    except DataError as error:
        if "is no utf-8" not in str(error):
            raise
        fields["encoding"] = "cp1252" if _is_cp1252(file) else "latin-1"
        head, columns, rows = _columns(file, fields)
    first = [texts for _, texts in islice(body(file, Form(fields.get("encoding")), head), _SAMPLE)]
    if head.separator != "," and any(re.fullmatch(r"-?\d+,\d+", text) for texts in first for text in texts):
        fields["decimal"] = ","
    if not head.named and _has_header(first, columns, rows, fields.get("decimal", ".")):
        fields["header"] = True
    if {"decimal", "header"} & fields.keys():
        head, columns, rows = _columns(file, fields)
    marks = _marks(file, fields, columns)
    if marks:
        fields["na"] = (*_NA, *marks)
        head, columns, rows = _columns(file, fields)
    return _Read(file, head, columns, rows, fields)


def _has_header(first: Sequence[Sequence[str]], columns: Sequence[Either], rows: int, decimal: str) -> bool:
    """Whether the first row names the columns although `read_head` saw no number below it.

    Its texts are different, no numbers, and stand nowhere else in their columns; and there are numbers below one of
    them, with such a decimal point, or few texts. A column of row numbers may have no name.
    """
    names, *others = first

    def numbers(texts: Sequence[str]) -> list[bool]:
        return [is_number(text.replace(decimal, ".")) for text in texts]

    named = [place for place, name in enumerate(names) if name]
    if len({names[place] for place in named}) < len(named) or any(numbers(names)) or not others or not named:
        return False
    texts = [columns[place].texts for place in named]
    if any(text is not None and np.count_nonzero(text.codes == 0) != 1 for text in texts):
        return False
    few = any(c.texts is not None and len(c.texts.texts) * _ROWS_A_CATEGORY <= rows for c in columns)
    return few or any(any(numbers(texts)) for texts in others)


def _marks(file: Path, fields: dict[str, Any], columns: Sequence[Either]) -> list[str]:
    """Texts that stand for missing values: those without which columns are numbers."""
    seen: dict[int, set[str]] = {}
    while True:
        new = {place: column.wrong for place, column in enumerate(columns) if column.wrong.lower() in _MARKS}
        if not new:
            return sorted(
                {text for place, texts in seen.items() if columns[place].values is not None for text in texts}
            )
        for place, text in new.items():
            seen.setdefault(place, set()).add(text)
        _, columns, _ = _columns(file, fields | {"na": (*_NA, *set().union(*seen.values()))})


def _is_cp1252(file: Path) -> bool:
    try:
        file.read_text("cp1252")
    except (OSError, UnicodeError):
        return False
    return True


_NA: tuple[str, ...] = Csv("").na


def _columns(file: Path, fields: dict[str, Any]) -> tuple[Head, list[Either], int]:
    form = Form(fields.get("encoding"), header=fields.get("header"))
    head = read_head(file, form)
    known = Words(frozenset(fields.get("na", _NA)), fields.get("decimal", "."))
    columns = [EitherColumn(str(file), name, known) for name in head.names]
    rows, count = body(file, form, head), 0
    while block := list(islice(rows, _BLOCK)):
        lines = np.array([line for line, _ in block], dtype=np.int64)
        for column, texts in zip(columns, zip(*(texts for _, texts in block), strict=True), strict=True):
            column.extend(texts, lines)
        count += len(block)
    if not count:
        raise DataError(Fault("there are no rows below the header", file=str(file)))
    return head, [column.made() for column in columns], count


# -- what the columns are for ------------------------------------------------------------------------------------------


def _targets(read: _Read, asked: str | None, split: int | None) -> list[int]:
    """Places of the target's columns: as asked for, or named like one, or the last."""
    if asked is None:
        named = [place for place, name in enumerate(read.names) if name.lower() in _TARGETS]
        others = [place for place in range(len(read.names)) if place != split]
        return named if len(named) == 1 else others[-1:]
    texts = [asked] if asked in read.names else [text.strip() for text in asked.split(",")]
    return [_place(read, text) for text in texts]


def _place(read: _Read, text: str) -> int:
    if text in read.names:
        return read.names.index(text)
    width = len(read.names)
    if re.fullmatch(r"-?\d+", text) and -width <= int(text) < width:
        return int(text) % width
    hint = nearest(text, list(read.names)) if read.head.named else f"columns are called by number, 0 to {width - 1}"
    raise UsageError(f"--target: there is no column '{text}' in {read.file}", hint=hint)


def _split_column(read: _Read) -> int | None:
    for place, (name, column) in enumerate(zip(read.names, read.columns, strict=True)):
        texts = () if column.texts is None else column.texts.texts
        said = {SPLITS.get(text.lower()) for text in texts}
        if name.lower() in _SPLITS and "train" in said and None not in said and not column.gaps.any():
            return place
    return None


def _parts(column: Either) -> tuple[dict[str, int], list[str]]:
    """Rows of each split, as a column says, and which splits that are."""
    assert column.texts is not None
    found: dict[str, int] = {}
    for text, count in zip(column.texts.texts, np.bincount(column.texts.codes), strict=True):
        found[SPLITS[text.lower()]] = found.get(SPLITS[text.lower()], 0) + int(count)
    return found, [split for split in found if split != "train"]


def _goal(read: _Read, targets: Sequence[int], asked: Task | None) -> Goal:
    """What the target's columns are. Raises DataError where they are of no use."""
    columns = [read.columns[place] for place in targets]
    named = " and ".join(called(column.name) for column in columns)
    origin = Origin(str(read.file), named)
    last = "the last" if targets == [len(read.columns) - 1] else f"{len(targets)}"
    what = f"{named}, {last} of {len(read.columns)}"
    if len(columns) == 1 and (asked == "classes" or (asked is None and _is_classes(columns[0], read.rows))):
        return _class_goal(columns[0], read.rows, what, origin)
    for column in columns:
        if column.values is None:
            others = ", ".join(str(name) for name in list(read.names)[:12])
            hint = f"--target names the column to predict, one of {others}"
            message = f"holds texts, nearly all of them different ('{column.wrong}'): neither classes nor numbers"
            if asked == "values" or len(columns) > 1:
                message = f"holds texts ('{column.wrong}'), no numbers to predict"
            raise Origin(str(read.file), called(column.name)).error(message, hint)
    values = np.stack([column.values[~np.isnan(column.values)][:1] for column in columns if column.values is not None])
    if not values.size:
        raise origin.error("has no values at all", "--target names another column")
    if all(_constant(column) for column in columns):
        raise origin.error("has the same value in every row: there is nothing to learn", "--target names another one")
    two = all(column.values is not None and bool(np.isin(column.values, (0, 1)).all()) for column in columns)
    task: Task = asked or ("switches" if two and len(columns) > 1 else "values")
    return Goal(task, len(columns), what)


def _constant(column: Either) -> bool:
    assert column.values is not None
    values = column.values[~np.isnan(column.values)]
    return bool(values.size == 0 or values.min() == values.max())


def _is_classes(column: Either, rows: int) -> bool:
    if column.values is None:
        return column.texts is not None and len(column.texts.texts) * 2 <= rows
    values = column.values[~np.isnan(column.values)]
    return bool(values.size) and are_classes(values)


def _class_goal(column: Either, rows: int, what: str, origin: Origin) -> Goal:
    if column.texts is None:
        raise origin.error(f"holds too many different labels for {rows} rows to be classes", "--target names another")
    numbers = column.values is not None
    names = [str(int(float(text))) if numbers and _whole(text) else text for text in column.texts.texts]
    different = in_order(set(names))
    place = {name: number for number, name in enumerate(different)}
    codes = column.texts.codes
    counts = np.bincount(np.array([place[name] for name in names])[codes[codes >= 0]], minlength=len(different))
    return classes(counts, different, what, origin)


def _whole(text: str) -> bool:
    try:
        return float(text) == int(float(text))
    except (ValueError, OverflowError):
        return False


class _Roles:
    """What each column but the target's is for.

    numbers, categorical   places of the columns that make a sample
    ignored                places of those that are left out, and why
    rare                   whether a category has few rows
    tails                  names of columns of numbers with a long tail
    width                  numbers of a sample
    """

    def __init__(self, read: _Read, taken: set[int]) -> None:
        self.numbers: list[int] = []
        self.categorical: list[int] = []
        self.ignored: dict[int, str] = {}
        self.tails: list[str] = []
        self.rare, self.width = False, 0
        for place, column in enumerate(read.columns):
            if place not in taken:
                self._add(place, column, read)

    def _add(self, place: int, column: Either, read: _Read) -> None:
        if column.gaps.all() and column.gaps.ndim:
            self.ignored[place] = f"{called(column.name)} is empty"
        elif column.values is not None:
            if _numbers_rows(column.values, column.name, place, read):
                self.ignored[place] = f"{called(column.name)} only numbers the rows"
                return
            self.numbers.append(place)
            self.width += 1
            if _skewness(column.values) > _TAIL:
                self.tails.append(column.name)
        elif column.texts is None or len(column.texts.texts) * _ROWS_A_CATEGORY > read.rows:
            count = "over 1,000" if column.texts is None else str(len(column.texts.texts))
            self.ignored[place] = f"{called(column.name)} has {count} different texts, too many for categories"
        else:
            self.categorical.append(place)
            self.width += len(column.texts.texts)
            counts = np.bincount(column.texts.codes[column.texts.codes >= 0])
            self.rare = self.rare or int(counts.min()) < _RARE


def _numbers_rows(values: Array, name: str, place: int, read: _Read) -> bool:
    """Whether a column counts the rows, or gives each a number of its own by name or by standing first without one."""
    if np.isnan(values).any() or (values != np.trunc(values)).any():
        return False
    if len(np.unique(values)) < len(values):
        return False
    if len(values) > 2 and len(set(np.diff(values).tolist())) == 1:
        return True
    return place == 0 if not read.head.named else bool(set(words(name)) & _NUMBERS)


def _skewness(values: Array) -> float:
    """Of the values that are there, without a sign; 0 of columns with few different ones, such as switches."""
    values = values[np.isfinite(values)]
    if len(np.unique(values[:_TAILS_FROM])) <= _RARE:
        return 0.0
    deviations = values - values.mean()
    std = float(np.sqrt(np.mean(deviations**2)))
    return abs(float(np.mean((deviations / std) ** 3))) if std > 0 else 0.0


def _choices(place: Path) -> tuple[tuple[str, ...], str]:
    read = _read(place)
    return tuple(read.names), read.names[_targets(read, None, _split_column(read))[0]]


def _beside(source: Any, place: Path) -> Any:
    return replace(source, path=FilePath(place))


DETECTOR = Detector("a table in a text file (CSV)", _claims, _examine, _beside, _choices)
