"""Loss, figures and last layer, by what is predicted."""

from __future__ import annotations

from dataclasses import dataclass

from nncli.data.detect import Goal
from nncli.starter.recipe import Said

_UNEVEN = 3
"""The most frequent class is so many times as large as the rarest: then accuracy alone says little."""
_MANY = 20


@dataclass(frozen=True, slots=True)
class End:
    """What follows from the goal."""

    head: Said
    loss: Said
    metrics: Said
    standardize_targets: bool = False


def end_of(goal: Goal, smooth: bool) -> End:
    """`smooth`: whether labels are smoothed, which keeps large networks from learning few samples by heart."""
    if goal.task == "values":
        head = Said({"dense": goal.outputs}, "one number for each that is predicted" if goal.outputs > 1 else "")
        why = "r2 is the share of the variance that is explained; rmse and mae are in the target's own units"
        return End(head, Said("least_squares"), Said(("r2", "rmse", "mae"), why), True)
    if goal.task == "switches":
        loss = Said("binary_cross_entropy", "each output is the log-odds of yes")
        metrics: tuple[object, ...] = ("binary_accuracy",)
        if goal.outputs > 1:
            metrics = (*metrics, {"binary_accuracy": {"exact": True}, "name": "all_right"})
        return End(Said({"dense": goal.outputs}, "one for each question"), loss, Said(metrics))
    head = Said({"dense": goal.outputs}, f"one score for each of {goal.outputs} classes")
    loss = Said("softmax_cross_entropy")
    if smooth:
        smoothing = "smoothed labels keep the network from being too sure of few samples"
        loss = Said({"softmax_cross_entropy": {"label_smoothing": 0.1}}, smoothing)
    return End(head, loss, _figures(goal))


def _figures(goal: Goal) -> Said:
    figures: list[object] = ["accuracy"]
    reasons = []
    if goal.outputs > _MANY:
        figures.append({"top_k": 5})
        reasons.append("top_k counts a class among the first five as right")
    if goal.largest > _UNEVEN * goal.smallest:
        figures.append("macro_f1")
        reasons.append(f"classes have {goal.smallest:,} to {goal.largest:,} samples: macro_f1 counts all classes alike")
    elif goal.outputs == 2:
        figures.append("auc")
        reasons.append("auc is the area under the ROC curve")
    return Said(tuple(figures), "; ".join(reasons))
