"""The verbs of the command line: one module each, loaded only when the verb is used."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import click
from click.shell_completion import CompletionItem

from lab.errors import LabError

VERBS: Mapping[str, str] = {
    "up": "Bring up TOPOLOGY (a shipped name such as `paper`, or a YAML file) and verify it",
    "call": "Make one call by METHOD; exit status 1 where it failed",
    "down": "Take down the lab called NAME (default: your only one)",
    "status": "Show the lab called NAME (default: every lab of yours that is up)",
    "events": "Print what happens in the lab called NAME (default: your only one)",
    "capture": "Capture at POINT of a running lab, live, until Ctrl-C",
    "link": "Show or change the rate, queue, delay and loss of links, live",
    "fault": "Break a link or a node of a running lab, and make it whole again",
    "demo": "Give a demonstration: a question, your prediction, calls that answer it, and why",
    "web": "Show the lab called NAME (default: your first that is up) in a browser, until Ctrl-C",
    "exec": "Run COMMAND in NODE as the node's own user and exit with its status",
    "logs": "Print the log of NODE",
    "experiment": "Run experiments: many calls, in an order drawn from a seed",
    "worker": "Make calls on this host for experiments that are run elsewhere, until Ctrl-C",
    "report": "Print the tables of RUN (default: the last one) beside the paper's",
    "export": "Write the calls of RUN (default: the last one), one row each",
    "bundle": "Pack a run into one file that travels, or verify such a file",
    "measure": "Measure calls again from their files alone, and write the store anew",
    "replay": "Play the packets of a call again, through any playout buffer",
    "schema": "Print the JSON Schema of topology files, or of experiments",
    "places": "Show the places, the formula of their distances, or the delay between two of them",
    "profile": "Make and show profiles: the delay and loss of every voice packet of one call",
    "rtp": "Tell the RTP streams in captures apart and judge them: loss, jitter, gaps",
    "score": "Score RECORDING against REFERENCE, the clip that was played",
    "field": "Analyse calls recorded and captured at both ends, one row per call",
    "setup": "Get what this host lacks: Compose v2, pesq, the base image and the lab's images",
    "doctor": "Tell what this host has and lacks; paste it into a bug report",
}
"""Each is a module of this package with a `command`; beside it, how its help begins."""


class LazyGroup(click.Group):
    """Imports a verb's module when the verb is asked for: `lab --help` needs none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs, in the order of the help page."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb's command, or None where there is no such verb."""
        if cmd_name not in VERBS:
            return None
        command = import_module(f"lab.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Do what is asked; LabError where a package is missing that it takes."""
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            raise LabError(
                f"`lab {ctx.invoked_subcommand}` needs the Python package {error.name}, "
                "which is not installed",
                "`make setup` installs it.",
            ) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The verbs on the help page."""
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The verbs and options that begin as typed."""
        verbs = [
            CompletionItem(verb, help=about)
            for verb, about in VERBS.items()
            if verb.startswith(incomplete)
        ]
        # Past click's own group, which loads every verb for its help.
        return [*verbs, *click.Command.shell_complete(self, ctx, incomplete)]
