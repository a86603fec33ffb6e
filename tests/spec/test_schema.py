"""The JSON Schema accepts what the decoder accepts, and refuses what it refuses as far as a schema can."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nncli import registry
from nncli.errors import NncliError
from nncli.spec import dump, open_document, read_text, walk
from nncli.spec.config import SECTIONS, Config
from nncli.spec.dump import inline, plain
from nncli.spec.entries import EXTRAS
from nncli.spec.examples import examples
from nncli.spec.schema import json_schema
from nncli.spec.yaml12 import parse
from tests.spec.bad_configs import NETWORK, ROWS, TAIL
from tests.spec.strategies import configs
from tests.spec.test_dump import TEXT
from tests.spec.test_override import BASE

jsonschema = pytest.importorskip("jsonschema", reason="jsonschema, of the extra `test`, is not installed")

BEYOND = {
    "network: 3.0 for a count": "to JSON Schema 3.0 is a whole number",
    "choices: a rate that is no number": "JSON has no NaN, a schema no word for it",
    "choices: a rate without bound": "JSON has no infinity, a schema no word for it",
    "choices: a metric twice": "the names of two entries are compared",
    "sections: clip without bound": "a class checks its fields together, in Python",
}
"""Faulty rows that a schema cannot refuse, and why; nor can it those of `UNMEASURED`: two sections are compared."""
UNMEASURED = "is not measured"
PLAYERS = {"latent": 2, "generator": ("relu",), "discriminator": ({"dense": 1},)}


def lists(value: Any) -> Any:
    """Plain values as JSON has them."""
    if isinstance(value, dict):
        return {key: lists(item) for key, item in value.items()}
    return [lists(item) for item in value] if isinstance(value, tuple) else value


@cache
def validator() -> Any:
    schema = json_schema()
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def faults(value: Any, schema: Any = None) -> list[str]:
    found = (schema or validator()).iter_errors(lists(value))
    return [f"{error.json_path}: {error.message}" for error in found]


@pytest.mark.parametrize("path", sorted(Path("configs").glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_configurations(path: Path) -> None:
    assert faults(open_document(path).plain) == []


@pytest.mark.parametrize("text", [TEXT, BASE, NETWORK + TAIL])
def test_valid_texts(text: str) -> None:
    assert read_text(text).faults == []
    assert faults(parse(text, "f").plain) == []


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, table in registry.KINDS.items() for name in table])
def test_every_part_in_short_and_in_full(kind: str, name: str) -> None:
    for text in examples(kind, registry.KINDS[kind][name]):
        assert faults((PLAYERS if kind == "game_loss" else {"network": ("relu",)}) | parse(text, "f").plain) == []


@pytest.mark.parametrize("name", ROWS)
def test_faulty_rows(name: str) -> None:
    try:
        value = parse(ROWS[name].text, "f").plain
    except NncliError:
        pytest.skip("no YAML of ours: a schema never sees it")
    unmeasured = all(message.endswith(UNMEASURED) for message, _ in ROWS[name].faults)
    assert (faults(value) == []) == (name in BEYOND or unmeasured)


QUICK = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=60)


@QUICK
@given(configs())
def test_random_configurations(config: Config) -> None:
    assert faults(parse(dump(config), "f").plain) == []


@QUICK
@given(configs(), st.randoms(use_true_random=False))
def test_random_configurations_in_short(config: Config, random: Any) -> None:
    """Shorthand taken wherever it may be, as the decoder confirms."""
    full = parse(dump(config), "f").plain
    brief = {name: shorter(SECTIONS[name], value, random) for name, value in full.items() if name != "network"}
    brief["network"] = tuple(
        {key: value for key, value in entry.items() if key in EXTRAS}
        | {key: short_fields(registry.layer[key], value, random) for key, value in entry.items() if key not in EXTRAS}
        for entry in full["network"]
    )
    text = "\n".join(f"{key}: {inline(value)}" for key, value in brief.items())
    assert read_text(text, "f").check() == config
    assert faults(parse(text, "f").plain) == []


def shorter(annotation: Any, value: Any, random: Any) -> Any:
    """The value of a place in another form that means the same."""
    if walk.takes_one(annotation) and isinstance(value, dict | str):
        return shorter(walk.element(annotation, 0), value, random)
    if (beside := walk.beside(annotation)) is not None:
        more = {key: item for key, item in value.items() if key in beside} if isinstance(value, dict) else {}
        part = {key: item for key, item in value.items() if key not in beside} if more else value
        brief = shorter(walk.child(annotation, "part"), part, random)
        return {**(brief if isinstance(brief, dict) else {brief: {}}), **more} if more else brief
    kind = walk.chosen_kind(annotation)
    if kind is not None and isinstance(value, str | dict):
        name, fields = (value, {}) if isinstance(value, str) else next(iter(value.items()))
        brief = short_fields(registry.KINDS[kind][name], fields, random)
        return name if brief in ({}, None) and random.random() < 0.5 else {name: brief}
    cls = walk.dataclass_of(annotation)
    if cls is not None and isinstance(value, dict):
        known = walk.fields_of(cls)
        return {name: shorter(known[name], item, random) for name, item in value.items()}
    if isinstance(value, tuple) and (arguments := walk.members(annotation)) is not None:
        if arguments[-1] is Ellipsis:
            return tuple(shorter(arguments[0], item, random) for item in value)
        if random.random() < 0.5:
            for option in walk.options(annotation):
                if walk.expanded(option, value[0]) == value:
                    return value[0]
    return value


def short_fields(cls: type, fields: dict[str, Any], random: Any) -> Any:
    """The fields of a class, some that have their defaults left out; the first alone as its value."""
    known = walk.fields_of(cls)
    left = {
        name: shorter(known[name], value, random)
        for name, value in fields.items()
        if value != plain(walk.default_of(cls, name)) or value is None or random.random() < 0.3
    }
    if list(left) == [registry.first_field(cls)] and random.random() < 0.7:
        value = next(iter(left.values()))
        return left if isinstance(value, dict) or value is None else value
    return left if left or random.random() < 0.5 else None


# -- help in editors -------------------------------------------------------------------------------------------------


def test_help_comes_from_docstrings() -> None:
    schema = json_schema()
    entry = schema["definitions"]["node"]["anyOf"][-1]["properties"]
    assert entry["conv2d"]["description"].startswith("Convolution of each image")
    assert "```text" in entry["conv2d"]["markdownDescription"]
    fields = schema["definitions"]["Conv2d"]["properties"]
    assert "surplus" in fields["padding"]["description"]
    assert all("description" in section for section in schema["properties"].values())


def test_a_part_that_is_registered_later_is_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "later" not in str(json_schema())
    monkeypatch.setitem(registry.layer._classes, "later", registry.layer["dropout"])
    schema = jsonschema.Draft7Validator(json_schema())
    assert faults({"network": ({"later": 0.25}, "later")}, schema) == []
    assert faults({"network": ({"later": 2},)}, schema) != []


BLOCKS = """
blocks:
  pair: [{dense: 4}, relu]
  deep: {parameters: {units: , act: relu}, network: [{dense: $units, name: d}, $act, {pair: , inputs: input}]}
network:
  - flatten
  - pair
  - {deep: {units: 3}, name: x, repeat: 2, inputs: flatten_1}
  - dense: 2
"""


def test_blocks_are_accepted() -> None:
    assert read_text(BLOCKS).faults == []
    assert faults(parse(BLOCKS, "f").plain) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("- dense: 2", "- dense: {unit: 2}"),
        ("- dense: 2", "- {dense: 2, repeat: 3}"),
        ("repeat: 2", "repeat: 0"),
        ("{parameters:", "{parameter:"),
        ("  pair: [", "  relu: ["),
        ("blocks:", "block:"),
    ],
)
def test_what_is_wrong_beside_blocks_is_refused(right: str, wrong: str) -> None:
    assert right in BLOCKS
    assert faults(parse(BLOCKS.replace(right, wrong), "f").plain)
