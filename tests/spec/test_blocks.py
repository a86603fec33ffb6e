"""Blocks unfold into the list that one would have written by hand; faults stand where their cause is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nncli.errors import NncliError
from nncli.graph import build
from nncli.spec import dump, read_text
from nncli.spec.blocks import DEEPEST, MOST_NODES

HEAD = "input: {shape: [3, 8, 8]}\n"
RESIDUAL = """
blocks:
  residual:
    parameters: {filters: , stride: 1, activation: relu}
    network:
      - {conv2d: {filters: $filters, kernel: 3, stride: $stride, padding: same}, name: a}
      - $activation
      - {conv2d: {filters: $filters, kernel: 3, padding: same}, name: b}
      - {conv2d: {filters: $filters, kernel: 1, stride: $stride}, name: skip, inputs: input}
      - {add: {}, inputs: [b, skip]}
"""


def read(text: str) -> str:
    """The text of the configuration without blocks, as a checkpoint keeps it."""
    loaded = read_text(HEAD + text, "f.yaml")
    assert loaded.faults == []
    build(loaded.config.network, (3, 8, 8), loaded.document, loaded.faults)
    assert loaded.faults == []
    return dump(loaded.config)


def faults(text: str) -> list[str]:
    loaded = read_text(text, "f.yaml")
    return [f"{fault} ({fault.hint})" for fault in loaded.faults]


def test_a_block_is_the_list_that_it_stands_for() -> None:
    found = read(
        f"{RESIDUAL}network: [{{conv2d: 4}}, {{residual: {{filters: 6, stride: 2}}, name: r}}, {{relu: , name: end}}]\n"
    )
    expected = read("""
network:
  - conv2d: 4
  - {conv2d: {filters: 6, kernel: 3, stride: 2, padding: same}, name: r-a}
  - {relu: {}, name: r-relu_1}
  - {conv2d: {filters: 6, kernel: 3, padding: same}, name: r-b}
  - {conv2d: {filters: 6, kernel: 1, stride: 2}, name: r-skip, inputs: conv2d_1}
  - {add: {}, name: r-add_1, inputs: [r-b, r-skip]}
  - {relu: , name: end}
""")
    assert found == expected


def test_the_text_of_an_unfolded_network_gives_it_back() -> None:
    text = read(f"{RESIDUAL}network: [{{residual: 4, repeat: 3, name: r}}, {{residual: 2, inputs: r, name: s}}]\n")
    assert "blocks" not in text
    assert dump(read_text(text).config) == text
    config = read_text(text).config
    assert [node.name for node in config.network][:6] == [
        "r-1-a",
        "r-1-relu_1",
        "r-1-b",
        "r-1-skip",
        "r-1-add_1",
        "r-2-a",
    ]
    by_name = {node.name: node for node in config.network}
    assert by_name["r-2-skip"].inputs == ("r-1-add_1",)
    assert by_name["s-a"].inputs == ("r-3-add_1",)
    assert by_name["s-skip"].inputs == ("r-3-add_1",)


def test_uses_without_a_name_are_counted() -> None:
    config = read_text(f"{RESIDUAL}network: [{{residual: 4}}, {{residual: 4}}]\n").config
    assert [node.name for node in config.network if node.name.endswith("-a")] == ["residual_1-a", "residual_2-a"]


def test_whole_layers_and_names_may_be_parameters() -> None:
    text = RESIDUAL + "network: [{residual: {filters: 4, activation: {leaky_relu: 0.2}}, name: r}]\n"
    layer = next(node.layer for node in read_text(text).config.network if "relu" in node.name)
    assert layer.slope == 0.2
    text = """
blocks:
  joined: {parameters: {other: }, network: [{dense: 3, name: a}, {add: {}, inputs: [a, $other]}]}
network: [flatten, {dense: 3, name: a}, relu, {joined: a, name: j}]
"""
    nodes = {node.name: node for node in read_text(text).config.network}
    assert nodes["j-add_1"].inputs == ("j-a", "j-a"), "the block's own names come first"
    nodes = {
        node.name: node
        for node in read_text(
            text.replace("name: a}, relu", "name: o}, relu").replace("joined: a", "joined: o")
        ).config.network
    }
    assert nodes["j-add_1"].inputs == ("j-a", "o")


def test_blocks_within_blocks() -> None:
    text = """
blocks:
  pair: {parameters: {units: 2}, network: [{dense: $units}, relu]}
  four: {parameters: {units: 3}, network: [{pair: $units, name: p}, {pair: {units: 5}, repeat: 2}]}
network: [flatten, {four: 7, name: f}, {add: {}, inputs: [f, f]}]
"""
    nodes = read_text(text).config.network
    assert [node.name for node in nodes] == [
        "flatten_1", "f-p-dense_1", "f-p-relu_1", "f-pair_2-1-dense_1", "f-pair_2-1-relu_1", "f-pair_2-2-dense_1",
        "f-pair_2-2-relu_1", "add_1",
    ]  # fmt: skip
    assert [node.layer.units for node in nodes if node.layer.type_name == "dense"] == [7, 5, 5]
    assert nodes[-1].inputs == ("f-pair_2-2-relu_1",) * 2


def test_frozen_and_shared_within_blocks() -> None:
    text = """
blocks:
  twin: {parameters: {of: first}, network: [{dense: 3, name: x}, {dense: 3, name: y, share: x}, {dense: 3, share: $of}]}
network: [flatten, {dense: 3, name: first}, {twin: , name: t, trainable: false}]
"""
    nodes = {node.name: node for node in read_text(text).config.network}
    assert nodes["t-y"].share == "t-x"
    assert nodes["t-dense_3"].share == "first"
    assert [nodes[name].trainable for name in ("first", "t-x")] == [True, False]


@pytest.mark.parametrize(
    ("override", "filters"),
    [
        ("network.r.filters=9", 9),
        ("network[0].residual.filters=9", 9),
        ("network[0].residual=9", 9),
        ("blocks.residual.network[0].conv2d.filters=9", 9),
        ("network[0].inputs=input", 4),
    ],
)
def test_overrides_reach_blocks(override: str, filters: int) -> None:
    loaded = read_text(f"{RESIDUAL}network: [{{residual: 4, name: r}}]", overrides=[override])
    assert loaded.faults == []
    assert loaded.config.network[0].layer.filters == filters


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("network.r.filter=9", "no parameter of the block 'residual' (did you mean 'filters'?)"),
        ("blocks.residul.network[0]=relu", "there is no such place"),
        ("blocks.residual.network[9]=relu", "there is no entry 9"),
    ],
)
def test_overrides_that_lead_nowhere(override: str, message: str) -> None:
    loaded = read_text(f"{RESIDUAL}network: [{{residual: 4, name: r}}]", overrides=[override])
    assert any(message in f"{fault} ({fault.hint})" for fault in loaded.faults)


ONE = "give the names of others as parameters: `inputs: [input, $other]`"
LIST = "write one `- layer` for each node, or `{parameters: {...}, network: [...]}`"
LOOP = "blocks:\n  a: [{b: }]\n  b: [relu, {a: }]\nnetwork: [flatten, {a: }, {dense: 3}]\n"
BAD = {
    "a fault of the block is said once": (
        "blocks:\n  b: [{dense: 0}]\nnetwork: [{b: , repeat: 3}, b]\n",
        ["f.yaml:2:15: blocks.b[0].dense.units: must be greater than 0, found 0; the block 'b' is used as 'b_1' ()"],
    ),
    "a fault of a value stands where the value does": (
        "blocks:\n  b: {parameters: {n: 1}, network: [{dense: $n}]}\nnetwork:\n  - b\n  - {b: {n: -3}, name: x}\n",
        ["f.yaml:5:13: network[1].b.n: must be greater than 0, found -3; the block 'b' is used as 'x' ()"],
    ),
    "of a default too": (
        "blocks:\n  b: {parameters: {n: yes}, network: [{dense: $n}]}\nnetwork: [b]\n",
        [
            "f.yaml:2:23: blocks.b.parameters.n: expected a whole number from 1, found 'yes'; the block 'b' "
            "is used as 'b_1' ()"
        ],
    ),
    "a parameter that is not given": (
        "blocks:\n  b: {parameters: {n: }, network: [{dense: $n}]}\nnetwork: [b]\n",
        ["f.yaml:3:11: network[0].b: the block 'b' needs its parameter 'n' (write `b: {n: ...}`)"],
    ),
    "an unknown parameter": (
        "blocks:\n  b: {parameters: {units: 1}, network: [{dense: $units}]}\nnetwork: [{b: {unit: 3}}]\n",
        ["f.yaml:3:16: network[0].b.unit: the block 'b' has no such parameter (did you mean 'units'?)"],
    ),
    "an unknown $": (
        "blocks:\n  b: {parameters: {units: 1}, network: [{dense: $unit}]}\nnetwork: [b]\n",
        ["f.yaml:2:49: blocks.b.network[0].dense: the block 'b' has no parameter 'unit' (did you mean 'units'?)"],
    ),
    "a value for a block that takes none": (
        "blocks:\n  b: [relu]\nnetwork: [{b: 3}]\n",
        ["f.yaml:3:15: network[0].b: the block 'b' has no parameters (leave the value out)"],
    ),
    "a layer's name": (
        "blocks:\n  relu: [tanh]\nnetwork: [relu]\n",
        ["f.yaml:2:3: blocks.relu: 'relu' is the name of a layer (call the block otherwise)"],
    ),
    "no list": (
        "blocks: {b: 3, c: {netwrk: [relu]}}\nnetwork: [relu]\n",
        [
            f"f.yaml:1:13: blocks.b: expected a list of layers, found 3 ({LIST})",
            f"f.yaml:1:19: blocks.c.network: expected a list of layers, found nothing ({LIST})",
            "f.yaml:1:20: blocks.c.netwrk: unknown field (did you mean 'network'?)",
        ],
    ),
    "no mapping": (
        "blocks: [b]\nnetwork: [relu]\n",
        ["f.yaml:1:9: blocks: expected blocks by name, found [b] (write `blocks: {name: [...]}`)"],
    ),
    "two inputs": (
        "blocks: {b: [relu]}\nnetwork: [{flatten: {}, name: f}, {b: , inputs: [f, f]}]\n",
        [f"f.yaml:2:49: network[1].inputs: a block reads one node ({ONE})"],
    ),
    "something unknown beside it": (
        "blocks: {b: [relu]}\nnetwork: [{b: , repat: 3}]\n",
        ["f.yaml:2:17: network[0].repat: unknown field (did you mean 'repeat'?)"],
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_faults(name: str) -> None:
    text, expected = BAD[name]
    assert faults(text) == expected


def test_a_block_within_itself() -> None:
    (said,) = faults(LOOP)
    assert "a block within itself: 'a' uses 'b' uses 'a'" in said


def test_blocks_that_grow_without_bounds() -> None:
    doubling = "".join(f"  b{n}: [b{n + 1}, b{n + 1}]\n" for n in range(30))
    (said,) = faults(f"blocks:\n{doubling}  b30: [relu]\nnetwork: [b0]\n")
    assert f"more than {MOST_NODES:,} nodes" in said
    (said,) = faults("blocks: {b: [relu]}\nnetwork: [{b: , repeat: 1000000000}]\n")
    assert f"more than {MOST_NODES:,} nodes" in said
    deep = "".join(f"  b{n}: [b{n + 1}]\n" for n in range(400))
    said_all = faults(f"blocks:\n{deep}  b400: [relu]\nnetwork: [b0]\n")
    assert any(f"blocks nest deeper than {DEEPEST}" in said for said in said_all)


VALUES = st.recursive(
    st.sampled_from(["relu", "$n", "$x", "b", "c", "dense", "input", "$", "$$n", None, 3, -1, 0.5, True]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["b", "c", "dense", "name", "inputs", "repeat", "parameters", "network", "share", "n"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(VALUES, VALUES, VALUES)
def test_anything_gives_faults_and_never_a_crash(b: object, c: object, network: object) -> None:
    import json

    text = json.dumps({"input": {"shape": [4]}, "blocks": {"b": b, "c": c}, "network": network})
    try:
        loaded = read_text(text, "f.yaml")
        build(loaded.config.network, (4,), loaded.document, loaded.faults)
    except NncliError:
        return
    assert all(fault.message for fault in loaded.faults)
