"""Every way an HDF5 file can be wrong: the message names the file, the data set, the row and the cause."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from nncli.data.splits import open_splits
from nncli.errors import DataError
from nncli.fields import Annotated, Choice
from nncli.spec.yaml12 import parse
from tests.data.bad_hdf5 import HDF5, prepare
from tests.data.files import Given, Section
from tests.data.test_bad_files import says


@pytest.mark.parametrize("name", HDF5)
def test_bad_hdf5(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    file = tmp_path / "a.h5"
    fields, _, message, hint = prepare(name, file, monkeypatch)
    made: Any = TypeAdapter(Annotated[Any, Choice("source")]).validate_python(parse(f"hdf5: {fields}", "").plain)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(DataError) as caught:
        open_splits(Section(made), base=tmp_path, seed=0, kinds={"y": "classes"}, given=Given((1, 3, 2), 3))
    size = file.stat().st_size if file.is_file() else 0
    assert says(caught.value, message.format(h=file, size=size)), str(caught.value)
    assert caught.value.exit_code == 3
    assert caught.value.faults[0].hint == hint
    assert sorted(tmp_path.iterdir()) == before
