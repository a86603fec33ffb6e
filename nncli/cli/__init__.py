"""The command line: the only room that prints and exits."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from typing import TextIO, cast

import click

from nncli import __version__
from nncli.cli.bench import bench
from nncli.cli.data import data
from nncli.cli.eval import evaluate
from nncli.cli.gan import gan
from nncli.cli.gradcheck import gradcheck
from nncli.cli.init import init
from nncli.cli.inspect import inspect
from nncli.cli.layers import layers
from nncli.cli.options import SETTINGS
from nncli.cli.plot import plot
from nncli.cli.sample import sample
from nncli.cli.schema import schema
from nncli.cli.signals import AtOnce, Interrupted
from nncli.cli.summary import summary
from nncli.cli.train import train
from nncli.cli.validate import validate
from nncli.cli.verify_resume import verify_resume
from nncli.errors import Fault, NncliError, OutputError, UsageError
from nncli.report import streams


@click.group(context_settings=SETTINGS)
@click.version_option(__version__, prog_name="nncli", message="%(prog)s %(version)s")
def nncli() -> None:
    """Train neural networks described in YAML, on NumPy and SciPy, on a CPU.

    \b
    nncli train configs/digits_cnn.yaml    trains, and keeps everything in runs/digits_cnn
    nncli eval runs/digits_cnn             measures it on the test split
    """


for command in (
    bench,
    data,
    train,
    evaluate,
    gan,
    gradcheck,
    init,
    inspect,
    layers,
    plot,
    sample,
    schema,
    summary,
    validate,
    verify_resume,
):
    nncli.add_command(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with the documented code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug, as_json = _asked("debug", words), _asked("json", words)
    streams.open_missing()
    code = 0
    try:
        with AtOnce(), redirect_stdout(cast(TextIO, streams.Strict(sys.stdout))):
            code = nncli.main(words, prog_name="nncli", standalone_mode=False, auto_envvar_prefix="NNCLI") or 0
            sys.stdout.flush()
    except BrokenPipeError:
        code = OutputError.exit_code
    except click.ClickException as error:
        code = _report(_usage_error(error), as_json, debug)
    except Interrupted as error:
        code = 128 + error.number
        _say_interrupted(error)
    except (KeyboardInterrupt, click.Abort):
        code = 130
    except NncliError as error:
        if debug:
            raise
        code = _report(error, as_json and not isinstance(error, streams.Unwritten), debug)
    except MemoryError as error:
        fault = Fault(
            f"not enough memory: {error or 'an allocation failed'}", hint="a smaller `train.batch` needs less"
        )
        code = _report(UsageError(fault), as_json, debug)
    except Exception as error:
        if debug:
            raise
        code = _report(_unexpected(error), as_json, debug)
    sys.exit(code)


def _say_interrupted(error: Interrupted) -> None:
    from nncli.report.console import messages

    messages().print(f"stopped at once by {error}")


def _asked(flag: str, words: list[str]) -> bool:
    """Whether a flag was given, in words or by its variable; also where the rest cannot be understood."""
    command = words[:2] if words[:1] == [data.name] else words[:1]
    variable = "_".join(["NNCLI", *command, flag]).upper().replace("-", "_")
    return f"--{flag}" in words or os.environ.get(variable, "").lower() in ("1", "true", "yes", "on")


def _usage_error(error: click.ClickException) -> UsageError:
    """Click's complaints about options and arguments, in the form of our own errors."""
    hint = ""
    context = getattr(error, "ctx", None)
    if context is not None:
        hint = f"`{context.command_path} --help` lists what it takes"
    return UsageError(Fault(error.format_message(), hint=hint))


def _unexpected(error: Exception) -> NncliError:
    """An error that nobody foresaw: a bug of ours, or of the user's plugin."""
    if "nncli.spec.plugins" in sys.modules:
        from nncli.spec.plugins import blame

        if (fault := blame(error)) is not None:
            return UsageError(replace(fault, hint="it is a fault of the plugin; --debug shows the traceback"))
    hint = "this is a bug: please run it again with --debug and report what it prints on the project's issue tracker"
    return NncliError(Fault(f"unexpected {type(error).__name__}: {error}", hint=hint))


def _report(error: NncliError, as_json: bool, debug: bool) -> int:
    """Say what is wrong: as one JSON document on standard output, or as text on standard error."""
    if as_json:
        from nncli.report.documents import error_document, write

        write(error_document(error))
    else:
        from nncli.report.console import messages, print_error

        print_error(error, messages())
    return error.exit_code
