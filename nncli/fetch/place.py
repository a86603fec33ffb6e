"""Where what was fetched is kept, unless somebody says another folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

VARIABLE = "NNCLI_CACHE"


def cache(environment: Mapping[str, str] | None = None, system: str = sys.platform) -> Path:
    """The folder of `NNCLI_CACHE`, else the one where the system keeps what can be fetched again.

    Source: XDG Base Directory Specification 0.8 (a relative `XDG_CACHE_HOME` does not count); Apple's File System
    Programming Guide; Windows' Known Folders.
    """
    variables = os.environ if environment is None else environment
    if chosen := variables.get(VARIABLE):
        return Path(chosen).expanduser()
    home = Path(variables.get("HOME") or Path.home())
    if system == "darwin":
        return home / "Library" / "Caches" / "nncli"
    if system == "win32":
        local = variables.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / "nncli" / "Cache"
    base = variables.get("XDG_CACHE_HOME", "")
    return (Path(base) if os.path.isabs(base) else home / ".cache") / "nncli"
