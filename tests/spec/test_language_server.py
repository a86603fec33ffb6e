"""What an editor shows: yaml-language-server with our schema, on every shipped configuration and on planted faults.

`npm install yaml-language-server` anywhere; it is found on the PATH, in the cache of npx, or where the variable
YAML_LANGUAGE_SERVER says.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from nncli.spec.schema import json_schema
from tests.spec.language_server import VARIABLE, Server, executable

COMMAND = executable()
pytestmark = pytest.mark.skipif(COMMAND is None, reason=f"no yaml-language-server on the PATH or in {VARIABLE}")
GOOD = Path("configs/digits_cnn.yaml").read_text()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    path = tmp_path_factory.mktemp("schema") / "nncli.schema.json"
    path.write_text(json.dumps(json_schema()))
    assert COMMAND is not None
    with Server(COMMAND, path) as running:
        yield running


@pytest.mark.parametrize("path", sorted(Path("configs").glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_configurations(server: Server, path: Path) -> None:
    assert server.diagnostics(path.resolve().as_uri(), path.read_text()) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("kernel: 3", "kernal: 3", "Property kernal is not allowed."),
        ("- relu", "- rleu", '"relu"'),
        ("- dense: 10", "- dense: ten", "Incorrect type"),
        ("adam: {lr: 3e-3}", "adam: {lr: -1}", "below the exclusive minimum of 0"),
        ("optimizer:", "optimzer:", "Property optimzer is not allowed."),
        ("- relu", "- {relu: {}, flatten: {}}", "only one"),
        ("epochs: 20", "epochs: '20'", "Incorrect type"),
    ],
)
def test_a_planted_fault_is_marked_in_its_line(server: Server, old: str, new: str, said: str) -> None:
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    line = next(number for number, line in enumerate(text.splitlines()) if new in line)
    (found,) = server.diagnostics(f"file:///planted/{new.encode().hex()}.yaml", text)
    assert said in found["message"]
    assert found["range"]["start"]["line"] == line


def test_help_and_names(server: Server) -> None:
    uri = "file:///help/good.yaml"
    assert server.diagnostics(uri, GOOD) == []
    lines = GOOD.splitlines()
    number = next(number for number, line in enumerate(lines) if "conv2d" in line)
    help_ = server.hover(uri, number, lines[number].index("conv2d") + 1)
    assert "Convolution of each image with shared kernels" in help_
    assert "y (F, P, Q, N)" in help_
    assert "surplus" in server.hover(uri, number, lines[number].index("padding") + 1)
    relu = next(number for number, line in enumerate(lines) if "relu" in line)
    assert "Rectified linear unit" in server.hover(uri, relu, lines[relu].index("relu") + 1)
    assert {"conv2d", "dense", "relu", "name", "inputs"} <= set(
        server.completions(uri, relu, lines[relu].index("relu"))
    )


def test_the_first_line_of_a_file_may_name_the_schema(tmp_path: Path) -> None:
    """A path from the file's folder, as the README says; the settings know of no schema."""
    (tmp_path / "nncli.schema.json").write_text(json.dumps(json_schema()))
    assert COMMAND is not None
    text = "# yaml-language-server: $schema=nncli.schema.json\nnetwork: [relu]\nsed: 3\n"
    with Server(COMMAND, None) as server:
        assert server.diagnostics((tmp_path / "other.yaml").as_uri(), text.partition("\n")[2]) == []
        (found,) = server.diagnostics((tmp_path / "mine.yaml").as_uri(), text)
    assert "sed is not allowed" in found["message"]
    assert found["range"]["start"]["line"] == 2
