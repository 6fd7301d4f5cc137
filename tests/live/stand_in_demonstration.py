"""A demonstration without calls, and a page for it: what a browser does with every kind of thing.

`stand_in_demonstration.py` serves the page and prints its address; with words it is what the page
starts in place of `lab demo`.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import numpy as np
import soundfile
from matplotlib.figure import Figure

from lab.demo.demonstration import Question, Recording
from lab.demo.distant import Distant
from lab.demo.lines import TELLING
from lab.engine.client import connect
from lab.events import Began
from lab.interruption import Interrupted, heeding_signals
from lab.report.pages import Drawing, Table
from lab.web.demonstrations.giving import Demonstrating
from lab.web.hub import Hub
from lab.web.pages.demonstrations import PATH
from lab.web.server import serve
from lab.wire.line import Line

QUESTION = Question(
    "When does the call break?",
    ("As soon as downloads come.", "At a fifth <b>of it</b>.", "Never."),
)
SPEED = "How fast is the link, kbit/s?"
STEADY = 1_000_000
"""A number that makes the demonstration wait without an end."""


def demonstrate(directory: Path) -> None:
    """Tell one of everything."""
    person = Distant(Line(TELLING), attends=True)
    name = person.name()
    person.headline("How slow can a shared link get?")
    person.tell("A call shares a link with downloads, and you move that link's rate.")
    chosen = person.choose(QUESTION)
    person.headline("What happens")
    rate_kbps = person.number(SPEED, 593, 100, STEADY)
    try:
        with person.busy("a call") as tell:
            tell(Began("dialling"))
            if rate_kbps == STEADY:
                threading.Event().wait(600)
    except Interrupted:
        person.tell("Links are as they were.")
        raise
    person.tell(f"{name or 'Nobody'} chose {chosen} and {rate_kbps} kbit/s.")
    columns = ("link", "share", "call took", "a download", "PESQ", "delay, 95 %", "late, %")
    row = (f"{rate_kbps} kbit/s", "119", "98", "120", "4.45", "296 ms", "0.0")
    person.show(Table("What the caller heard, beside 4 downloads", columns, (row, row), 1))
    figure = Figure(figsize=(6, 3))
    figure.subplots().plot([100, 500, 1000], [1.0, 3.4, 4.4])
    person.draw(Drawing("cliff", "PESQ against the rate of the link.", figure))
    heard = directory / "heard.wav"
    soundfile.write(heard, 0.1 * np.sin(np.arange(16_000) / 3), 8_000)
    person.hear(Recording("What the caller heard", heard))


def page(directory: Path) -> None:
    """Serve it, as `lab demo --web` does."""
    hub = Hub(connect(), "no-such-lab")
    hub.demonstrating = Demonstrating((sys.executable, __file__, str(directory)))
    hub.demonstrating.done = threading.Event()
    hub.demonstrating.start("stand-in", ())
    serve(hub, 0, lambda address: print(address, flush=True), PATH)


if __name__ == "__main__":
    with heeding_signals():
        try:
            (demonstrate if len(sys.argv) > 2 else page)(Path(sys.argv[1]))
        except Interrupted:
            sys.exit("lab: interrupted")
