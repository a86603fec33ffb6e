"""Values of one place to validated ones, through the types of the registered classes."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

import nncli.data
import nncli.game_losses
import nncli.initializers
import nncli.layers
import nncli.losses
import nncli.metrics
import nncli.optimizers
import nncli.responses
import nncli.schedules  # noqa: F401  (importing the rooms fills the registries)
from nncli import registry
from nncli.errors import Fault, NncliError
from nncli.spec import messages, walk
from nncli.spec.yaml12 import Path, Places


def read(annotation: Any, value: Any, document: Places, path: Path, faults: list[Fault]) -> Any:
    """The validated value of one place; None with its faults added where it is wrong."""
    try:
        return adapter(annotation).validate_python(value)
    except ValidationError as error:
        faults.extend(messages.faults(error.errors(include_url=False), document, path, annotation))
    except NncliError as error:
        faults.extend(document.fault(path, fault.message, fault.hint) for fault in error.faults)
    return None


def adapter(annotation: Any) -> TypeAdapter[Any]:
    """What reads a type strictly, with the classes that are registered now."""
    return _adapter(annotation, _registered())


@lru_cache(maxsize=512)
def _adapter(annotation: Any, registered: tuple[type, ...]) -> TypeAdapter[Any]:
    """Strict reading of a type; made again where there are other classes to choose from than there were.

    Pydantic refuses settings for a dataclass, which brings its own.
    """
    config: Any = {"strict": True, "allow_inf_nan": False}
    return TypeAdapter(annotation, config=None if walk.dataclass_of(annotation) is not None else config)


def _registered() -> tuple[type, ...]:
    return tuple(cls for table in registry.KINDS.values() for cls in table.added())
