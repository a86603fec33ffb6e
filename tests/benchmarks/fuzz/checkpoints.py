"""Changed checkpoints, in three ways: bytes of the file, which the digest must catch; what the HDF5 file holds, with
the digest made right again; and bytes of the HDF5 file, with the digest made right too."""

from __future__ import annotations

import hashlib
import random
import shutil
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from nncli.checkpoint.files import _user_block as user_block
from tests.benchmarks.fuzz import octets, texts
from tests.benchmarks.fuzz.configurations import prepared, vocabulary
from tests.benchmarks.fuzz.verdict import Answer, Ask
from tests.benchmarks.fuzz.workers import Case, called

BLOCK = 512
NETWORK = """
name: net
data:
  train: {npz: {path: ../data/digits.npz, x: x_train, y: y_train}}
  test: {npz: {path: ../data/digits.npz, x: x_test, y: y_test}}
  preprocess: [standardize]
network:
  - {conv2d: {filters: 2, kernel: 3}, name: stem}
  - batch_norm
  - relu
  - flatten
  - dense: 10
loss: softmax_cross_entropy
metrics: [accuracy]
optimizer: adam
train: {epochs: 1, batch: 40, ema: 0.9, early_stopping: {patience: 3}}
diagnose: {every: 2}
"""
TABLE = """
name: table
data:
  train: {csv: {path: ../data/iris/iris.data, target: 0, categorical: [4], missing: mean, unknown: zeros}}
  validation: 10
  standardize_targets: true
network: [dense: 4, tanh, dense: 1]
loss: least_squares
metrics: [r2]
optimizer: {sgd: {lr: 0.01, momentum: 0.9}}
train: {epochs: 1, batch: 16}
"""
GAME = """
name: game
data: {train: {ring: {modes: 4}}}
latent: 2
generator: [dense: 6, batch_norm, relu, dense: 2]
discriminator: [dense: 6, leaky_relu, dense: 1]
game: {steps: 3, batch: 8, ema: 0.9, spectral_norm: 1}
optimizer: adam
diagnose: {every: 2, samples: 32}
sample: {every: 100, fixed_noise: 4}
"""
PICTURES = """
name: pictures
data:
  train: {npz: {path: ../data/digits.npz, x: x_train, y: y_train}}
  preprocess: [{scale: {factor: 0.125, offset: -1}}]
latent: 3
generator: [dense: 64, tanh, {reshape: [1, 8, 8]}]
discriminator: [flatten, dense: 1]
game: {steps: 2, batch: 8}
optimizer: adam
diagnose: {every: 2, samples: 32}
sample: {every: 100, fixed_noise: 4}
"""


@dataclass(frozen=True)
class Stored:
    """A run: its kind, its configuration, and the bytes of its last checkpoint."""

    game: bool
    config: Path
    data: bytes


def stored(folder: Path) -> list[Stored]:
    """Small runs of every kind."""
    prepared(folder)
    (folder / "configs").mkdir(exist_ok=True)
    made = []
    for name, text in (("net", NETWORK), ("table", TABLE), ("game", GAME), ("pictures", PICTURES)):
        config, run, game = folder / "configs" / f"{name}.yaml", folder / name, "generator" in text
        config.write_text(text)
        words = ("gan" if game else "train", str(config), "--out", str(run), "--threads", "1", "--json")
        answer, _ = called(Ask(words, frozenset({0}), (), 0))
        assert answer.code == 0, answer.out + answer.err
        made.append(Stored(game, config, (run / "last.h5").read_bytes()))
    return made


def signed(data: bytes) -> bytes:
    """HDF5 data of a checkpoint behind the block with their digest."""
    return user_block(hashlib.sha256(data).hexdigest()) + data


def commands(rng: random.Random, here: Path, run: Stored, codes: frozenset[int]) -> Generator[Ask, Answer, None]:
    """What reads a checkpoint."""
    last, names = here / "run" / "last.h5", ("last.h5", "/")
    size = last.stat().st_size
    verb = "gan" if run.game else "train"
    more = ("--steps", "4") if run.game else ("--epochs", "2")
    config = str(run.config)
    asked: list[tuple[str, ...]] = [
        ("inspect", str(last)),
        ("inspect", str(last), "--json"),
        ("eval", str(last)),
        (verb, "--resume", str(last), *more, "--json"),
        (verb, "--resume", str(last), "--dry-run"),
        ("sample", str(last), "-o", str(here / "s.npz"), "-n", "3"),
        ("plot", str(last)),
    ]
    if not run.game:
        init = f"init_from={{path: {last}}}"
        asked += [
            ("train", config, "--set", init, "--dry-run"),
            ("train", config, "--set", init, "--out", str(here / "new")),
        ]
        asked += [("summary", config, "--probe", "--samples", "8", "--weights", str(last))]
    for words in rng.sample(asked, 3):
        # a game's look, and pictures, take what they take
        yield Ask(words, codes, names, size + 2 * 2**20)


def _format(
    change: Callable[[random.Random, Sequence[Stored], Stored, Path], bytes], codes: frozenset[int]
) -> Callable[[Path], Case]:
    def made(folder: Path) -> Case:
        runs = stored(folder)

        def asked(rng: random.Random, here: Path) -> Generator[Ask, Answer, None]:
            run = rng.choice(runs)
            data = change(rng, runs, run, here)
            (here / "run").mkdir()
            (here / "run" / "last.h5").write_bytes(data)
            if rng.random() < 0.1:
                (here / "run" / "best.h5").write_bytes(run.data)
            yield from commands(
                rng,
                here,
                run,
                codes | {2} if change is _content and _other_kind(here / "run" / "last.h5", run) else codes,
            )

        return asked

    return made


def _other_kind(path: Path, run: Stored) -> bool:
    """Whether it is a checkpoint of another kind of run by now: then commands are the wrong ones for it."""
    try:
        with h5py.File(path) as file:
            return str(file.attrs["kind"]) != ("gan" if run.game else "supervised")
    except (OSError, KeyError, RuntimeError):
        return False


# -- bytes -------------------------------------------------------------------------------------------------------------


def _bytes(rng: random.Random, runs: Sequence[Stored], run: Stored, here: Path) -> bytes:
    while True:
        data = octets.changed(rng, run.data, [other.data for other in runs], head=BLOCK)
        if data != run.data:
            return data


def _signed_bytes(rng: random.Random, runs: Sequence[Stored], run: Stored, here: Path) -> bytes:
    data = octets.changed(rng, run.data[BLOCK:], [other.data[BLOCK:] for other in runs], head=4096)
    return signed(data)


# -- what the file holds -----------------------------------------------------------------------------------------------

_WORDS = vocabulary([NETWORK, TABLE, GAME, PICTURES])
_TEXTS = (
    "",
    "x",
    "[/bold]",
    "[bold]a",
    "\x1b[31mred",
    "gan",
    "supervised",
    "float32",
    "float64",
    "float16",
    "object",
    "a\nb",
    "é" * 3000,
    "/dev/zero",
    "../../..",
    "validation loss",
    "train accuracy",
)
_MOST = 2**20
"""Numbers of a data set that is read to be changed."""
_NUMBERS = (-1, 0, 1, 2, 3, 1000, 2**31, 2**62, -(2**63), 1e308, -1e308, 1e-320, float("nan"), float("inf"), 0.5)


def _content(rng: random.Random, runs: Sequence[Stored], run: Stored, here: Path) -> bytes:
    path = here / "made.h5"
    path.write_bytes(run.data)
    with h5py.File(path, "r+") as file:
        for _ in range(rng.choice([1, 1, 1, 2, 3])):
            change_content(rng, file)
    data = path.read_bytes()[BLOCK:]
    path.unlink()
    return signed(data)


def change_content(rng: random.Random, file: h5py.File) -> None:
    """One object or attribute becomes something else."""
    found: list[str] = []
    file.visit(found.append)
    group_names = [name for name in found if isinstance(file[name], h5py.Group)]
    if not found or rng.random() < 0.25:
        _attribute(rng, file)
        return
    name = rng.choice(found)
    parent, _, own = name.rpartition("/")
    holder = file[parent] if parent else file
    match rng.randrange(9):
        case 0:
            del holder[own]
        case 1:
            other = rng.choice([*_WORDS, "state", "W", "b", "step", "x" * 300])
            if other not in holder:
                holder.move(own, other)
        case 2 | 3 | 4:
            item = file[name]
            attributes = dict(item.attrs)
            small = isinstance(item, h5py.Dataset) and (item.size or 0) <= _MOST  # an earlier change may claim much
            value = _value(rng, item[()] if small else None)
            del holder[own]
            _put(rng, holder, own, value)
            if rng.random() < 0.8 and isinstance(holder[own], h5py.Dataset):
                for key, kept in attributes.items():
                    holder[own].attrs[key] = kept
        case 5:
            del holder[own]
            target = rng.choice([*group_names, name, "/", "nothing", "model", "generator"])
            kind = rng.randrange(3)
            if kind == 0 and target in file and target != name and not target.startswith(name):
                holder[own] = file[target]
            elif kind == 1:
                holder[own] = h5py.ExternalLink(rng.choice(["/dev/zero", "other.h5", "last.h5", "/etc/passwd"]), target)
            else:
                holder[own] = h5py.SoftLink(f"/{target.lstrip('/')}")
        case 6:
            new = rng.choice(["new", "state", "step", "loss", "W", "0_standardize", "generator", "model", "probe"])
            into = file[rng.choice(group_names)] if group_names else file
            if new not in into:
                _put(rng, into, new, _value(rng, None))
        case 7:
            item = file[name]
            if item.attrs:
                key = rng.choice(list(item.attrs))
                del item.attrs[key]
                if rng.random() < 0.6:
                    item.attrs[key] = _value(rng, None)
        case _:
            deep = holder
            for _ in range(rng.choice([1, 5, 30])):
                deep = deep.require_group("deeper")


def _attribute(rng: random.Random, file: h5py.File) -> None:
    """Of the root; its configuration may become another one."""
    key = rng.choice(["config", "config", "config", *file.attrs])
    if key not in file.attrs:
        return
    old = file.attrs[key]
    del file.attrs[key]
    match rng.randrange(6):
        case 0:
            pass
        case 1 | 2 | 3 if isinstance(old, str):
            changed = texts.changed(rng, old, _WORDS, rng.choice([1, 1, 2]))
            file.attrs[key] = changed.replace("\0", "").encode("utf-8", "replace").decode()
        case 4:
            file.attrs[key] = rng.choice(_NUMBERS)
        case 5:
            file.attrs[key] = rng.choice(_TEXTS)
        case _:
            file.attrs[key] = _value(rng, None)


def _value(rng: random.Random, old: Any) -> Any:
    """Something to store in the place of something."""
    array = np.asarray(old if old is not None and not isinstance(old, bytes) else 1.0)
    if array.dtype == object:
        array = np.zeros(array.shape)
    match rng.randrange(11):
        case 0:
            return rng.choice(_NUMBERS)
        case 1:
            return rng.choice(_TEXTS)
        case 2:
            return np.zeros(rng.choice([(0,), (1,), (3,), (2, 3), (0, 5), (1,) * 20, (1000,)]))
        case 3:
            return np.full(array.shape, rng.choice([0, -1, 1e30, np.nan, np.inf, 1e-40]))
        case 4:
            return array.astype(rng.choice(["f2", "f4", "f8", "i1", "i8", "u1", "?", "c16", ">f4", ">i8"]))
        case 5:
            return np.broadcast_to(array, (2, *array.shape)).copy()
        case 6:
            return array.reshape(-1)[: max(0, array.size - 1)]
        case 7:
            return np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")])
        case 8:
            return np.array(["a", "[/b]"], dtype=h5py.string_dtype())
        case 9:
            return np.array(["x", "y"], dtype="S3")
        case _:
            return h5py.Empty("f4")


def _put(rng: random.Random, holder: Any, name: str, value: Any) -> None:
    """As a data set: now and then one that claims more than there is, or is somewhere else."""
    match rng.randrange(12):
        case 0:
            holder.create_dataset(name, shape=(2**40,), dtype="f4", chunks=(1024,))
        case 1:
            holder.create_dataset(name, shape=(2**36,), dtype="f8")
        case 2:
            holder.create_dataset(name, shape=(10,), dtype="f4", external=[("/dev/zero", 0, 40)])
        case 3:
            layout = h5py.VirtualLayout(shape=(10,), dtype="f4")
            layout[:] = h5py.VirtualSource("/etc/passwd", "x", shape=(10,))
            holder.create_virtual_dataset(name, layout)
        case 4:
            holder.create_dataset(name, data=np.zeros(5000), compression="gzip", chunks=(100,))
        case 5:
            holder.create_group(name)
        case _:
            holder.create_dataset(name, data=value)


# -- plans -------------------------------------------------------------------------------------------------------------

PLAN = """\
nncli_plan: 1
tuned_on: a machine
batch: 40
dtype: float32
shards: 1
blas: 1
nodes:
  stem: {algorithm: gemm}
"""


def plans(folder: Path) -> Case:
    """Files of --plan."""
    run = stored(folder)[0]
    (made, words) = (folder / "plan.yaml", vocabulary([PLAN]))
    answer, _ = called(
        Ask(("bench", str(run.config), "--tune", "-o", str(made), "--seconds", "0.2"), frozenset({0}), (), 0)
    )
    text = made.read_text() if answer.code == 0 else PLAN

    def asked(rng: random.Random, here: Path) -> Generator[Ask, Answer, None]:
        file = here / "plan.yaml"
        file.write_bytes(texts.encoded(rng, texts.changed(rng, text, words, rng.choice([1, 1, 2, 3]))))
        most = ("train", str(run.config), "--plan", str(file))
        codes = frozenset({0, 2})
        first = yield Ask((*most, "--dry-run"), codes, ("plan.yaml",), 2**16)
        if first.code == 0 and rng.random() < 0.2:
            yield Ask((*most, "--out", str(here / "run")), codes, ("plan.yaml",), 2**20)
        shutil.rmtree(here / "run", ignore_errors=True)

    return asked


FORMATS: dict[str, Callable[[Path], Case]] = {
    "checkpoints": _format(_bytes, frozenset({6})),
    "contents": _format(_content, frozenset({0, 3, 4, 6, 8})),
    "signed": _format(_signed_bytes, frozenset({0, 3, 4, 6, 8})),
    "plans": plans,
}
