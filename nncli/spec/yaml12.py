"""YAML text to plain values with positions, read as YAML 1.2 means it.

PyYAML follows YAML 1.1, where `1e-3` is a text, `on` a boolean, `1:30` ninety and `010` eight. Here scalars follow
the core schema of YAML 1.2 (yaml.org/spec/1.2.2, section 10.3.2). Duplicate keys, tags, and files that unfold into
far more than they hold (alias bombs) or nest without end are faults.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import yaml

from nncli.errors import Fault, SpecError
from nncli.spec.words import cut, flow, quoted

Path: TypeAlias = tuple[str | int, ...]

MAX_CHARACTERS = 2**20
MAX_DEPTH = 64
MAX_VALUES = 20_000
MAX_INTEGER = 2**63 - 1

_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_INF = re.compile(r"[-+]?\.(?:inf|Inf|INF)")
_NAN = re.compile(r"\.(?:nan|NaN|NAN)")
_MAX_DIGITS = 300
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""Characters that escapes in double quotes can make and that neither a file name nor a checkpoint can hold."""
_NAME = re.compile(r"[^\s.=\[\]{}'\"]{1,40}")


def scalar(text: str) -> Any:
    """The value of a plain scalar in the core schema of YAML 1.2."""
    if _NULL.fullmatch(text):
        return None
    if _BOOL.fullmatch(text):
        return text.lower() == "true"
    if len(text) <= _MAX_DIGITS:
        if _INT.fullmatch(text):
            return int(text)
        if _OCTAL.fullmatch(text):
            return int(text[2:], 8)
        if _HEX.fullmatch(text):
            return int(text[2:], 16)
        if _FLOAT.fullmatch(text):
            return float(text)
    if _INF.fullmatch(text):
        return float("-inf") if text.startswith("-") else float("inf")
    if _NAN.fullmatch(text):
        return float("nan")
    return text


class Places(Protocol):
    """What can say where a path stands and what is there: a document, or an entry of a block where it is used.

    Paths begin with `base`, which is where the entry stands.
    """

    @property
    def base(self) -> Path: ...
    def fault(self, path: Path, message: str, hint: str = "", *, key: bool = False) -> Fault: ...
    def at(self, path: Path) -> Any: ...


@dataclass(slots=True)
class Document:
    """Plain values (dict, tuple, str, int, float, bool, None) of a file, and where each stands.

    `values` holds the position of a value by its path, `keys` that of the key of a mapping's entry; both count lines
    and columns from 1. `overridden` names, by path, the `--set` text that a value came from.
    """

    plain: Any
    file: str
    text: str = ""
    values: dict[Path, tuple[int, int]] = field(default_factory=dict)
    keys: dict[Path, tuple[int, int]] = field(default_factory=dict)
    overridden: dict[Path, str] = field(default_factory=dict)

    @property
    def base(self) -> Path:
        return ()

    def fault(self, path: Path, message: str, hint: str = "", *, key: bool = False) -> Fault:
        """A fault at the deepest place known on `path`; with `key` at the key rather than the value."""
        for end in range(len(path), -1, -1):
            part = path[:end]
            if part in self.overridden:
                return Fault(message, show(path), hint, option(self.overridden[part]))
            where = (self.keys if key and end == len(path) else self.values).get(part) or self.values.get(part)
            if where is not None:
                return Fault(message, show(path), hint, self.file, *where)
        return Fault(message, show(path), hint, self.file)

    def place(self, path: Path) -> str:
        """`file:line:column` of a value, for messages that name a second place."""
        fault = self.fault(path, "")
        return fault.file if fault.line is None else f"{fault.file}:{fault.line}:{fault.column}"

    def at(self, path: Path) -> Any:
        """The plain value at a path; None where the path leads nowhere."""
        value = self.plain
        for part in path:
            mapped = isinstance(value, dict) and part in value
            listed = isinstance(value, tuple) and isinstance(part, int) and part < len(value)
            if not mapped and not listed:
                return None
            value = value[part]
        return value

    def override(self, path: Path, plain: Any, text: str) -> None:
        """Take `plain` as the whole new content; what stands at or below `path` came from the option `text`."""
        self.plain = plain
        for table in (self.values, self.keys, self.overridden):
            for old in [p for p in table if p[: len(path)] == path]:
                del table[old]
        self.overridden[path] = text


def option(text: str) -> str:
    """How messages call the option that holds an override."""
    return f"--set {cut(flow(text))}"


def show(path: Path) -> str:
    """A path as users write it: ("network", 3, "conv2d", "kernel") is `network[3].conv2d.kernel`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            name = part if _NAME.fullmatch(part) and part.isprintable() else quoted(part)
            text += f".{name}" if text else name
    return text


def parse(text: str, file: str) -> Document:
    """Read one YAML document. Raises SpecError with all faults that can be told at this level."""
    if len(text) > MAX_CHARACTERS:
        message = f"the file is longer than {MAX_CHARACTERS:,} characters"
        raise SpecError(Fault(message, file=file, hint="is this a configuration?"))
    document = Document(None, file, text)
    builder = _Builder(document)
    try:
        builder.read()
    except yaml.MarkedYAMLError as error:
        raise SpecError([*builder.faults, _syntax_fault(error, file)]) from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        breaks = [match.end() for match in re.finditer("\r\n|\r|\n", before)]
        line, column = len(breaks) + 1, len(before) - (breaks[-1] if breaks else 0) + 1
        message = f"a character that YAML does not allow: U+{ord(text[error.position]):04X}"
        hint = "is this a text file?"
        raise SpecError([*builder.faults, Fault(message, "", hint, file, line, column)]) from None
    except (ValueError, OverflowError):  # PyYAML on escapes beyond Unicode, and on numbers in `%YAML` without end
        message = "not valid YAML: an escape or a directive holds a number that is too large"
        raise SpecError([*builder.faults, Fault(message, file=file)]) from None
    if builder.faults:
        raise SpecError(builder.faults)
    return document


_SYNTAX = (
    (r"found character '\\t'", "a tab where spaces are wanted", "YAML indents with spaces, not with tabs"),
    (r"expected '<document start>'", "a line that begins with '%' and is no directive", "put the text in quotes"),
    (r"found character '(.)'", "a text cannot begin with '{0}'", "put the text in quotes"),
    (r"expected ',' or '(.)'", "the bracket of {opened} is not closed with '{0}'", "or a comma is missing before this"),
    (r"unexpected end of stream", "a quote that is not closed", ""),
    (
        r"mapping values are not allowed",
        "a ':' in a place where no key can stand",
        "check the indentation of this line and the one before; a text that holds ': ' wants quotes",
    ),
    (r"expected <block end>, but found '([]},])'", "nothing has opened what '{0}' closes", ""),
    (
        r"expected <block end>, but found '<scalar>'",
        "a text behind the end of a value",
        "a quote inside single quotes is written twice",
    ),
    (
        r"expected <block end>|sequence entries are not allowed",
        "the indentation does not fit the lines before",
        "entries of one list or section begin in the same column",
    ),
    (r"could not find expected ':'", "a line that is neither `key: value` nor `- entry`", "is a ':' missing?"),
    (
        r"unknown escape character '(.*)'|expected escape sequence",
        "an escape in double quotes that YAML does not know",
        "single quotes take backslashes as they are",
    ),
    (r"expected the node content, but found '(.*)'", "a value is missing before '{0}'", ""),
)
"""PyYAML's problems in the words of those who write configurations."""


def _syntax_fault(error: yaml.MarkedYAMLError, file: str) -> Fault:
    mark = error.problem_mark or error.context_mark
    message, hint = error.problem or "it cannot be read", ""
    opened = f"line {error.context_mark.line + 1}" if error.context_mark is not None else "a line before"
    for pattern, words, advice in _SYNTAX:
        if match := re.search(pattern, message):
            if "end of stream" in message:
                mark = error.context_mark or mark
            message, hint = words.format(*match.groups(), opened=opened), advice
            break
    message = f"not valid YAML: {message}"
    if mark is None:
        return Fault(message, "", hint, file)
    return Fault(message, "", hint, file, mark.line + 1, mark.column + 1)


class _Builder:
    """Events to plain values, without recursion in the parser; depth and size are bounded while it reads."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.faults: list[Fault] = []
        self.anchors: dict[str, Any] = {}
        self.count = 0
        self.events: Iterator[Any] = iter(())

    def read(self) -> None:
        document = self.document
        self.events = yaml.parse(document.text, Loader=yaml.SafeLoader)
        started = False
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                if started:
                    self.fault_at(event, (), "a second YAML document", "keep one document in a file")
                    return
                started = True
                document.plain = self.value(next(self.events), ())
        if not started:
            document.values[()] = (1, 1)

    def fault_at(self, event: Any, path: Path, message: str, hint: str = "") -> None:
        mark = event.start_mark
        self.faults.append(Fault(message, show(path), hint, self.document.file, mark.line + 1, mark.column + 1))

    def stop(self, event: Any, path: Path, message: str, hint: str) -> None:
        self.fault_at(event, path, message, hint)
        raise SpecError(self.faults)

    def value(self, event: Any, path: Path) -> Any:
        mark = event.start_mark
        self.document.values[path] = (mark.line + 1, mark.column + 1)
        self.count += 1
        if self.count > MAX_VALUES:
            self.stop(event, path[:3], f"more than {MAX_VALUES:,} values", "is this a configuration?")
        if len(path) > MAX_DEPTH:
            self.stop(event, path[:3], f"nested deeper than {MAX_DEPTH} levels", "is a bracket not closed?")
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event, path)
        self.refuse_tag(event, path)
        if isinstance(event, yaml.ScalarEvent):
            plain = self.scalar(event, path)
        elif isinstance(event, yaml.SequenceStartEvent):
            plain = self.sequence(path)
        else:
            plain = self.mapping(path)
        if event.anchor is not None:
            self.anchors[event.anchor] = plain
        return plain

    def refuse_tag(self, event: Any, path: Path) -> None:
        if event.tag is not None and event.tag != "!":
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self.fault_at(
                event, path, f"the tag {quoted(tag)} is not allowed", "remove it; values are read by their form"
            )

    def scalar(self, event: Any, path: Path) -> Any:
        text = event.value
        plain = scalar(text) if event.style is None and event.tag is None else text
        if isinstance(plain, int) and not -MAX_INTEGER <= plain <= MAX_INTEGER:
            self.fault_at(event, path, f"a whole number beyond {MAX_INTEGER}")
            return 0
        if isinstance(plain, str) and _UNSTORABLE.search(plain):
            self.fault_at(
                event, path, "a text with a character that cannot be stored (U+0000, or half of a surrogate pair)"
            )
            return ""
        return plain

    def alias(self, event: Any, path: Path) -> Any:
        if event.anchor not in self.anchors:
            self.fault_at(event, path, f"nothing is anchored as {quoted('&' + event.anchor)} before this place")
            return None
        plain = self.anchors[event.anchor]
        size, depth = _size(plain)
        self.count += size
        if self.count > MAX_VALUES:
            self.stop(event, path[:3], f"aliases unfold into more than {MAX_VALUES:,} values", "write the values out")
        if len(path) + depth > MAX_DEPTH:
            self.stop(event, path[:3], f"aliases nest deeper than {MAX_DEPTH} levels", "write the values out")
        return plain

    def sequence(self, path: Path) -> tuple[Any, ...]:
        items: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            items.append(self.value(event, (*path, len(items))))
        return tuple(items)

    def mapping(self, path: Path) -> dict[str, Any]:
        plain: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self.key(event, path, plain)
            if key is None:
                self.value(next(self.events), (*path, "?"))
                continue
            mark = event.start_mark
            self.document.keys[*path, key] = (mark.line + 1, mark.column + 1)
            plain[key] = self.value(next(self.events), (*path, key))
        return plain

    def key(self, event: Any, path: Path, plain: dict[str, Any]) -> str | None:
        """The key of an entry; None, with its fault added, where it is none."""
        if not isinstance(event, yaml.ScalarEvent):
            self.value(event, (*path, "?"))
            self.fault_at(event, path, "a key must be a name", "is a brace or a quote missing?")
            return None
        key = str(event.value)
        self.refuse_tag(event, (*path, key))
        if event.anchor is not None:
            self.anchors[event.anchor] = key
        if not key or _UNSTORABLE.search(key):
            self.fault_at(event, path, "a key must be a name", "is a name missing before the ':'?")
        elif key == "<<" and event.style is None:
            self.fault_at(event, path, "merge keys ('<<') are no part of YAML 1.2", "write the fields out")
        elif key in plain:
            line = self.document.keys[*path, key][0]
            self.fault_at(
                event, (*path, key), f"{quoted(key)} stands twice (first in line {line})", "keep one of the two"
            )
        else:
            return key
        return None


def _size(plain: Any) -> tuple[int, int]:
    """Number of values in a plain value, counting at most the limit, and how deep it is."""
    total, deepest, stack = 0, 0, [(plain, 1)]
    while stack and total <= MAX_VALUES:
        value, depth = stack.pop()
        total, deepest = total + 1, max(deepest, depth)
        if isinstance(value, dict):
            stack.extend((inner, depth + 1) for inner in value.values())
        elif isinstance(value, tuple):
            stack.extend((inner, depth + 1) for inner in value)
    return total, deepest
