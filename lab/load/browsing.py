"""What other users of Tor do, in the load `background`: the one place that has its figures.

What is fetched: the three files by which Tor's own performance is measured (Torperf, OnionPerf), as
often as OnionPerf's traffic model chose each before it measured with 5 MiB alone (`TorperfModel` in
onionperf/model.py: weights 12, 2 and 1). How users pause: the web client of TGen's documentation
waits 1 to 60 s, each as likely, after a file. Many who do that independently of one another leave
exponential pauses between their fetches. A user of this load is such a crowd, which makes one fetch
at a time: with fetches of about 2 s, two seconds of pause are as much as eight people do.
"""

from __future__ import annotations

from lab.wire.load import Habits

KIB = 1024
HABITS = Habits(
    sizes_bytes=(50 * KIB, 1024 * KIB, 5 * 1024 * KIB),
    shares=(12.0, 2.0, 1.0),
    pause_mean_s=2.0,
)
FETCHES_PER_CIRCUIT = 10
"""Then a user takes another circuit: Tor Browser does with every site, and Tor after ten minutes
(MaxCircuitDirtiness)."""
CIRCUITS = 8
"""Of each user, before the first comes again: more than are used during a call of minutes."""


def in_words() -> str:
    """The figures, for lists of loads."""
    sizes = ", ".join(f"{size // KIB}" for size in HABITS.sizes_bytes)
    shares = " : ".join(f"{share:g}" for share in HABITS.shares)
    return (
        f"each fetches files of {sizes} KiB, drawn {shares}, with exponential pauses of "
        f"{HABITS.pause_mean_s:g} s on average, {FETCHES_PER_CIRCUIT} over a circuit that is drawn "
        "as those of calls are"
    )
