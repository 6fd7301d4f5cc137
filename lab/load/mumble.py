"""Competing Mumble calls: one end of all of them at the client, the other beside the server.

As in the measured call the far ends reach Murmur without crossing the shared link, so each call
has its two directions of voice on that link once.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict

from lab.calls.mumble.conversation import murmur_fingerprint
from lab.calls.mumble.encoder import OpusSettings
from lab.calls.paths.mumble import murmur_of
from lab.ends import CLIENT
from lab.engine.execution import start_plain_agent, start_plain_helper
from lab.engine.plain_agent import PlainAgent as Agent
from lab.errors import LabError
from lab.events import Began, Listener
from lab.lifecycle.ready import ReadyLab
from lab.load.circuits import socks_port
from lab.load.load import Load
from lab.load.spec import LoadSpec
from lab.topology.model import Role
from lab.wire import places
from lab.wire.codecs import OPUS
from lab.wire.mumble import MAX_USERS
from lab.wire.ports import MUMBLE_PORT

AGENT = "load.mumble_calls"
MAX_CALLS = MAX_USERS // 2 - 1
"""Each call has two clients, and the measured one needs room as well."""
SPACING_S = 0.1
RUNNING_DEADLINE_S = 90.0
OWN = "/run/lab/mumble"
"""Where a node has its own certificate."""


@contextmanager
def mumble_calls(lab: ReadyLab, spec: LoadSpec, tell: Listener) -> Iterator[Load]:
    """Make them and hold them while the block runs; it begins when voice flows in all.

    LabError where they do not come to that.
    """
    if spec.count > MAX_CALLS:
        raise LabError(f"{spec.count} competing Mumble calls are too many", f"At most {MAX_CALLS}.")
    with ExitStack() as stack:
        port = stack.enter_context(socks_port(lab, spec))
        tell(Began(f"starting {spec.count} Mumble calls"))
        far = stack.enter_context(_start_beside_murmur(lab))
        near = stack.enter_context(start_plain_agent(lab.running, CLIENT, AGENT))
        order = _order(lab, spec)
        # Murmur wants a certificate of whoever opens a channel, and the client's node has one.
        far.send(order | {"end": "far", "peer": "near", "certificate": None, "socks_port": None})
        near.send(order | {"end": "near", "peer": "far", "certificate": OWN, "socks_port": port})
        counter, sender = (near, far) if spec.direction == "down" else (far, near)
        load = Load(spec, near, counter, sender)
        load.wait_until_running(
            "competing Mumble calls", spec.count * SPACING_S + RUNNING_DEADLINE_S
        )
        yield load


def _start_beside_murmur(lab: ReadyLab) -> Agent:
    (server,) = lab.topology.with_role(Role.MUMBLE_SERVER)
    machine = lab.topology.machine(server.name).name
    image = lab.images["endpoint"]
    return start_plain_helper(lab.running, machine, image, lab.owner, AGENT)


def _order(lab: ReadyLab, spec: LoadSpec) -> dict[str, object]:
    """What both ends are told alike."""
    return {
        "calls": spec.count,
        "token": secrets.token_hex(3),
        "address": str(murmur_of(lab)),
        "port": MUMBLE_PORT,
        "fingerprint": murmur_fingerprint(lab),
        "clip": str(places.SPEECH / f"clip-{OPUS.sample_rate_hz // 1000}k.wav"),
        "opus": asdict(OpusSettings()),
        "spacing_s": SPACING_S,
    }
