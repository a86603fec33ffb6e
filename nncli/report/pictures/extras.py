"""Packages that only pictures need, and what to say where they are missing."""

from __future__ import annotations

from importlib import import_module

from nncli.errors import Fault, UsageError

PACKAGES = {"images": ("PIL", "pillow"), "plot": ("matplotlib", "matplotlib")}
"""By extra: what is imported, and what is installed."""


def missing(extra: str) -> str:
    """How to get the package of an extra that is not there; empty where it is."""
    module, package = PACKAGES[extra]
    try:
        import_module(module)
    except ImportError:
        return f"pip install {package}, or nncli with the extra `{extra}`: pip install 'nncli[{extra}]'"
    return ""


def require(extra: str, purpose: str, otherwise: str = "") -> None:
    """Raises UsageError where the package of an extra is missing; `otherwise` is what can be done without it."""
    remedy = missing(extra)
    if remedy:
        message = f"{purpose} needs {PACKAGES[extra][1]}, which is not installed"
        raise UsageError(Fault(message, hint=f"{remedy}; {otherwise}" if otherwise else remedy))
