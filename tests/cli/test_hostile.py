"""Input that is wrong on purpose: a reason, the right exit code, little time and memory, and nothing else read."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from nncli.benchmark import memory
from tests.benchmarks.fuzz.checkpoints import signed
from tests.benchmarks.fuzz.verdict import MIB
from tests.cli.conftest import Result, Runner
from tests.cli.test_bad_input import config_of
from tests.data.files import idx_bytes
from tests.data.media import grey, image_bytes, wav_bytes, wav_chunks
from tests.training.runs import ROOT, train


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def measured(run: Runner, *words: str) -> tuple[Result, int]:
    """What a command said, and the bytes it took above those that were taken before."""
    memory.begin_anew()
    before = memory.taken() or 0
    return run(*words), (memory.peak() or 0) - before


# -- configurations ----------------------------------------------------------------------------------------------------

LAUGHS = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
)
MERGED = "a0: &a0 {x0: lol}\n" + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 30))
SMALL = "input: {shape: [4]}\nnetwork: [dense: 2]\nloss: least_squares\n"
CONFIGS: dict[str, tuple[bytes, str]] = {
    "billion laughs": (LAUGHS.encode(), "aliases unfold into more than 20,000 values"),
    "merged laughs": (MERGED.encode(), "merge keys ('<<') are no part of YAML 1.2"),
    "10,000 lists": (b"seed: " + b"[" * 10_000, "nested deeper than 64 levels"),
    "10,000 sections": (b"".join(b" " * n + b"a:\n" for n in range(1000)), "nested deeper than 64 levels"),
    "10,000 dashes": (b"- " * 10_000, "nested deeper than 64 levels"),
    "10 MB of a scalar": (b"name: " + b"x" * 10**7, "larger than 4 MiB"),
    "3 MB of a scalar": (b"name: '" + b"x" * (3 * 10**6) + b"'", "longer than 1,048,576 characters"),
    "10 MB of keys": (b"".join(b"k%d: 1\n" % n for n in range(10**6)), "larger than 4 MiB"),
    "1 MB of keys": (b"".join(b"k%d: 1\n" % n for n in range(90_000)), "more than 20,000 values"),
    "5,000 keys": (b"".join(b"k%d: 1\n" % n for n in range(5_000)), "error: and 4,90"),
    "python tag": (b"seed: !!python/object/apply:os.system ['touch ran']\n", "is not allowed"),
    "own tag": (b"seed: !mine 3\n", "the tag '!mine' is not allowed"),
    "duplicate": (b"seed: 1\nseed: 2\n", "'seed' stands twice (first in line 1)"),
    "latin-1": ("name: Müll\n".encode("latin-1"), "not UTF-8: the byte 0xfc"),
    "utf-16": (SMALL.encode("utf-16"), "not UTF-8"),
    "NUL": (b"name: a\0b\n", "a character that YAML does not allow: U+0000"),
    "tab": (b"train:\n\tepochs: 3\n", "a tab where spaces are wanted"),
    "escape sequence": (b'"\\e[31mred": 1\n', "'\\x1b[31mred': unknown section"),
    "endless directive": (b"%YAML 1." + b"9" * 10_000 + b"\n--- 1\n", "not valid YAML"),
    "name that climbs": (SMALL.encode() + b"name: ../../x\n", "name: "),
    "modes without end": (
        SMALL.encode() + b"data: {train: {ring: {modes: 1000000000}}, test: {grid: {side: 3000}}}\n",
        "must be at most 10000, found 1000000000",
    ),
    "huge sides": (b"input: {shape: [9223372036854775807, 9223372036854775807]}\n", "there is no network"),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_configurations(run: Runner, tmp_path: Path, name: str) -> None:
    content, message = CONFIGS[name]
    (tmp_path / "case.yaml").write_bytes(content)
    result, peak = measured(run, "validate", "case.yaml")
    assert result.code == 2
    assert result.err.startswith("error: case.yaml")
    assert message in result.err
    assert all(line.isprintable() and len(line) < 2000 for line in result.err.splitlines())
    assert peak < 64 * MIB + 20 * len(content)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", ["\ufeff" + SMALL, SMALL.replace("\n", "\r\n"), SMALL.replace(": ", ":    ")])
def test_unusual_and_right(run: Runner, tmp_path: Path, content: str) -> None:
    (tmp_path / "case.yaml").write_bytes(content.encode())
    assert run("validate", "case.yaml").code == 0


# -- what is no file ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["pipe", "/dev/zero", "/dev/null", "folder", "unreadable"])
def test_what_is_no_readable_file(run: Runner, tmp_path: Path, what: str) -> None:
    path = Path(what) if what.startswith("/") else tmp_path / what
    if what == "pipe":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    elif what == "unreadable":
        path.write_text("x")
        path.chmod(0)
        if os.access(path, os.R_OK):
            pytest.skip("whoever runs the tests may read everything")
    data = config_of(f"npz: {path}")
    (tmp_path / "data.yaml").write_text(data)
    (tmp_path / "init.yaml").write_text(
        SMALL + f"data: {{train: {{random: {{samples: 9, shape: [4], outputs: [2]}}}}}}\ninit_from: {path}\n"
    )
    for words, code in (
        (["validate", path], 2),
        (["train", "data.yaml", "--plan", path, "--dry-run"], 2),
        (["train", "data.yaml"], 3),
        (["inspect", path], 6),
        (["train", "--resume", path], 6),
        (["train", "init.yaml"], 6),
    ):
        result = run(*words)
        assert (words, result.code) == (words, code)
        assert str(path) in result.err.splitlines()[0]


def test_folders_that_lead_around(run: Runner, tmp_path: Path) -> None:
    """Links to files are followed, as by any program, and so is a link that is a class; loops are not."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "1.png").write_bytes(grey())
    (tmp_path / "i" / "a").mkdir(parents=True)
    (tmp_path / "i" / "a" / "1.png").symlink_to(tmp_path / "other" / "1.png")
    (tmp_path / "i" / "b").symlink_to(tmp_path / "other")
    (tmp_path / "data.yaml").write_text(config_of("folder: i").partition("\n")[2])
    assert run("train", "data.yaml", "--dry-run").code == 0
    (tmp_path / "i" / "a" / "loop").symlink_to(tmp_path / "i")
    result = run("train", "data.yaml", "--dry-run")
    assert result.code == 3
    assert "loop: is a folder where files of a class should be" in result.err
    (tmp_path / "i" / "b").unlink()
    (tmp_path / "i" / "b").symlink_to(tmp_path / "i" / "b")
    assert run("train", "data.yaml", "--dry-run").code in (0, 2, 3)


# -- data --------------------------------------------------------------------------------------------------------------


def bomb(folder: Path) -> None:
    """20 MB of zeros in 20 kB, behind a header that speaks of 24 numbers."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (4, 3, 2)})
    with zipfile.ZipFile(folder / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", header.getvalue() + bytes(20 * 10**6))
        archive.writestr("y.npy", header.getvalue())


def overlapping(folder: Path) -> None:
    """Both arrays are the same bytes of the file."""
    stream = io.BytesIO()
    np.savez(stream, x=np.zeros((4, 3, 2)))
    data = bytearray(stream.getvalue())
    place = data.index(b"PK\x01\x02")
    entry, end = bytes(data[place:-22]), bytearray(data[-22:])
    end[8:12] = struct.pack("<HH", 2, 2)
    end[12:16] = struct.pack("<I", 2 * len(entry))
    (folder / "a.npz").write_bytes(bytes(data[:place]) + entry + entry.replace(b"x.npy", b"y.npy") + bytes(end))


def wrong_sizes(folder: Path) -> None:
    stream = io.BytesIO()
    np.savez(stream, x=np.zeros((4, 3, 2)), y=np.zeros(4, int))
    data = bytearray(stream.getvalue())
    place = data.index(b"PK\x01\x02")
    data[place + 20 : place + 28] = struct.pack("<II", 2**31, 2**31)
    (folder / "a.npz").write_bytes(data)


def packed_in_itself(folder: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("x.npy", bytes(100))
    with zipfile.ZipFile(folder / "a.npz", "w") as archive:
        archive.writestr("x.npy", stream.getvalue())
        archive.writestr("y.npy", stream.getvalue())


def climbing(folder: Path) -> None:
    with zipfile.ZipFile(folder / "a.npz", "w") as archive:
        archive.writestr("../../x.npy", b"")


def quoting(folder: Path) -> None:
    """A header in which nothing stands that is a value: NumPy quotes an object of its own."""
    with zipfile.ZipFile(folder / "a.npz", "w") as archive:
        for name in ("x.npy", "y.npy"):
            head = b"{'descr': '<f8', 'fortran_order': False, 'shape': (a,), }\n"
            archive.writestr(name, b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head)


def declared(*lengths: int) -> Callable[[Path], None]:
    return lambda folder: (
        (folder / "images").write_bytes(b"\0\0\x08\x03" + struct.pack(">3I", *lengths) + bytes(24)) and None
    )


def unpacking(folder: Path) -> None:
    (folder / "images").write_bytes(gzip.compress(idx_bytes(np.zeros((4, 3, 2), "u1")) + bytes(20 * 10**6)))


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"".join(struct.pack(">I", len(c)) + k + c + struct.pack(">I", zlib.crc32(k + c)) for k, c in chunks)
    return b"\x89PNG\r\n\x1a\n" + body


def claiming(width: int, height: int, pixels: bytes = b"") -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return png((b"IHDR", head), (b"IDAT", zlib.compress(pixels)), (b"IEND", b""))


def of(name: str, content: bytes) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)

    return make


DATA: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "pickle": (
        "npz: a.npz",
        lambda f: np.savez(f / "a.npz", x=np.array([{}, print], dtype=object), y=np.zeros(2)),
        "a.npz: x: holds Python objects",
    ),
    "zip bomb": ("npz: a.npz", bomb, "a.npz: x: the array is oversized: 20000000 bytes where its shape asks for 24"),
    "overlapping": ("npz: a.npz", overlapping, "a.npz: "),
    "wrong sizes": ("npz: a.npz", wrong_sizes, "a.npz: x: the array is oversized"),
    "zip in zip": ("npz: a.npz", packed_in_itself, "a.npz: x: the array is damaged"),
    "climbing": ("npz: a.npz", climbing, "a.npz: no array 'x'"),
    "quoting": (
        "npz: a.npz",
        quoting,
        "a.npz: x: the array is damaged: malformed node or string on line 1: something else",
    ),
    "IDX without end": ("idx: images", declared(2**32 - 1, 2**32 - 1, 2**32 - 1), "images: is truncated"),
    "IDX of much": ("idx: images", declared(2**31, 1, 1), "images: is truncated"),
    "gzip bomb": ("idx: images", unpacking, "images: is oversized"),
    "a long line": ("csv: a.csv", of("a.csv", b"1," * (3 * 10**6)), "a.csv:1: is longer than 4,194,304 characters"),
    "a long field": (
        "csv: a.csv",
        of("a.csv", b"x" * (3 * 10**6)),
        "a.csv:1: is no row: field larger than field limit",
    ),
    "columns": (
        "csv: a.csv",
        of("a.csv", b",".join([b"1"] * 100_000)),
        "a.csv:1: has 100,000 fields, more than 65,536",
    ),
    "NUL": ("csv: a.csv", of("a.csv", b"1,2\n\0,3\n"), "a.csv:2: holds a byte 0"),
    "open quote": ("csv: a.csv", of("a.csv", b'1,2\n"3,4\n' * 3), "a.csv:2: is no row"),
    "speaks to the terminal": ("csv: a.csv", of("a.csv", b"a,y\n\x1b[2Jx,1\n2,1\n"), "'\\x1b[2Jx' is no number"),
    "PNG bomb": ("folder: i", of("i/a/1.png", claiming(60_000, 60_000)), "1.png: is too large"),
    "PNG that claims": ("folder: i", of("i/a/1.png", claiming(9000, 9000)), "9000 × 9000 pixels cannot come from"),
    "truncated JPEG": (
        "folder: i",
        of("i/a/1.jpg", image_bytes(pytest.importorskip("PIL.Image").new("L", (64, 64)), "JPEG")[:-90]),
        "1.jpg: the image is damaged",
    ),
    "a NaN that signals": (
        "wav: i",
        of("i/a/1.wav", wav_chunks(3, 64, struct.pack("<2Q", 0x7FF0000000000001, 0))),
        "1.wav: holds a number that is infinite or NaN",
    ),
    "samples without end": (
        "random: {samples: 1000000000000, shape: [100]}",
        lambda f: None,
        "do not fit into memory: ",
    ),
    "resized without end": (
        "folder: {path: i, resize: 1000000}",
        of("i/a/1.png", grey()),
        "1.png: does not fit into memory: ",
    ),
}


@pytest.mark.parametrize("name", DATA)
def test_data(run: Runner, tmp_path: Path, name: str) -> None:
    source, make, message = DATA[name]
    make(tmp_path)
    (tmp_path / "data.yaml").write_text(config_of(source).partition("\n")[2])
    size = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    result, peak = measured(run, "train", "data.yaml")
    assert result.code == 3, result.err
    assert message in result.err
    assert all(line.isprintable() for line in result.err.splitlines())
    assert peak < 64 * MIB + 20 * size
    assert not (tmp_path / "runs").exists()


def test_a_sound_that_claims_more_than_there_is(run: Runner, tmp_path: Path) -> None:
    """Programs that write to a pipe do not know the size: what is there is read, and no memory taken for the rest."""
    sound = wav_bytes([1, 2, 3])
    of("i/a/1.wav", sound[:40] + struct.pack("<I", 2**31) + sound[44:])(tmp_path)
    (tmp_path / "data.yaml").write_text(config_of("wav: i").partition("\n")[2])
    result, peak = measured(run, "train", "data.yaml", "--dry-run")
    assert result.code in (0, 3)
    assert peak < 64 * MIB


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP"])
def test_several_frames_count_once(run: Runner, tmp_path: Path, form: str) -> None:
    module = pytest.importorskip("PIL.Image")
    frames = [module.new("P", (4, 4), shade) for shade in (1, 2, 3)]
    of(f"i/a/1.{form.lower()}", image_bytes(frames[0], form, save_all=True, append_images=frames[1:]))(tmp_path)
    (tmp_path / "data.yaml").write_text(config_of("folder: {path: i, channels: 1}").partition("\n")[2])
    assert run("train", "data.yaml", "--dry-run").code == 0


# -- checkpoints whose digest is right ---------------------------------------------------------------------------------


def _link_outside(file: h5py.File) -> None:
    file["timing/other"] = h5py.ExternalLink("/etc/passwd", "/")


def _soft_loop(file: h5py.File) -> None:
    file["timing/a"], file["timing/b"] = h5py.SoftLink("/timing/b"), h5py.SoftLink("/timing/a")


def _hard_loop(file: h5py.File) -> None:
    file["timing/again"] = file["timing"]


def _virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout(shape=(3,), dtype="f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", shape=(3,))
    file.create_virtual_dataset("timing/v", layout)


def _outside(file: h5py.File) -> None:
    file.create_dataset("timing/e", shape=(10,), dtype="f4", external=[("/etc/passwd", 0, 40)])


def _huge(file: h5py.File) -> None:
    file.create_dataset("timing/h", shape=(2**40,), dtype="f8")


def _deep(file: h5py.File) -> None:
    group = file["timing"]
    for _ in range(40):
        group = group.create_group("deeper")


def _set(place: str, value: object) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        if "@" in place:
            file.attrs[place[1:]] = value
        else:
            del file[place]
            if value is not None:
                file[place] = value

    return change


CHECKPOINTS: dict[str, tuple[Callable[[h5py.File], None], str]] = {
    "a link outside": (_link_outside, "/timing/other: is a link to somewhere else"),
    "links in a circle": (_soft_loop, "is a link to somewhere else"),
    "a group in itself": (_hard_loop, "/timing/again: is linked twice"),
    "a virtual data set": (_virtual, "/timing/v: its values are not stored in one piece in this file"),
    "external storage": (_outside, "/timing/e: its values are not stored in one piece in this file"),
    "a huge size": (_huge, "/timing/h: claims 8,796,093,022,208 bytes, the file has "),
    "depth": (_deep, "groups inside of each other, more than 16 levels"),
    "a text for numbers": (_set("history/step/loss", "x"), "/history/step/loss: holds no numbers"),
    "too few numbers": (_set("history/epoch/lr", np.zeros(1)), "/history/epoch/lr: has 1 values for "),
    "no losses of steps": (lambda file: file.move("history/step/loss", "history/step/lost"), "lacks 'loss'"),
    "shards": (_set("plan/shards", -1), "/plan/shards: is -1, not a number of threads"),
    "another type": (_set("@dtype", "object"), "dtype: is 'object"),
    "another kind": (_set("@kind", "[/bold]"), "kind: is '[/bold]"),
    "bytes for text": (_set("@config_dir", b"\xff\xff"), "config_dir: is no text"),
    "no configuration": (_set("@config", "seed: ["), "last.h5:config:1:"),
    "another configuration": (_set("@config", "seed: 3\n"), "last.h5:config"),
}


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_checkpoints(run: Runner, trained: Path, tmp_path: Path, name: str) -> None:
    change, message = CHECKPOINTS[name]
    path = tmp_path / "last.h5"
    path.write_bytes((trained / "run" / "last.h5").read_bytes())
    with h5py.File(path, "r+") as file:
        change(file)
    path.write_bytes(signed(path.read_bytes()[512:]))
    commands = [["train", "--resume", path, "--epochs", 5]]
    if name != "no losses of steps":
        commands.append(["eval", path])
        if not name.endswith("configuration"):
            commands.append(["inspect", path])
    for words in commands:
        result = run(*words)
        assert result.code == 6, result.err
        assert str(path) in result.err.splitlines()[0]
        assert message in result.err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["last.h5"]


def test_inspect_shows_what_is_there_as_it_stands(run: Runner, trained: Path, tmp_path: Path) -> None:
    """Markup and escape sequences in names do nothing."""
    path = tmp_path / "last.h5"
    path.write_bytes((trained / "run" / "last.h5").read_bytes())
    with h5py.File(path, "r+") as file:
        file.attrs["class_names"] = np.array(["[/bold]", "\x1b[2J"], dtype=h5py.string_dtype())
        file.move("model/dense_1", "model/[red]x[/green]")
    path.write_bytes(signed(path.read_bytes()[512:]))
    result = run("inspect", path)
    assert result.code == 0
    assert "[/bold], \\x1b[2J" in result.out
    assert "\x1b" not in result.out


LOOKED_AT = """
name: looked_at
data: {train: {random: {samples: 40, shape: [6], classes: 3}}, preprocess: [standardize]}
network: [{dense: 5}, {batch_norm: {}, name: norm}, relu, {dense: 3}]
loss: softmax_cross_entropy
optimizer: sgd
train: {epochs: 1, batch: 20}
diagnose: {every: 1}
"""


@pytest.fixture(scope="module")
def looked_at(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of a network with state, which was looked at while it was trained."""
    folder = tmp_path_factory.mktemp("looked_at")
    (folder / "net.yaml").write_text(LOOKED_AT)
    train(folder / "net.yaml", out=folder / "run")
    return folder


def _moved(start: str, end: str) -> Callable[[h5py.File], None]:
    return lambda file: file.move(start, end)


@pytest.mark.parametrize(
    ("change", "message", "by_name"),
    [
        (_set("model/norm/state/mean", None), "/model/norm/state/mean: ", True),
        (_moved("model/norm/state/mean", "model/norm/state/ring"), "/model/norm/state/ring: ", True),
        (_set("history/probe/nodes/norm/variance", None), "'variance'", False),
    ],
    ids=["missing", "surplus", "looks"],
)
def test_state_and_looks(
    run: Runner, looked_at: Path, tmp_path: Path, change: Callable[[h5py.File], None], message: str, by_name: bool
) -> None:
    path = tmp_path / "last.h5"
    path.write_bytes((looked_at / "run" / "last.h5").read_bytes())
    with h5py.File(path, "r+") as file:
        change(file)
    path.write_bytes(signed(path.read_bytes()[512:]))
    config = looked_at / "net.yaml"
    commands = [["train", "--resume", path, "--epochs", 2]]
    if by_name:
        commands += [
            ["train", config, "--set", f"init_from={path}", "--out", tmp_path / "new"],
            ["summary", config, "--probe", "--samples", 8, "--weights", path],
        ]
    for words in commands:
        result = run(*words)
        assert result.code == 6, result.err
        assert str(path) in result.err.splitlines()[0]
        assert message in result.err
    assert [p.name for p in tmp_path.iterdir()] == ["last.h5"]


def test_preprocessing_that_is_no_numbers(run: Runner, looked_at: Path, tmp_path: Path) -> None:
    path = tmp_path / "last.h5"
    path.write_bytes((looked_at / "run" / "last.h5").read_bytes())
    with h5py.File(path, "r+") as file:
        (name,) = file["preprocess"]
        _set(f"preprocess/{name}/mean", "a")(file)
    path.write_bytes(signed(path.read_bytes()[512:]))
    for words in (["eval", path], ["summary", looked_at / "net.yaml", "--probe", "--samples", 8, "--weights", path]):
        result = run(*words)
        assert result.code == 6, result.err
        assert str(path) in result.err


def test_looks_at_a_network_of_other_nodes_are_left_out(run: Runner, looked_at: Path, tmp_path: Path) -> None:
    shutil.copytree(looked_at / "run", tmp_path / "run")
    more = LOOKED_AT.replace("relu, ", "relu, {dropout: 0.1}, ")
    (tmp_path / "net.yaml").write_text(more)
    result = run("train", "net.yaml", "--resume", "run", "--epochs", 2, "--allow-change")
    assert result.code == 0, result.err


LONG = "x" * 300
"""A name that no usual file system has room for."""
DIGITS = ROOT / "configs" / "digits_cnn.yaml"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["eval", LONG], 6),
        (["inspect", LONG], 6),
        (["train", "--resume", LONG], 6),
        (["plot", LONG], 6),
        (["sample", LONG], 6),
        (["train", DIGITS, "--set", f"init_from={LONG}", "--out", "run"], 6),
        (["summary", DIGITS, "--probe", "--weights", LONG], 6),
        (["train", LONG], 2),
        (["validate", LONG], 2),
        (["train", DIGITS, "--plan", LONG], 2),
        (["train", DIGITS, "--out", LONG], 7),
        (["train", DIGITS, "--set", f"name={LONG}"], 7),
        (["train", DIGITS, "--folds", 2, "--out", LONG], 7),
        (["init", "--example", "ring8", "-o", f"{LONG}.yaml"], 7),
        (["init", "--data", LONG], 3),
        (["data", "fetch", "iris", "--to", LONG], 7),
        (["bench", DIGITS, "--set", f"data.train.npz.path={LONG}", "--set", "input.shape=[1,8,8]"], 3),
    ],
    ids=lambda value: " ".join(map(str, value))[:24] if isinstance(value, list) else "",
)
def test_names_that_are_too_long(run: Runner, tmp_path: Path, words: list[object], code: int) -> None:
    result = run(*words)
    assert result.code == code, result.err
    assert "File name too long" in result.err or "no such" in result.err
    assert LONG[:40] in result.err
    assert not list(tmp_path.iterdir())
