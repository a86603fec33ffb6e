"""The text of a configuration gives an equal one back, and reads well."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nncli.spec import Loaded, dump, load_any, read_game, read_text
from nncli.spec.config import Config
from nncli.spec.dump import inline
from nncli.spec.yaml12 import parse
from tests.spec.strategies import TRICKY, configs

TEXT = """\
name: small
data: {train: {npz: x.npz}, validation: 0.1}
network:
  - dense: {units: 5, init: zeros}
  - relu
  - {dense: 2, name: out, inputs: [relu_1]}
loss: softmax_cross_entropy
metrics: [accuracy]
"""


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(configs())
def test_reading_the_text_gives_an_equal_configuration(config: Config) -> None:
    text = dump(config)
    loaded = read_text(text, "resolved.yaml")
    assert loaded.faults == []
    assert loaded.config == config
    assert dump(loaded.config) == text


def test_every_default_is_written_out() -> None:
    """Read by PyYAML: each section's and each class's fields are there, but for those that are None."""
    config = read_text(TEXT).config
    plain = yaml.safe_load(dump(config))
    assert plain["network"][2]["dense"].keys() == {"units", "bias"}
    assert plain["network"][2]["name"] == "out"
    assert plain["network"][2]["inputs"] == ["relu_1"]
    assert plain["network"][1] == {"relu": {}, "name": "relu_1"}
    assert plain["network"][0]["dense"]["init"] == "zeros"
    fields = {field.name for field in dataclasses.fields(config.optimizer)}
    assert plain["optimizer"]["adam"].keys() == fields
    assert plain["metrics"] == ["accuracy"]
    assert plain["seed"] == 0
    assert "threads" not in plain


def test_one_line_for_each_node_and_each_source() -> None:
    lines = dump(read_text(TEXT).config).splitlines()
    assert [line.split(":")[0] for line in lines if not line.startswith(" ")] == [
        "name", "seed", "dtype", "data", "network", "loss", "metrics", "optimizer", "groups", "schedule", "train",
        "checkpoint",
    ]  # fmt: skip
    assert sum(line.startswith("  - ") for line in lines) == 3
    assert any(line.startswith("  train: {npz: {path: x.npz,") for line in lines)


@pytest.mark.parametrize("path", sorted(Path("configs").glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_configurations(path: Path) -> None:
    loaded = load_any(path)
    assert loaded.faults == []
    reading = read_text if isinstance(loaded, Loaded) else read_game
    again = reading(dump(loaded.config), "other.yaml")
    assert again.faults == []
    assert again.config == loaded.config


STORABLE = st.text(max_size=10).filter(lambda text: "\0" not in text)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.floats(allow_nan=False) | TRICKY
    | STORABLE,
    lambda inner: st.lists(inner, max_size=3).map(tuple)
    | st.dictionaries(STORABLE.filter(bool), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(PLAIN)
def test_one_line_of_plain_values_comes_back(value: object) -> None:
    text = inline(value)
    assert "\n" not in text
    assert parse(f"key: {text}\n", "f").plain == {"key": value}
    assert repr(parse(f"key: {text}\n", "f").plain) == repr({"key": value})
    assert parse(text, "f").plain == value
