"""Configuration files: reading one, and finding those that ship with nncli."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from nncli.errors import Fault, SpecError
from nncli.spec.words import visible
from nncli.spec.yaml12 import MAX_CHARACTERS, Document, parse

_MAX_BYTES = 4 * MAX_CHARACTERS
_PACKAGE = Path(__file__).parents[1]
FOLDERS = (_PACKAGE.parent / "configs", _PACKAGE / "_share" / "configs")
"""Where shipped configurations lie: beside the package in the repository, inside it once installed."""


def shipped(name: str) -> Path | None:
    """The configuration of this name that ships with nncli; a folder and a missing `.yaml` do not matter."""
    stem = Path(name).name.removesuffix(".yaml").removesuffix(".yml")
    for folder in FOLDERS:
        path = folder / f"{stem}.yaml"
        if stem and "\0" not in stem and path.is_file():
            return path
    return None


def shipped_names() -> list[str]:
    """All configurations that ship with nncli, in alphabetical order."""
    return sorted({path.stem for folder in FOLDERS for path in folder.glob("*.yaml")})


def open_document(path: Path | str) -> Document:
    """The document of a file. Raises SpecError where it cannot be read, is no UTF-8 or no YAML."""
    name = visible(str(path))
    data = _bytes(Path(path), name)
    if data.startswith((b"\x89HDF", b"NNCLI")) or b"\x89HDF\r\n" in data[:1024]:
        hint = f"`nncli inspect {name}` shows what it holds, `nncli train --resume {name}` goes on with it"
        raise SpecError(Fault("this is a checkpoint, not a configuration", file=name, hint=hint))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8")) + 1
        message = f"not UTF-8: the byte 0x{data[error.start]:02x}"
        hint = "save the file as UTF-8 text"
        raise SpecError(Fault(message, file=name, hint=hint, line=line, column=column)) from None
    return parse(text, name)


def _bytes(path: Path, name: str) -> bytes:
    try:
        if path.exists() and not path.is_file() and not path.is_dir():  # a pipe would be waited for
            raise SpecError(Fault("is not a regular file", file=name, hint="save it as a file first"))
        with open(path, "rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        raise SpecError(Fault("no such file", file=name, hint=_instead(path))) from None
    except IsADirectoryError:
        raise SpecError(Fault("this is a folder, not a configuration", file=name, hint=_inside(path))) from None
    except PermissionError:
        raise SpecError(Fault("not allowed to read this file", file=name, hint="check its permissions")) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise SpecError(Fault(f"cannot be read: {reason}", file=name)) from None
    if len(data) > _MAX_BYTES:
        raise SpecError(Fault(f"larger than {_MAX_BYTES // 2**20} MiB", file=name, hint="is this a configuration?"))
    return data


def _instead(path: Path) -> str:
    """A file that may have been meant."""
    found = shipped(str(path))
    if found is not None:
        return f"a configuration of this name ships with nncli: {found}"
    near = get_close_matches(path.name, _names(path.parent), n=1)
    if near:
        return f"did you mean '{path.parent / near[0]}'?"
    names = sorted({name.removesuffix(".yaml") for folder in FOLDERS for name in _names(folder)})
    near = get_close_matches(path.stem, names, n=1)
    return f"did you mean '{shipped(near[0])}', which ships with nncli?" if near else ""


def _inside(path: Path) -> str:
    names = _names(path)
    return f"it holds {', '.join(names[:5])}" if names else ""


def _names(folder: Path) -> list[str]:
    """The configurations of a folder."""
    try:
        return sorted(entry.name for entry in folder.iterdir() if entry.suffix in (".yaml", ".yml"))
    except (OSError, ValueError):
        return []
