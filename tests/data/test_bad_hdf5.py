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
from tests.data.bad_hdf5 import DAMAGED, HDF5, Make, in_this_process
from tests.data.files import Given, Section
from tests.data.test_bad_files import says


@pytest.mark.parametrize(("fields", "make", "message", "hint"), HDF5.values(), ids=HDF5.keys())
def test_bad_hdf5(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    fields: str,
    make: Make,
    message: str,
    hint: str,
) -> None:
    if request.node.callspec.id not in DAMAGED:
        monkeypatch.setattr("nncli.data.sources.hdf5.examine", in_this_process)
    file = tmp_path / "a.h5"
    make(file)
    made: Any = TypeAdapter(Annotated[Any, Choice("source")]).validate_python(parse(f"hdf5: {fields}", "").plain)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(DataError) as caught:
        open_splits(Section(made), base=tmp_path, seed=0, kinds={"y": "classes"}, given=Given((1, 3, 2), 3))
    size = file.stat().st_size if file.is_file() else 0
    assert says(caught.value, message.format(h=file, size=size)), str(caught.value)
    assert caught.value.exit_code == 3
    assert caught.value.faults[0].hint == hint
    assert sorted(tmp_path.iterdir()) == before
