"""Text files of rows and columns, read a row at a time: encoding, separator, quotes and header are found out."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, TypeVar

from nncli.data.files import reason
from nncli.errors import DataError, Fault

WHITESPACE = "whitespace"
"""Separator: any number of blanks and tabs."""
NAMED = {WHITESPACE: WHITESPACE, "tab": "\t"}
"""Separators that have a name, because they are hard to write."""
_CANDIDATES = ("\t", ";", "|", ",", WHITESPACE)
"""In this order, because a comma may be a decimal point and a blank is part of many texts."""
_SAMPLE = 100
"""Rows from which separator and header are found out."""
_LONGEST = 2**22
"""Characters of a line."""
_WIDEST = 2**16
"""Fields of a row; what is wider is no table of samples but the file of an array."""
_MANY = 2**18
"""Characters, or fields, from which on a sample of rows is large enough."""
_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_BINARY = {
    b"PK\x03\x04": "is a ZIP archive, as spreadsheets are",
    b"\x1f\x8b": "is packed with gzip",
    b"\x93NUMPY": "is a NumPy array",
    b"\x89HDF": "is HDF5",
    b"\xd0\xcf\x11\xe0": "is an old spreadsheet",
}
T = TypeVar("T")
Row: TypeAlias = tuple[int, list[str]]
"""The line where it begins, counted from 1, and its fields."""


@dataclass(frozen=True, slots=True)
class Form:
    """How a file is written. `separator` and `header` None are to be found out; `skip` lines stand above all rows."""

    encoding: str | None = None
    separator: str | None = None
    quote: str = '"'
    header: bool | None = None
    skip: int = 0


@dataclass(frozen=True, slots=True)
class Head:
    """What was found out: the separator, the names of the columns (numbers where the file has none), their count."""

    separator: str
    named: bool
    names: tuple[str, ...]

    @property
    def how(self) -> str:
        """What the rows were cut at, for hints."""
        words = {"\t": "tabs", WHITESPACE: "blanks and tabs"}
        return f"rows were cut at {words.get(self.separator, repr(self.separator))}"


def read_head(file: Path, form: Form, wanted: Sequence[str] = ()) -> Head:
    """Separator and header; `wanted` are names that a header would have.

    Raises DataError where the file is no text, or empty.
    """
    separator = form.separator or _separator(file, form)
    sample = _sample(rows(file, form, separator), lambda row: len(row[1]))
    if not sample:
        raise DataError(Fault("the file is empty" if not form.skip else "nothing is left below `skip`", file=str(file)))
    (line, first), *others = sample
    named = form.header
    if named is None:
        named = bool(set(first) & set(wanted)) or _is_header(first, [fields for _, fields in others])
    names = tuple(name or str(place) for place, name in enumerate(first)) if named else _numbered(len(first))
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        hint = "`header: false, skip: 1` reads columns by number, counted from 0"
        raise DataError(Fault(f"several columns are called '{twice[0]}'", "", hint, str(file), line))
    return Head(separator, named, names)


def body(file: Path, form: Form, head: Head) -> Iterator[Row]:
    """The rows below the header. Raises DataError at one that has another number of fields."""
    width = len(head.names)
    for number, (line, fields) in enumerate(rows(file, form, head.separator)):
        if number == 0 and head.named:
            continue
        if len(fields) != width:
            what = "the header" if head.named else "the first row"
            message = f"has {_counted(len(fields))}, {what} has {width}"
            hint = f"{head.how}; `separator` says another" if form.separator is None else head.how
            raise DataError(Fault(message, "", hint, str(file), line))
        yield line, fields


def rows(file: Path, form: Form, separator: str) -> Iterator[Row]:
    """All rows with something in them. Raises DataError with the line where the file cannot be read."""
    lines = _Lines(file, form)
    spaced = separator == WHITESPACE
    source = (line.replace("\t", " ").strip() + "\n" for line in lines) if spaced else lines
    reader = csv.reader(
        source,
        delimiter=" " if spaced else separator,
        quotechar=form.quote,
        skipinitialspace=True,
        strict=True,
    )
    while True:
        line = max(lines.number, form.skip) + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            hint = f"is a quote ({form.quote}) not closed? `quote` says another character"
            raise DataError(Fault(f"is no row: {reason(error)}", "", hint, str(file), line)) from None
        if len(fields) > _WIDEST:
            message = f"has {len(fields):,} fields, more than {_WIDEST:,}"
            hint = "is the separator right? a file of an array is better read as NPZ or HDF5"
            raise DataError(Fault(message, "", hint, str(file), line))
        if len(fields) > 1 or (fields and fields[0].strip()):
            yield line, [field.strip() for field in fields]


class _Lines:
    """The lines of a file, one at a time; `number` is that of the last one, counted from 1."""

    def __init__(self, file: Path, form: Form) -> None:
        self.file, self.form = file, form
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        encoding = self.form.encoding or _encoding(self.file)
        try:
            with self.file.open(encoding=encoding, errors="surrogateescape", newline="") as stream:
                while line := stream.readline(_LONGEST):
                    self.number += 1
                    if len(line) == _LONGEST:
                        raise self._error(f"is longer than {_LONGEST:,} characters", "is it a table?")
                    if self.number > self.form.skip:
                        yield line if line.isascii() and "\0" not in line else self._checked(line, encoding)
        except OSError as error:
            raise DataError(Fault(f"cannot be read: {reason(error)}", file=str(self.file))) from None
        except UnicodeError as error:
            # Characters are made of a block of lines at a time: which one it was is not known.
            message, hint = f"is no {encoding}: {reason(error)}", "`encoding: ...` names the right one"
            raise DataError(Fault(message, file=str(self.file), hint=hint)) from None

    def _checked(self, line: str, encoding: str) -> str:
        """The line. Raises DataError where bytes of it are no characters: they come as half of a pair of surrogates."""
        if "\0" in line:
            raise self._error("holds a byte 0, which no text has", "is it a text file, and in which `encoding`?")
        for character in line:
            if "\ud800" <= character <= "\udfff":
                hint = "`encoding: latin-1` (or cp1252, utf-16, ...) says how it was saved"
                raise self._error(
                    f"is no {encoding.removesuffix('-sig')}: the byte 0x{ord(character) & 0xFF:02x}", hint
                )
        return line

    def _error(self, message: str, hint: str) -> DataError:
        return DataError(Fault(message, "", hint, str(self.file), self.number or 1))


def _encoding(file: Path) -> str:
    """By the mark at its beginning; UTF-8 where there is none. Raises DataError at what is no text."""
    try:
        with file.open("rb") as stream:
            begin = stream.read(8)
    except OSError as error:
        raise DataError(Fault(f"cannot be read: {reason(error)}", file=str(file))) from None
    for mark, what in _BINARY.items():
        if begin.startswith(mark):
            hint = "unpack it first" if "gzip" in what else "save it as CSV, or choose another kind of source"
            raise DataError(Fault(f"{what}, no text", file=str(file), hint=hint))
    return _MARKS.get(begin[:2], "utf-8-sig")


def _separator(file: Path, form: Form) -> str:
    """The first candidate that cuts all rows into equally many fields, more than one; else the one that comes nearest.

    The library's own `Sniffer` takes letters for separators where columns are texts (`Iris-setosa`: "-").
    """
    lines = _sample((line for line in _Lines(file, form) if line.strip()), len)
    best, agreeing = ",", 0.0
    for candidate in _CANDIDATES:
        spaced = candidate == WHITESPACE
        cut = [line.replace("\t", " ").strip() for line in lines] if spaced else lines
        try:
            delimiter = " " if spaced else candidate
            read = list(csv.reader(cut, delimiter=delimiter, quotechar=form.quote, skipinitialspace=True))
        except csv.Error:
            continue
        if candidate == "\t" and any("  " in field.strip() for fields in read for field in fields):
            continue  # columns that were lined up with blanks, and a tab here and there
        widths = Counter(len(fields) for fields in read)
        width, count = widths.most_common(1)[0] if widths else (1, 0)
        if width > 1 and count / len(read) > agreeing:
            best, agreeing = candidate, count / len(read)
    return best


def _sample(items: Iterable[T], size: Callable[[T], int]) -> list[T]:
    """The first of them: some, or fewer where these are large."""
    taken: list[T] = []
    total = 0
    for item in items:
        taken.append(item)
        total += size(item)
        if len(taken) == _SAMPLE or total >= _MANY:
            break
    return taken


def is_number(text: str) -> bool:
    """Whether Python reads it as a number; not `1_000`, which other programs do not."""
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def _is_header(first: list[str], others: list[list[str]]) -> bool:
    """Whether the first row names the columns: no number stands in it, and one below."""
    if any(not text or is_number(text) for text in first):
        return False
    return any(is_number(text) for fields in others for text in fields)


def _numbered(width: int) -> tuple[str, ...]:
    return tuple(map(str, range(width)))


def _counted(count: int) -> str:
    return f"{count} field" + ("" if count == 1 else "s")
