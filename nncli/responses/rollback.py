from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt, Lt

from nncli.fields import Count
from nncli.parts import Response
from nncli.registry import response


@response("rollback")
@dataclass(frozen=True, slots=True)
class Rollback(Response):
    """Go back to where all was well the last time, and on from there with a smaller step size.

    That is the end of the last epoch whose losses and weights were finite and from which a step could be taken, of a
    game the last look without an alarm, and before any of these the beginning. Each time the step size is multiplied by
    `factor`, for the rest of the run; after so many `times` the run ends as with `stop`.
    """

    factor: Annotated[float, Gt(0), Lt(1)] = 0.5
    times: Count = 3
