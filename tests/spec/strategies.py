"""Random configurations, made from the types of the registered classes."""

from __future__ import annotations

import dataclasses
import types
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Le, Lt, MinLen
from hypothesis import strategies as st
from pydantic import AfterValidator

from nncli import periods, registry
from nncli.fields import Choice
from nncli.spec.config import SECTIONS, Config, NodeSpec, ShareCountOrSource

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,8}", fullmatch=True).filter(lambda name: name != "input")
TEXTS = st.text(min_size=1, max_size=12).filter(lambda text: "\0" not in text)
TRICKY = st.sampled_from(
    ["1e-3", "on", "no", "null", "~", "1:30", "010", "a: b", "- x", "#", " x ", "'", '"\\', "é", "…", "-", "?", "<<"]
)


def of(annotation: Any) -> st.SearchStrategy[Any]:
    """Values that a place of this type may hold."""
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        return st.one_of([of(option) for option in get_args(annotation)])
    if annotation is type(None):
        return st.none()
    if origin is Literal:
        return st.sampled_from(get_args(annotation))
    marks: tuple[Any, ...] = ()
    if origin is Annotated:
        marks, annotation = annotation.__metadata__, get_args(annotation)[0]
        for mark in marks:
            if isinstance(mark, Choice):
                return chosen(mark.kind)
            if isinstance(mark, ShareCountOrSource):
                return st.integers(1, 10**6) | st.floats(0, 1, exclude_min=True, exclude_max=True) | chosen("source")
            if isinstance(mark, AfterValidator) and mark.func in (periods.checked, periods.checked_of_game):
                texts = ["1 step", "200 steps", "30s", "1h2.5m0.01s"]
                return st.sampled_from(texts + ["5 epochs"] * (mark.func is periods.checked))
    if get_origin(annotation) is tuple:
        arguments = get_args(annotation)
        if arguments[-1] is Ellipsis:
            least = max((mark.min_length for mark in marks if isinstance(mark, MinLen)), default=0)
            return st.lists(of(arguments[0]), min_size=least, max_size=3).map(tuple)
        return st.tuples(*[of(argument) for argument in arguments])
    if get_origin(annotation) is dict:
        return st.dictionaries(*[of(argument) for argument in get_args(annotation)], max_size=2)
    if dataclasses.is_dataclass(annotation):
        assert isinstance(annotation, type)
        return built(annotation)
    return leaf(annotation, marks)


def leaf(kind: Any, marks: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    if kind is str:
        return TEXTS | TRICKY
    if kind is bool:
        return st.booleans()
    low = max(
        (mark.ge if isinstance(mark, Ge) else mark.gt for mark in marks if isinstance(mark, Ge | Gt)), default=None
    )
    high = min(
        (mark.le if isinstance(mark, Le) else mark.lt for mark in marks if isinstance(mark, Le | Lt)), default=None
    )
    above, below = any(isinstance(mark, Gt) for mark in marks), any(isinstance(mark, Lt) for mark in marks)
    if kind is int:
        start = -(2**62) if low is None else low + above
        return st.integers(start, 2**62 if high is None else high - below) | st.integers(start, start + 9)
    assert kind is float, kind
    return st.floats(low, high, exclude_min=above, exclude_max=below, allow_nan=False, allow_infinity=False)


@cache
def built(cls: type) -> st.SearchStrategy[Any]:
    """Objects of a dataclass; combinations that it refuses are left out."""
    hints = get_type_hints(cls, include_extras=True)
    fields = st.fixed_dictionaries({field.name: of(hints[field.name]) for field in dataclasses.fields(cls)})
    return fields.filter(lambda values: accepts(cls, values)).map(lambda values: cls(**values))


def accepts(cls: type, values: dict[str, Any]) -> bool:
    try:
        cls(**values)
    except ValueError:
        return False
    return True


@cache
def chosen(kind: str) -> st.SearchStrategy[Any]:
    return st.sampled_from([cls for _, cls in registry.KINDS[kind].items()]).flatmap(built)


@st.composite
def configs(draw: st.DrawFn) -> Config:
    """Configurations that the decoder accepts: metrics once each, and no figure watched that is not measured."""
    values = {
        name: draw(of(annotation))
        for name, annotation in SECTIONS.items()
        if name not in ("name", "plugins", "train", "checkpoint")
    }
    values["metrics"] = tuple({metric.figure: metric for metric in values["metrics"]}.values())
    figures = ["loss", *(metric.figure for metric in values["metrics"])]
    train, checkpoint = draw(of(SECTIONS["train"])), draw(of(SECTIONS["checkpoint"]))
    if train.early_stopping is not None and train.early_stopping.metric is not None:
        stop = dataclasses.replace(train.early_stopping, metric=draw(st.sampled_from(figures)))
        train = dataclasses.replace(train, early_stopping=stop)
    if values["schedule"].watches() is not None:
        values["schedule"] = dataclasses.replace(values["schedule"], metric=draw(st.sampled_from(figures)))
    if checkpoint.best is not None:
        best = dataclasses.replace(checkpoint.best, metric=draw(st.sampled_from(figures)))
        checkpoint = dataclasses.replace(checkpoint, best=best)
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    inputs = st.none() | st.lists(TEXTS | st.sampled_from([*names, "input"]), max_size=2).map(tuple)
    network = tuple(NodeSpec(draw(chosen("layer")), name, draw(inputs), ()) for name in names)
    given = {name: value for name, value in values.items() if value is not None and draw(st.booleans())}
    given = {"optimizer": values["optimizer"], "schedule": values["schedule"], "metrics": values["metrics"]} | given
    name = draw(st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,8}", fullmatch=True))
    return Config(**{"name": name, "network": network, "loss": (), "train": train, "checkpoint": checkpoint} | given)
