"""nncli: neural networks described in YAML, trained on NumPy and SciPy, on a CPU."""

from typing import Any

__version__ = "0.1.0"

_API = ("allow_plugins", "evaluate", "load", "open_run", "summary")

__all__ = ["__version__", *_API]


def __getattr__(name: str) -> Any:
    """The Python interface, imported when first asked for, so that `nncli --help` starts at once."""
    if name in _API:
        from nncli import api

        return getattr(api, name)
    raise AttributeError(f"module 'nncli' has no attribute '{name}'")
