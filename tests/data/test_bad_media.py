"""Every way a folder of images or sounds can be wrong: the message names the file and the cause."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from nncli.data.splits import open_splits
from nncli.errors import DataError
from nncli.fields import Annotated, Choice
from nncli.spec.yaml12 import parse
from tests.data.bad_media import IMAGES, SOUNDS, bomb
from tests.data.files import Given, Section, source
from tests.data.media import write
from tests.data.test_bad_files import says

ROWS = [
    *(pytest.param(*row, id=f"images {name}") for name, row in IMAGES.items()),
    *(pytest.param(*row, id=f"sounds {name}") for name, row in SOUNDS.items()),
]


@pytest.mark.parametrize(("fields", "files", "message", "hint"), ROWS)
def test_bad_folder(tmp_path: Path, fields: str, files: dict[str, bytes], message: str, hint: str) -> None:
    write(tmp_path, files)
    made: Any = TypeAdapter(Annotated[Any, Choice("source")]).validate_python(parse(fields, "").plain)
    with pytest.raises(DataError) as caught:
        open_splits(Section(made), base=tmp_path, seed=0, kinds={"y": "classes"}, given=Given((1, 3, 2), 3))
    assert says(caught.value, message.format(d=tmp_path))
    assert caught.value.exit_code == 3
    assert caught.value.faults[0].hint == hint.replace("{d}", str(tmp_path))


def test_a_bomb_takes_no_memory(tmp_path: Path) -> None:
    write(tmp_path, {"i/a/1.png": bomb(12_000, 12_000)})
    tracemalloc.start()
    with pytest.raises(DataError):
        source("folder", path="i").load(tmp_path)
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()
