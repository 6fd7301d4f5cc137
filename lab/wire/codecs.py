"""The speech codecs of the lab: one name each, what it means to SDP and RTP, and its choices."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Codec:
    """A speech codec at one sampling rate."""

    name: str
    """The lab's name: in topologies, on the command line and in records."""
    encoding: str
    """The encoding name of SDP's `rtpmap`, without the rate."""
    sample_rate_hz: int
    """Of the speech it carries: the rate of the clip that is played and of the recording."""
    rtp_clock_hz: int
    """Of RTP timestamps; G.722 counts 8000 for 16,000 samples (RFC 3551, 4.5.2)."""
    payload_type: int | None
    """The static RTP payload type of RFC 3551; None where it is negotiated."""
    engine: str = "pjsua2"
    """The telephone program that has it, a name of `lab.agents.phone.phone`."""
    ptimes_ms: tuple[int, ...] = (20, 40, 60)
    """The packetisation times that can be chosen; the first is the default."""
    bitrates_kbps: tuple[int, int] | None = None
    """The lowest and the highest bit rate that can be chosen; None where it has only one."""
    bitrate_kbps: int | None = None
    """The default among them."""

    @property
    def rtpmap(self) -> str:
        """Encoding and clock as SDP writes them, for instance `PCMU/8000`."""
        return f"{self.encoding}/{self.rtp_clock_hz}"


@dataclass(frozen=True, slots=True)
class Coding:
    """A codec with what can be chosen about it."""

    codec: Codec
    ptime_ms: int
    """Packetisation: how much voice goes into one packet."""
    bitrate_kbps: int | None
    """Of the codec's output; None for a codec that has only one rate."""


OPUS = Codec(
    "OPUS",
    "opus",
    16000,
    48000,
    None,
    engine="baresip",
    bitrates_kbps=(6, 256),
    bitrate_kbps=40,
)
"""At a constant rate, so that it can be told from packets' lengths; the default is Mumble's.

One channel: libopus itself goes no higher than 300 kbit/s with that.
"""

CODECS = {
    codec.name: codec
    for codec in (
        Codec("PCMU", "PCMU", 8000, 8000, 0),
        Codec("PCMA", "PCMA", 8000, 8000, 8),
        Codec("GSM", "GSM", 8000, 8000, 3),
        Codec("ILBC", "iLBC", 8000, 8000, None),
        Codec("SPEEX", "speex", 8000, 8000, None),
        Codec("SPEEX-WB", "speex", 16000, 16000, None),
        Codec("G722", "G722", 16000, 8000, 9),
        OPUS,
        # Linear PCM of 256, 512 and 768 kbit/s; baresip has one packetisation time for each.
        Codec("L16-16", "L16", 16000, 16000, None, engine="baresip", ptimes_ms=(20,)),
        Codec("L16-32", "L16", 32000, 32000, None, engine="baresip", ptimes_ms=(20,)),
        Codec("L16-48", "L16", 48000, 48000, None, engine="baresip", ptimes_ms=(10,)),
    )
}
"""By name, in the order in which they are listed to a user."""


def codec_named(name: str) -> Codec | None:
    """The codec called `name`, upper and lower case alike; None where there is none."""
    return next((codec for codec in CODECS.values() if codec.name.lower() == name.lower()), None)
