"""What was seen, in words for people."""

from __future__ import annotations

from nncli.data.detect import Goal, Sight

_FORMS = {"table": "rows", "vector": "rows", "signal": "signals", "image": "images", "sound": "sounds"}
_FOR = {"validation": "validation", "test": "testing"}
_SHOWN = 6


def samples_of(sight: Sight) -> str:
    """How many there are of what: `600 images of 28 × 28 pixels in grey`."""
    counts = [f"{sight.samples['train']:,} {_FORMS[sight.form]} {size_of(sight)}"]
    counts += [f"{n:,} for {_FOR[split]}" for split, n in sight.samples.items() if split != "train"]
    return ", ".join(counts)


def size_of(sight: Sight) -> str:
    if sight.form == "image":
        channels, height, width = sight.shape
        colours = {1: "in grey", 3: "in colours"}.get(channels, f"with {channels} channels")
        return f"of {height} × {width} pixels {colours}"
    if sight.form in ("signal", "sound"):
        channels, length = sight.shape[-2:]
        rate = f", {length / sight.rate:.2g} s at {sight.rate:,} Hz" if sight.rate else ""
        return f"of {length:,} numbers{f' in {channels} channels' if channels > 1 else ''}{rate}"
    (width,) = sight.shape
    return f"of {width:,} number{'s' if width > 1 else ''}"


def goal_of(goal: Goal) -> str:
    """What is predicted: `column 'price', the last: a value`."""
    if goal.task == "values":
        return f"{goal.what}: " + ("a value" if goal.outputs == 1 else f"{goal.outputs} values")
    if goal.task == "switches":
        return f"{goal.what}: yes or no" + (f", {goal.outputs} times" if goal.outputs > 1 else "")
    each = f"{goal.smallest:,}" if goal.smallest == goal.largest else f"{goal.smallest:,} to {goal.largest:,}"
    names = ""
    if goal.names:
        more = ", ..." if len(goal.names) > _SHOWN else ""
        names = f" ({', '.join(goal.names[:_SHOWN])}{more})"
    return f"{goal.what}: one of {goal.outputs} classes{names}, {each} samples of each"
