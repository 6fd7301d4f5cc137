"""Starts the web server of competing downloads, with a file that no download comes to the end of.

The file is all holes on a tmpfs: it has a size and is read like any other, but takes no memory.
"""

from __future__ import annotations

import os
from pathlib import Path

from lab.wire import places

FILE_BYTES = 2**40
"""A hundred days at 1 Mbit/s."""


def main() -> None:
    """Entry point of the node."""
    endless = Path(places.ENDLESS)
    endless.touch()
    os.truncate(endless, FILE_BYTES)
    os.execvp("nginx", ["nginx", "-c", str(places.NGINX)])  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
