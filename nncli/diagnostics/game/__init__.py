"""Figures of a game while it runs, from logits and samples (batch first), and the alarms that they raise."""

from nncli.diagnostics.game.judgement import (
    COLLAPSE,
    OSCILLATION,
    PERFECT,
    VANISHING,
    Alarm,
    Situation,
    Watch,
    judge,
)
from nncli.diagnostics.game.path import SNAPSHOTS, WeightPath, path_ratio
from nncli.diagnostics.game.spread import diversity, effective, effective_modes, intrinsic_dimension
from nncli.diagnostics.game.theory import histogram_divergence, optimal_discriminator, smoothed
from nncli.diagnostics.game.value import LOG2, OPTIMUM, accuracy, calibrated, js_bound, saturation, value
from nncli.diagnostics.quality.neighbourhood import coverage

__all__ = [
    "COLLAPSE",
    "LOG2",
    "OPTIMUM",
    "OSCILLATION",
    "PERFECT",
    "SNAPSHOTS",
    "VANISHING",
    "Alarm",
    "Situation",
    "Watch",
    "WeightPath",
    "accuracy",
    "calibrated",
    "coverage",
    "diversity",
    "effective",
    "effective_modes",
    "histogram_divergence",
    "intrinsic_dimension",
    "js_bound",
    "judge",
    "optimal_discriminator",
    "path_ratio",
    "saturation",
    "smoothed",
    "value",
]
