"""Starts Kamailio under a number of its own, so that rtpengine takes none of its orders for old.

rtpengine answers an order it has seen within a minute with the answer it gave then. It knows
orders by Kamailio's server_id, process number and count, and the last two begin anew in a
container that is started again: without another server_id, calls after a restart of the exchange
got the media ports of calls before it.
"""

from __future__ import annotations

import os
import time

from lab.wire import places


def main() -> None:
    """Entry point of the node."""
    number = f"SERVER_ID={int(time.time())}"
    os.execvp(  # noqa: S606 - no shell is wanted
        "kamailio", ["kamailio", "-f", str(places.KAMAILIO), "-DD", "-E", "-A", number]
    )


if __name__ == "__main__":
    main()
