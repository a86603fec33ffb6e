"""YAML text to located, validated descriptions, through the registries; overrides; and back to text."""

from nncli.spec.config import Config
from nncli.spec.dump import dump
from nncli.spec.files import open_document, shipped
from nncli.spec.game import GameConfig
from nncli.spec.load import (
    Loaded,
    LoadedGame,
    Read,
    load,
    load_any,
    load_game,
    read_game,
    read_source,
    read_text,
)
from nncli.spec.yaml12 import Document

__all__ = [
    "Config",
    "Document",
    "GameConfig",
    "Loaded",
    "LoadedGame",
    "Read",
    "dump",
    "load",
    "load_any",
    "load_game",
    "open_document",
    "read_game",
    "read_source",
    "read_text",
    "shipped",
]
