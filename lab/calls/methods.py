"""Every way of calling: how the path is opened, and what talks over it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lab.calls.conversation import CallSite, Conversation
from lab.calls.mumble.conversation import MumbleConversation
from lab.calls.paths import m_tor, mumble, sip, v_tor, vpn
from lab.calls.paths.base import PathOpener
from lab.calls.sip.conversation import SipConversation
from lab.errors import UsageError
from lab.wire.codecs import CODECS, OPUS, Codec
from lab.wire.playout import Playout


@dataclass(frozen=True, slots=True)
class Method:
    """One way of calling."""

    name: str
    open_path: PathOpener
    conversation: Callable[[CallSite], Conversation]
    codecs: Mapping[str, Codec]
    """What it can carry, by name; the first is the default."""

    @property
    def is_mumble(self) -> bool:
        """Whether Mumble clients talk, rather than phones."""
        return self.conversation is MumbleConversation

    def codec(self, name: str | None = None) -> Codec:
        """The codec called `name`, upper and lower case alike, or the default.

        UsageError where the method has none of that name.
        """
        if name is None:
            return next(iter(self.codecs.values()))
        for known, codec in self.codecs.items():
            if known.lower() == name.lower():
                return codec
        raise UsageError(f"{self.name} has no codec {name!r}", f"It has {', '.join(self.codecs)}.")

    def check_playout(self, codec: Codec, playout: Playout) -> None:
        """UsageError where the program that speaks `codec` has no such buffer."""
        if playout.adaptive and not self.is_mumble and codec.engine == "baresip":
            raise UsageError(
                f"the phone that speaks {codec.name}, baresip, has no adaptive playout",
                "Take a fixed one, such as fixed:60, or another codec.",
            )

    def carried(self, name: str) -> str:
        """The codec a call has where `name` is asked of several methods: its own, if it has one."""
        return name if name in self.codecs else self.codec().name


_MUMBLE_CODECS = {OPUS.name: OPUS}

METHODS: Mapping[str, Method] = {
    method.name: method
    for method in (
        Method("sip", sip.open_path, SipConversation, CODECS),
        Method("vpn", vpn.open_path, SipConversation, CODECS),
        Method("v-tor", v_tor.open_path, SipConversation, CODECS),
        Method("mumble", mumble.open_path, MumbleConversation, _MUMBLE_CODECS),
        Method("m-tor", m_tor.open_path, MumbleConversation, _MUMBLE_CODECS),
    )
}
"""By the name it has on the command line and in records."""


def method_named(name: str) -> Method:
    """The method called `name`; UsageError where there is none."""
    if name not in METHODS:
        raise UsageError(f"no method {name!r}", f"Methods: {', '.join(METHODS)}.")
    return METHODS[name]
