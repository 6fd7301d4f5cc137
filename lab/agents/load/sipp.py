"""SIPp as the phones of background calls: G.711 both ways, the clip over and over.

One SIPp makes all calls and one answers them, which costs the same few percent of a core for
three calls as for fifty. Both listen on all addresses: where a call goes is a line of its CSV
file, and with that the route, and so the tunnel, that it takes.

SIPp reads nothing from its one RTP socket: once its buffer is full, every packet that arrives
counts as dropped there, and so /proc/net/udp shows how much voice came.
"""

from __future__ import annotations

import warnings
import wave
from collections.abc import Sequence
from pathlib import Path

from lab.wire import places

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

from lab.wire.load import CallEnds

CLIP = places.SPEECH / "clip-8k.wav"
RTP_BYTES = 172
"""A packet of 20 ms of G.711 with its RTP header."""
SIP_PORT = 5070
"""Of the one that answers; a PBX may stand beside it."""
ANSWERER_RTP_PORT = 60000
CALLER_SIP_PORT = 5080
CALLER_RTP_PORT = 61000
_QUEUED_PACKET_BYTES = 768
"""What the kernel counts for one small packet in a socket's buffer."""
ANSWERED = "answered"

_SDP = """\
Content-Type: application/sdp
Content-Length: [len]

v=0
o=load 1 1 IN IP4 {address}
s=-
c=IN IP4 {address}
t=0 0
m=audio [rtpstream_audio_port] RTP/AVP 0
a=rtpmap:0 PCMU/8000
a=ptime:20
"""
_PLAY = """\
  <nop><action><exec rtp_stream="{voice},-1,0,PCMU/8000"/></action></nop>
  <pause milliseconds="86400000"/>
"""
_CALLER = """\
<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="background call">
  <nop><action><setdest host="[field0]" port="{port}" protocol="udp"/></action></nop>
  <send retrans="500"><![CDATA[
INVITE sip:load@[field0]:{port} SIP/2.0
Via: SIP/2.0/[transport] [field1]:[local_port];branch=[branch]
From: <sip:load@[field1]:[local_port]>;tag=[pid]t[call_number]
To: <sip:load@[field0]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:load@[field1]:[local_port]>
Max-Forwards: 70
{sdp}
]]></send>
  <recv response="100" optional="true"/>
  <recv response="200"><action><log message="{answered}"/></action></recv>
  <send><![CDATA[
ACK sip:load@[field0]:{port} SIP/2.0
Via: SIP/2.0/[transport] [field1]:[local_port];branch=[branch]
From: <sip:load@[field1]:[local_port]>;tag=[pid]t[call_number]
To: <sip:load@[field0]>[peer_tag_param]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>
{play}</scenario>
"""
_ANSWERER = """\
<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="answered background call">
  <recv request="INVITE"><action>
    <ereg regexp="[0-9.]+" search_in="hdr" header="To:" assign_to="address"/>
  </action></recv>
  <send retrans="500"><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:];tag=[pid]t[call_number]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:[$address]:[local_port]>
{sdp}
]]></send>
  <recv request="ACK"/>
{play}</scenario>
"""


def prepare(directory: Path) -> None:
    """Write the voice (raw PCMU) and both scenarios into `directory`."""
    voice = directory / "voice.ulaw"
    with wave.open(str(CLIP)) as clip:
        voice.write_bytes(audioop.lin2ulaw(clip.readframes(clip.getnframes()), 2))
    play = _PLAY.format(voice=voice)
    caller = _CALLER.format(
        sdp=_SDP.format(address="[field1]"), play=play, answered=ANSWERED, port=SIP_PORT
    )
    answerer = _ANSWERER.format(sdp=_SDP.format(address="[$address]"), play=play)
    (directory / "caller.xml").write_text(caller)
    (directory / "answerer.xml").write_text(answerer)


def answerer_command(directory: Path) -> list[str]:
    """Answers any number of calls, each from the address that was called."""
    command = ["sipp", "-sf", str(directory / "answerer.xml"), "-p", str(SIP_PORT)]
    return [*command, *_everywhere(ANSWERER_RTP_PORT)]


def caller_command(
    directory: Path, calls: Sequence[CallEnds], spacing_s: float, log: Path
) -> list[str]:
    """Makes the calls one after the other, `spacing_s` apart; each answer is a line in `log`."""
    lines = ["SEQUENTIAL", *(f"{ends.called};{ends.caller}" for ends in calls)]
    (directory / "calls.csv").write_text("\n".join(lines) + "\n")
    first = f"{calls[0].called}:{SIP_PORT}"
    command = ["sipp", first, "-sf", str(directory / "caller.xml"), "-p", str(CALLER_SIP_PORT)]
    command += ["-inf", str(directory / "calls.csv"), *_everywhere(CALLER_RTP_PORT)]
    command += ["-m", str(len(calls)), "-l", str(len(calls))]
    command += ["-r", "1", "-rp", str(int(spacing_s * 1000))]
    return [*command, "-trace_logs", "-log_file", str(log)]


def _everywhere(rtp_port: int) -> list[str]:
    everywhere = "0.0.0.0"  # noqa: S104 - of a node in a closed lab
    return ["-i", everywhere, "-mi", everywhere, "-mp", str(rtp_port), "-nostdin"]


def received_packets(table: str, port: int = CALLER_RTP_PORT) -> int:
    """Voice that came for all calls together so far, of /proc/net/udp given as text."""
    for row in (line.split() for line in table.splitlines()[1:]):
        if row[1].endswith(f":{port:04X}"):
            queued = int(row[4].partition(":")[2], 16) // _QUEUED_PACKET_BYTES
            return int(row[-1]) + queued
    return 0
