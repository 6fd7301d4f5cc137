"""The one way to have competing traffic of any kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

from lab.events import Listener, silent
from lab.lifecycle.ready import ReadyLab
from lab.load.calls import calls
from lab.load.load import Load
from lab.load.mumble import mumble_calls
from lab.load.spec import Kind, LoadSpec
from lab.load.transfers import transfers

KINDS: Mapping[Kind, Callable[[ReadyLab, LoadSpec, Listener], AbstractContextManager[Load]]] = {
    "wget": transfers,
    "voip": calls,
    "mumble": mumble_calls,
}
"""How each kind of competing traffic is had."""


@contextmanager
def competing(lab: ReadyLab, spec: LoadSpec, tell: Listener = silent) -> Iterator[Load]:
    """Run the load that `spec` asks for while the block runs.

    The block begins when every stream is connected and flows. Hand `Load.observe` to
    `make_call` as an observer, and the call's record tells what the load got meanwhile.
    LabError where the load does not come to run.
    """
    with KINDS[spec.kind](lab, spec, tell) as load:
        yield load
