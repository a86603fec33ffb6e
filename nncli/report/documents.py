"""Results as JSON documents."""

from __future__ import annotations

import json
import math
import sys
from typing import Any

from nncli.errors import NncliError


def write(document: dict[str, Any]) -> None:
    """One JSON document on standard output, and nothing else. NaN and infinities, which JSON lacks, become null."""
    sys.stdout.write(json.dumps(_plain(document), indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    sys.stdout.flush()


def error_document(error: NncliError) -> dict[str, Any]:
    faults = [
        {
            "file": fault.file or None,
            "line": fault.line,
            "column": fault.column,
            "path": fault.path or None,
            "message": fault.message,
            "hint": fault.hint or None,
        }
        for fault in error.faults
    ]
    return {"error": str(error), "exit_code": error.exit_code, "faults": faults}


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
