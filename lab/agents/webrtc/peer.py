"""One end of a WebRTC connection by aiortc: ICE over relayed candidates, DTLS-SRTP, and Opus.

Voice is not taken from where the library gives it, decoded and behind a jitter buffer of its own,
but packet by packet as SRTP has let it through, so that it is played by the lab's own buffer, like
a Mumble client's; and it is handed over encoded, by the lab's own encoder. To see packets, and what
DTLS agreed on, the library's own inside is reached into: in `_heard`, `_said` and `srtp`, and in
nothing else of the lab.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import aiortc
from aiortc.rtp import RtpPacket, is_rtcp
from av import Packet

from lab.agents.net.connection import ConnectionFailedError
from lab.agents.voice.speaker import Speaker
from lab.wire.webrtc import TurnServer

CLOCK_HZ = 48_000
"""Of Opus in RTP (RFC 7587, 4.1)."""
FEC_WANTED = "useinbandfec=1"

OnPacket = Callable[[int, int, int, bytes], None]
"""Told of a packet of voice: Unix ns, sequence number, timestamp, Opus."""


class Voice(aiortc.MediaStreamTrack):  # type: ignore[misc]
    """What a speaker says, at the moments at which it is due; nothing before it speaks."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._speaker: Speaker | None = None
        self._ptime_ms = 0
        self._spoken = asyncio.Event()

    def speak(self, speaker: Speaker, ptime_ms: int) -> None:
        """Begin."""
        self._speaker, self._ptime_ms = speaker, ptime_ms
        speaker.start()
        self._spoken.set()

    async def recv(self) -> Packet:
        """The next packet, when its time has come."""
        await self._spoken.wait()
        assert self._speaker
        while (spoken := self._speaker.due()) is None:
            wait_s = self._speaker.wait_s()
            # Past the last one there is nothing to wait for but the end.
            await asyncio.sleep(wait_s) if wait_s < float("inf") else await asyncio.Future()
        packet = Packet(spoken.opus)
        packet.pts = spoken.number * self._ptime_ms * CLOCK_HZ // 1000
        packet.time_base = Fraction(1, CLOCK_HZ)
        return packet


class Peer:
    """One connection; all of it within one event loop."""

    def __init__(
        self, turn: TurnServer, password: str, fec: bool, said: OnPacket, heard: OnPacket
    ) -> None:
        """`said` and `heard` are told of every packet of voice that leaves and that comes."""
        server = aiortc.RTCIceServer(
            f"turn:{turn.address}:{turn.port}?transport=tcp", turn.user, password
        )
        self._connection = aiortc.RTCPeerConnection(
            aiortc.RTCConfiguration(
                iceServers=[server],
                iceTransportPolicy=aiortc.RTCIceTransportPolicy.RELAY,
                bundlePolicy=aiortc.RTCBundlePolicy.MAX_BUNDLE,
            )
        )
        self._fec = fec
        self.voice = Voice()
        self._connection.addTrack(self.voice)
        (self._transceiver,) = self._connection.getTransceivers()
        capabilities = aiortc.RTCRtpSender.getCapabilities("audio").codecs
        self._transceiver.setCodecPreferences([c for c in capabilities if c.name == "opus"])
        self._heard(heard)
        self._draining: asyncio.Task[None] | None = None
        self.connected_at: float | None = None
        """When it was, by time.monotonic(); None before."""
        self.peer_fec = False
        """Whether the other asked for in-band FEC."""

        @self._connection.on("connectionstatechange")  # type: ignore[untyped-decorator]
        def changed() -> None:
            if self._connection.connectionState == "connected" and self.connected_at is None:
                self._said(said)
                self.connected_at = time.monotonic()

        @self._connection.on("track")  # type: ignore[untyped-decorator]
        def came(track: aiortc.MediaStreamTrack) -> None:
            self._draining = asyncio.ensure_future(_drain(track))

    async def offer(self) -> str:
        """What this end offers; ConnectionFailedError where nothing relays for it."""
        return await self._describe(await self._connection.createOffer())

    async def answer(self, offer: str) -> str:
        """What this end answers, from where on it connects; as `offer`."""
        await self._take(offer, "offer")
        return await self._describe(await self._connection.createAnswer())

    async def accept(self, answer: str) -> None:
        """Take what the other answered to the offer, and connect."""
        await self._take(answer, "answer")

    @property
    def state(self) -> str:
        """`new`, `connecting`, `connected`, `failed` or `closed`."""
        return str(self._connection.connectionState)

    @property
    def srtp(self) -> str:
        """The protection profile that DTLS agreed on."""
        transport = self._transceiver.sender.transport
        return bytes(transport._ssl.get_selected_srtp_profile()).decode()

    async def close(self) -> None:
        """End it, and give the relayed address back."""
        await self._connection.close()
        if self._draining:
            self._draining.cancel()

    async def _describe(self, description: Any) -> str:
        await self._connection.setLocalDescription(description)
        sdp = str(self._connection.localDescription.sdp)
        if "a=candidate:" not in sdp:
            raise ConnectionFailedError("the TURN server relays nothing for this phone")
        return wanting_fec(sdp) if self._fec else sdp

    async def _take(self, sdp: str, kind: str) -> None:
        self.peer_fec = FEC_WANTED in sdp
        description = aiortc.RTCSessionDescription(sdp, kind)
        try:
            await self._connection.setRemoteDescription(description)
        except (ValueError, aiortc.exceptions.InvalidStateError) as error:
            raise ConnectionFailedError(f"the other's {kind} cannot be taken: {error}") from error

    def _said(self, said: OnPacket) -> None:
        """Have `said` told of every packet of RTP, just before it is encrypted."""
        transport = self._transceiver.sender.transport
        send = transport._send_rtp

        async def telling(data: bytes) -> None:
            if not is_rtcp(data):
                packet = RtpPacket.parse(data)
                said(time.time_ns(), packet.sequence_number, packet.timestamp, packet.payload)
            await send(data)

        transport._send_rtp = telling

    def _heard(self, heard: OnPacket) -> None:
        """Have `heard` told of every packet of RTP, just after it was decrypted."""
        receiver = self._transceiver.receiver
        handle = receiver._handle_rtp_packet

        async def telling(packet: RtpPacket, arrival_time_ms: int) -> None:
            heard(time.time_ns(), packet.sequence_number, packet.timestamp, packet.payload)
            await handle(packet, arrival_time_ms=arrival_time_ms)

        receiver._handle_rtp_packet = telling


def wanting_fec(sdp: str) -> str:
    """A description that asks for in-band FEC of Opus."""
    lines = sdp.splitlines()
    (rtpmap,) = (line for line in lines if line.startswith("a=rtpmap:") and " opus/" in line)
    kind = rtpmap.removeprefix("a=rtpmap:").partition(" ")[0]
    at = lines.index(rtpmap) + 1
    return "\r\n".join([*lines[:at], f"a=fmtp:{kind} {FEC_WANTED}", *lines[at:], ""])


async def _drain(track: aiortc.MediaStreamTrack) -> None:
    """Throw away what the library decodes, so that it does not pile up."""
    while True:
        try:
            await track.recv()
        except aiortc.mediastreams.MediaStreamError:
            return
