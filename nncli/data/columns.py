"""Columns of a table while they are read: texts in blocks, kept as numbers in memory that is in proportion to them."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from nncli.data.delimited import is_number
from nncli.data.table import MOST_CATEGORIES, Either, Numbers, Strategy, Texts, called
from nncli.errors import DataError, Fault
from nncli.parts import Array


@dataclass(frozen=True, slots=True)
class Words:
    """The texts that mean that something is missing, and the decimal point of numbers."""

    missing: frozenset[str]
    decimal: str = "."

    def number(self, text: str) -> float:
        """NaN where it is missing. Raises ValueError where it is no number."""
        if text in self.missing:
            return float("nan")
        text = text.replace(",", ".") if self.decimal == "," else text
        if not is_number(text):
            raise ValueError(text)
        return float(text)

    def numbers(self, texts: Sequence[str]) -> list[float] | None:
        """All at once, where none is missing and all are numbers; None otherwise."""
        if not self.missing.isdisjoint(texts):
            return None
        if self.decimal == ",":
            texts = [text.replace(",", ".") for text in texts]
        try:
            made = list(map(float, texts))
        except ValueError:
            return None
        return None if "_" in "".join(texts) else made


class NumberColumn:
    """A column of numbers."""

    def __init__(self, file: str, name: str, words: Words) -> None:
        self.file, self.name, self.words = file, name, words
        self.values = array("d")

    def extend(self, texts: Sequence[str], lines: Array) -> None:
        """Raises DataError with the line of the first text that is no number."""
        made = self.words.numbers(texts)
        if made is not None:
            self.values.extend(made)
            return
        for row, text in enumerate(texts):
            try:
                self.values.append(self.words.number(text))
            except ValueError:
                message, hint = f"'{text}' is no number", self._hint(text)
                raise DataError(Fault(message, called(self.name), hint, self.file, int(lines[row]))) from None

    def made(self, missing: Strategy, unknown: Literal["error", "zeros"]) -> Numbers:
        return Numbers(self.name, np.frombuffer(self.values, dtype=np.float64), missing)

    def _hint(self, text: str) -> str:
        other = {".": ",", ",": "."}[self.words.decimal]
        if is_number(text.replace(".", "").replace(",", ".")) and "," in text:
            return f'`decimal: "{other}"` reads it as a number'
        return "texts go into `categorical`, what is of no use into `ignore`, a mark of missing values into `na`"


class TextColumn:
    """A column of a few different texts."""

    def __init__(self, file: str, name: str, words: Words) -> None:
        self.file, self.name, self.words = file, name, words
        self.codes = array("i")
        self.known: dict[str, int] = {}

    def extend(self, texts: Sequence[str], lines: Array) -> None:
        """Raises DataError where there are more different texts than make sense as categories."""
        known, missing = self.known, self.words.missing
        for text in texts:
            self.codes.append(-1 if text in missing else known.setdefault(text, len(known)))
        if len(known) > MOST_CATEGORIES:
            message = f"has more than {MOST_CATEGORIES} different texts, each of which would be a number of a sample"
            raise DataError(Fault(message, called(self.name), "leave it out: `ignore`", self.file))

    def made(self, missing: Strategy, unknown: Literal["error", "zeros"]) -> Texts:
        return Texts(self.name, np.frombuffer(self.codes, dtype=np.int32), tuple(self.known), missing, unknown)


class EitherColumn:
    """A target: numbers as long as all texts are, and texts as long as there are few enough."""

    def __init__(self, file: str, name: str, words: Words) -> None:
        self.name, self.words = name, words
        self.numbers: NumberColumn | None = NumberColumn(file, name, words)
        self.texts: TextColumn | None = TextColumn(file, name, words)
        self.wrong: tuple[int, str] = (0, "")

    def extend(self, texts: Sequence[str], lines: Array) -> None:
        if self.numbers is not None:
            done = len(self.numbers.values)
            try:
                self.numbers.extend(texts, lines)
            except DataError:
                row = len(self.numbers.values) - done
                self.wrong, self.numbers = (int(lines[row]), texts[row]), None
        if self.texts is not None:
            try:
                self.texts.extend(texts, lines)
            except DataError:
                self.texts = None

    def made(self) -> Either:
        values = None if self.numbers is None else self.numbers.made("error", "error").values
        texts = None if self.texts is None else self.texts.made("error", "error")
        return Either(self.name, values, texts, *self.wrong)
