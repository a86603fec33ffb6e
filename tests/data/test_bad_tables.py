"""Every way a table can be wrong: the message names the file, the line, the column and the cause."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from nncli.data.splits import open_splits
from nncli.errors import DataError
from nncli.fields import Annotated, Choice
from nncli.spec.yaml12 import parse
from tests.data.bad_tables import CLASSES, GOOD, VALUES
from tests.data.files import Given, Section, source
from tests.data.test_bad_files import says

ROWS = [
    *(pytest.param("classes", *row, id=name) for name, row in CLASSES.items()),
    *(pytest.param("values", *row, id=name) for name, row in VALUES.items()),
]


def read(fields: str) -> Any:
    return TypeAdapter(Annotated[Any, Choice("source")]).validate_python(parse(f"csv: {fields}", "").plain)


@pytest.mark.parametrize(("kind", "fields", "content", "message", "hint"), ROWS)
def test_bad_table(tmp_path: Path, kind: Any, fields: str, content: bytes | None, message: str, hint: str) -> None:
    file = tmp_path / "t.csv"
    if content is not None:
        file.write_bytes(content)
    given = Given((2,), 3) if kind == "classes" else None
    with pytest.raises(DataError) as caught:
        open_splits(Section(read(fields)), base=tmp_path, seed=0, kinds={"y": kind}, given=given).check_targets((1,))
    assert says(caught.value, message.format(t=file))
    assert caught.value.exit_code == 3
    assert caught.value.faults[0].hint == hint


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"separator": ",,"}, "`separator` is one character, `tab` or `whitespace`"),
        ({"separator": "\n"}, "the end of a line is neither"),
        ({"quote": "''"}, "`quote` is one character, another one than `separator`"),
        ({"quote": ";", "separator": ";"}, "`quote` is one character, another one than `separator`"),
        ({"encoding": "utf-9"}, "'utf-9' is no encoding"),
        ({"encoding": "rot13"}, "'rot13' is no encoding"),
        ({"missing": "mode"}, "missing"),
        ({"target": True}, "target"),
    ],
    ids=str,
)
def test_faulty_fields(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        TypeAdapter(Annotated[Any, Choice("source")]).validate_python({"csv": {"path": "t.csv", **fields}})


def test_a_table_beside_arrays(tmp_path: Path) -> None:
    """Nothing says which number a class of the table has in the archive."""
    (tmp_path / "t.csv").write_bytes(GOOD)
    np.savez(tmp_path / "a.npz", x=np.zeros((3, 2)), y=np.arange(3))
    section = Section(source("npz", path="a.npz"), None, source("csv", path="t.csv"))
    with pytest.raises(DataError, match="a table stands beside training data that are none"):
        open_splits(section, base=tmp_path, seed=0, kinds={"y": "classes"})


@pytest.mark.parametrize("rows", [2_000, 20_000])
def test_memory_is_in_proportion_to_the_file(tmp_path: Path, rows: int) -> None:
    """Sixteen short numbers in a row, the worst that there is: 8 bytes of a table and of a sample for 2 of the file."""
    file = tmp_path / "t.csv"
    file.write_text("".join(",".join(str((n * k) % 10) for k in range(17)) + "\n" for n in range(rows)))
    section = Section(source("csv", path="t.csv"))
    tracemalloc.start()
    open_splits(section, base=tmp_path, seed=0, kinds={"y": "values"})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12 * file.stat().st_size + 12 * 2**20, peak / file.stat().st_size
