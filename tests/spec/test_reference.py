"""Reference pages: every part has one, its examples are valid, bounds and defaults are those of its fields."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

import pytest
from annotated_types import Ge, Gt, Le, Lt

from nncli import registry
from nncli.errors import UsageError
from nncli.fields import Count, Decay, Positive, Share
from nncli.spec import Read, read_game, read_text
from nncli.spec.examples import block, example, examples
from nncli.spec.reference import bounds, contents, page, pages
from nncli.spec.yaml12 import parse

PARTS = [(kind, name) for kind, table in registry.KINDS.items() for name in table]


def chosen(config: Any, cls: type) -> list[Any]:
    """All objects of a class in a configuration."""
    found = [config] if type(config) is cls else []
    if dataclasses.is_dataclass(config):
        found += [part for field in dataclasses.fields(config) for part in chosen(getattr(config, field.name), cls)]
    if isinstance(config, tuple):
        found += [part for item in config for part in chosen(item, cls)]
    return found


@pytest.mark.parametrize(("kind", "name"), PARTS)
def test_examples_are_valid_and_equal(kind: str, name: str) -> None:
    """Where this fails for want of a value that fits: write an example `name: value` into the docstring."""
    cls = registry.KINDS[kind][name]
    for text in examples(kind, cls):
        assert max(len(line) for line in text.splitlines()) <= 78
        players = "latent: 2\ngenerator: [relu]\ndiscriminator: [relu]"
        if kind == "game_loss":
            loaded: Read = read_game(f"{text}\n{players}", "example.yaml")
        else:
            loaded = read_text(text if "network:" in text else f"{text}\nnetwork: [relu]", "example.yaml")
        assert loaded.faults == []
        assert example(kind, cls) in chosen(loaded.config, cls)


def test_an_example_in_the_docstring_is_taken() -> None:
    short, full = examples("preprocess", registry.preprocess["scale"])
    assert "scale: 0.0039" in short
    assert "factor: 0.0039" in full


@pytest.mark.parametrize(("kind", "name"), PARTS)
def test_pages_have_each_field_with_its_default(kind: str, name: str) -> None:
    cls = registry.KINDS[kind][name]
    made = page(kind, cls)
    assert made["summary"].endswith(".")
    assert [field["name"] for field in made["fields"]] == [field.name for field in dataclasses.fields(cls)]
    for field, of in zip(made["fields"], dataclasses.fields(cls), strict=True):
        assert field["description"]
        assert field["required"] == (of.default is of.default_factory is dataclasses.MISSING)


def test_a_class_whose_values_cannot_be_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has a page without examples, until its docstring gives one."""

    @registry.section
    @dataclasses.dataclass(frozen=True)
    class Odd:
        """Takes an odd number of `units`."""

        type_name = "odd"
        units: Count

        def __post_init__(self) -> None:
            if self.units % 2 == 0:
                raise ValueError("even")

    monkeypatch.setitem(registry.layer._classes, "odd", Odd)
    (made,) = pages("odd")
    assert made["examples"] == {}
    assert made["fields"][0]["required"]
    monkeypatch.setattr(Odd, "__doc__", "Takes an odd number of `units`, as in `odd: 7`; not `odd: 8`.")
    assert pages("odd")[0]["examples"]["short"] == "network:\n  - odd: 7"


def test_all_kinds_of_one_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.metric._classes, "relu", registry.metric["rmse"])
    assert [made["kind"] for made in pages("relu")] == ["layer", "metric"]


def test_an_unknown_name_tells_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        pages("conv2")
    assert caught.value.faults[0].hint == "did you mean 'conv2d'?"


def test_contents_have_everything() -> None:
    assert [(kind, part["name"]) for kind, parts in contents().items() for part in parts] == PARTS
    assert all(part["summary"] for parts in contents().values() for part in parts)


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (Positive, "greater than 0"),
        (Share, "from 0, at most 1"),
        (Decay, "from 0, less than 1"),
        (Count, ""),
        (Count | None, ""),
        (Annotated[int, Ge(1), Le(9)], "at most 9"),
        (Annotated[float, Gt(-0.5), Lt(2.5)] | None, "greater than -0.5, less than 2.5"),
        (str, ""),
        (bool, ""),
    ],
)
def test_bounds(annotation: Any, text: str) -> None:
    assert bounds(annotation) == text


@pytest.mark.parametrize(
    "value",
    [
        {"a": {"b": {"c": (1, 2), "d": None}}, "e": ()},
        {"network": ({"dense": {"units": 3}}, "relu", {"add": {}, "inputs": ("a", "b")})},
        {"a": tuple(range(40)), "b": ((1, 2), (3, 4))},
    ],
)
def test_blocks_come_back(value: dict[str, Any]) -> None:
    assert parse(block(value), "f").plain == value
