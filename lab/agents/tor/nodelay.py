"""TCP_NODELAY in this node's Tor: the object that sets it, preloaded, and what is found of it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from lab.wire import places
from lab.wire.nodelay import NodelaySeen, Reach
from lab.wire.ports import DIR_PORT, OR_PORT

SHIM = Path(places.TOR_NODELAY)
LEDGER = "nodelay"
"""In Tor's data directory: what the object did."""
_SPARED = f"but:{OR_PORT},{DIR_PORT}"
_LINE = re.compile(r"pid=(\d+) on=(\w+) set=(\d+) left=(\d+) refused=(\d+)\n")


class NodelayError(Exception):
    """TCP_NODELAY cannot be set in this node's Tor, or not be read back; the message says why."""


def environment_with(reach: Reach | None, data: Path, shim: Path = SHIM) -> dict[str, str]:
    """The environment of a Tor that keeps its data there; NodelayError where the object lacks."""
    if reach is None:
        return dict(os.environ)
    if not shim.is_file():
        raise NodelayError(f"TCP_NODELAY cannot be set: this image has no {shim}")
    return {
        **os.environ,
        "LD_PRELOAD": str(shim),
        "LAB_NODELAY": "all" if reach is Reach.ALL else _SPARED,
        "LAB_NODELAY_LEDGER": str(data / LEDGER),
    }


def seen_in(tor: int, data: Path, shim_name: str = SHIM.name) -> NodelaySeen:
    """What the process `tor` does; NodelayError where it cannot be looked into."""
    try:
        loaded = shim_name in (Path("/proc") / str(tor) / "maps").read_text(encoding="utf-8")
        line = (data / LEDGER).read_text(encoding="utf-8") if loaded else ""
    except OSError as error:
        raise NodelayError(f"what Tor does with TCP_NODELAY cannot be read: {error}") from error
    if not loaded:
        return NodelaySeen(loaded=False, reach=None, set=0, left=0, refused=0)
    found = _LINE.fullmatch(line)
    if found is None or int(found[1]) != tor:
        raise NodelayError(f"the ledger of TCP_NODELAY is not that of process {tor}: {line[:80]!r}")
    done, left, refused = (int(found[group]) for group in (3, 4, 5))
    return NodelaySeen(True, Reach(found[2]), set=done, left=left, refused=refused)
