"""What the kernel offers is told as far as it was seen, and no further."""

from __future__ import annotations

import errno
from typing import Any

import pytest
from pyroute2.netlink.exceptions import NetlinkError

from lab.agents.net.kernel import has_link
from lab.agents.net.qdiscs import has_qdisc


class Kernel:
    """Answers every request with one error, or none."""

    def __init__(self, code: int) -> None:
        self._code = code

    def tc(self, *_: Any, **__: Any) -> None:
        """Add or remove a qdisc."""
        if self._code:
            raise NetlinkError(self._code)

    link = tc


@pytest.mark.parametrize(
    ("code", "known"), [(0, True), (errno.EINVAL, True), (errno.ENOENT, False)]
)
def test_a_qdisc_that_wants_options_is_there(code: int, known: bool) -> None:
    assert has_qdisc(Kernel(code), "tbf") is known


@pytest.mark.parametrize(
    ("code", "known"), [(0, True), (errno.EINVAL, True), (errno.EOPNOTSUPP, False)]
)
def test_a_link_that_wants_options_is_there(code: int, known: bool) -> None:
    assert has_link(Kernel(code), "vxlan") is known


@pytest.mark.parametrize("has", [has_qdisc, has_link])
def test_what_may_not_be_tried_is_neither_there_nor_missing(has: Any) -> None:
    with pytest.raises(NetlinkError):
        has(Kernel(errno.EPERM), "ifb")
