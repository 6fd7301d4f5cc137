"""Ending faults of links: all that are in force, or those that nobody ends any more."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime

from lab.events import Listener, Noted, silent
from lab.faults.fault import Fault
from lab.faults.found import Found, found_in
from lab.faults.links import mend_link
from lab.lifecycle.ready import ReadyLab
from lab.wire.faults import BY_HAND, LinkFault

SLACK_S = 2.0
"""So long after its time a fault may still be about to be ended."""


def end_links(lab: ReadyLab, faults: Iterable[Found], tell: Listener = silent) -> None:
    """End these faults, as far as they are of links; LabError where one goes on."""
    for found in faults:
        if found.network is not None:
            mend_link(lab, Fault(found.kind, found.node, found.network), tell)


def end_overdue(lab: ReadyLab, tell: Listener = silent) -> None:
    """End the faults of links that whoever was to end has left, and say so; and which others go on.

    Only for who has its turn in the lab: no call is under way that could have asked for one.
    """
    links = [one for one in found_in(lab) if one.link]
    left = [one for one in links if one.link and is_overdue(one.link, calling=False)]
    end_links(lab, left, tell)
    for found in links:
        if found in left:
            tell(Noted(f"the fault that a command had left is ended: {_since(found)}"))
        else:
            tell(Noted(in_words(found, calling=False)))


def in_words(found: Found, *, calling: bool) -> str:
    """A fault of a link that is in force, as a sentence; `calling`: whether a call is under way."""
    assert found.link
    if is_overdue(found.link, calling=calling):
        what = f"{_since(found)}, and the command that was to end that is gone"
        return f"{what}: `lab up` or `lab fault clear` does"
    if found.link.of == BY_HAND:
        return f"{_since(found)}, by hand: `{found.undo}` ends that"
    return f"{_since(found)}, as call {found.link.of} has asked"


def _since(found: Found) -> str:
    assert found.link
    since = datetime.fromtimestamp(found.link.began_at).astimezone()
    return f"{found.place} is {found.link.what} since {since:%H:%M:%S}"


def is_overdue(fault: LinkFault, *, calling: bool) -> bool:
    """Whether nobody is there any more who ends a fault; `calling`: whether a call is under way."""
    if fault.until is not None and time.time() > fault.until + SLACK_S:
        return True
    return fault.of != BY_HAND and not calling
