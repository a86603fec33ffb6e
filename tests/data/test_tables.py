"""Tables against what was written into them by hand or by Python's writer; what is learned, and from which rows."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nncli.data.splits import Splits, open_splits
from nncli.data.table import Encoding
from nncli.errors import CheckpointError, DataError
from nncli.parts import Array
from tests.data.files import DATASETS, Section, source
from tests.data.test_bad_tables import read

TABLE = "colour,size,weight,kind\nred,1,2.5,a\ngreen,2,,b\nred,,7.5,a\nblue,4,9,c\n"


def opened(folder: Path, content: str | bytes, fields: str = "t.csv", kind: Any = "values", **more: Any) -> Splits:
    (folder / "t.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    section = Section(read(fields), **{name: more.pop(name) for name in list(more) if name in ("test", "validation")})
    kinds = more.pop("kinds", {"y": kind})
    return open_splits(section, base=folder, seed=0, kinds=kinds, **more)


NUMBERS = [[1, 2.5, 3], [4, -5e-3, 6], [7, 8, 9]]


def text(separator: str, decimal: str = ".", end: str = "\n") -> str:
    return "".join(separator.join(str(n).replace(".", decimal) for n in row) + end for row in NUMBERS)


@pytest.mark.parametrize(
    ("content", "fields"),
    [
        (text(","), "t.csv"),
        ("x,y,z\n" + text(","), "t.csv"),
        (text(";"), "t.csv"),
        (text("|"), "t.csv"),
        (text("\t"), "t.csv"),
        (text("   "), "t.csv"),
        ("  " + text(" \t "), "t.csv"),
        (text(":"), '{path: t.csv, separator: ":"}'),
        (text("\t"), "{path: t.csv, separator: tab}"),
        (text(" "), "{path: t.csv, separator: whitespace}"),
        (text(";", ","), '{path: t.csv, decimal: ","}'),
        ("a;b;c\n" + text(";", ","), '{path: t.csv, decimal: ","}'),
        (text(", "), "t.csv"),
        (text(",", end="\r\n"), "t.csv"),
        (text(",", end="\r"), "t.csv"),
        (text(",", end="\n\n"), "t.csv"),
        (text(",").rstrip(), "t.csv"),
        (text(",") + "\n  \n", "t.csv"),
        ("﻿x,y,z\n" + text(","), "t.csv"),
        (("x,y,z\n" + text(",")).encode("utf-16"), "t.csv"),
        (("x,y,ü\n" + text(",")).encode("latin-1"), "{path: t.csv, encoding: latin-1}"),
        ("# made by hand\nfor; this, test\nx,y,z\n" + text(","), "{path: t.csv, skip: 2}"),
        ("2020,2021,2022\n" + text(","), "{path: t.csv, header: true}"),
        ("0,0,0\n" + text(","), "{path: t.csv, header: false, skip: 1}"),
        ('x,"y\nor\nnot",z\n' + text(","), "t.csv"),
        ("x,'y,y',z\n" + text(","), """{path: t.csv, quote: "'"}"""),
        ('"x","y", "z"\n' + text(","), "t.csv"),
    ],
    ids=repr,
)
def test_forms_of_a_file(tmp_path: Path, content: str | bytes, fields: str) -> None:
    train = opened(tmp_path, content, fields).train
    np.testing.assert_array_equal(train.x, np.array(NUMBERS)[:, :2])
    np.testing.assert_array_equal(train.target("y").array, np.array(NUMBERS)[:, 2])


@pytest.mark.parametrize(
    ("fields", "x", "y"),
    [
        ("t.csv", [0, 1], [2]),
        ("{path: t.csv, target: -3}", [1, 2], [0]),
        ("{path: t.csv, target: b}", [0, 2], [1]),
        ("{path: t.csv, target: null}", [0, 1, 2], None),
        ("{path: t.csv, target: [c, a]}", [1], [2, 0]),
        ("{path: t.csv, ignore: 0}", [1], [2]),
        ("{path: t.csv, columns: [b, a]}", [1, 0], [2]),
        ("{path: t.csv, columns: [b, a], ignore: a}", [1], [2]),
    ],
)
def test_columns(tmp_path: Path, fields: str, x: list[int], y: list[int] | None) -> None:
    table = np.array(NUMBERS)
    train = opened(tmp_path, "a,b,c\n" + text(","), fields, kinds={"y": "values"} if y else {}).train
    np.testing.assert_array_equal(train.x, table[:, x])
    if y is not None:
        np.testing.assert_array_equal(train.target("y").array, table[:, y[0]] if len(y) == 1 else table[:, y])


def test_targets_by_name(tmp_path: Path) -> None:
    fields = "{path: t.csv, target: {one: a, both: [b, c]}}"
    kinds = {"one": "classes", "both": "values"}
    splits = opened(tmp_path, "a,b,c,d\nx,1,2,3\nw,4,5,6\n", fields, kinds=kinds)
    assert splits.train.target("one").array.tolist() == [1, 0]
    assert splits.train.target("both").array.tolist() == [[1, 2], [4, 5]]
    assert splits.class_names == ("w", "x")


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]), max_size=6)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
@given(st.data())
def test_what_pythons_writer_writes_is_read(tmp_path: Path, data: st.DataObject) -> None:
    """Texts with separators, quotes and ends of lines in them; blanks at their ends are no part of them."""
    rows = data.draw(st.lists(st.tuples(CELLS, st.floats(-1e30, 1e30)), min_size=1, max_size=8))
    rows = [(word.strip(), number) for word, number in rows]
    stream = io.StringIO(newline="")
    separator = data.draw(st.sampled_from(",;|\t"))
    end = data.draw(st.sampled_from(["\n", "\r\n"]))
    writer = csv.writer(stream, delimiter=separator, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([("word", "number", "y"), *((word, repr(number), 0) for word, number in rows)])
    quoted = '"\\t"' if separator == "\t" else f'"{separator}"'
    fields = f"{{path: t.csv, separator: {quoted}, categorical: word, na: [], header: true}}"
    train = opened(tmp_path, stream.getvalue(), fields).train
    words = sorted({word for word, _ in rows})
    try:
        words.sort(key=lambda word: (float(word), word))
    except ValueError:
        words.sort()
    np.testing.assert_array_equal(train.x[:, -1], [number for _, number in rows])
    np.testing.assert_array_equal(train.x[:, :-1], [[word == w for w in words] for word, _ in rows])


# -- missing values and categories -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("missing", "size", "weight"),
    [
        ("mean", 7 / 3, 19 / 3),
        ("median", 2, 7.5),
        ("most_frequent", 1, 2.5),
        ("-3.5", -3.5, -3.5),
        ("{size: 0, weight: median}", 0, 7.5),
    ],
)
def test_what_is_put_in(tmp_path: Path, missing: str, size: float, weight: float) -> None:
    fields = f"{{path: t.csv, ignore: colour, missing: {missing}}}"
    train = opened(tmp_path, TABLE, fields, "classes").train
    assert train.x.tolist() == pytest.approx(np.array([[1, 2.5], [2, weight], [size, 7.5], [4, 9]]))


def test_rows_are_dropped(tmp_path: Path) -> None:
    for missing, kept in (("drop", [0, 3]), ("{size: drop, weight: 0}", [0, 1, 3])):
        fields = f"{{path: t.csv, categorical: colour, missing: {missing}}}"
        splits = opened(tmp_path, TABLE, fields, "classes")
        assert splits.train.x[:, -2].tolist() == [[1, 2, None, 4][row] for row in kept]
        assert splits.train.target("y").array.tolist() == [[0, 1, 0, 2][row] for row in kept]
    train = opened(
        tmp_path, TABLE, "{path: t.csv, columns: colour, categorical: colour, target: weight, missing: drop}"
    ).train
    assert train.target("y").array.tolist() == [2.5, 7.5, 9]


def test_texts_that_mean_missing(tmp_path: Path) -> None:
    content = "-999,1,0\n5,none,1\n-,3,0\n"
    train = opened(tmp_path, content, "{path: t.csv, missing: 0, na: ['-999', none, '-']}").train
    assert train.x.tolist() == [[0, 1], [5, 0], [0, 3]]


@pytest.mark.parametrize(
    ("missing", "categories"),
    [("most_frequent", ("b", "r")), ("median", ("b", "r")), ("0", ("0", "b", "r"))],
)
def test_missing_categories(tmp_path: Path, missing: str, categories: tuple[str, ...]) -> None:
    fields = f"{{path: t.csv, categorical: 0, missing: {missing}}}"
    train = opened(tmp_path, "r,1\nb,1\n?,1\nr,1\n", fields).train
    filled = "r" if "0" not in categories else "0"
    np.testing.assert_array_equal(train.x, [[word == c for c in categories] for word in ("r", "b", filled, "r")])


def test_categories_are_in_order(tmp_path: Path) -> None:
    """Numbers by size, not by their digits."""
    splits = opened(tmp_path, "10,1\n9,1\n-2,1\n", "{path: t.csv, categorical: 0}")
    assert Encoding.restore(splits.fitted).categories == (("-2", "9", "10"),)  # type: ignore[union-attr]


# -- what is learned, and from what ------------------------------------------------------------------------------------


def halves(folder: Path, fields: str, **more: Any) -> tuple[Splits, Array]:
    """A table whose rows are ten times as large in the half that is held out, which also has a category of its own."""
    parts = opened(folder, "".join(f"{n},x,{n % 3}\n" for n in range(40)), "{path: t.csv, categorical: 1}", test=20)
    assert parts.test is not None
    out = parts.test.rows
    assert out is not None
    rows = [f"{n * 100 if n in out else n},{'new' if n in out else 'xy'[n % 2]},{n % 3}" for n in range(40)]
    rows[int(out[0])] = "?" + rows[int(out[0])].lstrip("0123456789")
    rows.append("?,x,0")
    return opened(folder, "\n".join(rows[:40]) + "\n", fields, test=20, **more), out


@pytest.mark.parametrize("strategy", ["mean", "median"])
def test_only_the_training_split_is_learned_from(tmp_path: Path, strategy: str) -> None:
    """Figures of the training rows from the numbers themselves, and no category of the others."""
    splits, out = halves(tmp_path, f"{{path: t.csv, categorical: 1, missing: {strategy}, unknown: zeros}}")
    assert splits.test is not None
    stays = [n for n in range(40) if n not in out]
    encoding = Encoding.restore(splits.fitted)
    assert encoding is not None
    expected = {"mean": np.mean(stays), "median": np.median(stays)}[strategy]
    assert encoding.fills[0] == pytest.approx(expected)
    assert encoding.categories == ((), ("x", "y"))
    assert splits.train.x[out[0], 0] == pytest.approx(expected)
    assert not splits.train.x[out, 1:].any(), "an unknown category is zeros for all"


def test_a_category_that_training_does_not_know(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        halves(tmp_path, "{path: t.csv, categorical: 1, missing: mean}")
    assert "column 1: 'new' is none of the categories of the training split: x, y" in str(caught.value)
    assert "`unknown: zeros`" in caught.value.faults[0].hint


def test_what_was_learned_serves_other_data(tmp_path: Path) -> None:
    """Columns in another order, values that are missing, classes that are not there, a label as 2.0."""
    splits = opened(
        tmp_path, "a,b,y\n1,x,3\n3,y,2\n8,x,5\n", "{path: t.csv, categorical: b, missing: median}", "classes"
    )
    assert splits.class_names == ("2", "3", "5")
    fields = "{path: t.csv, categorical: b, target: y}"
    other = opened(tmp_path, "y,b,a\n5,y,\n2.0,x,4\n", fields, "classes", fitted=splits.fitted)
    assert other.train.x.tolist() == [[3, 0, 1], [4, 1, 0]]
    assert other.train.target("y").array.tolist() == [2, 0]
    assert other.class_names == splits.class_names
    assert other.classes == 3


@pytest.mark.parametrize(
    ("content", "fields", "message"),
    [
        ("a,y\n1,2\n", "t.csv", "column 'b': the network was trained with this column, here there is none"),
        ("a,b,c,y\n1,x,2,2\n", "{path: t.csv, categorical: b}", "column 'c': the network was not trained with this"),
        ("a,b,y\n1,2,2\n", "t.csv", "column 'b': held categories in training"),
        ("a,b,y\n1,x,2\n", "{path: t.csv, categorical: [a, b]}", "column 'a': held numbers in training"),
        (
            "a,b,y\n1,x,7\n",
            "{path: t.csv, categorical: b}",
            ":2: column 'y': the label '7' is none of the training data's: 2, 3",
        ),
        ("a,b,y\n,x,2\n", "{path: t.csv, categorical: b}", ":2: column 'a': no value"),
    ],
)
def test_other_data_that_do_not_fit(tmp_path: Path, content: str, fields: str, message: str) -> None:
    splits = opened(tmp_path, "a,b,y\n1,x,3\n3,y,2\n", "{path: t.csv, categorical: b}", "classes")
    with pytest.raises(DataError) as caught:
        opened(tmp_path, content, fields, "classes", fitted=splits.fitted)
    assert message in str(caught.value)


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]), max_size=5)


@given(
    st.lists(st.tuples(NAMES, st.floats() | st.just(math.nan), st.lists(NAMES, max_size=3)), min_size=1, max_size=4),
    st.dictionaries(NAMES, st.lists(NAMES, min_size=1, max_size=3).map(tuple), max_size=2),
)
def test_an_encoding_is_stored_and_restored(columns: list[Any], labels: Any) -> None:
    names, fills, categories = zip(*columns, strict=True)
    made = Encoding(names, fills, tuple(map(tuple, categories)), labels)
    back = Encoding.restore(made.state())
    assert repr(back) == repr(made)
    assert Encoding.restore({}) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"columns": {"names": np.array(["a"])}}, "/preprocess: what was learned of the data is incomplete: 'fills'"),
        ({"columns": {"names": np.array(["a"]), "fills": np.zeros(2)}}, "2 fillings for 1 columns of a table"),
        ({"labels": {"targets": np.array(["y", "z"]), "0": np.array(["p"])}}, "the data is incomplete: '1'"),
    ],
    ids=str,
)
def test_a_checkpoint_that_lacks_something(change: Any, message: str) -> None:
    with pytest.raises(CheckpointError) as caught:
        Encoding.restore(Encoding(("a",), (1.0,), ((),), {"y": ("p", "q")}).state() | change)
    assert message in str(caught.value)


# -- labels and splits -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "names", "numbers"),
    [
        (["b", "a", "b"], ("a", "b"), [1, 0, 1]),
        (["10", "9", "10"], ("9", "10"), [1, 0, 1]),
        (["1", "1.0", "-1"], ("-1", "1"), [1, 1, 0]),
        (["007", "7a", "007"], ("007", "7a"), [0, 1, 0]),
    ],
)
def test_labels(tmp_path: Path, labels: list[str], names: tuple[str, ...], numbers: list[int]) -> None:
    splits = opened(tmp_path, "".join(f"1,{label}\n" for label in labels), kind="classes")
    assert splits.class_names == names
    assert splits.classes == len(names)
    assert splits.train.target("y").array.tolist() == numbers


def test_a_column_says_the_splits(tmp_path: Path) -> None:
    parts = ["train", "Test", "val", "TRAINING", "dev", "test", "train"]
    content = "x,part,y\n" + "".join(f"{n},{part},{n}\n" for n, part in enumerate(parts))
    splits = opened(tmp_path, content, "{path: t.csv, split: part}")
    rows = {
        name: getattr(splits, name).x[getattr(splits, name).rows, 0].tolist()
        for name in ("train", "validation", "test")
    }
    assert rows == {"train": [0, 3, 6], "validation": [2, 4], "test": [1, 5]}
    only = opened(tmp_path, content, "{path: t.csv, split: part}", only="test").test
    assert only is not None
    assert only.rows is not None
    assert only.rows.tolist() == [1, 5]
    with pytest.raises(DataError, match=r"the column of `split` has rows for test, and `data.test` says another"):
        opened(tmp_path, content, "{path: t.csv, split: part}", test=2)


# -- real tables -------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not (DATASETS / "iris").is_dir(), reason="the tables are not in ../shared/datasets")
@pytest.mark.parametrize(
    ("fields", "rows", "numbers", "classes"),
    [
        ({"path": "iris/iris.data"}, 150, 4, [50, 50, 50]),
        ({"path": "wine/wine.data", "target": (0,)}, 178, 13, [59, 71, 48]),
        ({"path": "breast-cancer/wdbc.data", "target": (1,), "ignore": (0,)}, 569, 30, [357, 212]),
        ({"path": "abalone/abalone.data", "categorical": (0,)}, 4177, 10, None),
        ({"path": "auto-mpg/auto-mpg.data", "target": (0,), "ignore": (8,), "missing": "drop"}, 392, 7, None),
        ({"path": "energy-efficiency/ENB2012_data.csv", "target": ("Y1", "Y2")}, 768, 8, None),
        (
            {
                "path": "california-housing/housing.csv",
                "target": ("median_house_value",),
                "categorical": ("ocean_proximity",),
                "missing": "median",
            },
            20640,
            13,
            None,
        ),
    ],
    ids=lambda value: value["path"] if isinstance(value, dict) else "",
)
def test_real_tables(fields: dict[str, Any], rows: int, numbers: int, classes: list[int] | None) -> None:
    """Rows, columns and classes as the data's own descriptions count them."""
    kind: Any = "values" if classes is None else "classes"
    splits = open_splits(Section(source("csv", **fields)), base=DATASETS, seed=0, kinds={"y": kind})
    assert (len(splits.train), splits.shape) == (rows, (numbers,))
    t = splits.train.target("y").array
    if classes is not None:
        assert np.bincount(t).tolist() == classes
    if "Y1" in str(fields):
        assert t.mean(axis=0) == pytest.approx([22.307, 24.588], abs=5e-4)
