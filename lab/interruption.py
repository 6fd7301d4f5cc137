"""Every signal that can be caught ends a command as Ctrl-C does, and at no unsafe moment.

The first raises `Interrupted` on the main thread, so that whatever was begun is put back on the
way out; those that follow are ignored, as they could only leave half of that undone.
"""

from __future__ import annotations

import errno
import os
import signal
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGALRM,
    signal.SIGVTALRM,
    signal.SIGPROF,
    signal.SIGXCPU,
    signal.SIGIO,
    signal.SIGPWR,
)
"""The signals that end a process which does not catch them, and do not tell of a broken program."""


class Interrupted(KeyboardInterrupt):
    """A signal has asked for the end; `status` is the exit status that says which."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.status = 128 + number


class _Heeding:
    """What has become of signals in this process."""

    def __init__(self) -> None:
        self.undisturbed = 0
        """How many blocks are open that are not to be left halfway."""
        self.waiting: int | None = None
        """The signal that has come meanwhile."""
        self.over = False
        """Whether one has been raised."""

    def come(self, number: int, _frame: FrameType | None) -> None:
        """A signal has come."""
        if number == signal.SIGHUP:
            _leave_terminal()
        if self.over:
            return
        if self.undisturbed:
            self.waiting = number
        else:
            self.end(number)

    def end(self, number: int) -> None:
        """Raise it, and no other after it."""
        self.over, self.waiting = True, None
        raise Interrupted(number)


_heeding = _Heeding()


@contextmanager
def heeding_signals(*, even_if_ignored: bool = False) -> Iterator[None]:
    """While the block runs, the first ending signal raises `Interrupted`; on the main thread only.

    A signal that whoever started this process has had it ignore, as `nohup` does, stays ignored,
    but for SIGINT where `even_if_ignored` says so.
    """
    _heeding.waiting, _heeding.over = None, False
    heeded = {number for number in ENDING if signal.getsignal(number) is not signal.SIG_IGN}
    if even_if_ignored:
        heeded.add(signal.SIGINT)
    before = {number: signal.signal(number, _heeding.come) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def undisturbed() -> Iterator[None]:
    """What the block does is done whole: a signal that comes meanwhile is heeded when it ends.

    For changes that must be remembered if they are to be put back, and for putting them back.
    Elsewhere than on the main thread, which no signal reaches, the block is just run.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _heeding.undisturbed += 1
    try:
        yield
    finally:
        _heeding.undisturbed -= 1
        if _heeding.waiting is not None and not _heeding.undisturbed:
            _heeding.end(_heeding.waiting)


def heed_nothing() -> None:
    """In a forked worker: let signals end it without a word, as any process; its parent heeds."""
    for number in ENDING:
        signal.signal(number, signal.SIG_DFL)


def _leave_terminal() -> None:
    """Have what is said go nowhere where the terminal is gone, instead of failing."""
    for descriptor in (0, 1, 2):
        try:
            termios.tcgetattr(descriptor)
        except termios.error as error:
            if error.args[0] == errno.EIO:
                nowhere = os.open(os.devnull, os.O_RDWR)
                os.dup2(nowhere, descriptor)
                os.close(nowhere)
