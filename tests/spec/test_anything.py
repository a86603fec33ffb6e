"""Whatever is written, the answer is a configuration or faults in our own words: never another exception."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nncli.errors import Fault, NncliError
from nncli.spec import dump, load, read_text
from nncli.spec.config import SECTIONS, Config
from nncli.spec.dump import inline
from nncli.spec.yaml12 import parse, show
from tests.spec.strategies import TRICKY, configs

QUICK = settings(deadline=None, suppress_health_check=list(HealthCheck))
WORDS = st.sampled_from(
    [
        "name",
        "inputs",
        "type",
        "dense",
        "conv2d",
        "relu",
        "adam",
        "npz",
        "accuracy",
        "lr",
        "units",
        "path",
        "loss",
        *SECTIONS,
    ]
)
LEAVES = (
    st.none() | st.booleans() | st.integers(-3, 10) | st.integers() | st.floats() | TRICKY | WORDS | st.text(max_size=5)
)
JUNK = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


def answer(text: str, *overrides: str) -> Config | list[Fault]:
    """The configuration, or its faults."""
    try:
        return read_text(text, "any.yaml", overrides).check()
    except NncliError as error:
        return list(error.faults)


def proper(result: Config | list[Fault]) -> None:
    """A configuration can be written out; a fault has a place, on one line, in words that are not pydantic's."""
    if isinstance(result, Config):
        assert read_text(dump(result), "again.yaml").check() == result
        return
    assert result
    for fault in result:
        assert str(fault).isprintable()
        assert fault.hint.isprintable()
        assert fault.line is not None or fault.file.startswith("--set ")
        for foreign in (
            "Input should",
            "pydantic",
            "Tuple",
            "dict",
            "valid integer",
            "error",
            "None",
            "NoneType",
            "<class",
        ):
            assert foreign not in fault.message.split("found")[0].split("'")[0]


def replaced(value: Any, steps: list[int], junk: Any) -> Any:
    """The value with junk somewhere inside; the steps choose where."""
    if not steps or not isinstance(value, dict | tuple) or not value:
        return junk
    if isinstance(value, dict):
        key = list(value)[steps[0] % len(value)]
        return value | {key: replaced(value[key], steps[1:], junk)}
    index = steps[0] % len(value)
    return (*value[:index], replaced(value[index], steps[1:], junk), *value[index + 1 :])


@QUICK
@given(st.dictionaries(WORDS, JUNK, max_size=4))
def test_any_structure(value: dict[str, Any]) -> None:
    proper(answer(inline(value)))


@QUICK
@given(configs(), st.lists(st.integers(0, 9), min_size=1, max_size=6), JUNK)
def test_anything_anywhere_in_a_configuration(config: Config, steps: list[int], junk: Any) -> None:
    plain = replaced(parse(dump(config), "good.yaml").plain, steps, junk)
    proper(
        answer(
            "\n".join(f"{key}: {inline(value)}" for key, value in plain.items())
            if isinstance(plain, dict)
            else inline(plain)
        )
    )


@QUICK
@given(configs(), st.data())
def test_any_override(config: Config, data: st.DataObject) -> None:
    """At a place of the file, at one a step beside it, or at none."""
    text = dump(config)
    path = data.draw(st.sampled_from(sorted(parse(text, "good.yaml").values, key=str)))
    cut = data.draw(st.integers(0, len(path)))
    more = data.draw(st.lists(WORDS | st.integers(0, 3), max_size=2))
    proper(answer(text, f"{show((*path[:cut], *more))}={inline(data.draw(JUNK))}"))


@QUICK
@given(st.text(max_size=30))
def test_any_text_as_an_override(text: str) -> None:
    proper(answer("network: [relu]", text, "seed=" + text, text + "=3"))


@QUICK
@given(st.binary(max_size=80))
def test_any_bytes(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = Path(tmp_path_factory.getbasetemp()) / "any.yaml"
    path.write_bytes(content)
    try:
        faults = load(path).faults
    except NncliError as error:
        faults = list(error.faults)
    assert all(str(fault).isprintable() for fault in faults)


def test_a_message_of_pydantics_own_would_be_noticed() -> None:
    with pytest.raises(AssertionError):
        proper([Fault("Input should be a valid integer", "seed", "", "any.yaml", 1, 1)])
