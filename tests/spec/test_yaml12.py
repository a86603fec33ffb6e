"""Scalars as YAML 1.2 means them, positions of every value and key, and the bounds of what is read."""

from __future__ import annotations

import math
import re
import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from nncli.errors import Fault, NncliError, SpecError
from nncli.spec.yaml12 import MAX_CHARACTERS, MAX_DEPTH, MAX_INTEGER, MAX_VALUES, Document, parse, scalar, show

# The examples of the specification, yaml.org/spec/1.2.2, section 10.3.2, and the traps of YAML 1.1.
SCALARS: dict[str, object] = {
    "null": None, "Null": None, "NULL": None, "~": None, "": None,
    "true": True, "True": True, "FALSE": False, "false": False,
    "0": 0, "-19": -19, "+12": 12, "0o14": 12, "0o7": 7, "0x3A": 58, "010": 10, "08": 8, "-0": 0,
    "0.": 0.0, "-0.0": 0.0, ".5": 0.5, "12e03": 12000.0, "-2E+05": -200000.0, "1e-3": 0.001, "1E5": 100000.0,
    ".inf": math.inf, "-.Inf": -math.inf, "+.INF": math.inf,
    "yes": "yes", "no": "no", "on": "on", "off": "off", "y": "y", "N": "N", "tRUE": "tRUE", "nULL": "nULL",
    "1:30": "1:30", "2001-12-14": "2001-12-14", "1_000": "1_000", "0b11": "0b11", "0x": "0x", "0o8": "0o8",
    "1e": "1e", "e5": "e5", ".": ".", "+": "+", "-.": "-.", "1.2.3": "1.2.3", "١": "١", "1 ": "1 ", "1\n": "1\n",
    "inf": "inf", "nan": "nan", "-.nan": "-.nan", "<<": "<<", "=": "=",
}  # fmt: skip


@pytest.mark.parametrize("text", SCALARS)
def test_plain_scalars(text: str) -> None:
    expected, value = SCALARS[text], scalar(text)
    assert value == expected
    assert type(value) is type(expected)


def test_nan() -> None:
    assert all(math.isnan(scalar(text)) for text in (".nan", ".NaN", ".NAN"))


def test_this_is_where_pyyaml_differs() -> None:
    """The traps are real: PyYAML reads these otherwise, and so would we without our own rules."""
    for text in ("1e-3", "on", "no", "1:30", "010", "2001-12-14", "1_000", "0o14"):
        assert yaml.safe_load(text) != SCALARS[text]


@given(st.floats(allow_nan=False))
def test_every_float_comes_back_from_its_repr(value: float) -> None:
    text = repr(value).replace("inf", ".inf")
    assert scalar(text) == value


def test_quotes_make_texts() -> None:
    document = parse("a: '1'\nb: \"true\"\nc: |\n  3\nd: ! 4\ne: ''\n", "f")
    assert document.plain == {"a": "1", "b": "true", "c": "3\n", "d": "4", "e": ""}


def test_lists_are_tuples_and_keys_are_texts() -> None:
    assert parse("1: [a, [2]]\ntrue: {}\n", "f").plain == {"1": ("a", (2,)), "true": {}}


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "---\n...\n", "\ufeff", "\n\n"])
def test_empty(text: str) -> None:
    document = parse(text, "f")
    assert document.plain is None
    assert str(document.fault((), "x")).startswith("f:1:") or "---" in text


def test_anchors_repeat_a_value() -> None:
    assert parse("a: &x {b: [1, 2]}\nc: *x\n", "f").plain == {"a": {"b": (1, 2)}, "c": {"b": (1, 2)}}
    assert parse("&k key: 1\nother: *k\n", "f").plain == {"key": 1, "other": "key"}


# -- positions ---------------------------------------------------------------------------------------------------------

TEXT = """\
name: digits   # a comment
network:
  - conv2d: {filters: 32, kernel: [3, 5]}
  - {add: {}, inputs: [stem, 'branch']}
  -   relu
"optimizer":
  adam:
    lr: 2e-3
"""

PLACES = {
    ("name",): ("name", "digits"),
    ("network", 0, "conv2d"): ("conv2d", "{filters"),
    ("network", 0, "conv2d", "filters"): ("filters", "32"),
    ("network", 0, "conv2d", "kernel"): ("kernel", "[3, 5]"),
    ("network", 0, "conv2d", "kernel", 1): (None, "5]"),
    ("network", 1): (None, "{add"),
    ("network", 1, "inputs", 1): (None, "'branch'"),
    ("network", 2): (None, "relu"),
    ("optimizer",): ('"optimizer"', "adam"),
    ("optimizer", "adam", "lr"): ("lr", "2e-3"),
}


def position(text: str, token: str) -> tuple[int, int]:
    """Line and column of the only place where a token stands."""
    (index,) = [match.start() for match in re.finditer(re.escape(token), text)]
    before = text[:index]
    return before.count("\n") + 1, index - before.rfind("\n")


@pytest.mark.parametrize("path", PLACES, ids=show)
@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["unix", "windows"])
@pytest.mark.parametrize("start", ["", "\ufeff"], ids=["", "byte order mark"])
def test_positions(path: tuple[str | int, ...], ends: str, start: str) -> None:
    document = parse(start + TEXT.replace("\n", ends), "f.yaml")
    key, value = PLACES[path]
    line, column = position(TEXT, value)
    fault = document.fault(path, "x")
    assert (fault.line, fault.column) == (line, column)
    assert str(fault) == f"f.yaml:{line}:{column}: {show(path)}: x"
    assert document.place(path) == f"f.yaml:{line}:{column}"
    if key is not None:
        fault = document.fault(path, "x", key=True)
        assert (fault.line, fault.column) == position(TEXT, key)


def test_a_place_that_is_not_written_is_that_of_what_is_around_it() -> None:
    document = parse(TEXT, "f")
    fault = document.fault(("optimizer", "adam", "beta1"), "x")
    assert (fault.line, fault.column) == position(TEXT, "lr: 2e-3")
    assert fault.path == "optimizer.adam.beta1"


def test_paths_are_shown_as_users_write_them() -> None:
    assert show(("network", 3, "conv2d", "kernel")) == "network[3].conv2d.kernel"
    assert show(()) == ""
    assert show(("a b", "c.d", "e\nf", 0)) == "'a b'.'c.d'.'e\\nf'[0]"


def test_at() -> None:
    document = parse(TEXT, "f")
    assert document.at(("network", 0, "conv2d", "kernel", 1)) == 5
    for path in (("network", 9), ("network", "relu"), ("name", 0), ("nme",), ("name", "digits")):
        assert document.at(path) is None


# -- bounds ------------------------------------------------------------------------------------------------------------


def faults(text: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        parse(text, "f")
    return [str(fault) for fault in caught.value.faults]


def test_an_alias_bomb_is_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    start = time.perf_counter()
    (fault,) = faults("\n".join(lines))
    assert "aliases unfold into more than" in fault
    assert time.perf_counter() - start < 5


def test_aliases_do_not_hide_depth() -> None:
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, MAX_DEPTH + 1)]
    (fault,) = faults("\n".join(lines))
    assert "aliases nest deeper" in fault


def test_depth() -> None:
    assert parse("[" * MAX_DEPTH + "]" * MAX_DEPTH, "f").plain != ()
    (fault,) = faults("[" * 100_000)
    assert "nested deeper" in fault
    (fault,) = faults("{a: " * 1000)
    assert "nested deeper" in fault


def test_number_of_values() -> None:
    (fault,) = faults("[" + "1," * (MAX_VALUES + 1) + "]")
    assert "more than" in fault


def test_length() -> None:
    (fault,) = faults("# " + "x" * MAX_CHARACTERS)
    assert "longer than" in fault


def test_whole_numbers() -> None:
    assert parse(f"[{MAX_INTEGER}, {-MAX_INTEGER}]", "f").plain == (MAX_INTEGER, -MAX_INTEGER)
    assert len(faults(f"[{MAX_INTEGER + 1}, {-MAX_INTEGER - 1}, 0x{'f' * 100}]")) == 3
    assert parse("'" + "9" * 30 + "'", "f").plain == "9" * 30


@pytest.mark.parametrize("text", [r'"\0"', r'"\ud800"', r'{"\0": 1}'])
def test_characters_that_cannot_be_stored(text: str) -> None:
    assert len(faults(text)) == 1


@pytest.mark.parametrize("text", [r'a: "\UFFFFFFFF"', "%YAML 1." + "9" * 5000 + "\n--- 1"])
def test_what_pyyaml_stumbles_over(text: str) -> None:
    with pytest.raises((ValueError, OverflowError)):
        yaml.safe_load(text)
    (fault,) = faults(text)
    assert "not valid YAML" in fault


def test_faults_before_a_syntax_error_are_told_too() -> None:
    assert len(faults("a: 1\na: 2\nb: [\n")) == 2


def test_every_fault_of_this_level_is_told() -> None:
    text = "a: !!str x\na: 1\nb: *c\n<<: {}\n? [1]\n: 2\n"
    assert [fault.split(":")[1] for fault in faults(text)] == ["1", "2", "3", "4", "5"]


def compose(text: str) -> object:
    """Plain values from PyYAML's own composer: the reference for structure and positions."""
    return yaml.compose(text, Loader=yaml.SafeLoader)


def same(node: object, plain: object, document: Document, path: tuple[str | int, ...]) -> None:
    mark = node.start_mark  # type: ignore[attr-defined]
    assert document.values[path] == (mark.line + 1, mark.column + 1)
    if isinstance(node, yaml.MappingNode):
        assert isinstance(plain, dict)
        assert [key.value for key, _ in node.value] == list(plain)
        for key, value in node.value:
            assert document.keys[*path, key.value] == (key.start_mark.line + 1, key.start_mark.column + 1)
            same(value, plain[key.value], document, (*path, key.value))
    elif isinstance(node, yaml.SequenceNode):
        assert isinstance(plain, tuple)
        for index, (value, item) in enumerate(zip(node.value, plain, strict=True)):
            same(value, item, document, (*path, index))
    else:
        assert isinstance(node, yaml.ScalarNode)
        assert plain == (scalar(node.value) if node.style is None else node.value)


KEYS = st.text("abcdefgh_", min_size=1, max_size=4)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text("abc é:#,'\"[]{}\n-", max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, VALUES, max_size=5), st.sampled_from([None, True, False]))
def test_structure_and_positions_are_those_of_pyyaml(value: dict[str, object], flow: bool | None) -> None:
    text = yaml.safe_dump(value, default_flow_style=flow, allow_unicode=True)
    document = parse(text, "f")
    same(compose(text), document.plain, document, ())


SYNTAX = st.text(st.sampled_from("ab 1\n\t:-[]{},&*!?|>'\"%@`#\\.~\r\ufeff\x00\x85é"), max_size=60)


def attempt(text: str) -> Document | tuple[Fault, ...]:
    try:
        return parse(text, "f")
    except NncliError as error:
        return error.faults


@given(SYNTAX | st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    result = attempt(text)
    if isinstance(result, Document):
        assert result.values
    else:
        assert result
        for fault in result:
            assert fault.message.isprintable()
            assert fault.line is None or 1 <= fault.line <= len(text) + 1
