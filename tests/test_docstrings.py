"""Docstrings as data: paragraphs, sentences, what is said about a field; and that every field is spoken of."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from nncli import docstrings, registry
from nncli.spec import config, decode, game

assert decode.__name__ == "nncli.spec.decode"  # fills the registries

TEXT = """Map of each sample: ``y = W. X``, with `units` outputs. It is cheap.

    `size` is a number; `kind: fast` saves time, et al. 2016.
    A second `size`. Not ``size`` in a formula.

    Shapes (N samples)
        x (I, N)   ->   y (O, N)
          deeper

    Gradients, with dy = dL/dy
        dx = dy

    Raises ShapeError unless it fits.
    Never else.

    Source: Somebody 1999, "A title".
    """


def test_paragraphs() -> None:
    parts = docstrings.parse(TEXT)
    assert [(part.title, part.lines) for part in parts] == [
        ("", ()),
        ("", ()),
        ("Shapes", ("x (I, N)   ->   y (O, N)", "  deeper")),
        ("Gradients", ("dx = dy",)),
        ("Raises", ()),
        ("Source", ()),
    ]
    assert [part.text for part in parts[2:]] == [
        "(N samples)",
        "with dy = dL/dy",
        "ShapeError unless it fits. Never else.",
        'Somebody 1999, "A title".',
    ]


def test_sentences_are_not_cut_inside_formulas() -> None:
    assert docstrings.summary(TEXT) == "Map of each sample: ``y = W. X``, with `units` outputs."
    assert docstrings.sentences(TEXT)[1:] == [
        "It is cheap.",
        "`size` is a number; `kind: fast` saves time, et al. 2016.",
        "A second `size`.",
        "Not ``size`` in a formula.",
    ]


def test_what_is_said_about_a_field() -> None:
    assert docstrings.about("units", TEXT) == docstrings.summary(TEXT)
    assert docstrings.about("size", TEXT).endswith("2016. A second `size`.")
    assert docstrings.about("kind", TEXT).startswith("`size` is a number")
    assert docstrings.about("y", TEXT) == ""
    assert docstrings.examples("kind", TEXT) == ["kind: fast"]


def test_nothing() -> None:
    assert docstrings.parse(None) == []
    assert docstrings.summary("") == ""


PARTS = [(kind, name) for kind, table in registry.KINDS.items() for name in table]
SECTIONS = [
    cls
    for room in (config, game)
    for cls in vars(room).values()
    if dataclasses.is_dataclass(cls) and hasattr(cls, "__pydantic_config__") and cls.__module__ == room.__name__
]


def silent(cls: Any) -> list[str]:
    return [field.name for field in dataclasses.fields(cls) if not docstrings.about(field.name, cls.__doc__)]


@pytest.mark.parametrize(("kind", "name"), PARTS)
def test_every_field_is_spoken_of(kind: str, name: str) -> None:
    """Each field's name stands in the prose of the docstring in backquotes: editors and `nncli layers` show that."""
    assert silent(registry.KINDS[kind][name]) == []


@pytest.mark.parametrize("cls", SECTIONS, ids=lambda cls: cls.__name__)
def test_every_field_of_a_section_is_spoken_of(cls: type) -> None:
    assert [name for name in silent(cls) if name != config.PART] == []  # that is what the others stand beside


def test_every_section_is_spoken_of() -> None:
    assert [name for name in decode.TOP if not docstrings.about(name, config.Config.__doc__)] == []
    assert [name for name in game.GAME_TOP if not docstrings.about(name, game.GameConfig.__doc__)] == []


def test_a_silent_field_would_be_found() -> None:
    @dataclasses.dataclass
    class Quiet:
        """Says nothing of ``size``, but of `length`."""

        size: int
        length: int

    assert silent(Quiet) == ["size"]
