"""What the README says is true: its commands run, its configuration trains, its tables are complete."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

from nncli import registry
from nncli.cli import nncli as group
from nncli.graph import build
from nncli.spec import decode, read_text  # fills the registries

assert decode.__name__ == "nncli.spec.decode"

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    return [line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines() if line.startswith("nncli ")]


def nncli(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-c", "from nncli.cli import main; main()", *shlex.split(command)[1:]]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(ROOT)})


def test_its_commands_run_one_after_the_other(tmp_path: Path) -> None:
    for folder in ("configs", "data"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    assert len(commands()) >= 5
    for command in commands():
        done = nncli(command, tmp_path)
        assert done.returncode == 0, (command, done.stderr)


def test_its_configuration_trains(tmp_path: Path) -> None:
    (text,) = (text for kind, text in BLOCKS if kind == "yaml" and text.startswith("name:"))
    (tmp_path / "configs").mkdir()
    shutil.copytree(ROOT / "data", tmp_path / "data")
    (tmp_path / "configs" / "mine.yaml").write_text(text)
    done = nncli("nncli train configs/mine.yaml --epochs 1 --json", tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("text", [text for kind, text in BLOCKS if kind == "yaml" and not text.startswith("name:")])
def test_its_pieces_of_configurations_are_valid(text: str) -> None:
    loaded = read_text("input: {shape: [1, 8, 8]}\n" + text)
    graph = build(loaded.config.network, (1, 8, 8), loaded.document, loaded.faults)
    assert loaded.faults == []
    assert graph is not None


def test_it_has_the_two_commands_that_begin_everything() -> None:
    lines = [line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines() if line.startswith("pip ")]
    assert lines == ["pip install . && nncli train configs/digits_cnn.yaml", "pip install '.[test]' && pytest"]


@pytest.mark.parametrize("name", sorted(group.commands))
def test_every_command_is_in_its_table(name: str) -> None:
    assert re.search(rf"^\| `nncli {name}\b", README, re.MULTILINE)


@pytest.mark.parametrize("name", list(registry.layer))
def test_every_layer_is_in_its_table_with_its_fields(name: str) -> None:
    import dataclasses

    (row,) = (line for line in README.splitlines() if line.startswith("|") and f"`{name}`" in line.split("|")[1])
    for field in dataclasses.fields(registry.layer[name]):
        assert f"`{field.name}`" in row, field.name


@pytest.mark.parametrize("kind", ["loss", "metric", "optimizer", "schedule", "source", "preprocess"])
def test_every_other_part_is_named(kind: str) -> None:
    missing = [name for name in registry.KINDS[kind] if f"`{name}`" not in README]
    assert missing == []


def test_every_dependency_is_in_its_table() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    packages = {re.split(r"[><=\[]", text)[0] for text in project["dependencies"]}
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
