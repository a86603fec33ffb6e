"""The JSON Schema of a configuration, made from the types of its sections and parts: help for editors.

It is written in draft-07, which every version of yaml-language-server reads. It accepts whatever the decoder accepts,
in every shorthand, and refuses unknown keys, wrong types and numbers out of bounds. What spans places (names that are
used twice, figures that are not measured, shapes) is beyond a schema, and so is the difference of 3 and 3.0.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from nncli import docstrings, registry
from nncli.fields import CHOICE, Section
from nncli.spec.blocks import Use
from nncli.spec.config import PART, SECTIONS, Config, LossTerm, MetricTerm, NodeExtras
from nncli.spec.game import GAME_ONLY, GAME_SECTIONS, PLAYERS, SIDED, GameConfig
from nncli.spec.reading import adapter
from nncli.spec.words import noun

DRAFT = "http://json-schema.org/draft-07/schema#"
_DEFINITIONS = "#/definitions/"
SECTION = Section()
_GAME = "section of a game"


def json_schema() -> dict[str, Any]:
    """The schema of a whole configuration, with all that is registered."""
    sections: dict[Any, Any] = {name: SECTIONS[name] for name in SECTIONS if name not in ("loss", "metrics")}
    parts = {(kind, name): cls for kind, table in registry.KINDS.items() for name, cls in table.items()}
    adapters: dict[Any, TypeAdapter[Any]] = {key: adapter(annotation) for key, annotation in sections.items()}
    own = [name for name, annotation in GAME_SECTIONS.items() if SECTIONS.get(name) is not annotation]
    adapters |= {(_GAME, name): adapter(GAME_SECTIONS[name]) for name in own}
    adapters |= {key: adapter(Annotated[cls, SECTION]) for key, cls in parts.items()}
    adapters |= {cls: adapter(Annotated[cls, SECTION]) for cls in (NodeExtras, Use, LossTerm, MetricTerm)}
    made, rest = TypeAdapter.json_schemas(
        [(key, "validation", one) for key, one in adapters.items()],
        ref_template=_DEFINITIONS + "{model}",
        schema_generator=_Draft07,
    )
    found: dict[Any, Any] = {key: schema for (key, _), schema in made.items()}
    classes = rest.get("$defs", {})
    definitions = {
        kind: _choice(kind, {name: found[kind, name] for name in table}, classes)
        for kind, table in registry.KINDS.items()
    }
    extras = _resolved(found[NodeExtras], classes)["properties"]
    definitions["node"] = _choice("layer", {name: found["layer", name] for name in registry.layer}, classes, extras)
    del definitions["layer"]
    for kind, term in (("loss", LossTerm), ("metric", MetricTerm)):
        schemas = {name: found[kind, name] for name in registry.KINDS[kind]}
        beside = {k: v for k, v in _resolved(found[term], classes)["properties"].items() if k != PART}
        definitions[kind] = _choice(kind, schemas, classes, beside)
    properties = {name: _or_nothing(found[name], name) for name in sections}
    one = {"$ref": _DEFINITIONS + "loss"}
    several = {"type": "array", "items": one, "minItems": 1}
    properties["loss"] = {"anyOf": [one, several, {"type": "null"}], **_help("loss", Config)}
    metrics = {"type": "array", "items": {"$ref": _DEFINITIONS + "metric"}}
    properties["metrics"] = _or_nothing(metrics, "metrics")
    properties["network"] = {"type": "array", "minItems": 1, **_help("network", Config)}
    properties["blocks"] = _or_nothing({"$ref": _DEFINITIONS + "blocks"}, "blocks")
    game = {name: properties[name] for name in GAME_SECTIONS if name in properties and name not in own} | {
        name: _or_nothing(_sided(name, found[_GAME, name]), name, GameConfig) for name in own
    }
    game |= {name: {"type": "array", "minItems": 1, **_help(name, GameConfig)} for name in PLAYERS}
    game["blocks"] = properties["blocks"]
    use = _resolved(made[Use, "validation"], classes)["properties"]
    definitions |= _blocks(use)
    whole: dict[str, Any] = {
        "$schema": DRAFT,
        "title": "nncli configuration",
        "description": "A neural network, its data and its training; or a generator, a discriminator and their game.",
        "type": "object",
        "properties": {name: _about(name) for name in {**properties, **game}},
        "additionalProperties": False,
        "if": {"anyOf": [{"required": [name]} for name in GAME_ONLY]},
        "then": _kind(game, PLAYERS, ["latent", *PLAYERS]),
        "else": _kind(properties, ("network",), ["network"]),
        "definitions": definitions | classes,
    }
    return {key: _with_choices(value) for key, value in whole.items()}


def _kind(properties: dict[str, Any], networks: Sequence[str], needed: list[str]) -> dict[str, Any]:
    """One of the two kinds of configuration: its sections, and what the entries of its networks may be."""
    return {
        "properties": properties,
        "required": needed,
        "propertyNames": {"enum": list(properties)},
        "if": {"required": ["blocks"], "properties": {"blocks": {"type": "object"}}},
        "then": _entries(networks, "node", "use"),
        "else": _entries(networks, "node"),
    }


def _entries(networks: Sequence[str], *kinds: str) -> dict[str, Any]:
    """What the entries of lists of layers may be."""
    forms = [{"$ref": _DEFINITIONS + kind} for kind in kinds]
    items = forms[0] if len(forms) == 1 else {"anyOf": forms}
    return {"properties": {name: {"items": items} for name in networks}}


def _sided(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """What may be given for each player stands alone for both."""
    return {"anyOf": [{"$ref": _DEFINITIONS + name}, schema]} if name in SIDED else schema


def _about(name: str) -> dict[str, Any]:
    """What a section is for, in either kind."""
    return _help(name, Config) or _help(name, GameConfig)


def _blocks(use: dict[str, Any]) -> dict[str, Any]:
    """Blocks, and where one is used: which there are and what they take is beyond a schema.

    An entry of a block may hold parameters anywhere, so that no more than its form is checked.
    """
    no_layer = {"not": {"enum": list(registry.layer)}}
    nodes = {
        "type": "array",
        "minItems": 1,
        "items": {"anyOf": [{"$ref": _DEFINITIONS + "node"}, {"type": "object"}, {"type": "string"}]},
    }
    whole = {
        "type": "object",
        "properties": {"parameters": {"type": ["object", "null"]}, "network": nodes},
        "required": ["network"],
        "additionalProperties": False,
    }
    uses = {"type": "object", "properties": use, "propertyNames": no_layer, "maxProperties": 1 + len(use)}
    return {
        "blocks": {"type": "object", "propertyNames": no_layer, "additionalProperties": {"anyOf": [nodes, whole]}},
        "use": {"title": "block", "anyOf": [{"type": "string", **no_layer}, uses]},
    }


class _Draft07(GenerateJsonSchema):
    """Pydantic's JSON Schema with help from docstrings, and with tuples as draft-07 writes them."""

    schema_dialect = DRAFT

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def tuple_schema(self, schema: Any) -> dict[str, Any]:
        made = super().tuple_schema(schema)
        if "prefixItems" in made:
            made["items"] = made.pop("prefixItems")
            made["additionalItems"] = False
        return made

    def dataclass_schema(self, schema: Any) -> dict[str, Any]:
        cls, made = schema["cls"], super().dataclass_schema(schema)
        made |= documentation(cls)
        for name, field in made.get("properties", {}).items():
            field |= _help(name, cls)
        return made


def documentation(cls: type) -> dict[str, Any]:
    """Title and description of a class: the prose for all editors, the whole docstring for those that show Markdown."""
    name = getattr(cls, "type_name", cls.__name__)
    text = "\n\n".join(part.text for part in docstrings.parse(cls.__doc__) if not part.title)
    return {"title": name, "description": text, "markdownDescription": markdown(cls.__doc__)}


def markdown(docstring: str | None) -> str:
    """A docstring as Markdown: blocks as code, names and formulas stay in backquotes."""
    paragraphs = []
    for part in docstrings.parse(docstring):
        head = f"**{part.title}** {part.text}".strip() if part.title else part.text
        code = "\n\n```text\n" + "\n".join(part.lines) + "\n```" if part.lines else ""
        paragraphs.append(head + code)
    return "\n\n".join(paragraphs)


def _help(name: str, cls: type) -> dict[str, Any]:
    text = docstrings.about(name, cls.__doc__)
    return {"description": text, "markdownDescription": text} if text else {}


def _or_nothing(schema: dict[str, Any], name: str, config: type = Config) -> dict[str, Any]:
    """A section, which may also stand there without content."""
    return {"anyOf": [schema, {"type": "null"}], **_help(name, config)}


def _choice(
    kind: str, schemas: dict[str, Any], classes: dict[str, Any], extras: dict[str, Any] | None = None
) -> dict[str, Any]:
    """All forms of a choice: `type`, `type: first field`, `type: {fields}`; beside a layer stand `extras`."""
    table, names, entries = registry.KINDS[kind], [], {}
    for name, schema in schemas.items():
        fields, help_ = _resolved(schema, classes), documentation(table[name])
        forms = [schema]
        first = registry.first_field(table[name])
        if first is not None:
            forms += _plain_forms(fields["properties"][first], classes)
        if not fields.get("required"):
            names.append({"const": name, **help_})
            forms.append({"type": "null"})
        entries[name] = {"anyOf": forms, **help_}
    entry: dict[str, Any] = {"type": "object", "properties": entries | (extras or {}), "additionalProperties": False}
    if extras is None:
        entry |= {"minProperties": 1, "maxProperties": 1}
    else:
        one = [{"required": [name]} for name in schemas]
        none = {"propertyNames": {"not": {"enum": list(schemas)}}}
        entry |= {"oneOf": [*one, none], "not": {"propertyNames": {"enum": list(extras)}}}
    return {"title": noun(kind), "anyOf": [*names, entry]}


def _plain_forms(field: dict[str, Any], classes: dict[str, Any]) -> list[dict[str, Any]]:
    """What `type: value` may hold: the forms of the first field that are no mapping, for that would be all fields."""
    if CHOICE in field:
        kind = field[CHOICE]
        names = [name for name, cls in registry.KINDS[kind].items() if not required(cls)]
        return [{"enum": names}] if names else []
    if "anyOf" in field:
        return [form for branch in field["anyOf"] for form in _plain_forms(branch, classes)]
    plain = {key: value for key, value in field.items() if key not in ("default", "description", "markdownDescription")}
    return [] if _resolved(field, classes).get("type") in ("object", "null") else [plain]


def required(cls: type) -> list[str]:
    """The fields of a class that have no default."""
    missing = dataclasses.MISSING
    return [f.name for f in dataclasses.fields(cls) if f.default is missing and f.default_factory is missing]


def _resolved(schema: dict[str, Any], classes: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = classes[schema["$ref"].removeprefix(_DEFINITIONS)]
    return schema


def _with_choices(value: Any) -> Any:
    """References to the forms of each choice, in the place of the marks that types leave."""
    if isinstance(value, list):
        return [_with_choices(item) for item in value]
    if not isinstance(value, dict):
        return value
    made = {key: _with_choices(item) for key, item in value.items() if key != CHOICE}
    return made | {"$ref": _DEFINITIONS + value[CHOICE]} if CHOICE in value else made


__all__ = ["json_schema", "markdown", "required"]
