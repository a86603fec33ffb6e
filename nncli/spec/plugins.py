"""Plugins: Python files of a user's own that register layers, losses and the like for one configuration.

A plugin is code and may do whatever its user may. So it runs only where the command line allows it (`allowed`), never
because a configuration or a checkpoint asks for it. What a plugin registers is known while the configuration that names
it is read, and forgotten before the next one: a file means the same whatever was read before it.
"""

from __future__ import annotations

import hashlib
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

from nncli import parts, registry
from nncli.errors import Fault, PluginError, SpecError, UsageError
from nncli.fields import Section
from nncli.spec import walk
from nncli.spec.config import SECTIONS
from nncli.spec.reading import adapter, read
from nncli.spec.words import article, noun, visible
from nncli.spec.yaml12 import Document

BASES: dict[str, type] = {
    "layer": parts.Layer,
    "loss": parts.Loss,
    "metric": parts.Metric,
    "optimizer": parts.Optimizer,
    "schedule": parts.Schedule,
    "response": parts.Response,
    "initializer": parts.InitializerBase,
    "preprocess": parts.Step,
    "augment": parts.Augmentation,
}
"""What the classes of a kind derive from; a source has a method `load` and no base."""


@dataclass(frozen=True, slots=True)
class _Plugin:
    """A file that has run: the bytes that ran, by their digest, and what they registered."""

    path: Path
    sha256: str
    parts: tuple[tuple[str, str, type], ...]


class _BadPlugin(Exception):
    """Why a plugin cannot be used."""

    def __init__(self, message: str, hint: str = "") -> None:
        self.message, self.hint = message, hint


_levels: list[bool] = []
"""For each `allowed` that is open, whether files that have changed are allowed too."""
_ran: dict[Path, _Plugin] = {}
"""What this process has run; it runs a file again only when its bytes have changed."""
_active: list[_Plugin] = []


@contextmanager
def allowed(*, changed: bool = False) -> Iterator[None]:
    """Let configurations load their plugins; with `changed` also those that are others than their checkpoint says."""
    _levels.append(changed)
    try:
        yield
    finally:
        _levels.pop()
        retire()


def are_allowed() -> bool:
    """Whether configurations may load their plugins now."""
    return bool(_levels)


@contextmanager
def using(files: Sequence[Path]) -> Iterator[None]:
    """Register what these files define, for commands without a configuration. Raises UsageError."""
    retire()
    faults = []
    cause: BaseException | None = None
    for file in files:
        try:
            _activate(file, str(file))
        except _BadPlugin as bad:
            faults.append(Fault(bad.message, "--plugin", bad.hint))
            cause = bad.__cause__
    try:
        if faults:
            raise UsageError(faults) from cause
        yield
    finally:
        retire()


def load(document: Document, base: Path, digests: Mapping[str, str] | None = None) -> None:
    """Register what the plugins of a configuration define, and nothing of other plugins.

    `digests` are those that a checkpoint keeps, by the paths in its configuration: a file that has another one is
    refused before it runs. Raises SpecError with all that is wrong, PluginError where it is the plugins.
    """
    retire()
    plain = document.plain.get("plugins") if isinstance(document.plain, dict) else None
    if plain is None:
        return
    faults: list[Fault] = []
    names = read(SECTIONS["plugins"], plain, document, ("plugins",), faults) or ()
    if faults:
        raise SpecError(faults)
    if names and not _levels:
        files = ", ".join(visible(str(base / name)) for name in names)
        hint = "a plugin may do whatever you may: read it, then allow it to run with --plugins"
        faults.append(document.fault(("plugins",), f"the configuration wants to run code of its own: {files}", hint))
        names = ()
    cause: BaseException | None = None
    for index, name in enumerate(names):
        try:
            _activate(base / name, name, None if digests is None else digests.get(name, ""))
        except _BadPlugin as bad:
            faults.append(document.fault(("plugins", index), bad.message, bad.hint))
            cause = bad.__cause__
    if faults:
        retire()
        raise PluginError(faults) from cause


def digests(names: Sequence[str], base: Path) -> dict[str, str]:
    """The SHA-256 of the plugins of a configuration, of the bytes that ran."""
    return {name: _ran[(base / name).resolve()].sha256 for name in names}


def retire() -> None:
    """Forget what plugins have registered."""
    while _active:
        for kind, name, _ in _active.pop().parts:
            registry.KINDS[kind].remove(name)


def blame(error: BaseException) -> Fault | None:
    """Where in a plugin an unexpected error comes from; None where it comes from nncli itself."""
    root = str(Path(registry.__file__).parent)
    frames = traceback.extract_tb(error.__traceback__)
    for frame in reversed(frames):
        if any(frame.filename == str(plugin.path) for plugin in _ran.values()):
            return Fault(f"{type(error).__name__}: {error}", file=frame.filename, line=frame.lineno, column=1)
        if frame.filename.startswith(root):
            return None
    return None


# -- running -----------------------------------------------------------------------------------------------------------


def _activate(path: Path, name: str, digest: str | None = None) -> None:
    """Run a file, unless it has run already, and register its parts. Raises _BadPlugin."""
    path, name = path.resolve(), visible(name)
    try:
        code = path.read_bytes()
    except FileNotFoundError:
        raise _BadPlugin(f"no such file: {visible(str(path))}") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise _BadPlugin(f"{name} cannot be read: {reason}") from None
    sha256 = hashlib.sha256(code).hexdigest()
    if digest is not None and digest != sha256 and not any(_levels):
        hint = "to go on with the file as it is now, add --changed-plugins"
        raise _BadPlugin(f"{name} has changed since the checkpoint was written", hint)
    known = _ran.get(path)
    if known is None or known.sha256 != sha256:
        known = _run(path, name, code, sha256)
        _ran[path] = known
    else:
        _register(known, name)
    _active.append(known)


def _register(plugin: _Plugin, name: str) -> None:
    for done, (kind, part, cls) in enumerate(plugin.parts):
        try:
            registry.KINDS[kind].add(part, cls)
        except registry.Taken as error:
            for before, other, _ in plugin.parts[:done]:
                registry.KINDS[before].remove(other)
            raise _BadPlugin(f"{name}: {error}", _TAKEN) from error


_TAKEN = "what is built in, or of another plugin, cannot be replaced: choose another name"


def _run(path: Path, name: str, code: bytes, sha256: str) -> _Plugin:
    """Run a file's bytes as a module of its own; where that fails nothing of it stays registered."""
    before = _registered()
    module = ModuleType(f"nncli_plugin_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}_{sha256[:12]}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # where dataclasses and type hints look for the names of a class's module
    try:
        exec(compile(code, str(path), "exec", dont_inherit=True), module.__dict__)
        new = tuple((kind, part, cls) for (kind, part), cls in _registered().items() if (kind, part) not in before)
        if not new:
            hint = "it registers its classes with the decorators of nncli.registry, such as @layer('my_layer')"
            raise _BadPlugin(f"{name} registers nothing", hint)
        for kind, part, cls in new:
            _check(name, kind, part, cls)
    except BaseException as error:
        for kind, part in _registered().keys() - before.keys():
            registry.KINDS[kind].remove(part)
        del sys.modules[module.__name__]
        if isinstance(error, Exception | SystemExit) and not isinstance(error, _BadPlugin):
            raise _told(error, path, name) from error
        raise
    return _Plugin(path, sha256, new)


def _registered() -> dict[tuple[str, str], type]:
    return {(kind, name): cls for kind, table in registry.KINDS.items() for name, cls in table.items()}


def _told(error: BaseException, path: Path, name: str) -> _BadPlugin:
    """An error while a plugin ran, with the plugin's own line."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return _BadPlugin(f"{name}:{error.lineno}: {error.msg}", "the file is not valid Python")
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    place = f"{name}:{lines[-1]}" if lines else name
    if isinstance(error, registry.Taken):
        return _BadPlugin(f"{place}: {error}", _TAKEN)
    said = f"{type(error).__name__}: {visible(str(error))}".rstrip(": ")
    return _BadPlugin(f"{place}: {said}", "--debug shows the traceback")


def _check(name: str, kind: str, part: str, cls: Any) -> None:
    """What would fail later, in the middle of something else."""
    base = BASES.get(kind)
    if base is not None and not issubclass(cls, base):
        hint = f"derive it from nncli.parts.{base.__name__}"
        raise _BadPlugin(f"{name}: the class {cls.__name__} of '{part}' is not {article(noun(kind))}", hint)
    if base is None and not callable(getattr(cls, "load", None)):
        raise _BadPlugin(f"{name}: the class {cls.__name__} of '{part}' is no {noun(kind)}", "it lacks `load`")
    try:
        walk.fields_of(cls)
        adapter(Annotated[cls, Section()])
    except Exception as error:  # pydantic and the evaluation of annotations raise nearly anything
        hint = "types for fields are in nncli.fields; others are int, float, bool, str, Literal and tuples of them"
        said = visible(str(error).splitlines()[0] if str(error) else type(error).__name__)
        raise _BadPlugin(f"{name}: the fields of '{part}' cannot be read from YAML: {said}", hint) from error


__all__ = ["allowed", "blame", "digests", "load", "retire", "using"]
