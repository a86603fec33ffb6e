"""Changed configurations: through what checks them, and where they are valid and small through a little training."""

from __future__ import annotations

import copy
import dataclasses
import gzip
import json
import random
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from nncli import registry
from nncli.spec.config import SECTIONS
from nncli.spec.game import SECTIONS as GAME_SECTIONS
from tests.benchmarks.fuzz.texts import EXTREMES, changed, encoded, pick
from tests.benchmarks.fuzz.verdict import TIMES, Answer, Ask
from tests.benchmarks.fuzz.workers import ROOM, Case
from tests.data.files import idx_bytes

ROOT = Path(__file__).parents[3]
SMALL_FLOPS, SMALL_BYTES = 1e9, 16 * 2**20
"""What a network may cost in all for it to be trained a little."""
TRAINED = 0.3
"""Share of those that are."""

EXAMPLES = (
    """
name: everything
seed: 3
dtype: float64
threads: 2
data:
  train: {random: {samples: 40, shape: [2, 6, 6], classes: 3}}
  validation: 8
  test: 0.2
  stratified: true
  preprocess: [{scale: {factor: 0.5, offset: 0}}, standardize]
  augment: [{flip: {}}, {shift: 1}]
network:
  - {conv2d: {filters: 4, kernel: [3, 3], stride: 1, padding: same, groups: 2}, name: stem}
  - batch_norm
  - relu
  - max_pool2d: {size: 2, stride: 2}
  - {conv2d: {filters: 4, kernel: 1}, name: a}
  - {conv2d: {filters: 4, kernel: 3, padding: 1}, name: b, inputs: max_pool2d}
  - {add: {}, inputs: [a, b]}
  - {dropout: 0.25}
  - global_avg_pool2d
  - {dense: {units: 3, init: he_normal}}
loss: {softmax_cross_entropy: {label_smoothing: 0.1}}
metrics: [accuracy, {top_k: 2}]
optimizer: {sgd: {lr: 0.01, momentum: 0.9, nesterov: true}}
schedule: {step: {every: 3, factor: 0.5}}
groups: [{nodes: stem, lr: 0.001}]
train: {epochs: 2, batch: 8, accumulate: 2, ema: 0.9, clip: {norm: 1}, early_stopping: {patience: 2, metric: accuracy}}
checkpoint: {every: 1, best: {metric: accuracy, mode: max}}
diagnose: {every: 2}
""",
    """
input: {shape: [4], classes: 3}
blocks:
  half:
    fields: {units: 8}
    network: [{dense: $units}, relu]
data: {train: {csv: {path: ../data/iris/iris.data, target: -1}}, test: 0.2}
network: [{half: {units: 6}}, {half: 5}, {dense: 3}]
loss: softmax_cross_entropy
""",
    """
data: {train: {random: {samples: 30, shape: [5, 20], classes: 4}}}
network:
  - conv1d: {filters: 3, kernel: 5, padding: same}
  - tanh
  - avg_pool1d: 2
  - {flatten: {}, name: f}
  - {dense: {units: 4}, name: one}
  - {dense: 4, inputs: f, name: two}
  - {concat: {}, inputs: [one, two]}
  - dense: 4
loss: [{softmax_cross_entropy: {}, weight: 0.5}]
optimizer: {adamw: {lr: 1e-3, weight_decay: 0.01}}
""",
    """
data: {train: {npz: {path: ../data/digits.npz, x: x_train, y: null}}}
network: [flatten, {dense: {units: 8, init: {normal: {std: 0.1}}}}, sigmoid, {dense: 64}, {reshape: [1, 8, 8]}]
loss: {least_squares: {}, target: input}
optimizer: rmsprop
train: {epochs: 1, batch: 16}
""",
)


def case(folder: Path) -> Case:
    """The format, with what all cases share in a folder: small data where the shipped configurations look for some."""
    data = prepared(folder)
    shipped = [path.read_text() for path in sorted((ROOT / "configs").glob("*.yaml"))]
    seeds = [*shipped, *EXAMPLES, *EXAMPLES]
    trees = [yaml.safe_load(text) for text in seeds]
    words = vocabulary(seeds)
    size = sum(path.stat().st_size for path in data.rglob("*") if path.is_file())

    def asked(rng: random.Random, here: Path) -> Generator[Ask, Answer, None]:
        place = rng.randrange(len(seeds))
        if rng.random() < 0.6:
            content = encoded(rng, changed(rng, seeds[place], words, rng.choice([1, 1, 1, 2, 2, 3, 5])))
        else:
            content = grown(rng, trees[place], words).encode("utf-8", "surrogatepass")
        (here / "configs").mkdir()
        (here / "data").symlink_to(data)
        file = here / "configs" / "case.yaml"
        file.write_bytes(content)
        yield from commands(rng, here, file, size + len(content))

    return asked


def prepared(folder: Path) -> Path:
    """A folder of small data."""
    data, rng = folder / "data", np.random.default_rng(0)
    (data / "iris").mkdir(parents=True, exist_ok=True)
    (data / "mnist").mkdir(exist_ok=True)
    x, y = rng.integers(0, 17, (160, 8, 8)).astype(np.uint8), rng.integers(0, 10, 160).astype(np.uint8)
    y[:10] = y[-10:] = np.arange(10)
    np.savez_compressed(data / "digits.npz", x_train=x[:110], y_train=y[:110], x_test=x[110:], y_test=y[110:])
    rows = [
        f"{a:.1f},{b:.1f},{c:.1f},{d:.1f},{'uvw'[n % 3]}" for n, (a, b, c, d) in enumerate(rng.uniform(0, 9, (60, 4)))
    ]
    (data / "iris" / "iris.data").write_text("\n".join(rows) + "\n")
    for name, n in (("train", 40), ("t10k", 20)):
        images, labels = rng.integers(0, 256, (n, 28, 28)).astype(np.uint8), (np.arange(n) % 10).astype(np.uint8)
        (data / "mnist" / f"{name}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(images), mtime=0))
        (data / "mnist" / f"{name}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx_bytes(labels), mtime=0))
    return data


def commands(rng: random.Random, here: Path, file: Path, size: int) -> Generator[Ask, Answer, None]:
    """What is done with a configuration."""
    names, codes = (file.name, "/", "--set", "--samples", "random data"), frozenset({0, 2, 3, 6})
    if b"random" in file.read_bytes():
        size += ROOM // TIMES  # as many random numbers as it asks for are made
    first = yield Ask(("validate", str(file)), codes, names, size)
    if first.code:
        if rng.random() < 0.1:
            second = rng.choice([("summary", str(file)), ("train", str(file), "--dry-run"), ("bench", str(file))])
            yield Ask(second, codes - {0}, names, size)
        return
    summary = yield Ask(("summary", str(file), "--json"), frozenset({0}), names, size)
    game = b"generator" in file.read_bytes()
    verb = "gan" if game else "train"
    dry = yield Ask((verb, str(file), "--dry-run", "--json"), codes | {2}, names, size)
    if dry.code or summary.code or rng.random() > TRAINED:
        return
    cost, plan = json.loads(summary.out), json.loads(dry.out)
    n = plan["samples"].get("train", cost["batch"])
    passes = 3 * (2 + plan["d_steps"]) * cost["batch"] if game else n
    if (
        3 * cost["flops"] * passes > SMALL_FLOPS
        or cost["memory_bytes"] > SMALL_BYTES
        or len(cost["nodes"]) * n > 20_000
    ):
        return
    short = ("--steps", "2") if game else ("--epochs", "1")
    run = (verb, str(file), *short, "--out", str(here / "run"), "--json")
    end = yield Ask(run, codes | {4, 8, 7}, (*names, "run"), size + SMALL_BYTES)
    if end.code == 0 and rng.random() < 0.5:
        more = [("inspect", str(here / "run")), ("eval", str(here / "run")), ("summary", str(file), "--probe")]
        yield Ask(rng.choice(more[: 3 - game]), codes, names, size + SMALL_BYTES)


# -- changes of what a configuration says --------------------------------------------------------------------------


def vocabulary(texts: Sequence[str]) -> list[str]:
    """Names of all kinds, their fields, and of what configurations hold."""
    words = {*SECTIONS, *GAME_SECTIONS, "network", "blocks", "input", "same", "valid", "name", "inputs", "share"}
    for table in registry.KINDS.values():
        for name, cls in table.items():
            words |= {name, *(field.name for field in dataclasses.fields(cls))}
    for text in texts:
        words |= {
            word for word in text.replace(",", " ").replace("{", " ").replace("}", " ").split() if word.isidentifier()
        }
    return sorted(words)


_VALUES: tuple[Any, ...] = (
    *(None, True, False, -1, 0, 1, 2, 3, 5, 100, 10**5, 10**9, 2**31, 2**62, 10**30, -0.0, 0.5, 1e-320, 1e308, -2.5),
    *(
        float("nan"),
        float("inf"),
        "",
        "x",
        "same",
        "1e-3",
        [],
        {},
        [1],
        [0, 0],
        [1, 2, 3],
        [[1]],
        {"a": 1},
        [None],
        "é\0",
    ),
    *("../../x", "/dev/zero", "/", ".", "input", "a" * 3000, "x\ny", "\u202e", [3] * 70),
)


def grown(rng: random.Random, tree: Any, words: Sequence[str]) -> str:
    """A text of the tree after some changes."""
    tree = copy.deepcopy(tree)
    for _ in range(rng.choice([1, 1, 2, 2, 3, 4])):
        tree = _mutated(rng, tree, words)
    text: str = yaml.dump(
        tree, Dumper=_Plain, sort_keys=False, allow_unicode=True, default_flow_style=rng.choice([None, True])
    )
    return text


class _Plain(yaml.SafeDumper):
    """Without anchors, which would be refused for no reason of interest."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in _places(item, (*path, key)))]


def _mutated(rng: random.Random, tree: Any, words: Sequence[str]) -> Any:
    places = [place for place in _places(tree) if place]
    if not places:
        return rng.choice([{}, [], "x", None])
    place = rng.choice(places)
    holder = _at(tree, place[:-1])
    key, value = place[-1], holder[place[-1]]
    match rng.randrange(10):
        case 0 | 1 | 2:
            holder[key] = copy.deepcopy(rng.choice(_VALUES))
        case 3:
            holder[key] = _number(rng, value)
        case 4 if isinstance(holder, dict):
            _renamed(holder, key, pick(rng, words))
        case 4 | 5:
            holder[key] = _part(rng)
        case 6:
            del holder[key]
        case 7:
            other = rng.choice(places)
            _at(tree, other[:-1])[other[-1]] = copy.deepcopy(value) if len(other) >= len(place) else "x"
        case 8:
            holder[key] = rng.choice([[value], [value, value], {pick(rng, words): value}, {"input": value}])
        case _ if isinstance(holder, list):
            holder.insert(rng.randrange(len(holder) + 1), _part(rng))
        case _:
            holder[pick(rng, words)] = copy.deepcopy(rng.choice(_VALUES))
    return tree


def _at(tree: Any, place: tuple[Any, ...]) -> Any:
    for key in place:
        tree = tree[key]
    return tree


def _renamed(holder: dict[Any, Any], old: Any, new: str) -> None:
    items = [(new if key == old else key, value) for key, value in holder.items()]
    holder.clear()
    holder.update(items)


def _number(rng: random.Random, value: Any) -> Any:
    """Another number, of the same kind if it was one."""
    if isinstance(value, int) and not isinstance(value, bool):
        return rng.choice(
            [value + 1, value - 1, 2 * value, -value, 10 * value, 1000 * value, value / 2, rng.randrange(9)]
        )
    if isinstance(value, float):
        return rng.choice(
            [-value, value * 1e3, value * 1e-3, 1 - value, value + 1, round(min(value, 1e9)) if value == value else 7]
        )
    return rng.choice([rng.randrange(-2, 12), rng.random(), pick(rng, EXTREMES)])


def _part(rng: random.Random) -> Any:
    """Anything registered, with some of its fields set to something."""
    table = rng.choice([*registry.KINDS.values(), *[registry.layer] * 6])
    name = rng.choice(list(table))
    fields = [field.name for field in dataclasses.fields(table[name])]
    set_to = {
        field: rng.choice([1, 2, 3, 4, 0.5, [2, 2], [1, 3], "same", True, copy.deepcopy(rng.choice(_VALUES))])
        for field in fields
        if rng.random() < 0.6
    }
    return rng.choice([name, {name: set_to}, {name: rng.randrange(1, 9)}, {name: {}, "inputs": ["input", "input"]}])
