"""Plugins: what they may register, that they run only where it is allowed, and what is said of bad ones."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from nncli import registry
from nncli.errors import Fault, SpecError, UsageError
from nncli.spec import dump, load, plugins, read_text
from nncli.spec.schema import json_schema
from tests.spec.plugin_files import BAD, CONFIG, EVERY_KIND, HEAD, TAKEN, TWICE, layer

ASKED = "a plugin may do whatever you may: read it, then allow it to run with --plugins"
RELU = "network: [relu]\n"


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    before = {kind: list(table) for kind, table in registry.KINDS.items()}
    yield
    plugins.retire()
    assert {kind: list(table) for kind, table in registry.KINDS.items()} == before


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "my.py").write_text(EVERY_KIND)
    (tmp_path / "my.yaml").write_text(CONFIG)
    return tmp_path


def ran(folder: Path) -> str:
    """Code that leaves a trace."""
    return f"\nfrom pathlib import Path\nPath({str(folder / 'ran')!r}).touch()\n"


def refused(path: Path, digests: dict[str, str] | None = None) -> list[Fault]:
    with plugins.allowed(), pytest.raises(SpecError) as caught:
        load(path, (), digests)
    return list(caught.value.faults)


def test_every_kind(folder: Path) -> None:
    with plugins.allowed():
        config = load(folder / "my.yaml").check()
        assert config.network[1].layer.factor == 3
        assert config.network[0].layer.init.value == 0.25
        terms = (*config.loss, *config.metrics)
        chosen = (*(term.part for term in terms), config.optimizer, config.schedule, config.data.train)
        assert [part.type_name for part in chosen] == [
            "my_loss", "my_metric", "my_optimizer", "my_schedule", "my_source"
        ]  # fmt: skip
        assert read_text(dump(config), "again.yaml", base=folder).check() == config
        assert "twice" in json_schema()["definitions"]["node"]["anyOf"][-1]["properties"]
    assert "twice" not in registry.layer


def test_nothing_runs_unless_it_is_allowed(folder: Path) -> None:
    (folder / "my.py").write_text(ran(folder))
    with pytest.raises(SpecError) as caught:
        load(folder / "my.yaml")
    (fault,) = caught.value.faults
    assert str(fault) == (
        f"{folder}/my.yaml:1:10: plugins: the configuration wants to run code of its own: {folder}/my.py"
    )
    assert fault.hint == ASKED
    assert not (folder / "ran").exists()
    assert "registers nothing" in refused(folder / "my.yaml")[0].message
    assert (folder / "ran").exists()


def test_what_is_allowed_ends(folder: Path) -> None:
    with plugins.allowed():
        load(folder / "my.yaml")
    with pytest.raises(SpecError):
        load(folder / "my.yaml")


def test_the_same_file_twice_gives_the_same_classes(folder: Path) -> None:
    with plugins.allowed():
        first, second = load(folder / "my.yaml").check(), load(folder / "my.yaml").check()
        assert first == second
        assert type(first.network[1].layer) is type(second.network[1].layer)
        (folder / "my.py").write_text(EVERY_KIND.replace("factor: float = 2.0", "factor: float = 7.0"))
        text = CONFIG.replace("twice: 3", "twice")
        assert read_text(text, "x", base=folder).check().network[1].layer.factor == 7


def test_a_configuration_knows_only_its_own_plugins(folder: Path) -> None:
    """Also where an earlier one has filled the caches: the same place then refuses what it took before."""
    text = "network: [{dense: {units: 3, init: my_initializer}}]\n"
    with plugins.allowed():
        for _ in range(2):
            assert read_text("plugins: my.py\n" + text, "x", base=folder).faults == []
            (fault,) = read_text(text, "x").faults
            assert fault.message == "unknown initializer 'my_initializer'"


def test_two_files_with_one_name_in_two_configurations(folder: Path) -> None:
    (folder / "other.py").write_text(TWICE.replace("2.0", "5.0"))
    with plugins.allowed():
        for name, factor in (("my.py", 2), ("other.py", 5), ("my.py", 2)):
            config = read_text(f"plugins: {name}\nnetwork: [twice]\n", "x", base=folder).check()
            assert config.network[0].layer.factor == factor
        both = "plugins: [my.py, other.py]\nnetwork: [twice]\n"
        with pytest.raises(SpecError) as caught:
            read_text(both, "x.yaml", base=folder)
    (fault,) = caught.value.faults
    assert str(fault) == "x.yaml:1:18: plugins[1]: other.py: the layer 'twice' is registered twice"
    assert fault.hint == TAKEN


def test_overrides_reach_plugins_and_their_parts(folder: Path) -> None:
    with plugins.allowed():
        config = load(folder / "my.yaml", ["network[1].twice.factor=9", "optimizer.lr=2"]).check()
        assert (config.network[1].layer.factor, config.optimizer.lr) == (9, 2)
        config = read_text(RELU, "x", ["network=[twice]", "plugins=[my.py]"], base=folder).check()
        assert config.network[0].layer.type_name == "twice"
        with pytest.raises(SpecError) as caught:
            read_text(RELU, "x", ["plugins=[none.py]"], base=folder)
    assert str(caught.value) == f"--set plugins=[none.py]: plugins[0]: no such file: {folder}/none.py"


@pytest.mark.parametrize("name", BAD)
def test_bad_plugins(folder: Path, name: str) -> None:
    text, message, hint = BAD[name]
    (folder / "my.py").write_text(text)
    for _ in range(2):
        (fault,) = refused(folder / "my.yaml")
        assert (fault.line, fault.column, fault.path) == (1, 11, "plugins[0]")
        if name == "null bytes":  # Python's words for it differ from version to version
            assert fault.message.startswith("my.py")
            assert "null bytes" in fault.message
        else:
            assert (fault.message, fault.hint) == (message, hint)


def test_a_source_without_load(folder: Path) -> None:
    text = layer('    """X."""', base="parts.Step").replace("registry.layer", "registry.source")
    (folder / "my.py").write_text(text)
    assert refused(folder / "my.yaml")[0].message == "my.py: the class Mine of 'mine' is no source"


def test_all_bad_plugins_at_once_and_nothing_else(folder: Path) -> None:
    (folder / "bad.py").write_text("oops\n")
    (folder / "all.yaml").write_text("plugins:\n  - bad.py\n  - none.py\n  - my.py\n  - .\nnetwork: [nothing]\n")
    assert [str(fault).removeprefix(str(folder)) for fault in refused(folder / "all.yaml")] == [
        "/all.yaml:2:5: plugins[0]: bad.py:1: NameError: name 'oops' is not defined",
        f"/all.yaml:3:5: plugins[1]: no such file: {folder}/none.py",
        "/all.yaml:5:5: plugins[3]: . cannot be read: Is a directory",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("plugins: 3", "plugins: expected a text or a list, found 3"),
        ("plugins: ['']", "plugins[0]: must not be empty"),
        ("plugins: [{a: b}]", "plugins[0]: expected a text, found {a: b}"),
    ],
)
def test_no_list_of_files(text: str, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        read_text(text + "\n" + RELU, "x")
    assert said in str(caught.value)


@pytest.mark.parametrize("text", ["plugins: []", "plugins:", ""])
def test_no_plugins_need_no_leave(text: str) -> None:
    config = read_text(f"{text}\n{RELU}", "x").check()
    assert config.plugins == ()
    assert "plugins" not in dump(config)


def test_a_file_that_changed_does_not_run(folder: Path) -> None:
    digest = hashlib.sha256(EVERY_KIND.encode()).hexdigest()
    with plugins.allowed():
        load(folder / "my.yaml", (), {"my.py": digest})
        assert plugins.digests(["my.py"], folder) == {"my.py": digest}
    (folder / "my.py").write_text(EVERY_KIND + ran(folder))
    for known in ({"my.py": digest}, {}):
        (fault,) = refused(folder / "my.yaml", known)
        assert fault.message == "my.py has changed since the checkpoint was written"
        assert fault.hint == "to go on with the file as it is now, add --changed-plugins"
    assert not (folder / "ran").exists()
    with plugins.allowed(changed=True):
        load(folder / "my.yaml", (), {"my.py": digest})
    assert (folder / "ran").exists()


def test_for_commands_without_a_configuration(folder: Path) -> None:
    with plugins.using([folder / "my.py"]):
        assert "twice" in registry.layer
    with pytest.raises(UsageError) as caught, plugins.using([folder / "my.py", folder / "none.py"]):
        pass
    assert str(caught.value) == f"--plugin: no such file: {folder}/none.py"
    assert "twice" not in registry.layer


def test_blame(folder: Path) -> None:
    """An error inside a plugin is the plugin's, also where NumPy raises it; one inside nncli is not."""
    (folder / "my.py").write_text(layer('    """X."""\n    def forward(self, f):\n        np.zeros(3) + np.zeros(4)'))
    with plugins.allowed():
        made = read_text("plugins: my.py\nnetwork: [mine]\n", "x", base=folder).check().network[0].layer
    with pytest.raises(ValueError, match="broadcast") as caught:
        made.forward(None)
    fault = plugins.blame(caught.value)
    assert fault is not None
    assert fault.file == str(folder / "my.py")
    assert fault.line == len(HEAD.splitlines()) + 7
    with pytest.raises(NotImplementedError) as inside:
        made.declare((3,))
    assert plugins.blame(inside.value) is None
