"""Graph to a `Program` for one batch size, dtype and plan: every buffer is allocated once. Names no concrete layer."""

from nncli.engine.model import Model
from nncli.engine.objective import Objective, Term
from nncli.engine.plan import Plan, make_plan
from nncli.engine.program import Program
from nncli.engine.update import Updater

__all__ = ["Model", "Objective", "Plan", "Program", "Term", "Updater", "make_plan"]
