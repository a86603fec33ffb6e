"""Figures of finished samples: how good they are, and how much of the data they cover."""

from nncli.diagnostics.quality.features import frechet_distance, kernel_distance
from nncli.diagnostics.quality.modes import ModeFigures, mode_figures
from nncli.diagnostics.quality.neighbourhood import coverage, density
from nncli.diagnostics.quality.wasserstein import sliced_wasserstein

__all__ = [
    "ModeFigures",
    "coverage",
    "density",
    "frechet_distance",
    "kernel_distance",
    "mode_figures",
    "sliced_wasserstein",
]
