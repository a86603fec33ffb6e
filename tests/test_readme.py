"""What the README says is true: its commands run, its configuration trains, its tables are complete."""

from __future__ import annotations

import dataclasses
import importlib.util
import itertools
import json
import math
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import numpy as np
import pytest

import nncli as nncli_api
from nncli import registry
from nncli.cli import nncli as group
from nncli.graph import build
from nncli.spec import decode, open_document, read_text  # fills the registries
from nncli.spec.game import is_game

assert decode.__name__ == "nncli.spec.decode"  # fills the registries

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    return [line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines() if line.startswith("nncli ")]


def possible(command: str) -> bool:
    """Whether the package that a command draws with is installed."""
    package = {"plot": "matplotlib"}.get(shlex.split(command)[1])
    return package is None or importlib.util.find_spec(package) is not None


def nncli(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-c", "from nncli.cli import main; main()", *shlex.split(command)[1:]]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(ROOT)})


def own_layer() -> tuple[str, str]:
    """The plugin and the configuration of "A layer of your own in a file"."""
    (code,) = (text for kind, text in BLOCKS if kind == "python")
    (config,) = (text for kind, text in BLOCKS if kind == "yaml" and text.startswith("plugins:"))
    return code, config


def test_its_layer_has_the_values_and_gradients_that_it_says(tmp_path: Path) -> None:
    """Against the formula with a number at a time."""
    from nncli.gradcheck.alone import Alone

    code, config = own_layer()
    (tmp_path / "snake.py").write_text(code)
    with nncli_api.allow_plugins():
        made = read_text(config, "snake.yaml", base=tmp_path).check().network[1].layer
    assert made.a == 2
    x = np.array([[-1.5, 0.0, 0.25, 3.0]])
    alone = Alone(made, (1,), n=4, x=[x])
    expected = [x + math.sin(2 * x) ** 2 / 2 for x in (-1.5, 0.0, 0.25, 3.0)]
    assert alone.forward()[0] == pytest.approx(expected, rel=1e-12)
    slopes = [1 + math.sin(4 * x) for x in (-1.5, 0.0, 0.25, 3.0)]
    assert alone.gradients(np.ones((1, 4)))["x0"][0] == pytest.approx(slopes, rel=1e-12)


def test_its_layer_passes_gradcheck(tmp_path: Path) -> None:
    for name, text in zip(("snake.py", "snake.yaml"), own_layer(), strict=True):
        (tmp_path / name).write_text(text)
    done = nncli("nncli gradcheck snake.yaml --plugins --json", tmp_path)
    assert done.returncode == 0, done.stderr
    rows = [row for row in json.loads(done.stdout)["nodes"] if row["type"] == "snake"]
    assert [(row["parameter"], row["passed"]) for row in rows] == [("input", True)]
    assert rows[0]["error"] < 1e-8
    (tmp_path / "snake.py").write_text(own_layer()[0].replace("np.add(f.dx, 1,", "np.add(f.dx, 1.01,"))
    assert nncli("nncli gradcheck snake.yaml --plugins", tmp_path).returncode == 5


def test_its_commands_run_one_after_the_other(tmp_path: Path) -> None:
    for folder in ("configs", "data"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    for name, text in zip(("snake.py", "snake.yaml"), own_layer(), strict=True):
        (tmp_path / name).write_text(text)
    assert len(commands()) >= 5
    for command in filter(possible, commands()):
        done = nncli(command, tmp_path)
        assert done.returncode == 0, (command, done.stderr)


def test_its_configuration_trains(tmp_path: Path) -> None:
    (text,) = (text for kind, text in BLOCKS if kind == "yaml" and text.startswith("name:"))
    (tmp_path / "configs").mkdir()
    shutil.copytree(ROOT / "data", tmp_path / "data")
    (tmp_path / "configs" / "mine.yaml").write_text(text)
    done = nncli("nncli train configs/mine.yaml --epochs 1 --json", tmp_path)
    assert done.returncode == 0, done.stderr


def test_its_game_is_played(tmp_path: Path) -> None:
    (text,) = (text for kind, text in BLOCKS if kind == "yaml" and text.startswith("latent:"))
    (tmp_path / "game.yaml").write_text(text)
    done = nncli("nncli gan game.yaml --steps 20 --json", tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("text", [text for kind, text in BLOCKS if kind == "yaml" and text.startswith("blocks:")])
def test_its_pieces_of_configurations_are_valid(text: str) -> None:
    loaded = read_text("input: {shape: [1, 8, 8]}\n" + text)
    graph = build(loaded.config.network, (1, 8, 8), loaded.document, loaded.faults)
    assert loaded.faults == []
    assert graph is not None


@pytest.mark.parametrize(
    "text", [text for kind, text in BLOCKS if kind == "yaml" and text.startswith(("data:", "checkpoint:"))]
)
def test_its_sections_are_valid(text: str) -> None:
    assert read_text("network: [relu]\n" + text).faults == []


def test_it_has_the_two_commands_that_begin_everything() -> None:
    lines = [line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines() if line.startswith("pip ")]
    assert lines == ["pip install . && nncli train configs/digits_cnn.yaml", "pip install '.[test]' && pytest"]


@pytest.mark.parametrize("name", sorted(group.commands))
def test_every_command_is_in_its_table(name: str) -> None:
    assert re.search(rf"^\| `nncli {name}\b", README, re.MULTILINE)


TABLES = (
    "layer",
    "source",
    "augment",
    "loss",
    "game_loss",
    "metric",
    "optimizer",
    "schedule",
    "response",
    "initializer",
)
"""Kinds of parts that have a table; the first cell of its head is the kind."""


def table(kind: str, text: str = README) -> list[str]:
    """The rows of the table of a kind, without its head."""
    (head,) = re.finditer(rf"^\| {kind} \|.*\n\|---.*\n", text, re.MULTILINE)
    rows = text[head.end() :].splitlines()
    return list(itertools.takewhile(lambda line: line.startswith("|"), rows))


def missing(kind: str, name: str, fields: list[str], rows: list[str]) -> list[str]:
    """What the table lacks of a part: its name, or some of its fields."""
    found = [row for row in rows if f"`{name}`" in row.split("|")[1]]
    if len(found) != 1:
        return [f"{kind} {name} ({len(found)} rows)"]
    return [f"{kind} {name}: {field}" for field in fields if f"`{field}`" not in found[0]]


PARTS = [(kind, name) for kind in TABLES for name in registry.KINDS[kind]]


@pytest.mark.parametrize(("kind", "name"), PARTS)
def test_every_part_is_in_its_table_with_its_fields(kind: str, name: str) -> None:
    fields = [field.name for field in dataclasses.fields(registry.KINDS[kind][name])]
    assert missing(kind, name, fields, table(kind)) == []


@pytest.mark.parametrize("kind", TABLES)
def test_its_tables_name_nothing_that_there_is_not(kind: str) -> None:
    names = {name for row in table(kind) for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert names - set(registry.KINDS[kind]) == set()


def test_a_part_or_field_that_is_missing_is_found() -> None:
    rows = table("loss")
    assert missing("loss", "made_up", [], rows) == ["loss made_up (0 rows)"]
    assert missing("loss", "huber", ["delta", "made_up"], rows) == ["loss huber: made_up"]
    assert missing("metric", "huber", [], table("metric")) == ["metric huber (0 rows)"]


def test_every_preprocessing_step_is_named() -> None:
    assert [name for name in registry.KINDS["preprocess"] if f"`{name}`" not in README] == []


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_configuration_is_in_its_table_and_was_measured(path: Path) -> None:
    assert re.search(rf"^\| .*`{re.escape(path.name)}`.* \|", README, re.MULTILINE)
    command = "gan" if is_game(open_document(path).plain) else "train"
    assert f"nncli {command} configs/{path.name}" in README


def test_every_dependency_is_in_its_table() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    texts = [*project["dependencies"], *extras["images"], *extras["plot"]]
    packages = {re.split(r"[><=\[]", text)[0] for text in texts}
    rows = {line.split("|")[1].strip() for line in README.splitlines() if line.startswith("|")}
    assert packages <= rows


def test_files_it_links_to_exist() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    for link in links:
        assert link.startswith("http") or (ROOT / link).exists(), link


def test_every_option_has_help() -> None:
    for command in group.commands.values():
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, (command.name, parameter.name)
