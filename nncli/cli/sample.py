"""`nncli sample`."""

from __future__ import annotations

from pathlib import Path

import click

from nncli.cli import options

SAMPLES, POINTS = 64, 8
"""Samples unless told otherwise, and points with ways between them."""


@click.command(short_help="Samples of a generator.", context_settings=options.SETTINGS)
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option(
    "-n",
    "count",
    type=click.IntRange(1),
    help=f"How many samples, with --interpolate how many points. [default: {SAMPLES}; {POINTS} points]",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Images: .png, with --interpolate also .gif; points of a plane: .png, .svg, .pdf; the numbers of any: .npz. "
    "[default: samples.png beside the checkpoint, else samples.npz]",
)
@click.option("--seed", type=click.IntRange(0), help="Seed of the latent vectors. [default: that of the run]")
@click.option(
    "--interpolate",
    metavar="N",
    type=click.IntRange(0),
    help="From each point to the next N samples between them, one way in a row of the picture.",
)
@click.option("--raw", is_flag=True, help="With the last weights, where the checkpoint has an average of them too.")
@options.plugins
@options.changed_plugins
@options.output
def sample(
    checkpoint: Path,
    count: int | None,
    output: Path | None,
    seed: int | None,
    interpolate: int | None,
    raw: bool,
    json: bool,
    quiet: bool,
    debug: bool,
) -> None:
    """Samples of a GAN's generator, from a run folder (its last.h5) or one of its checkpoints.

    Equal seeds give equal samples. Images need pillow (the extra `images`), points of a plane matplotlib (`plot`).
    """
    if count is None:
        count = SAMPLES if interpolate is None else POINTS
    if interpolate is not None and count < 2:
        raise click.UsageError("--interpolate needs at least two points: -n 2")
    from nncli import progress
    from nncli.checkpoint import replace
    from nncli.report.console import messages
    from nncli.report.documents import write
    from nncli.report.progress import waiting
    from nncli.report.samples import encoded, target_of
    from nncli.training.game.sampling import open_samples

    with (
        waiting(messages(quiet or json)),
        progress.task("making samples"),
        open_samples(checkpoint, count, seed, interpolate, not raw) as made,
    ):
        target, kind = target_of(made, output)
        data = encoded(made, kind)
    replace(target, data, what="the samples")
    if json:
        document = {"checkpoint": str(made.checkpoint), "step": made.step, "seed": made.seed, "file": str(target)}
        write(document | {"samples": len(made.samples), "shape": list(made.samples.shape[1:]), "bytes": len(data)})
    else:
        messages(quiet).print(f"wrote {target}: {len(made.samples)} samples", markup=False, soft_wrap=True)
