"""What the kernel offers is told as far as it was seen, and no further."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Any

import pytest

from lab.agents.net import rtnetlink
from lab.agents.net.kernel import has_link
from lab.agents.net.qdiscs import has_qdisc
from lab.agents.net.rtnetlink import NetlinkError

Answers = Callable[[int], None]


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """Has the kernel answer every request with one error, or none."""

    def answers(code: int) -> None:
        def change(*_: Any) -> None:
            if code:
                raise NetlinkError(code, os.strerror(code))

        monkeypatch.setattr(rtnetlink, "put", change)
        monkeypatch.setattr(rtnetlink, "delete", change)

    return answers


@pytest.mark.parametrize(
    ("code", "known"), [(0, True), (errno.EINVAL, True), (errno.ENOENT, False)]
)
def test_a_qdisc_that_wants_options_is_there(kernel: Answers, code: int, known: bool) -> None:
    kernel(code)
    assert has_qdisc("tbf") is known


@pytest.mark.parametrize(
    ("code", "known"), [(0, True), (errno.EINVAL, True), (errno.EOPNOTSUPP, False)]
)
def test_a_link_that_wants_options_is_there(kernel: Answers, code: int, known: bool) -> None:
    kernel(code)
    assert has_link("vxlan") is known


@pytest.mark.parametrize("has", [has_qdisc, has_link])
def test_what_may_not_be_tried_is_neither_there_nor_missing(kernel: Answers, has: Any) -> None:
    kernel(errno.EPERM)
    with pytest.raises(NetlinkError):
        has("ifb")
