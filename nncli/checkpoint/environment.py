"""What besides the checkpoint decides on the last digits of a run: versions, the BLAS library, the processor."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path

from nncli import __version__

PACKAGES = ("numpy", "scipy", "h5py")
HARDWARE = ("cpu", "blas")
"""Names that stand beside the versions; checkpoints of before they were kept lack them."""


@cache
def environment() -> Mapping[str, str]:
    """Versions by name, and `cpu` and `blas`. It takes some milliseconds to find; a run writes many checkpoints."""
    return {
        "nncli": __version__,
        "python": platform.python_version(),
        **{package: metadata.version(package) for package in PACKAGES},
        "cpu": _cpu(),
        "blas": _blas(),
    }


def differing(stored: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """What is another here than in a checkpoint, by name: as it was and as it is."""
    now = environment()
    return {name: (stored[name], now[name]) for name in now if name in stored and stored[name] != now[name]}


def _cpu() -> str:
    """The kind of machine, and the processor's name where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    name, machine = next(names, "") or platform.processor(), platform.machine()
    return f"{machine} {name}" if name not in ("", machine) else machine


def _blas() -> str:
    """NumPy's BLAS library, its version, and the processors that its kernels are for."""
    import numpy as np  # it has to be loaded to be found
    from threadpoolctl import threadpool_info

    assert np.__version__
    found = [library for library in threadpool_info() if library.get("user_api") == "blas"]
    found.sort(key=lambda library: "numpy" not in str(library.get("filepath")))
    if not found:
        return "unknown"
    return " ".join(str(found[0][key]) for key in ("internal_api", "version", "architecture") if found[0].get(key))
