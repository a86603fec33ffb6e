"""A room imports only from lower levels."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import nncli

ROOT = Path(nncli.__file__).parent
LEVELS = [
    {"errors"},
    {"registry", "fields", "parts", "periods", "randomness", "docstrings"},
    {"kernels"},
    {"layers", "losses", "game_losses", "optimizers", "initializers", "schedules", "responses", "metrics", "data"},
    {"spec"},
    {"graph"},
    {"engine"},
    {"checkpoint", "gradcheck", "diagnostics"},
    {"training"},
    {"benchmark"},
    {"report"},
    {"api"},
    {"__init__"},
    {"cli"},
]
LEVEL = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}
WITHIN = {1}
"""Levels whose rooms may import each other."""


def imports(source: str) -> Iterator[tuple[int, str]]:
    """Line and room of every import of nncli in a module, also inside functions."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"nncli.{alias.name}" for alias in node.names] if node.module == "nncli" else [node.module]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == "nncli":
                yield node.lineno, parts[1] if len(parts) > 1 and parts[1] in LEVEL else "__init__"


def faults(room: str, source: str) -> list[str]:
    return [
        f"line {line}: {room} (level {LEVEL[room]}) imports {other} (level {LEVEL[other]})"
        for line, other in imports(source)
        if other not in (room, "__init__")
        and (LEVEL[other] > LEVEL[room] or (LEVEL[other] == LEVEL[room] and LEVEL[room] not in WITHIN))
    ]


MODULES = sorted(ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_only_from_lower_levels(path: Path) -> None:
    room = path.relative_to(ROOT).with_suffix("").parts[0]
    assert room in LEVEL, f"give the room '{room}' a level"
    assert faults(room, path.read_text()) == []


@pytest.mark.parametrize(
    "line",
    [
        "import nncli.engine",
        "from nncli.engine import Model",
        "from nncli import engine",
        "from nncli.layers.relu import Relu",
    ],
)
def test_an_import_from_above_is_found(line: str) -> None:
    assert faults("kernels", f"def f():\n    {line}\n") != []
    assert faults("cli", f"def f():\n    {line}\n") == []


def test_engine_names_no_concrete_part() -> None:
    """Neither imports a concrete layer nor writes the YAML name of one as a text."""
    from nncli import layers, registry

    assert layers.__name__ == "nncli.layers"
    names = set(registry.layer) | set(registry.loss) | set(registry.optimizer)
    assert {"dense", "conv2d", "relu"} <= names
    for path in (ROOT / "engine").rglob("*.py"):
        texts = {
            node.value
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        assert texts & names == set(), path
