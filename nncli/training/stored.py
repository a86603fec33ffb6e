"""What a checkpoint says, taken for what it is: a file that may not mean well."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from nncli.errors import CheckpointError, Fault, PluginError, SpecError

UNFIT = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
"""What using values of another kind than nncli writes raises."""


@contextmanager
def trusting(file: Path | None) -> Iterator[None]:
    """Around what works with the content of a checkpoint and nothing else: what is wrong with that becomes a
    CheckpointError that names the file, a fault of its configuration too. None: there is no checkpoint.
    """
    try:
        with np.errstate(all="ignore"):  # numbers that are too large for the network's type become infinite
            yield
    except PluginError:
        raise
    except SpecError as error:
        if file is None or not all(fault.file == f"{file}:config" for fault in error.faults):
            raise
        raise CheckpointError(error.faults) from None
    except CheckpointError as error:
        if file is None:
            raise
        raise CheckpointError([f if f.file else replace(f, file=str(file)) for f in error.faults]) from None
    except UNFIT as error:
        if file is None:
            raise
        message = f"what it holds is not what nncli writes: {type(error).__name__}: {error}"
        raise CheckpointError(Fault(message, file=str(file), hint="was it changed by another program?")) from error
