"""The command line: one file per verb, loaded only when the verb is used."""

from __future__ import annotations

import logging
import signal
import sys
from importlib import import_module

import click

from lab import __version__
from lab.cli.stdout import OutputError, checked_stdout
from lab.errors import LabError, UsageError

VERBS = (
    "up",
    "call",
    "down",
    "status",
    "link",
    "exec",
    "logs",
    "experiment",
    "report",
    "export",
    "schema",
    "rtp",
    "score",
    "field",
    "setup",
    "doctor",
)
"""Each is a module of this package with a `command`."""


class LazyGroup(click.Group):
    """Imports a verb's module when the verb is asked for: `lab status` needs no scipy."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs, in the order of the help page."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb's command, or None where there is no such verb."""
        if cmd_name not in VERBS:
            return None
        try:
            command = import_module(f"lab.cli.{cmd_name}").command
        except ModuleNotFoundError as error:
            raise LabError(
                f"`lab {cmd_name}` needs the Python package {error.name}, which is not installed",
                "`make setup` installs it.",
            ) from error
        assert isinstance(command, click.Command)
        return command


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
    debug = "--debug" in sys.argv
    try:
        with checked_stdout():
            status = _run()
    except OutputError as error:
        if debug:
            raise
        if not error.reader_left:
            click.echo(f"lab: {error}", err=True)
        status = 128 + signal.SIGPIPE if error.reader_left else 1
    except LabError as error:
        if debug:
            raise
        click.echo(f"lab: {error}", err=True)
        status = 2 if isinstance(error, UsageError) else 1
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("lab: interrupted", err=True)
        status = 130
    sys.exit(status if isinstance(status, int) else 0)


def _run() -> object:
    try:
        return app(prog_name="lab", standalone_mode=False)
    except click.Abort as abort:
        # click takes every EOFError for the user's, also the one of an agent that has ended.
        if isinstance(abort.__cause__, LabError):
            raise abort.__cause__ from None
        raise
