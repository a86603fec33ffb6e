"""YAML text to located, validated descriptions, through the registries; overrides; and back to text."""

from nncli.spec.config import Config
from nncli.spec.dump import dump
from nncli.spec.files import open_document, shipped
from nncli.spec.load import Loaded, load, read_source, read_text
from nncli.spec.yaml12 import Document

__all__ = ["Config", "Document", "Loaded", "dump", "load", "open_document", "read_source", "read_text", "shipped"]
