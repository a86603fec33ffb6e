"""The data sets that are known: their files with checksums, where they can be had, and how a configuration names them.

A checksum stands here where others state it too for the file as its authors distribute it, and where our own copies
have it; for CIFAR-10 only the former, together with the MD5 of its page.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nncli.errors import UsageError, nearest


@dataclass(frozen=True, slots=True)
class Remote:
    """A file to download, of so many bytes.

    Of an archive `members` are what is taken out of it: the path in it and the bytes of each; it is not kept itself.
    """

    name: str
    size: int
    sha256: str
    members: Mapping[str, int] | None = None

    @property
    def kept(self) -> dict[str, int]:
        """The files that are there in the end, and their bytes."""
        if self.members is None:
            return {self.name: self.size}
        return {path.rpartition("/")[2]: size for path, size in self.members.items()}


@dataclass(frozen=True, slots=True)
class KnownSet:
    """A data set. `addresses` are where its files lie, below each under their names; the first that works is used.

    `data` is the section of a configuration, in which {} stands for the folder of the files.
    """

    name: str
    what: str
    licence: str
    files: tuple[Remote, ...]
    addresses: tuple[str, ...]
    data: Mapping[str, Any]

    @property
    def size(self) -> int:
        """Bytes to download."""
        return sum(file.size for file in self.files)

    def kept(self) -> dict[str, int]:
        """The files that are there in the end, and their bytes."""
        return {name: size for file in self.files for name, size in file.kept.items()}

    def section(self, folder: str) -> dict[str, Any]:
        """The section `data` of a configuration for files in this folder."""
        filled: dict[str, Any] = _filled(self.data, folder.rstrip("/\\") or folder)
        return filled


def _filled(value: Any, folder: str) -> Any:
    if isinstance(value, str):
        return value.replace("{}", folder)
    if isinstance(value, Mapping):
        return {key: _filled(item, folder) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, folder) for item in value]
    return value


_UCI = "https://archive.ics.uci.edu/ml/machine-learning-databases"
_TRAIN_IMAGES, _TRAIN_LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"
_TEST_IMAGES, _TEST_LABELS = "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"
_IDX = {
    "train": {"idx": {"images": f"{{}}/{_TRAIN_IMAGES}", "labels": f"{{}}/{_TRAIN_LABELS}"}},
    "test": {"idx": {"images": f"{{}}/{_TEST_IMAGES}", "labels": f"{{}}/{_TEST_LABELS}"}},
    "preprocess": ["standardize"],
}
_BATCH = 10_000 * 3073


def _table(name: str, what: str, folder: str, file: Remote, **fields: Any) -> KnownSet:
    """A table of UCI, of which a fifth is for tests."""
    values = fields.pop("values", False)
    data: dict[str, Any] = {"train": {"csv": {"path": f"{{}}/{file.name}", **fields}}, "test": 0.2}
    data |= {} if values else {"stratified": True}
    data |= {"preprocess": ["standardize"]} | ({"standardize_targets": True} if values else {})
    return KnownSet(name, what, "CC BY 4.0", (file,), (f"{_UCI}/{folder}",), data)


_ALL = (
    KnownSet(
        "mnist",
        "70,000 digits, 28×28 grey, 10 classes",
        "CC BY-SA 3.0",
        (
            Remote(_TRAIN_IMAGES, 9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
            Remote(_TRAIN_LABELS, 28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
            Remote(_TEST_IMAGES, 1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
            Remote(_TEST_LABELS, 4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
        ),
        ("https://storage.googleapis.com/cvdf-datasets/mnist", "https://ossci-datasets.s3.amazonaws.com/mnist"),
        _IDX,
    ),
    KnownSet(
        "fashion-mnist",
        "70,000 pieces of clothing, 28×28 grey, 10 classes",
        "MIT",
        (
            Remote(_TRAIN_IMAGES, 26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
            Remote(_TRAIN_LABELS, 29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
            Remote(_TEST_IMAGES, 4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
            Remote(_TEST_LABELS, 5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
        ),
        ("https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",),
        _IDX,
    ),
    KnownSet(
        "cifar-10",
        "60,000 images, 32×32 in colour, 10 classes",
        "none stated",
        (
            Remote(
                "cifar-10-binary.tar.gz",
                170_052_171,
                "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
                {
                    f"cifar-10-batches-bin/{name}.bin": _BATCH
                    for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")
                },
            ),
        ),
        ("https://www.cs.toronto.edu/~kriz", "https://cave.cs.toronto.edu/kriz"),
        {
            "train": {"cifar10": [f"{{}}/data_batch_{number}.bin" for number in range(1, 6)]},
            "test": {"cifar10": "{}/test_batch.bin"},
            "preprocess": ["standardize"],
        },
    ),
    KnownSet(
        "optdigits",
        "5,620 digits, 8×8 grey, 10 classes",
        "CC BY 4.0",
        (
            Remote("optdigits.tra", 563_639, "e1b683cc211604fe8fd8c4417e6a69f31380e0c61d4af22e93cc21e9257ffedd"),
            Remote("optdigits.tes", 264_712, "6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8"),
        ),
        (f"{_UCI}/optdigits",),
        {
            "train": {"csv": {"path": "{}/optdigits.tra", "target": -1}},
            "test": {"csv": {"path": "{}/optdigits.tes", "target": -1}},
            "preprocess": [{"scale": 0.0625}],
        },
    ),
    _table(
        "iris",
        "150 irises, 4 lengths, 3 species",
        "iris",
        Remote("iris.data", 4_551, "6f608b71a7317216319b4d27b4d9bc84e6abd734eda7872b71a458569e2656c0"),
        target=-1,
    ),
    _table(
        "wine",
        "178 wines, 13 figures of their chemistry, 3 growers",
        "wine",
        Remote("wine.data", 10_782, "6be6b1203f3d51df0b553a70e57b8a723cd405683958204f96d23d7cd6aea659"),
        target=0,
    ),
    _table(
        "breast-cancer",
        "569 tumours, 30 figures of their cells, benign or malignant",
        "breast-cancer-wisconsin",
        Remote("wdbc.data", 124_103, "d606af411f3e5be8a317a5a8b652b425aaf0ff38ca683d5327ffff94c3695f4a"),
        target=1,
        ignore=0,
    ),
    _table(
        "abalone",
        "4,177 abalones, 8 columns, their age",
        "abalone",
        Remote("abalone.data", 191_873, "de37cdcdcaaa50c309d514f248f7c2302a5f1f88c168905eba23fe2fbc78449f"),
        target=-1,
        categorical=0,
        values=True,
    ),
    _table(
        "auto-mpg",
        "398 cars, 7 columns, their miles per gallon",
        "auto-mpg",
        Remote("auto-mpg.data", 30_286, "48b830e11feee5572525f8f1691ddb9d38d3d7b7063edcd8fca672c2a5e17d8d"),
        target=0,
        categorical=7,
        ignore=8,
        missing="median",
        values=True,
    ),
    KnownSet(
        "california-housing",
        "20,640 districts, 9 columns, prices of their houses",
        "Apache 2.0",
        (Remote("housing.csv", 1_423_529, "8a3727f4cf54ac1a327f69b1d5b4db54c5834ea81c6e4efc0d163300022a685e"),),
        ("https://raw.githubusercontent.com/ageron/handson-ml2/master/datasets/housing",),
        {
            "train": {
                "csv": {
                    "path": "{}/housing.csv",
                    "target": "median_house_value",
                    "categorical": "ocean_proximity",
                    "missing": "median",
                }
            },
            "test": 0.2,
            "preprocess": ["quantile", "standardize"],
            "standardize_targets": True,
        },
    ),
)
KNOWN: Mapping[str, KnownSet] = {one.name: one for one in _ALL}


def known(name: str) -> KnownSet:
    """Raises UsageError at a name that is none."""
    if name not in KNOWN:
        hint = f"{nearest(name, list(KNOWN))}; `nncli data fetch --list` shows all"
        raise UsageError(f"no data set '{name}' is known", hint=hint)
    return KNOWN[name]


def remedy(file: Path) -> str:
    """What gets a file that is not there, by its name: a command; empty where no known set has such a file.

    Where several sets have one of this name, the folder's name tells.
    """
    having = [one for one in KNOWN.values() if file.name in one.kept()]
    if not having:
        return ""
    folder = Path(os.path.normpath(file.parent))
    if folder.is_relative_to(Path.cwd()):
        folder = folder.relative_to(Path.cwd())
    named = [one for one in having if _plain(one.name) in _plain(folder.name)]
    chosen = max(named, key=lambda one: len(one.name), default=having[0])
    return f"nncli data fetch {chosen.name} --to {_quoted(str(folder))}"


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")


def _quoted(path: str) -> str:
    return f'"{path}"' if " " in path else path
