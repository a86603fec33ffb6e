from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np

from nncli import progress
from nncli.data.columns import EitherColumn, NumberColumn, TextColumn, Words
from nncli.data.dataset import TARGET, Origin
from nncli.data.delimited import NAMED, Form, Head, body, read_head
from nncli.data.files import find
from nncli.data.table import Either, Numbers, Strategy, Table, Texts, called
from nncli.errors import DataError, Fault, nearest
from nncli.fields import Columns, Natural, Text
from nncli.parts import Array
from nncli.registry import source

_BLOCK = 2**12
"""Rows that are converted in one go."""
_FIELDS = 2**19
"""Fields that are converted in one go: 30 MB of texts."""
_PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""What a column may say of the split that a row belongs to, in small letters."""


@source("csv")
@dataclass(frozen=True, slots=True)
class Csv:
    """A table in a text file: rows of fields with commas or anything else between them.

    `path` is the file. Columns are called by their names in the header or by their numbers from 0; -1 is the last.
    `target` is the column of the targets (the last, unless it is given; null: none), a list of columns for a target of
    several numbers, or several targets by name: `target: {heat: Y1, cool: Y2}`. For a loss of classes its texts or
    whole numbers are class labels, whose names go into the checkpoint. `columns` are those that make the samples (all
    but the target, unless they are given) without those of `ignore`. Those of `categorical` become a 0 or 1 for each of
    their texts. `split` is a column that says of each row whether it is for train, validation or test.

    `missing` says what is done about a missing value: `error`, put in the `mean`, the `median`, the `most_frequent`
    value or a number, or `drop` the row; by a mapping for each column: `missing: {rooms: median, age: 0}`. In a
    categorical column a number is a category of its own, and mean and median are the most frequent one. `na` are the
    texts that mean that a value is missing. Targets are never made up. `unknown` says what is done about a category
    that the training split does not have: `error`, or `zeros` for all of them. What is put in and which categories
    there are is learned from the training split.

    `separator` is a character, `tab` or `whitespace` (blanks and tabs, any number), `header` whether the first row
    names the columns, `encoding` how characters are stored; without them the file tells. `skip` lines above the table
    are left out; `quote` is around fields that hold separators, and `decimal` the decimal point of numbers.

    Shapes (N rows, F columns of numbers, K categories in all)
        x (N, F + K) float64, in the order of the file   y (N,), or (N, T) of T columns

    Raises DataError that names line and column where a file is missing, unreadable or unfit.

    Source: Shafranovich 2005, "Common Format and MIME Type for Comma-Separated Values (CSV) Files", RFC 4180; read by
    Python's `csv` module, in addition blanks around fields are left out.
    """

    path: Text
    target: Columns | dict[Text, Columns] | None = (-1,)
    columns: Columns | None = None
    ignore: Columns = ()
    categorical: Columns = ()
    split: int | Text | None = None
    missing: Strategy | dict[Text, Strategy] = "error"
    na: tuple[str, ...] = ("", "?", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL")
    unknown: Literal["error", "zeros"] = "error"
    separator: Text | None = None
    header: bool | None = None
    encoding: Text | None = None
    skip: Natural = 0
    quote: Text = '"'
    decimal: Literal[".", ","] = "."

    def __post_init__(self) -> None:
        if self.separator is not None and self.separator not in NAMED and len(self.separator) != 1:
            raise ValueError("`separator` is one character, `tab` or `whitespace`")
        if len(self.quote) != 1 or self.quote == self.separator:
            raise ValueError("`quote` is one character, another one than `separator`")
        if {self.quote, self.separator} & {"\n", "\r", "\0"}:
            raise ValueError("the end of a line is neither `separator` nor `quote`")
        if self.encoding is not None and not _is_encoding(self.encoding):
            raise ValueError(f"'{self.encoding}' is no encoding; usual ones are utf-8, latin-1, cp1252 and utf-16")

    def load(self, base: Path) -> Table:
        file = find(base, self.path)
        separator = None if self.separator is None else NAMED.get(self.separator, self.separator)
        form = Form(self.encoding, separator, self.quote, self.header, self.skip)
        try:
            head = read_head(file, form, [name for name in self._called() if isinstance(name, str)])
            return _Reader(self, file, form, head).table()
        except MemoryError:
            raise DataError(Fault("does not fit into memory", file=str(file))) from None

    def named_targets(self) -> dict[str, Columns]:
        if self.target is None:
            return {}
        return self.target if isinstance(self.target, dict) else {TARGET: self.target}

    def _called(self) -> list[int | str]:
        """Every column that is called by something."""
        found = [*(self.columns or ()), *self.ignore, *self.categorical]
        found += [column for columns in self.named_targets().values() for column in columns]
        return found if self.split is None else [*found, self.split]

    def strategy(self, name: str) -> Strategy:
        """What is done where a column has no value."""
        return self.missing.get(name, "error") if isinstance(self.missing, Mapping) else self.missing


def _is_encoding(name: str) -> bool:
    try:
        "".encode(name)
    except (LookupError, ValueError):
        return False
    return True


class _Reader:
    """One pass over a file: which columns there are, and what is kept of them."""

    def __init__(self, csv: Csv, file: Path, form: Form, head: Head) -> None:
        self.csv, self.file, self.form, self.head = csv, file, form, head
        self.targets = {name: self._places("target", wanted) for name, wanted in csv.named_targets().items()}
        self.split = None if csv.split is None else self._place("split", csv.split)
        self.features = self._features()
        self.words = Words(frozenset(csv.na), csv.decimal)
        if isinstance(csv.missing, Mapping):
            self._places("missing", tuple(csv.missing))

    # -- which columns -------------------------------------------------------------------------------------------------

    def _place(self, field: str, wanted: int | str) -> int:
        """The number of a column. Raises DataError where there is none."""
        names = self.head.names
        if isinstance(wanted, int) and -len(names) <= wanted < len(names):
            return wanted % len(names)
        if isinstance(wanted, str) and wanted in names:
            return names.index(wanted)
        what = f"no column {wanted}" if isinstance(wanted, int) else f"no column '{wanted}'"
        hint = nearest(str(wanted), names) if self.head.named else "there is no header; columns are called by number"
        if isinstance(wanted, int):
            hint = f"there are {len(names)}, counted from 0"
        raise DataError(Fault(f"{what}, which `{field}` names", "", hint, str(self.file)))

    def _places(self, field: str, wanted: Columns) -> list[int]:
        return [self._place(field, column) for column in wanted]

    def _features(self) -> dict[int, bool]:
        """The columns that make a sample, and whether they are categories."""
        csv = self.csv
        taken = {place for places in self.targets.values() for place in places} | {self.split}
        ignored, categorical = set(self._places("ignore", csv.ignore)), self._places("categorical", csv.categorical)
        places: Sequence[int] = range(len(self.head.names))
        if csv.columns is not None:
            places = list(dict.fromkeys(self._places("columns", csv.columns)))
            for place in places:
                self._refuse(place in taken, place, "`columns` names the target or the split", "leave it out there")
        kept = [place for place in places if place not in taken | ignored]
        for place in categorical:
            self._refuse(place not in kept, place, "`categorical` names a column that is not read", "")
        if not kept:
            message = "no column is left to make samples of"
            raise DataError(Fault(message, "", f"is the separator right? {self.head.how}", str(self.file)))
        return {place: place in categorical for place in kept}

    def _refuse(self, wrong: bool, place: int, message: str, hint: str) -> None:
        if wrong:
            raise DataError(Fault(message, called(self.head.names[place]), hint, str(self.file)))

    # -- reading -------------------------------------------------------------------------------------------------------

    def table(self) -> Table:
        file, names = str(self.file), self.head.names
        features = {
            place: (TextColumn if texts else NumberColumn)(file, names[place], self.words)
            for place, texts in self.features.items()
        }
        places = [place for places in self.targets.values() for place in places]
        targets = {place: EitherColumn(file, names[place], self.words) for place in places}
        parts = {} if self.split is None else {self.split: TextColumn(file, names[self.split], self.words)}
        lines = self._read([*features.items(), *targets.items(), *parts.items()])
        return self._table(
            lines,
            {
                place: column.made(self.csv.strategy(column.name), self.csv.unknown)
                for place, column in features.items()
            },
            {place: column.made() for place, column in targets.items()},
            [self._said(column.made("error", "error"), lines) for column in parts.values()],
        )

    def _read(self, columns: Sequence[tuple[int, TextColumn | NumberColumn | EitherColumn]]) -> Array:
        """Give every column its texts, block by block; the lines where the rows begin."""
        lines: list[Array] = []
        rows = body(self.file, self.form, self.head)
        step = max(1, min(_BLOCK, _FIELDS // len(self.head.names)))
        with progress.task(f"reading {self.file.name}", unit="rows") as advance:
            while block := list(islice(rows, step)):
                numbers = np.array([line for line, _ in block], dtype=np.int64)
                fields = list(zip(*(texts for _, texts in block), strict=True))
                for place, column in columns:
                    column.extend(fields[place], numbers)
                lines.append(numbers)
                advance(len(block))
        if not lines:
            raise DataError(Fault("there are no rows below the header", "", "", str(self.file)))
        return np.concatenate(lines)

    def _table(
        self, lines: Array, features: dict[int, Numbers | Texts], targets: dict[int, Either], parts: list[Array]
    ) -> Table:
        """Without the rows that are dropped; `parts` is what a column says of the splits, if one does."""
        kept = self._kept(features, targets, len(lines))
        if not kept.any():
            hint = "`missing: median` puts something in instead"
            raise DataError(Fault("every row has a missing value and is dropped", "", hint, str(self.file)))
        if not kept.all():
            features = {place: column.picked(kept) for place, column in features.items()}
            targets = {place: column.picked(kept) for place, column in targets.items()}
            lines, parts = lines[kept], [said[kept] for said in parts]
        return Table(
            Origin(str(self.file), "", lines),
            lines,
            list(features.values()),
            {name: [targets[place] for place in places] for name, places in self.targets.items()},
            {part: np.flatnonzero(said == part) for said in parts for part in sorted(set(said.tolist()))},
            len(kept) - len(lines),
        )

    def _kept(self, features: Mapping[int, Numbers | Texts], targets: Mapping[int, Either], n: int) -> Array:
        """Which rows are not dropped: those that have a value in all columns whose strategy it is."""
        kept = np.ones(n, dtype=bool)
        for column in features.values():
            if column.missing == "drop":
                kept &= ~column.gaps
        for target in targets.values():
            if self.csv.strategy(target.name) == "drop":
                kept &= ~target.gaps
        return kept

    def _said(self, column: Texts, lines: Array) -> Array:
        """The split of each row, as the column says. Raises DataError where it says something else."""
        parts = np.array([*(_PARTS.get(text.lower(), "") for text in column.texts), ""])[column.codes]
        if (parts == "").any():
            row = int(np.argmax(parts == ""))
            code = int(column.codes[row])
            found = f"'{column.texts[code]}'" if code >= 0 else "nothing"
            message, hint = f"{found} is no split", "write train, validation or test"
            raise DataError(Fault(message, called(column.name), hint, str(self.file), int(lines[row])))
        if "train" not in parts:
            raise DataError(Fault("no row is for training", called(column.name), "write train", str(self.file)))
        return parts
