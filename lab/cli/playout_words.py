"""Playout buffers as a user names them for voice that is played again."""

from __future__ import annotations

from collections.abc import Iterable

import click


def check_playouts(words: Iterable[str]) -> None:
    """click.BadParameter for a word that is no buffer's."""
    from lab.measure.playout.replay import PJSUA
    from lab.wire.playout import parse_playout

    for word in words:
        if word == PJSUA:
            continue
        try:
            parse_playout(word)
        except ValueError as error:
            raise click.BadParameter(f"{word} {error}", param_hint="--playout") from None
