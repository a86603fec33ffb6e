"""Field types that descriptions share: what a value may be, said once, for validation and for the JSON Schema.

Sequences in YAML arrive as tuples. A type that takes a shorthand (one number for a pair) expands it before it is
checked, so that code behind it sees one form only.
"""

from __future__ import annotations

from typing import Annotated, Any

from annotated_types import Ge, Gt, Le, Lt, MinLen
from pydantic import AfterValidator, BeforeValidator, Field

from nncli import periods, registry


def _pair(value: Any) -> Any:
    return (value, value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _several(value: Any) -> Any:
    return (value,) if isinstance(value, int) and not isinstance(value, bool) else value


Count = Annotated[int, Gt(0)]
"""A whole number from 1."""
Natural = Annotated[int, Ge(0)]
"""A whole number from 0."""
Positive = Annotated[float, Gt(0)]
NonNegative = Annotated[float, Ge(0)]
Share = Annotated[float, Ge(0), Le(1)]
"""A share from 0 to 1, both included."""
Decay = Annotated[float, Ge(0), Lt(1)]
"""A coefficient of an average or a probability: 0 included, 1 not."""
Pair = Annotated[tuple[Count, Count], BeforeValidator(_pair, json_schema_input_type=Count | tuple[Count, Count])]
"""(height, width), both from 1; one number stands for both."""
NaturalPair = Annotated[
    tuple[Natural, Natural], BeforeValidator(_pair, json_schema_input_type=Natural | tuple[Natural, Natural])
]
NonNegativePair = Annotated[
    tuple[NonNegative, NonNegative],
    BeforeValidator(_pair, json_schema_input_type=NonNegative | tuple[NonNegative, NonNegative]),
]
"""(vertical, horizontal); one number stands for both."""
Sides = Annotated[
    tuple[NaturalPair, NaturalPair],
    BeforeValidator(_pair, json_schema_input_type=Natural | tuple[NaturalPair, NaturalPair]),
]
"""((top, bottom), (left, right)); one number stands for all four, two for (vertical, horizontal)."""
Weights = Annotated[tuple[NonNegative, ...], MinLen(1)]
"""One weight for each of several things, from 0."""
Lengths = Annotated[
    tuple[Annotated[int, Ge(-1)], ...],
    MinLen(1),
    BeforeValidator(_several, json_schema_input_type=int | tuple[Annotated[int, Ge(-1)], ...]),
]
"""A shape in which a length may be −1; one number stands for a vector."""
Axes = Annotated[tuple[Natural, ...], MinLen(1)]
Text = Annotated[str, MinLen(1)]


Every = Count | Annotated[str, AfterValidator(periods.checked), Field(json_schema_extra={"pattern": periods.PATTERN})]
"""How often: a number of epochs, or a text such as `200 steps`, `5 epochs`, `10m` or `1h30m`."""
EverySteps = (
    Count
    | Annotated[
        str,
        AfterValidator(periods.checked_of_game),
        Field(json_schema_extra={"pattern": periods.PATTERN, "not": {"pattern": "epoch"}}),
    ]
)
"""The same for a game, which has no epochs: a number alone counts steps."""


def _alone(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Texts = Annotated[tuple[Text, ...], MinLen(1), BeforeValidator(_alone, json_schema_input_type=Text | tuple[Text, ...])]
"""One or several texts; one stands for a list of it."""


def _one_column(value: Any) -> Any:
    return (value,) if isinstance(value, int | str) and not isinstance(value, bool) else value


Columns = Annotated[
    tuple[int | Text, ...],
    BeforeValidator(_one_column, json_schema_input_type=int | Text | tuple[int | Text, ...]),
]
"""Columns of a table by name or by number from 0, where -1 is the last; one stands for a list of it."""


def _interval(value: Any) -> Any:
    return (-value, value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Interval = Annotated[
    tuple[float, float], BeforeValidator(_interval, json_schema_input_type=Positive | tuple[float, float])
]
"""(low, high); one number b stands for (−b, b)."""
CHOICE = "x-nncli-choice"
"""What stands in the JSON Schema of a type for a choice of this kind; `nncli.spec.schema` writes its forms once."""


class Choice:
    """Annotation of a field that holds one of a registry's classes: `type: {fields}`, `type: value` or `type`."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        def form(value: Any) -> Any:
            return read_choice(self.kind, value)

        classes = registry.KINDS[self.kind].items()
        union = core_schema.tagged_union_schema(
            {
                name: core_schema.no_info_before_validator_function(
                    _fields_of, lenient(handler.generate_schema(cls), handler)
                )
                for name, cls in classes
            },
            discriminator=lambda value: value[0],
        )
        return core_schema.no_info_before_validator_function(form, union)

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return {CHOICE: self.kind}


class Section:
    """Annotation of a field that holds a `registry.section`: a mapping of its fields."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        return lenient(handler(source), handler)


def lenient(schema: Any, handler: Any) -> Any:
    """Let a dataclass be read from a mapping although its fields are strict (pydantic ties the two together)."""
    inner = handler.resolve_ref_schema(schema)
    while inner["type"] != "dataclass":
        inner = handler.resolve_ref_schema(inner["schema"])
    inner["strict"] = False
    return schema


def _fields_of(pair: tuple[str, Any]) -> Any:
    return pair[1]


def read_choice(kind: str, value: Any) -> tuple[str, Any]:
    """The (name, fields) of a choice written in any of its three forms; an object that is already built passes.

    Raises PydanticCustomError where the form is none of them.
    """
    from pydantic_core import PydanticCustomError

    table = registry.KINDS[kind]
    if isinstance(value, str):
        return value, {}
    if isinstance(name := getattr(value, "type_name", None), str) and name in table:
        return name, value
    if not isinstance(value, dict) or len(value) != 1:
        raise PydanticCustomError("choice_form", "neither the name of a {kind} nor one `name: fields`", {"kind": kind})
    ((name, fields),) = value.items()
    if fields is None:
        return name, {}
    if not isinstance(fields, dict) and name in table:
        first = registry.first_field(table[name])
        if first is None:
            raise PydanticCustomError("choice_no_fields", "'{name}' has no fields", {"name": name})
        return name, {first: fields}
    return name, fields


Initializer = Annotated[Any, Choice("initializer")] | None

__all__ = [
    "CHOICE",
    "Annotated",
    "Axes",
    "Choice",
    "Columns",
    "Count",
    "Decay",
    "Every",
    "EverySteps",
    "Field",
    "Initializer",
    "Interval",
    "Lengths",
    "Natural",
    "NaturalPair",
    "NonNegative",
    "NonNegativePair",
    "Pair",
    "Positive",
    "Section",
    "Share",
    "Sides",
    "Text",
    "Texts",
    "Weights",
    "lenient",
    "read_choice",
]
