"""Changes of texts that are made of words, numbers and lines, as configurations and tables are."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

EXTREMES = [
    "-1",
    "0",
    "1",
    "2",
    "3",
    "7",
    "64",
    "100",
    "1000",
    "65536",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "99999999999999999999",
    "-0",
    "-0.0",
    "0.5",
    "1.5",
    "-2.5",
    "1e308",
    "-1e308",
    "1e309",
    "1e-320",
    "1e-30",
    "1e10",
    "nan",
    ".nan",
    "inf",
    ".inf",
    "-.inf",
    "null",
    "~",
    "true",
    "false",
    "on",
    "no",
    "1:30",
    "010",
    "0x10",
    "0o7",
    "1_000",
    "2001-01-01",
    "[]",
    "{}",
    "''",
    '""',
    "[1]",
    "[1,2]",
    "[0,0]",
    "[-1]",
    "[[]]",
    "{a:",
    "1}",
    "{relu:",
    "}",
    "[null]",
    "*x",
    "&x",
    "&x1",
    "*x1",
    "!!str",
    "!!python/name:os",
    "<<:",
    "|",
    ">",
    "-",
    "?",
    ":",
    "#",
    "%",
    "@",
    "`",
    ",",
    "relu",
    "input",
    "../x",
    "/dev/null",
    "/",
    ".",
    "..",
    "~/x",
    "$HOME",
]
ODD = ("\0", "\t", "\r", "\u2028", "\ufeff", "\x85", "é", "𝔘", "\ud83d", "\x1b[31m", "\u202e", "[", "]", "{", "}", ":")
_TOKEN = re.compile(r"[A-Za-z_][\w.]*|-?\d[\w.+-]*|[^\sA-Za-z_\d]")
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e-?\d+)?")


def pick(rng: random.Random, items: Sequence[str]) -> str:
    return items[rng.randrange(len(items))]


def _swap_tokens(rng: random.Random, text: str, words: Sequence[str]) -> str:
    found = list(_TOKEN.finditer(text))
    if len(found) < 2:
        return text
    a, b = sorted(rng.sample(found, 2), key=lambda m: m.start())
    return text[: a.start()] + b.group() + text[a.end() : b.start()] + a.group() + text[b.end() :]


def _replace_token(rng: random.Random, text: str, words: Sequence[str]) -> str:
    found = list(_TOKEN.finditer(text))
    if not found:
        return text
    token = rng.choice(found)
    return text[: token.start()] + pick(rng, words) + text[token.end() :]


def _replace_number(rng: random.Random, text: str, words: Sequence[str]) -> str:
    found = list(_NUMBER.finditer(text))
    if not found:
        return text
    number = rng.choice(found)
    new = (
        pick(rng, EXTREMES)
        if rng.random() < 0.6
        else str(rng.choice([1, -1]) * rng.randrange(1, 10 ** rng.randrange(1, 8)))
    )
    return text[: number.start()] + new + text[number.end() :]


def _lines(change: Callable[[random.Random, list[str]], None]) -> Callable[[random.Random, str, Sequence[str]], str]:
    def changed(rng: random.Random, text: str, words: Sequence[str]) -> str:
        lines = text.splitlines(keepends=True)
        if lines:
            change(rng, lines)
        return "".join(lines)

    return changed


def _delete_line(rng: random.Random, lines: list[str]) -> None:
    del lines[rng.randrange(len(lines))]


def _double_line(rng: random.Random, lines: list[str]) -> None:
    lines.insert(rng.randrange(len(lines) + 1), rng.choice(lines))


def _swap_lines(rng: random.Random, lines: list[str]) -> None:
    a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]


def _indent(rng: random.Random, lines: list[str]) -> None:
    place = rng.randrange(len(lines))
    line = lines[place]
    lines[place] = rng.choice([" " * rng.randrange(1, 5) + line, line.lstrip(" "), line[1:], "\t" + line])


def _repeat(rng: random.Random, lines: list[str]) -> None:
    place = rng.randrange(len(lines))
    lines[place:place] = [lines[place]] * rng.choice([2, 5, 100])


def _insert(rng: random.Random, text: str, words: Sequence[str]) -> str:
    place = rng.randrange(len(text) + 1)
    piece = rng.choice([*ODD, pick(rng, words), pick(rng, EXTREMES)])
    return text[:place] + piece + text[place:]


def _remove(rng: random.Random, text: str, words: Sequence[str]) -> str:
    place = rng.randrange(len(text) + 1)
    return text[:place] + text[place + rng.choice([1, 1, 1, 2, 5, 20]) :]


def _cut(rng: random.Random, text: str, words: Sequence[str]) -> str:
    return text[: rng.randrange(len(text) + 1)]


def _deep(rng: random.Random, text: str, words: Sequence[str]) -> str:
    found = list(_TOKEN.finditer(text))
    if not found:
        return text
    token, depth = rng.choice(found), rng.choice([2, 10, 70, 1000])
    opened, closed = rng.choice([("[", "]"), ("{a: ", "}"), ("- ", ""), ("? ", "")])
    return text[: token.start()] + opened * depth + token.group() + closed * depth + text[token.end() :]


def _long(rng: random.Random, text: str, words: Sequence[str]) -> str:
    found = list(_TOKEN.finditer(text))
    if not found:
        return text
    token = rng.choice(found)
    return text[: token.end()] + token.group()[-1] * rng.choice([50, 500, 5000]) + text[token.end() :]


CHANGES: tuple[Callable[[random.Random, str, Sequence[str]], str], ...] = (
    _replace_number,
    _replace_number,
    _replace_number,
    _replace_token,
    _replace_token,
    _swap_tokens,
    _insert,
    _remove,
    _lines(_delete_line),
    _lines(_double_line),
    _lines(_swap_lines),
    _lines(_indent),
    _lines(_repeat),
    _cut,
    _deep,
    _long,
)


def changed(rng: random.Random, text: str, words: Sequence[str], times: int) -> str:
    """The text after some changes; `words` are what may stand in another's place."""
    for _ in range(times):
        text = rng.choice(CHANGES)(rng, text, words)
    return text


def encoded(rng: random.Random, text: str) -> bytes:
    """As UTF-8 for the most part."""
    if rng.random() < 0.97:
        return text.encode("utf-8", "surrogatepass")
    form = rng.choice(["utf-16", "latin-1", "utf-8-sig", "cp1252"])
    data = text.encode(form, "replace")
    return data.replace(b"\n", b"\r\n") if rng.random() < 0.5 else data
