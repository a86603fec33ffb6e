"""Results as JSON documents."""

from __future__ import annotations

import json
import math
import re
import sys
from typing import Any

from nncli.errors import MOST_FAULTS, NncliError, one_line

_HALVES = re.compile("[\ud800-\udfff]")
"""Bytes of a file's name that are no UTF-8, as Python keeps them; no stream takes them."""


def write(document: dict[str, Any]) -> None:
    """One JSON document on standard output, and nothing else. NaN and infinities, which JSON lacks, become null."""
    text = json.dumps(_plain(document), indent=2, ensure_ascii=False, allow_nan=False)
    sys.stdout.write(_HALVES.sub(lambda half: f"\\u{ord(half.group()):04x}", text) + "\n")
    sys.stdout.flush()


def error_document(error: NncliError) -> dict[str, Any]:
    faults = [
        {
            "file": fault.file or None,
            "line": fault.line,
            "column": fault.column,
            "path": one_line(fault.path) or None,
            "message": one_line(fault.message),
            "hint": one_line(fault.hint) or None,
        }
        for fault in error.faults[:MOST_FAULTS]
    ]
    return {"error": "\n".join(map(str, error.faults[:MOST_FAULTS])), "exit_code": error.exit_code, "faults": faults}


def _plain(value: Any) -> Any:
    """What JSON can hold: NumPy's numbers and arrays as Python's, paths as text."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if value is None or isinstance(value, bool | str | int):
        return value
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value)
