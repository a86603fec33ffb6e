"""The ways in: files that cannot be read, shipped configurations, defaults, and what sections ask of each other."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from nncli import registry
from nncli.errors import Fault, SpecError
from nncli.spec import Loaded, dump, files, load, open_document, read_source, read_text, shipped
from nncli.spec.config import MetricTerm
from nncli.spec.entries import node_names
from tests.spec.bad_configs import NETWORK


def refused(path: Path | str) -> Fault:
    with pytest.raises(SpecError) as caught:
        open_document(path)
    (fault,) = caught.value.faults
    assert caught.value.exit_code == 2
    return fault


def test_no_such_file(tmp_path: Path) -> None:
    fault = refused(tmp_path / "none.yaml")
    assert str(fault) == f"{tmp_path / 'none.yaml'}: no such file"


def test_a_neighbour_is_named(tmp_path: Path) -> None:
    (tmp_path / "network.yaml").write_text("")
    assert refused(tmp_path / "netwrk.yaml").hint == f"did you mean '{tmp_path / 'network.yaml'}'?"


@pytest.mark.parametrize("name", ["digits_cnn.yaml", "digits_cnn", "configs/digits_cnn.yaml"])
def test_a_shipped_configuration_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    hint = refused(name).hint
    assert hint.startswith("a configuration of this name ships with nncli: ")
    assert Path(hint.split(": ", 1)[1]).is_file()
    assert load(hint.split(": ", 1)[1]).config.name == "digits_cnn"


def test_a_misspelt_shipped_configuration_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert refused("digits_cn.yaml").hint.endswith("digits_cnn.yaml', which ships with nncli?")


def test_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the repository they lie beside the package, in an installed wheel inside it."""
    assert shipped("digits_cnn") == Path(files.__file__).parents[2] / "configs" / "digits_cnn.yaml"
    assert shipped("nothing") is None
    assert shipped("") is None
    assert shipped("a\0b") is None
    monkeypatch.setattr(files, "FOLDERS", (tmp_path / "configs", tmp_path / "_share" / "configs"))
    assert shipped("digits_cnn") is None
    (tmp_path / "_share" / "configs").mkdir(parents=True)
    (tmp_path / "_share" / "configs" / "digits_cnn.yaml").write_text("")
    assert shipped("digits_cnn") == tmp_path / "_share" / "configs" / "digits_cnn.yaml"


def test_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("")
    fault = refused(tmp_path)
    assert (fault.message, fault.hint) == ("this is a folder, not a configuration", "it holds a.yaml")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may read everything")
def test_not_allowed(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("")
    path.chmod(0)
    assert refused(path).message == "not allowed to read this file"


def test_not_allowed_as_the_system_says_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", forbidden)
    assert refused("a.yaml").message == "not allowed to read this file"


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000, "a.yaml/b.yaml"])
def test_names_that_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text("")
    fault = refused(name)
    assert fault.message.startswith("cannot be read: ")
    assert fault.file.isprintable()


def test_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes("name: x\n# größer\nseed: 1\n".encode("latin-1"))
    fault = refused(path)
    assert str(fault) == f"{path}:2:5: not UTF-8: the byte 0xf6"


def test_a_place_counts_characters_not_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes("# é€𝄞".encode() + b"\xff")
    assert (refused(path).line, refused(path).column) == (1, 6)


def test_a_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "last.h5"
    path.write_bytes(b"\0" * 512 + b"\x89HDF\r\n\x1a\n" + b"\0" * 100)
    assert refused(path).message == "this is a checkpoint, not a configuration"


def test_a_file_without_end(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    with open(path, "wb") as file:
        file.truncate(2**31)
    assert refused(path).message.startswith("larger than")


def test_relative_paths_begin_at_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(NETWORK)
    assert load(tmp_path / "a.yaml").base == tmp_path
    assert read_text(NETWORK).base == Path()


def test_overrides_of_a_file_are_told_with_its_faults(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(NETWORK + "seed: -1\n")
    loaded = load(path, ["trian.epochs=3", "train.epochs=0"])
    assert [str(fault).removeprefix(str(tmp_path)) for fault in loaded.faults] == [
        "--set trian.epochs=3: trian: unknown section",
        "--set train.epochs=0: train.epochs: must be greater than 0, found 0",
        "/a.yaml:2:7: seed: must be at least 0, found -1",
    ]
    with pytest.raises(SpecError) as caught:
        loaded.check()
    assert caught.value.faults == tuple(loaded.faults)


# -- defaults and what is required -------------------------------------------------------------------------------------


def test_defaults() -> None:
    config = read_text(NETWORK, "somewhere/my net.v2.yaml").check()
    assert config.name == "my_net.v2"
    assert (config.seed, config.dtype, config.threads, config.loss, config.data) == (0, "float32", None, (), None)
    assert config.optimizer.type_name == "adam"
    assert config.schedule.type_name == "constant"
    assert (config.train.epochs, config.train.batch) == (10, 32)
    assert config.network[0].name == "dense_1"


@pytest.mark.parametrize("file", ["", ".yaml", "-", "é.yaml", "a b", "--.yaml", "last.h5:config"])
def test_a_name_made_from_a_file_is_one_that_can_be_written(file: str) -> None:
    config = read_text(NETWORK, file).check()
    assert read_text(dump(config), "other").check().name == config.name


def test_a_section_that_is_empty_is_one_that_is_missing() -> None:
    text = NETWORK + "optimizer:\ntrain:\ndata: null\nmetrics: ~\nloss:\n"
    assert read_text(text, "a.yaml").check() == read_text(NETWORK, "a.yaml").check()


def test_required_sections() -> None:
    loaded = read_text(NETWORK, "a.yaml")
    loaded.require_loss()
    loaded.require_data()
    loaded.require_data()
    assert [str(fault) for fault in loaded.faults] == [
        "a.yaml:1:1: the section 'loss' is required",
        "a.yaml:1:1: the section 'data' is required",
    ]
    assert "softmax_cross_entropy" in loaded.faults[0].hint


def test_a_faulty_section_is_not_called_missing() -> None:
    loaded = read_text(NETWORK + "loss: lost\ndata: {}\n", "a.yaml")
    before = list(loaded.faults)
    loaded.require_loss()
    loaded.require_data()
    assert loaded.faults == before
    assert len(before) == 2


def test_what_remains_of_a_faulty_file_can_be_checked_further() -> None:
    loaded = read_text("network: [{dense: 0, name: a}, {dense: 3, inputs: [a]}]\nloss: lost\n", "a.yaml")
    assert isinstance(loaded, Loaded)
    first, second = loaded.config.network
    assert (first.layer, first.name) == (None, "a")
    assert (second.layer.units, second.inputs) == (3, ("a",))
    assert loaded.config.loss == ()


def test_generated_names_leave_out_those_that_are_given() -> None:
    assert node_names([("relu", None), ("dense", "relu_2"), ("relu", None), ("dense", None)]) == [
        "relu_1", "relu_2", "relu_3", "dense_2"
    ]  # fmt: skip
    assert node_names([(None, None), ("nothing", None)]) == ["node_1", "node_2"]


@registry.section
@dataclass(frozen=True, slots=True)
class Refusing:
    """A layer that finds out by itself that its fields do not fit, and says so with a hint."""

    type_name = "refusing"
    width: int
    number: float | tuple[int, int] = 0.5

    def __post_init__(self) -> None:
        if self.width > 3:
            raise SpecError("too wide", hint="at most 3")


def test_what_a_class_says_itself_gets_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.layer._classes, "refusing", Refusing)
    text = "network: [{refusing: 5}, {refusing: {width: 1, number: [1]}}, {refusing: {width: 2, number: x}}]\n"
    faults = read_text(text, "a.yaml").faults
    assert [(str(fault), fault.hint) for fault in faults] == [
        ("a.yaml:1:22: network[0].refusing: too wide", "at most 3"),
        (f"a.yaml:1:{text.index('[1]') + 1}: network[1].refusing.number: expected 2 values, found 1", ""),
        (
            f"a.yaml:1:{text.index('x}') + 1}: network[2].refusing.number: expected a number or a list of 2, found 'x'",
            "",
        ),
    ]


def test_a_class_that_is_registered_later_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    text = NETWORK + "metrics: [refusing: 1]\n"
    assert "unknown metric" in str(read_text(text).faults[0])
    monkeypatch.setitem(registry.metric._classes, "refusing", Refusing)
    assert read_text(text).check().metrics == (MetricTerm(Refusing(1)),)


# -- sources on the command line ---------------------------------------------------------------------------------------


def test_a_source() -> None:
    source = read_source("{npz: {path: more.npz, y: labels}}", "--data")
    assert (source.path, source.y) == ("more.npz", "labels")
    assert read_source("npz: more.npz", "--data") == read_source("{npz: {path: more.npz}}", "--data")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("more.npz", "--data:1:1: unknown source 'more.npz'"),
        ("{npz: {pth: x}}", "--data:1:7: npz: the field 'path' is required"),
        ("", "--data:1:1: expected a source, found nothing"),
        ("[", "--data:1:2: not valid YAML: "),
    ],
)
def test_no_source(text: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        read_source(text, "--data")
    assert str(caught.value.faults[0]).startswith(message)
