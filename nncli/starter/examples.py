"""The configurations that ship, as a beginning for one's own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from nncli.errors import Fault, OutputError, UsageError, nearest
from nncli.spec.files import shipped, shipped_names
from nncli.starter.text import first_line

_DATA = re.compile(r"\.\./(data/[\w./-]*\w)")
_LONGEST = 100


@dataclass(frozen=True, slots=True)
class Example:
    """A configuration's text for its new place, and the data that come with it: `copies` are files to write."""

    name: str
    text: str
    copies: dict[Path, bytes]
    game: bool

    def with_schema(self) -> str:
        return f"{first_line()}\n{self.text}"


def listing() -> dict[str, str]:
    """All of them by name, with the first sentence of what each says of itself."""
    return {name: _about(_read(name)) for name in shipped_names()}


def example(name: str, file: Path) -> Example:
    """A configuration for its new place `file`.

    Data are looked for in the folder `data` beside it, or beside its own folder if there is such data there, as in a
    copy of the repository; those that ship are written there. Raises UsageError for an unknown name, OutputError where
    a file of other data is in the way.
    """
    path = shipped(name)
    if path is None or name not in shipped_names():
        raise UsageError(f"no example is called '{name}'", hint=f"{_near(name)} `nncli init --example` lists them all")
    text = _read(name)
    wanted = sorted(set(_DATA.findall(text)))
    own = {here: path.parent.parent / here for here in wanted if (path.parent.parent / here).is_file()}
    copies: dict[Path, bytes] = {}
    if not any((file.parent / ".." / here).exists() for here in wanted):
        text = text.replace("../data/", "data/").replace("beside this folder", "beside this file")
        for here, source in own.items():
            target, data = file.parent / here, source.read_bytes()
            if not target.exists():
                copies[target] = data
            elif not target.is_file() or target.read_bytes() != data:
                message, hint = "other data are in the place of those of the example", "choose another folder: -o"
                raise OutputError(Fault(message, file=str(target), hint=hint))
    text = text.replace(f"configs/{name}.yaml", quote(str(file)))
    return Example(name, text, copies, "\ngenerator:" in text)


def _near(name: str) -> str:
    hint = nearest(name, shipped_names())
    return hint if hint.startswith("did") else "there is none like it;"


def _read(name: str) -> str:
    path = shipped(name)
    assert path is not None
    return path.read_text(encoding="utf-8")


def _about(text: str) -> str:
    """The first sentence of the comment that a configuration begins with."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("#") or line.startswith("#   "):
            break
        lines.append(line.removeprefix("#").strip())
    whole = re.sub(r"\s*\([^()]*\)|, after [A-Z\"].*", "", " ".join(lines))
    sentence = re.split(r"(?<=[.:;])(?<!al\.)\s", whole, maxsplit=1)[0].rstrip(".:;")
    return sentence if len(sentence) <= _LONGEST else sentence[: sentence.rfind(" ", 0, _LONGEST - 3)] + " ..."
