"""Docstrings of parts as data: what the reference pages and the help in editors are made from.

A docstring has paragraphs of prose, blocks (a line such as `Shapes (N samples)` with indented lines below it), and
paragraphs that begin with `Raises` or `Source:`. Names stand in single backquotes, formulas in double ones.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-ZÀ-Þ`])")
_HEADING = re.compile(r"(\w+)[:,]?\s*(.*)", re.DOTALL)
_SPAN = re.compile(r"`+[^`]+`+")
_NAMED = ("Raises", "Source")


@dataclass(frozen=True, slots=True)
class Part:
    """A paragraph. Prose has neither `title` nor `lines`; in a block `text` is what follows the title on its line."""

    title: str
    text: str
    lines: tuple[str, ...] = ()


def parse(docstring: str | None) -> list[Part]:
    """The paragraphs of a docstring, in order."""
    return [_part(paragraph) for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(docstring or "")) if paragraph]


def _part(paragraph: str) -> Part:
    first, *rest = paragraph.splitlines()
    if rest and all(line.startswith(" ") for line in rest) and not first.endswith("."):
        match = _HEADING.fullmatch(first)
        if match and match[1][0].isupper():
            return Part(match[1], match[2], tuple(inspect.cleandoc("\n" + "\n".join(rest)).splitlines()))
    text = " ".join(line.strip() for line in paragraph.splitlines())
    match = _HEADING.fullmatch(text)
    if match and match[1] in _NAMED:
        return Part(match[1], match[2])
    return Part("", text)


def sentences(docstring: str | None) -> list[str]:
    """The sentences of the prose; what stands in backquotes is never cut."""
    return [sentence for part in parse(docstring) if not part.title for sentence in _sentences(part.text)]


def _sentences(text: str) -> Iterator[str]:
    spans = [match.span() for match in _SPAN.finditer(text)]
    start = 0
    for match in _SENTENCE.finditer(text):
        if not any(begin < match.start() < end for begin, end in spans):
            yield text[start : match.start()]
            start = match.end()
    yield text[start:]


def summary(docstring: str | None) -> str:
    """The first sentence."""
    return next(iter(sentences(docstring)), "")


def about(name: str, docstring: str | None) -> str:
    """The sentences that speak of a field: its name stands in them in backquotes, alone or as `name: value`."""
    said = re.compile(rf"(?<!`)`{re.escape(name)}(?:`(?!`)|: )")
    return " ".join(sentence for sentence in sentences(docstring) if said.search(sentence))


def examples(name: str, docstring: str | None) -> list[str]:
    """What a docstring writes as an example, `name: value` in backquotes."""
    return re.findall(rf"(?<!`)`({re.escape(name)}: [^`]+)`(?!`)", docstring or "")
