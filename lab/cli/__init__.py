"""The command line: what every verb has in common."""

from __future__ import annotations

import logging
import signal
import sys

import click

from lab import __version__, storage
from lab.cli.stdout import OutputError, checked_stdout
from lab.cli.verbs import LazyGroup
from lab.command import WRONG
from lab.errors import LabError, UsageError
from lab.interruption import Interrupted, heeding_signals


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="lab")
@click.option("--debug", is_flag=True, help="Log everything and show tracebacks.")
@click.pass_context
def app(ctx: click.Context, debug: bool) -> None:
    """A private Tor network in containers that carries real voice calls and scores them."""
    ctx.obj = debug
    logging.basicConfig(
        level=logging.DEBUG if debug else logging.WARNING,
        format="%(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )


def main() -> None:
    """Run the command line; every error a user can act on ends here as one sentence."""
    with heeding_signals():
        status = _status()
    sys.exit(status)


def _status() -> int:
    debug = "--debug" in sys.argv
    # What a library warns its programmers of, numpy of a division say, is nothing to a user.
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").setLevel(logging.DEBUG if debug else logging.ERROR)
    try:
        with checked_stdout():
            status = _run()
    except OutputError as error:
        if debug:
            raise
        if not error.reader_left:
            click.echo(f"{WRONG}{error}", err=True)
        return 128 + signal.SIGPIPE if error.reader_left else 1
    except LabError as error:
        if debug:
            raise
        click.echo(f"{WRONG}{error}", err=True)
        return 2 if isinstance(error, UsageError) else 1
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort) as error:
        click.echo(f"{WRONG}interrupted", err=True)
        return error.status if isinstance(error, Interrupted) else 130
    except Exception as error:
        if debug or (trouble := _engine_trouble(error) or _disk_trouble(error)) is None:
            raise
        click.echo(f"{WRONG}{trouble}", err=True)
        return 1
    return status if isinstance(status, int) else 0


def _engine_trouble(error: Exception) -> str | None:
    if "docker" not in sys.modules:
        return None
    from lab.engine.client import trouble

    return trouble(error)


def _disk_trouble(error: Exception) -> str | None:
    refusal = storage.refusal(error) if isinstance(error, OSError) else None
    return str(refusal) if refusal else None


def _run() -> object:
    try:
        return app(prog_name="lab", standalone_mode=False)
    except click.Abort as abort:
        # click takes every EOFError for the user's, also the one of an agent that has ended.
        if isinstance(abort.__cause__, LabError | Interrupted):
            raise abort.__cause__ from None
        raise
