"""The ways into this room: a file or a text, with overrides, to a configuration and its faults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from nncli.errors import Fault, SpecError
from nncli.fields import Choice
from nncli.spec import plugins
from nncli.spec.config import Config
from nncli.spec.decode import decode
from nncli.spec.files import open_document
from nncli.spec.game import GAME_ONLY, GameConfig, decode_game, is_game
from nncli.spec.override import apply
from nncli.spec.reading import read
from nncli.spec.yaml12 import Document, parse


@dataclass(slots=True)
class Read:
    """A configuration with the document that it came from, and the faults found so far.

    `faults` is a list so that later checks (shapes, data) can add theirs, and all are raised together. `base` is the
    folder of the configuration's relative paths.
    """

    document: Document
    faults: list[Fault]
    base: Path

    def require_loss(self) -> None:
        """Add a fault unless the file has a loss."""
        self._require("loss", "write `loss: softmax_cross_entropy` for classes, `loss: least_squares` for values")

    def require_data(self, otherwise: str = "") -> None:
        """Add a fault unless the file has data; `otherwise` is what can be done without, as end of the hint."""
        self._require(
            "data", f"write `data: {{train: ...}}`, such as `data: {{train: {{npz: {{path: file.npz}}}}}}`{otherwise}"
        )

    def _require(self, section: str, hint: str) -> None:
        if self.document.at((section,)) is not None:
            return
        fault = self.document.fault((), f"the section '{section}' is required", hint)
        if fault not in self.faults:
            self.faults.append(fault)


@dataclass(slots=True)
class Loaded(Read):
    """The configuration of a network that is trained alone."""

    config: Config

    def check(self) -> Config:
        """The configuration. Raises SpecError with all faults, if there are any."""
        if self.faults:
            raise SpecError(self.faults)
        return self.config


@dataclass(slots=True)
class LoadedGame(Read):
    """The configuration of a GAN."""

    config: GameConfig


def load(path: Path | str, overrides: Sequence[str] = (), digests: Mapping[str, str] | None = None) -> Loaded:
    """A configuration file with `--set` texts. Raises SpecError where it cannot be read at all, or is a GAN's.

    `digests` are those of its plugins that a checkpoint keeps: files with other ones are refused.
    """
    return _supervised(load_any(path, overrides, digests))


def load_game(path: Path | str, overrides: Sequence[str] = (), digests: Mapping[str, str] | None = None) -> LoadedGame:
    """As `load`, for the configuration of a GAN."""
    return _game(load_any(path, overrides, digests))


def load_any(
    path: Path | str, overrides: Sequence[str] = (), digests: Mapping[str, str] | None = None
) -> Loaded | LoadedGame:
    """As `load`, for a configuration of either kind; what it is its sections tell."""
    return _decoded(open_document(path), overrides, Path(path).parent, digests)


def read_text(
    text: str,
    file: str = "config",
    overrides: Sequence[str] = (),
    base: Path | None = None,
    digests: Mapping[str, str] | None = None,
) -> Loaded:
    """A configuration from a text; `file` is how messages call it. Raises SpecError where it cannot be read at all."""
    return _supervised(_decoded(parse(text, file), overrides, Path() if base is None else base, digests))


def read_game(
    text: str,
    file: str = "config",
    overrides: Sequence[str] = (),
    base: Path | None = None,
    digests: Mapping[str, str] | None = None,
) -> LoadedGame:
    """As `read_text`, for the configuration of a GAN."""
    return _game(_decoded(parse(text, file), overrides, Path() if base is None else base, digests))


def read_source(text: str, where: str) -> Any:
    """A data source from a text such as `{npz: {path: more.npz}}`; `where` is how messages call the text's place.

    Raises SpecError with all faults.
    """
    document = parse(text, where)
    faults: list[Fault] = []
    source = read(Annotated[Any, Choice("source")], document.plain, document, (), faults)
    if faults:
        raise SpecError(faults)
    return source


def _supervised(loaded: Loaded | LoadedGame) -> Loaded:
    if isinstance(loaded, Loaded):
        return loaded
    section = next(name for name in GAME_ONLY if name in loaded.document.plain)
    message = f"a network alone has no section '{section}': this is the configuration of a GAN"
    raise SpecError(loaded.document.fault((section,), message, "`nncli gan` trains it", key=True))


def _game(loaded: Loaded | LoadedGame) -> LoadedGame:
    if isinstance(loaded, LoadedGame):
        return loaded
    message = "there is no generator and no discriminator: this is not the configuration of a GAN"
    hint = (
        "`nncli train` trains it" if "network" in loaded.document.plain else "write `generator:` and `discriminator:`"
    )
    raise SpecError(loaded.document.fault((), message, hint))


def _decoded(
    document: Document, overrides: Sequence[str], base: Path, digests: Mapping[str, str] | None
) -> Loaded | LoadedGame:
    first = [text for text in overrides if text.partition("=")[0].strip().startswith("plugins")]
    faults = [fault for text in first for fault in apply(document, text)]
    plugins.load(document, base, digests)
    faults += [fault for text in overrides if text not in first for fault in apply(document, text)]
    if is_game(document.plain):
        game, more = decode_game(document)
        return LoadedGame(document, faults + more, base, game)
    config, more = decode(document)
    return Loaded(document, faults + more, base, config)
