"""Competing Mumble calls: one end of all of them at the client, the other beside the server.

As in the measured call the far ends reach Murmur without crossing the shared link, so each call
has its two directions of voice on that link once.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from lab.calls.mumble.conversation import murmur
from lab.ends import CLIENT
from lab.engine.agent import Agent
from lab.engine.execution import start_agent, start_unprivileged_helper
from lab.events import Began, Listener
from lab.lifecycle.ready import ReadyLab
from lab.load.circuits import socks_port
from lab.load.load import Load
from lab.load.spec import LoadSpec
from lab.wire import places
from lab.wire.codecs import OPUS
from lab.wire.load import MUMBLE_CALLS, TalkMumble
from lab.wire.voice_client import OpusSettings

SPACING_S = 0.1
RUNNING_DEADLINE_S = 90.0


@contextmanager
def mumble_calls(lab: ReadyLab, spec: LoadSpec, tell: Listener) -> Iterator[Load]:
    """Make them and hold them while the block runs; it begins when voice flows in all.

    LabError where they do not come to that.
    """
    with ExitStack() as stack:
        port = stack.enter_context(socks_port(lab, spec))
        tell(Began(f"starting {spec.count} Mumble calls"))
        far = stack.enter_context(_start_beside_murmur(lab))
        near = stack.enter_context(start_agent(lab.running, CLIENT, MUMBLE_CALLS))
        # Murmur wants a certificate of whoever opens a channel, and the client's node has one.
        order = _order(lab, spec, port)
        near.send(order)
        far.send(replace(order, end="far", peer="near", creates=False, socks_port=None))
        counter, sender = (near, far) if spec.direction == "down" else (far, near)
        load = Load(spec, near, counter, sender)
        load.wait_until_running(
            "competing Mumble calls", spec.count * SPACING_S + RUNNING_DEADLINE_S
        )
        yield load


def _start_beside_murmur(lab: ReadyLab) -> Agent:
    (server,) = lab.topology.with_role("mumble-server")
    machine = lab.topology.machine(server.name).name
    image = lab.images["endpoint"]
    return start_unprivileged_helper(lab.running, machine, image, lab.owner, MUMBLE_CALLS)


def _order(lab: ReadyLab, spec: LoadSpec, port: int | None) -> TalkMumble:
    """What the near end is told."""
    return TalkMumble(
        count=spec.count,
        end="near",
        peer="far",
        token=secrets.token_hex(3),
        server=murmur(lab),
        creates=True,
        socks_port=port,
        clip=places.SPEECH / f"clip-{OPUS.sample_rate_hz // 1000}k.wav",
        opus=OpusSettings(),
        spacing_s=SPACING_S,
    )
