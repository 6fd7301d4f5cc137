"""What of the phone `baresip` can be tried without baresip."""

from __future__ import annotations

import os
import threading
import wave
from contextlib import suppress
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path, PurePosixPath

import pytest

from lab.agents.phone.baresip.control import Message, read_figures, read_message, split_netstrings
from lab.agents.phone.baresip.program import configuration
from lab.agents.phone.baresip.recorder import PlayoutRecorder
from lab.agents.phone.playing import write_voice
from lab.calls.coding import choose_coding
from lab.wire.codecs import CODECS
from lab.wire.phone import Register, SipAccount, Voice
from lab.wire.playout import FIXED

ACCOUNT = SipAccount(
    "1001", "hush", IPv4Address("10.2.0.10"), IPv4Address("10.8.0.6"), tunnelled=True
)
ANSWER = """
--- Audio stream ---
 tx:   encode: opus 16000Hz/1ch ptime=20ms S16LE
       aubuf: wish_sz=640 cur_sz=0 filling=0 (cur 0.00ms, max 600.00ms, or 7, ur 8)
       source: aufile,/tmp/voice.wav S16LE
       time = 4.980 sec
 rx:   decode: opus 16000Hz/1ch S16LE
       aubuf: wish_sz=6400 cur_sz=7040 filling=0 (cur 220.00ms, max 2000.00ms, or 1, ur 21)
       player: alsa,playout S16LE
       n_discard:3
       time = 4.959 sec
 audio tx pipeline:      aufile ---> opus
 audio rx pipeline:        alsa <--- opus
 audio dir=sendrecv pt_enc=96
 local: 0.0.0.0:20040, remote: 10.2.0.10:30094/10.2.0.10:30095
 mnat: (none) (connected=no)
 menc: (none) (secure=no)
RTP debug:
 Encode: seq=10563 ssrc=0x4ff4126b
----- RTCP Session: -----
  cname=sip:1001@10.2.0.10 SSRC=0x4ff4126b/1341395563 rx=48000Hz
  member 0x869c175e: lost=2 Jitter=1.3ms RTT=0.0ms
                 IP=10.2.0.10:30094 psent=250 rcvd=248
  TX: packets=249, octets=24900
"""
"""As baresip 1.0.0-4 of Debian 12 wrote it, but for addresses and some numbers."""


def order(codec: str, account: SipAccount = ACCOUNT) -> Register:
    return Register(account, choose_coding(CODECS[codec]), FIXED)


def test_the_figures_of_a_call_are_read() -> None:
    figures = read_figures(ANSWER)
    assert figures
    assert (figures.codec, figures.ptime_ms, figures.payload_type) == ("opus", 20, 96)
    assert figures.remote_rtp == "10.2.0.10:30094"
    counts = figures.counts
    assert figures.waiting_ms == 220
    assert (counts.playout_frames_discarded, counts.playout_frames_empty) == (1, 21)
    assert (counts.tx_packets, counts.rx_packets, counts.rx_lost) == (249, 248, 2)
    assert counts.rx_discarded == 3


def test_duplicates_are_no_negative_loss() -> None:
    figures = read_figures(ANSWER.replace("lost=2", "lost=-4"))
    assert figures
    assert figures.counts.rx_lost == 0


def test_before_there_are_media_there_are_no_figures() -> None:
    assert read_figures("") is None
    assert read_figures(ANSWER.replace("pt_enc=96", "pt_enc=-1")) is None


def test_netstrings_come_apart_wherever_they_were_cut() -> None:
    data = b'7:{"a":1},2:{},11:{"b":"x,y"}'
    assert split_netstrings(data) == ([b'{"a":1}', b"{}"], b'11:{"b":"x,y"}')
    assert split_netstrings(data + b",") == ([b'{"a":1}', b"{}", b'{"b":"x,y"}'], b"")
    assert split_netstrings(b"1") == ([], b"1")


def test_events_and_responses_are_told_apart() -> None:
    event = b'{"event":true,"type":"CALL_INCOMING","class":"call","peeruri":"sip:1001@h","id":"x"}'
    assert read_message(event) == Message("CALL_INCOMING", "", peer="sip:1001@h", call_id="x")
    response = b'{"response":true,"ok":false,"data":"no such user","token":"dial"}'
    assert read_message(response) == Message("dial", "no such user", ok=False)


def test_media_leave_from_the_ports_of_the_tunnel_where_the_phone_is_in_one() -> None:
    text = configuration(order("OPUS"), Path("/d"), 4444)
    assert "rtp_ports 20000-20099\n" in text
    home = replace(ACCOUNT, tunnelled=False)
    assert "rtp_ports 20100-20199\n" in configuration(order("OPUS", home), Path("/d"), 4444)


def test_opus_is_constant_and_never_silent() -> None:
    text = configuration(order("OPUS"), Path("/d"), 4444)
    for line in ("opus_bitrate 40000", "opus_cbr yes", "opus_dtx no", "opus_samplerate 16000"):
        assert f"{line}\n" in text
    assert "opus" not in configuration(order("L16-32"), Path("/d"), 4444)


def test_the_password_is_in_no_file() -> None:
    assert "hush" not in configuration(order("OPUS"), Path("/d"), 4444)
    assert "hush" not in repr(ACCOUNT)


@pytest.mark.parametrize(("duration_s", "ends_with"), [(1.0, 2), (1.5, 1), (2.5, 1)])
def test_the_clip_is_repeated_between_silences(
    tmp_path: Path, duration_s: float, ends_with: int
) -> None:
    """A clip of 1 s, its first half ones and its second half twos."""
    clip = tmp_path / "clip.wav"
    with wave.open(str(clip), "wb") as wav:
        wav.setparams((1, 2, 1000, 0, "NONE", ""))
        wav.writeframes(b"\1\0" * 500 + b"\2\0" * 500)
    voice = Voice(PurePosixPath(clip), PurePosixPath(tmp_path / "r.wav"), duration_s)
    write_voice(tmp_path / "voice.wav", voice, lead_s=0.2, tail_s=60.0)
    with wave.open(str(tmp_path / "voice.wav")) as wav:
        samples = wav.readframes(wav.getnframes())[::2]
    clip_samples = round(duration_s * 1000)
    assert samples.strip(b"\0") == ((b"\1" * 500 + b"\2" * 500) * 3)[:clip_samples]
    assert samples.strip(b"\0")[-1] == ends_with
    assert samples.index(1) == 200
    assert len(samples) - 200 - clip_samples == 60_000


def test_what_the_player_writes_is_recorded_to_the_end(tmp_path: Path) -> None:
    pipe, record = tmp_path / "pipe", tmp_path / "r.wav"
    os.mkfifo(pipe)
    recorder = PlayoutRecorder(pipe, record, 8000)
    heard = bytes(range(256)) * 20
    with pipe.open("wb") as player:
        player.write(heard)
    recorder.join(5.0)
    assert recorder.finished
    with wave.open(str(record)) as wav:
        assert (wav.getframerate(), wav.getnchannels(), wav.getsampwidth()) == (8000, 1, 2)
        assert wav.readframes(wav.getnframes()) == heard


def test_a_player_cannot_play_faster_than_a_listener_hears(tmp_path: Path) -> None:
    """A minute of voice is not taken at once, so that its player does not run ahead."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    recorder = PlayoutRecorder(pipe, tmp_path / "r.wav", 8000)
    descriptor = os.open(pipe, os.O_WRONLY)

    def play() -> None:
        with suppress(BrokenPipeError):
            os.write(descriptor, bytes(16000 * 60))

    writer = threading.Thread(target=play)
    writer.start()
    writer.join(0.2)
    assert writer.is_alive()
    recorder.cancel()
    writer.join()
    recorder.join(5.0)
    os.close(descriptor)
    with wave.open(str(tmp_path / "r.wav")) as wav:
        assert 0 < wav.getnframes() < 8000 * 50


def test_without_a_player_the_recorder_can_be_called_off(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    recorder = PlayoutRecorder(tmp_path / "pipe", tmp_path / "r.wav", 8000)
    recorder.cancel()
    recorder.join(5.0)
    assert recorder.finished
