"""Tables of classes: what modules stand for is imported when first asked for, and cannot be replaced before that."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from nncli.registry import Registry, Taken

ROOT = Path(__file__).parents[1]
FILE = """
from dataclasses import dataclass
from tests_registry_table import table

@table("{name}")
@dataclass(frozen=True)
class Part:
    '''A part.'''
"""


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry[object]:
    """A table with the package `late` of the modules one, two and _shared, none of them imported."""
    made: Registry[object] = Registry("part")
    package = tmp_path / "late"
    package.mkdir()
    (package / "__init__.py").touch()
    for name in ("one", "two", "_shared"):
        (package / f"{name}.py").write_text(FILE.format(name=name))
    module = type(sys)("tests_registry_table")
    module.table = made  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tests_registry_table", module)
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("late", "late.one", "late.two"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    made.find("late", [str(package)])
    return made


def test_modules_stand_for_their_classes_until_they_are_asked_for(table: Registry[object]) -> None:
    assert list(table) == ["one", "two"]
    assert "one" in table
    assert "late.one" not in sys.modules
    assert table["one"].__module__ == "late.one"
    assert "late.two" not in sys.modules
    assert [name for name, _ in table.items()] == ["one", "two"]
    assert "late.two" in sys.modules
    assert table.added() == ()
    with pytest.raises(KeyError):
        table["three"]


def test_a_name_is_taken_before_its_module_is_imported(table: Registry[object]) -> None:
    @dataclass(frozen=True)
    class Other:
        """Another part of that name."""

    with pytest.raises(Taken, match="'one' is registered twice"):
        table("one")(Other)
    table("three")(Other)
    assert table.added() == (Other,)
    assert list(table) == ["one", "three", "two"]


def test_a_configuration_imports_the_layers_that_it_has() -> None:
    code = (
        "import sys; from nncli.spec import load; load('configs/mnist_lenet.yaml').check();"
        "print(*sorted(m for m in sys.modules if m.startswith('nncli.layers.') and '._' not in m))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [
        f"nncli.layers.{name}" for name in ("conv2d", "dense", "flatten", "max_pool2d", "relu")
    ]
