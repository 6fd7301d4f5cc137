"""Sending what goes out of a device, or comes in there, to another one (clsact, mirred)."""

from __future__ import annotations

import socket
import struct

from lab.agents.net import rtnetlink
from lab.agents.net.qdiscs import add_qdisc
from lab.agents.net.reading import HOOKS, redirections
from lab.agents.net.rtnetlink import ADD, FILTERS, QDISCS, attribute, text
from lab.wire.shape import Direction

EVERYTHING, IP = 0x0003, 0x0800
"""ETH_P_ALL and ETH_P_IP of <linux/if_ether.h>."""
_CLSACT, _CLSACT_PARENT = 0xFFFF_0000, 0xFFFF_FFF1
_TCA_KIND, _TCA_OPTIONS = 1, 2
_TCA_U32_SEL, _TCA_U32_ACT = 5, 7
_TERMINAL = 1
"""TC_U32_TERMINAL: what matches needs no further rule."""
_SELECTOR = struct.Struct("=BBBxHHhhI")
"""struct tc_u32_sel with its number of keys."""
_KEY = struct.Struct("=IIii")
"""struct tc_u32_key; no bit of any packet has to be set."""
_TCA_ACT_KIND, _TCA_ACT_OPTIONS, _TCA_MIRRED_PARMS = 1, 2, 2
_MIRRED = struct.Struct("=IIiiiiI")
"""struct tc_mirred."""
_STOLEN, _EGRESS_REDIR = 4, 1


def redirect(index: int, direction: Direction, device: int, protocol: int, priority: int) -> None:
    """Let `device` have the packets of `protocol`; of several such rules the lowest priority wins.

    What is so already is left alone.
    """
    if priority in redirections(index, direction, device):
        return
    if not any(
        entry.fields[1:3] == (index, _CLSACT) for entry in rtnetlink.dump(QDISCS, 0, index, 0, 0, 0)
    ):
        add_qdisc(index, "clsact", _CLSACT, _CLSACT_PARENT)
    parameters = _MIRRED.pack(0, 0, _STOLEN, 0, 0, _EGRESS_REDIR, device)
    action = text(_TCA_ACT_KIND, "mirred")
    action += attribute(_TCA_ACT_OPTIONS, attribute(_TCA_MIRRED_PARMS, parameters))
    selector = _SELECTOR.pack(_TERMINAL, 0, 1, 0, 0, 0, 0, 0) + _KEY.pack(0, 0, 0, 0)
    options = attribute(_TCA_U32_ACT, attribute(1, action)) + attribute(_TCA_U32_SEL, selector)
    values = text(_TCA_KIND, "u32") + attribute(_TCA_OPTIONS, options)
    rtnetlink.put(FILTERS, ADD, _rule(index, direction, protocol, priority), values)


def leave_alone(index: int, direction: Direction, device: int, protocol: int) -> None:
    """Undo every rule that sends packets of `protocol` to `device`."""
    for priority in redirections(index, direction, device):
        rule = _rule(index, direction, protocol, priority)
        rtnetlink.delete(FILTERS, rule, text(_TCA_KIND, "u32"))


def _rule(index: int, direction: Direction, protocol: int, priority: int) -> tuple[int, ...]:
    """A struct tcmsg."""
    return (0, index, 0, HOOKS[direction], priority << 16 | socket.htons(protocol))
