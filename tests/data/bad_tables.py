"""Tables that cannot be read: fields of the source, bytes of the file, the message, and its hint."""

from __future__ import annotations

import gzip

GOOD = b"a,b,y\n1,2,0\n3,4,1\n5,6,2\n"
FILL = "`missing: median` (or mean, most_frequent, a number) puts one in, `missing: drop` leaves rows out"
TEXTS = "texts go into `categorical`, what is of no use into `ignore`, a mark of missing values into `na`"
AT_COMMAS = "rows were cut at ','; `separator` says another"
FINITE = "take such rows out, or put a finite number in"
QUOTE = 'is a quote (") not closed? `quote` says another character'

Row = tuple[str, bytes | None, str, str]

CLASSES: dict[str, Row] = {
    "missing file": ("t.csv", None, "{t}: no such file", "paths in a configuration are relative to its own folder"),
    "empty": ("t.csv", b"", "{t}: the file is empty", ""),
    "only blanks": ("t.csv", b"\n  \n\n", "{t}: the file is empty", ""),
    "only a mark": ("t.csv", b"\xef\xbb\xbf", "{t}: the file is empty", ""),
    "all skipped": ("{path: t.csv, skip: 9}", GOOD, "{t}: nothing is left below `skip`", ""),
    "only a header": ("{path: t.csv, header: true}", b"a,b,y\n", "{t}: there are no rows below the header", ""),
    "spreadsheet": (
        "t.csv",
        b"PK\x03\x04" + bytes(99),
        "{t}: is a ZIP archive, as spreadsheets are, no text",
        "save it as CSV, or choose another kind of source",
    ),
    "gzip": ("t.csv", gzip.compress(GOOD), "{t}: is packed with gzip, no text", "unpack it first"),
    "byte 0": (
        "t.csv",
        GOOD + b"7,8\0,1\n",
        "{t}:5: holds a byte 0, which no text has",
        "is it a text file, and in which `encoding`?",
    ),
    "latin-1": (
        "t.csv",
        GOOD + b"7,8,\xe9\n",
        "{t}:5: is no utf-8: the byte 0xe9",
        "`encoding: latin-1` (or cp1252, utf-16, ...) says how it was saved",
    ),
    "half of UTF-16": (
        "t.csv",
        GOOD.decode().encode("utf-16") + b"\x31",
        "{t}: is no utf-16: …",
        "`encoding: ...` names the right one",
    ),
    "short row": ("t.csv", GOOD + b"\n7,8\n", "{t}:6: has 2 fields, the header has 3", AT_COMMAS),
    "long row": ("t.csv", b"1,2,0\n3,4,1,9\n5,6,0\n", "{t}:2: has 4 fields, the first row has 3", AT_COMMAS),
    "row after one of two lines": (
        "{path: t.csv, ignore: b}",
        b'a,b,y\n1,"x\ny",0\n3,z\n',
        "{t}:4: has 2 fields, the header has 3",
        AT_COMMAS,
    ),
    "another separator": (
        "{path: t.csv, separator: ;}",
        GOOD,
        "{t}: no column is left to make samples of",
        "is the separator right? rows were cut at ';'",
    ),
    "open quote": ("t.csv", GOOD + b'7,"8,1\n9,1,0\n', "{t}:5: is no row: …", QUOTE),
    "text after a quote": ("t.csv", GOOD + b'7,"8"8,1\n', "{t}:5: is no row: …", QUOTE),
    "endless field": ("t.csv", GOOD + b"7," + b"8" * 200_000 + b",1\n", "{t}:5: is no row: …", QUOTE),
    "text": ("t.csv", GOOD + b"7,eight,1\n", "{t}:5: column 'b': 'eight' is no number", TEXTS),
    "text without a header": ("t.csv", b"1,2,0\n3,x,1\n", "{t}:2: column 1: 'x' is no number", TEXTS),
    "underscore": ("t.csv", GOOD + b"7,1_000,1\n", "{t}:5: column 'b': '1_000' is no number", TEXTS),
    "decimal comma": (
        "t.csv",
        b"a;b;y\n1,5;2;0\n",
        "{t}:2: column 'a': '1,5' is no number",
        '`decimal: ","` reads it as a number',
    ),
    "infinite": ("t.csv", GOOD + b"inf,8,1\n", "{t}:5: column 'a': the number is inf", FINITE),
    "too large": (
        "t.csv",
        GOOD + b"-1e39,8,1\n",
        "{t}:5: column 'a': the number is -1e+39, too large for float32",
        FINITE,
    ),
    "missing value": ("t.csv", GOOD + b"7,?,1\n", "{t}:5: column 'b': no value", FILL),
    "missing values": (
        "t.csv",
        GOOD + b"7,?,1\n,9,1\n8,NA,1\n",
        "{t}:6: column 'a': no value\n{t}:5: column 'b': no value (the first of 2 that are missing)",
        FILL,
    ),
    "missing in one column": (
        "{path: t.csv, missing: {a: 0}}",
        GOOD + b",,1\n",
        "{t}:5: column 'b': no value",
        FILL,
    ),
    "missing text": (
        "{path: t.csv, categorical: a}",
        GOOD + b",8,1\n",
        "{t}:5: column 'a': no text",
        FILL,
    ),
    "all missing": (
        "{path: t.csv, missing: median}",
        b"a,b,y\n1,?,0\n3,?,1\n",
        "{t}: column 'b': the training split has no value to take the median of",
        "leave it out: `ignore`",
    ),
    "all dropped": (
        "{path: t.csv, missing: drop}",
        b"a,b,y\n1,?,0\n3,?,1\n",
        "{t}: every row has a missing value and is dropped",
        "`missing: median` puts something in instead",
    ),
    "missing label": (
        "{path: t.csv, missing: median}",
        GOOD + b"7,8,\n",
        "{t}:5: column 'y': no label",
        "`missing: drop` leaves such rows out",
    ),
    "label of values": (
        "t.csv",
        GOOD + b"7,8,1.5\n",
        "{t}:5: column 'y': the label 1.5 is no whole number",
        "for values choose a loss such as `least_squares`",
    ),
    "too many labels": (
        "t.csv",
        b"a,b,y\n" + b"".join(b"1,2,%d\n" % n for n in range(1001)),
        "{t}: column 'y': holds more than 1000 different labels",
        "for values choose a loss such as `least_squares`",
    ),
    "more labels than classes": (
        "t.csv",
        GOOD + b"7,8,3\n",
        "{t}:5: column 'y': label 3, but the configuration's input.classes is 3: 0 to 2",
        "",
    ),
    "labels in two columns": (
        "{path: t.csv, target: [b, y]}",
        GOOD,
        "{t}: a label is one column, here there are 2: b, y",
        "name one column; or several targets, each with a loss of its own: `target: {name: column}`",
    ),
    "too many categories": (
        "{path: t.csv, categorical: a}",
        b"a,b,y\n" + b"".join(b"%d,2,1\n" % n for n in range(1001)),
        "{t}: column 'a': has more than 1000 different texts, each of which would be a number of a sample",
        "leave it out: `ignore`",
    ),
    "unknown column": (
        "{path: t.csv, target: Y}",
        GOOD.replace(b"y", b"yy"),
        "{t}: no column 'Y', which `target` names",
        "known: a, b, yy",
    ),
    "nearest column": (
        "{path: t.csv, categorical: colour}",
        b"color,b,y\nred,1,0\n",
        "{t}: no column 'colour', which `categorical` names",
        "did you mean 'color'?",
    ),
    "name without a header": (
        "{path: t.csv, target: y}",
        b"1,2,0\n",
        "{t}: no column 'y', which `target` names",
        "there is no header; columns are called by number",
    ),
    "number of a column": (
        "{path: t.csv, target: 3}",
        GOOD,
        "{t}: no column 3, which `target` names",
        "there are 3, counted from 0",
    ),
    "strategy of no column": (
        "{path: t.csv, missing: {c: median}}",
        GOOD,
        "{t}: no column 'c', which `missing` names",
        "known: a, b, y",
    ),
    "two columns of a name": (
        "t.csv",
        b"a,a,y\n1,2,0\n",
        "{t}:1: several columns are called 'a'",
        "`header: false, skip: 1` reads columns by number, counted from 0",
    ),
    "target as column": (
        "{path: t.csv, columns: [a, y]}",
        GOOD,
        "{t}: column 'y': `columns` names the target or the split",
        "leave it out there",
    ),
    "ignored category": (
        "{path: t.csv, ignore: a, categorical: a}",
        GOOD,
        "{t}: column 'a': `categorical` names a column that is not read",
        "",
    ),
    "nothing left": (
        "{path: t.csv, ignore: [a, b]}",
        GOOD,
        "{t}: no column is left to make samples of",
        "is the separator right? rows were cut at ','",
    ),
    "no split": (
        "{path: t.csv, split: b}",
        b"a,b,y\n1,train,0\n3,later,1\n",
        "{t}:3: column 'b': 'later' is no split",
        "write train, validation or test",
    ),
    "missing split": (
        "{path: t.csv, split: b}",
        b"a,b,y\n1,train,0\n3,,1\n",
        "{t}:3: column 'b': nothing is no split",
        "write train, validation or test",
    ),
    "nothing to train on": (
        "{path: t.csv, split: b}",
        b"a,b,y\n1,test,0\n3,val,1\n",
        "{t}: column 'b': no row is for training",
        "write train",
    ),
}
"""Where the loss takes classes: three of them, of two numbers."""

VALUES: dict[str, Row] = {
    "text as target": (
        "t.csv",
        b"a,b,y\n1,2,low\n3,4,high\n",
        "{t}:2: column 'y': the target 'low' is no number",
        "for texts as classes choose a loss such as `softmax_cross_entropy`",
    ),
    "text far down": (
        "t.csv",
        b"a,b,y\n" + b"1,2,3\n" * 9000 + b"1,2,x\n",
        "{t}:9002: column 'y': the target 'x' is no number",
        "for texts as classes choose a loss such as `softmax_cross_entropy`",
    ),
    "missing target": (
        "{path: t.csv, missing: 0}",
        GOOD + b"7,8,?\n9,9,?\n",
        "{t}:5: column 'y': no target (the first of 2 that are missing)",
        "`missing: drop` leaves such rows out",
    ),
    "infinite target": ("t.csv", GOOD + b"7,8,-inf\n", "{t}:5: column 'y': the number is -inf", FINITE),
    "no target": (
        "{path: t.csv, target: null}",
        GOOD,
        "{t}: the data have no targets",
        "the loss needs them: name them in the data source",
    ),
    "target of another name": (
        "{path: t.csv, target: {height: b}}",
        GOOD,
        "{t}: the data have no target without a name",
        "they have height: write `target: height` beside the loss",
    ),
    "two columns for one output": (
        "{path: t.csv, target: [b, y]}",
        GOOD,
        "{t}: column 'b, y': a target has the shape [2], the network's output [1]",
        "",
    ),
}
"""Where it takes values: one output."""
