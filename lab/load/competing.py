"""The one way to have competing traffic of any kind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lab.events import Listener, silent
from lab.lifecycle.ready import ReadyLab
from lab.load.kinds import LOAD_KINDS
from lab.load.load import Load
from lab.load.spec import LoadSpec


@contextmanager
def competing(lab: ReadyLab, spec: LoadSpec, tell: Listener = silent) -> Iterator[Load]:
    """Run the load that `spec` asks for while the block runs.

    The block begins when every stream is connected and flows. Hand `Load.observe` to
    `make_call` as an observer, and the call's record tells what the load got meanwhile.
    UsageError where there is no such kind, LabError where it does not come to run.
    """
    kind = LOAD_KINDS.named(spec.kind)
    kind.check(spec, lab.topology)
    with kind.run.load()(lab, spec, tell) as load:
        yield load
