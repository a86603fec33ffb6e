"""Folders of images against pixels that were set one by one."""

from __future__ import annotations

import builtins
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from nncli.data.splits import open_splits
from nncli.errors import DataError, UsageError
from nncli.fields import Annotated, Choice
from tests.data.files import DATASETS, Section, source
from tests.data.media import grey, image, image_bytes, write

needs_images = pytest.mark.skipif(
    not (DATASETS / "mnist-png-folder").is_dir(), reason="folders of images are not in ../shared/datasets"
)


def colours(width: int, height: int, mode: str = "RGB", alpha: int | None = None) -> Any:
    """Red counts columns, green rows, blue is 200."""
    more = () if alpha is None else (alpha,)
    return image(mode, width, height, lambda x, y: (10 * x, 20 * y, 200, *more))


def test_grey_images(tmp_path: Path) -> None:
    """Classes by size of their numbers, files by name."""
    write(
        tmp_path, {"i/10/b.png": grey(value=9), "i/10/a.png": grey(value=3), "i/2/x.png": grey(), "i/2/.hidden": b"x"}
    )
    data = source("folder", path="i").load(tmp_path)
    assert data.x.dtype == np.uint8
    assert data.x.tolist() == [[[[v, v + 1, v + 2], [v + 3, v + 4, v + 5]]] for v in (0, 3, 9)]
    assert data.target("y").array.tolist() == [0, 1, 1]
    assert data.target("y").names == ("2", "10")


def test_colours(tmp_path: Path) -> None:
    write(tmp_path, {"c/a.png": image_bytes(colours(3, 2)), "d/b.bmp": image_bytes(colours(3, 2), "BMP")})
    data = source("folder", path=".").load(tmp_path)
    red, green, blue = [[0, 10, 20]] * 2, [[0] * 3, [20] * 3], [[200] * 3] * 2
    assert data.x.tolist() == [[red, green, blue]] * 2


def test_jpeg_is_near_what_was_saved(tmp_path: Path) -> None:
    content = image_bytes(image("RGB", 32, 24, lambda x, y: (4 * x, 5 * y, 100)), "JPEG", quality=95)
    write(tmp_path, {"c/a.JPG": content})
    data = source("folder", path=".", files=("*.jpg",)).load(tmp_path)
    expected = np.stack(np.broadcast_arrays(4 * np.arange(32), 5 * np.arange(24)[:, None], 100))
    assert np.abs(data.x[0].astype(int) - expected).max() < 12


def test_grey_and_colours_mixed(tmp_path: Path) -> None:
    """One image in colours makes all have three channels; `channels: 1` makes all grey, by ITU-R 601-2."""
    write(tmp_path, {"c/a.png": grey(3, 2), "c/b.png": image_bytes(colours(3, 2))})
    data = source("folder", path=".").load(tmp_path)
    assert data.shape == (3, 2, 3)
    assert data.x[0].tolist() == [[[0, 1, 2], [3, 4, 5]]] * 3
    light = source("folder", path=".", channels=1).load(tmp_path).x[1, 0]
    weights = np.array([0.299, 0.587, 0.114])
    expected = [[weights @ (10 * x, 20 * y, 200) for x in range(3)] for y in range(2)]
    np.testing.assert_allclose(light, expected, atol=1)


def test_kinds_of_pixels(tmp_path: Path) -> None:
    """16 bits, black and white, a palette, and what is half transparent, on white."""
    palette = image("P", 1, 1, lambda x, y: 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    files = {
        "16 bits": image("I;16", 1, 1, lambda x, y: 0x12FF),
        "bit": image("1", 1, 1, lambda x, y: 1),
        "alpha": image("RGBA", 1, 1, lambda x, y: (10, 20, 30, 51)),
        "grey alpha": image("LA", 1, 1, lambda x, y: (10, 0)),
        "palette": palette,
    }
    write(tmp_path, {f"c/{name}.png": image_bytes(made) for name, made in files.items()})
    data = source("folder", path=".").load(tmp_path)
    found = dict(zip(sorted(files), data.x.reshape(-1, 3).tolist(), strict=True))
    assert found["16 bits"] == [0x12] * 3
    assert found["bit"] == found["grey alpha"] == [255] * 3
    assert found["palette"] == [10, 20, 30]
    assert found["alpha"] == pytest.approx([255 - 0.2 * (255 - v) for v in (10, 20, 30)], abs=1)


def test_a_photograph_is_turned(tmp_path: Path) -> None:
    """EXIF orientation 6: the camera was held so that the first row is the right side."""
    made = image("L", 16, 8, lambda x, y: 255 if y < 4 else 0)
    exif = made.getexif()
    exif[0x0112] = 6
    write(tmp_path, {"c/a.jpg": image_bytes(made, "JPEG", exif=exif, quality=95)})
    x = source("folder", path=".").load(tmp_path).x[0, 0]
    assert x.shape == (16, 8)
    assert x[:, 4:].min() > 200
    assert x[:, :4].max() < 50


@pytest.mark.parametrize(
    ("fields", "shape"),
    [
        ({"resize": (4, 6)}, (4, 6)),
        ({"resize": 4, "crop": (4, 4)}, (4, 4)),
        ({"crop": (2, 4)}, (2, 4)),
        ({"resize": 8, "crop": (8, 5)}, (8, 5)),
    ],
    ids=str,
)
def test_sizes(tmp_path: Path, fields: dict[str, Any], shape: tuple[int, int]) -> None:
    """What is of one colour stays so; the middle of a white image with a black rim is white."""
    rim = image("L", 8, 6, lambda x, y: 0 if x in (0, 7) or y in (0, 5) else 255)
    write(tmp_path, {"c/a.png": image_bytes(image("L", 12, 30, lambda x, y: 77)), "c/b.png": image_bytes(rim)})
    data = source("folder", path=".", **fields).load(tmp_path)
    assert data.shape == (1, *shape)
    assert set(data.x[0].ravel().tolist()) == {77}
    assert data.x[1, 0, shape[0] // 2, shape[1] // 2] > 250


def test_the_middle_is_cut_out(tmp_path: Path) -> None:
    write(tmp_path, {"c/a.png": grey(5, 4)})
    x = source("folder", path=".", crop=(2, 3)).load(tmp_path).x
    assert x.tolist() == [[[[6, 7, 8], [11, 12, 13]]]]


def test_proportions_are_kept(tmp_path: Path) -> None:
    """A circle that is cut out of a wide image is as high as wide."""
    made = image("L", 60, 30, lambda x, y: 255 * ((x - 29.5) ** 2 + (y - 14.5) ** 2 < 100))
    write(tmp_path, {"c/a.png": image_bytes(made)})
    x = source("folder", path=".", resize=15, crop=(15, 15)).load(tmp_path).x[0, 0]
    assert [int((line > 100).sum()) for line in (x[7], x[:, 7])] == pytest.approx([10, 10], abs=1)


def test_classes_from_file_names(tmp_path: Path) -> None:
    names = ["cat.0.png", "DOG.x.png", "cat.10.png", "deep/down/bird.1.png"]
    write(tmp_path, {name: grey(value=place) for place, name in enumerate(names)} | {"cat.txt": b"no image"})
    data = source("folder", path=".", labels="{label}.*", files=("*.png",)).load(tmp_path)
    assert data.target("y").names == ("DOG", "bird", "cat")
    assert list(zip(data.x[:, 0, 0, 0].tolist(), data.target("y").array.tolist(), strict=True)) == [
        (1, 0),
        (0, 2),
        (2, 2),
        (3, 1),
    ]


def test_no_classes(tmp_path: Path) -> None:
    write(tmp_path, {"b/x.png": grey(value=1), "a.png": grey()})
    data = source("folder", path=".", labels=None).load(tmp_path)
    assert data.targets == {}
    assert data.x[:, 0, 0, 0].tolist() == [0, 1]


def test_classes_are_numbered_as_in_training(tmp_path: Path) -> None:
    """The test split lacks the first class."""
    write(tmp_path, {f"train/{name}/a.png": grey() for name in "abc"} | {f"test/{name}/a.png": grey() for name in "cb"})
    section = Section(source("folder", path="train"), None, source("folder", path="test"))
    splits = open_splits(section, base=tmp_path, seed=0, kinds={"y": "classes"})
    assert splits.test is not None
    assert splits.test.target("y").array.tolist() == [1, 2]
    assert (splits.classes, splits.class_names) == (3, ("a", "b", "c"))
    later = open_splits(section, base=tmp_path, seed=0, kinds={"y": "classes"}, only="test", fitted=splits.fitted)
    assert later.test is not None
    assert later.test.target("y").array.tolist() == [1, 2]


def test_a_class_that_training_does_not_have(tmp_path: Path) -> None:
    write(tmp_path, {"train/a/a.png": grey(), "test/b/a.png": grey(), "test/a/a.png": grey()})
    section = Section(source("folder", path="train"), None, source("folder", path="test"))
    with pytest.raises(DataError) as caught:
        open_splits(section, base=tmp_path, seed=0, kinds={"y": "classes"})
    assert str(caught.value) == f"{tmp_path}/test/b/a.png: the class 'b' is none of the training data's: a"


def test_beside_data_whose_classes_have_no_names(tmp_path: Path) -> None:
    """Whole numbers are names of themselves, wherever they stand in the folder; other names say nothing."""
    np.savez(tmp_path / "a.npz", x=np.zeros((9, 1, 2, 3), np.uint8), y=np.arange(9))
    write(tmp_path, {"test/3/a.png": grey(), "test/8/a.png": grey()})
    section = Section(source("npz", path="a.npz"), None, source("folder", path="test"))
    splits = open_splits(section, base=tmp_path, seed=0, kinds={"y": "classes"})
    assert splits.test is not None
    assert splits.test.target("y").array.tolist() == [3, 8]
    write(tmp_path, {"test/x/a.png": grey()})
    with pytest.raises(DataError, match=r"x/a\.png: the class 'x' has a name, the training data's have none"):
        open_splits(section, base=tmp_path, seed=0, kinds={"y": "classes"})


def test_without_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("PIL"):
            raise ImportError(name)
        return real(name, *rest, **more)

    write(tmp_path, {"c/a.png": grey()})
    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(UsageError) as caught:
        source("folder", path=".").load(tmp_path)
    assert caught.value.exit_code == 2
    assert caught.value.faults[0].hint == "pip install 'nncli[images]'"


def test_a_pipe_is_not_read(tmp_path: Path) -> None:
    write(tmp_path, {"c/a.png": grey()})
    os.mkfifo(tmp_path / "c" / "b.png")
    with pytest.raises(DataError, match=r"b\.png: is not a regular file"):
        source("folder", path=".").load(tmp_path)


@pytest.mark.parametrize(
    "fields", [{"labels": "x_*"}, {"labels": "{label}{label}"}, {"channels": 2}, {"resize": 0}, {"crop": (1, 2, 3)}]
)
def test_faulty_fields(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Annotated[Any, Choice("source")]).validate_python({"folder": {"path": "i", **fields}})


@needs_images
def test_real_images() -> None:
    """The pixels of MNIST's files: their names are its indices."""
    data = source("folder", path="train").load(DATASETS / "mnist-png-folder")
    mnist = source("idx", images="train-images-idx3-ubyte.gz", labels="train-labels-idx1-ubyte.gz")
    whole = mnist.load(DATASETS / "mnist")
    rows = [int(file.stem) for file in data.x_origin.files]
    np.testing.assert_array_equal(data.x, whole.x[rows])
    np.testing.assert_array_equal(data.target("y").array, whole.target("y").array[rows])
