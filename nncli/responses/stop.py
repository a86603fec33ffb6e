from __future__ import annotations

from dataclasses import dataclass

from nncli.parts import Response
from nncli.registry import response


@response("stop")
@dataclass(frozen=True, slots=True)
class Stop(Response):
    """End the run where a loss or gradient is not finite: the step is not taken, and exit code 4 tells it."""
