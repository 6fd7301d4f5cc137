"""Whether the voice on the wire is coded as the call asked: read from captured RTP alone."""

from __future__ import annotations

import numpy as np

from lab.measure.call.notes import CodingNotes
from lab.measure.codecs import COMFORT_NOISE_TYPES
from lab.measure.gaps import empty_packets, gaps
from lab.measure.rtp import Stream

BITRATE_TOLERANCE = 0.05
"""Opus rounds a packet to whole bytes: at 6 kbit/s one in fifteen."""


def coding_faults(sender: str, asked: CodingNotes, sent: Stream, vad: bool = False) -> list[str]:
    """Why the stream that `sender` sent is not what was asked for; empty where it is.

    Compared are codec and clock by payload type, the time from packet to packet, the bit rate
    where one was chosen, and whether every stretch of time was sent, silence included; unless
    `vad` says that pauses were to be left out.
    """
    faults = []
    found = (sent.codec.name.upper(), sent.codec.clock_rate_hz)
    if found != (asked.encoding.upper(), asked.rtp_clock_hz):
        faults.append(
            f"{sender} sent {found[0]}/{found[1]} (payload type {sent.payload_type}), "
            f"{asked.codec} was asked for"
        )
    if others := set(sent.payload_types.tolist()) - COMFORT_NOISE_TYPES - {sent.payload_type}:
        types = ", ".join(str(number) for number in sorted(others))
        faults.append(f"{sender} sent packets of payload type {types} among those of the codec")
    if round(sent.ptime_ms) != asked.ptime_ms:
        faults.append(
            f"{sender} sent packets of {sent.ptime_ms:g} ms, {asked.ptime_ms} ms were asked for"
        )
    paused = gaps(sent).voice_activity_detection or empty_packets(sent) > 0
    if paused and not vad:
        faults.append(f"{sender} sent no voice in pauses: voice activity detection was on")
    if vad and not paused:
        faults.append(
            f"{sender} sent every pause: voice activity detection was asked for and not seen"
        )
    bitrate_kbps = payload_kbps(sent)
    if asked.bitrate_kbps and abs(bitrate_kbps / asked.bitrate_kbps - 1) > BITRATE_TOLERANCE:
        faults.append(
            f"{sender} sent {bitrate_kbps:.1f} kbit/s of {asked.codec}, "
            f"{asked.bitrate_kbps} kbit/s were asked for"
        )
    return faults


def exchange_faults(exchange: str, asked: CodingNotes) -> list[str]:
    """Why that exchange cannot be trusted with what was asked for; empty where it can.

    FreeSWITCH 1.10 answers with its usual packetisation, notices another one by the first
    packets, and drops some while it changes: once 160 ms of voice, both ways, in a call of
    G.711 in packets of 40 ms. It numbers what it sends anew, so no capture shows a loss.
    """
    if exchange == "freeswitch" and asked.ptime_ms != asked.usual_ptime_ms:
        return [
            f"FreeSWITCH drops voice while it changes from packets of {asked.usual_ptime_ms} ms "
            f"to {asked.ptime_ms} ms; `pbx: kamailio` takes them as they are"
        ]
    return []


def payload_kbps(sent: Stream) -> float:
    """Bits of payload per time of voice, the usual packet's, in kbit/s."""
    return float(np.median(sent.payload_bytes)) * 8 / sent.ptime_ms if sent.ptime_ms else 0.0
