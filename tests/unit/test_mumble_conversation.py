"""A call between two Mumble clients, as the host sees it: orders out, events in, failures."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path, PurePosixPath

from forged_packets import CALLEE, CALLER, START_NS, Frame, ethernet, ipv4, tcp, write
from scripted_client import Script, ScriptedClient

from lab.calls.end import End
from lab.calls.methods import METHODS
from lab.calls.mumble.conversation import talk
from lab.calls.voice_clients import Deadlines
from lab.measure.call.traffic import packets_between
from lab.measure.capture import read_capture
from lab.sweep.dimensions.codec import CODEC
from lab.sweep.point import Point
from lab.wire.messages import Failed
from lab.wire.mumble import Join, Joined, MumbleServer
from lab.wire.playout import FIXED
from lab.wire.proxy import SocksProxy
from lab.wire.voice import Expect, Played, Playing, Received
from lab.wire.voice_client import Leave, Left, OpusSettings, Recording, Talk

JOINED = Joined(1.0, 12.0, "TLSv1.3", "libopus 1.3.1")
RECEIVED = Received(31.0, 1500, complete=True)
LEFT = Left(32.0, (), (), 0.5, 20000)
ANSWERS: Script = {
    Join: [JOINED],
    Talk: [Playing(1.5), Played(1500)],
    Expect: [RECEIVED],
    Leave: [LEFT],
}
SOON = Deadlines(start_s=0.1, late_s=0.1, finish_s=0.1)


PROXY = SocksProxy(IPv4Address("127.0.0.1"), 9050, "call", "secret")
JOIN = Join(
    MumbleServer(IPv4Address("10.0.0.9"), 64738, "ab"),
    "caller",
    "callee",
    "call-1",
    creates=False,
    proxy=PROXY,
    deadline_s=0.1,
)
JOINS = JOIN, replace(JOIN, name="callee", peer="caller", creates=True, proxy=None)
HERE = PurePosixPath("/calls/1")
TALK = Talk(
    PurePosixPath("/clip.wav"),
    0.1,
    OpusSettings(),
    HERE / "caller-sent.csv",
    HERE / "caller-received.csv",
    (Recording(HERE / "caller.wav", 16000, FIXED),),
)
TALKS = TALK, replace(TALK, received_log=HERE / "callee-received.csv")


def client(answers: Script | None = None, dies: bool = False) -> ScriptedClient:
    """A Mumble client, which answers as ever or with what a test says."""
    return ScriptedClient(ANSWERS, answers, dies)


def call(caller: ScriptedClient, callee: ScriptedClient) -> str | None:
    clients = End("caller", caller), End("callee", callee)
    return talk(*clients, JOINS, TALKS, SOON).reason


def test_a_call_is_joining_talking_hearing_everything_and_leaving() -> None:
    caller, callee = client(), client()
    assert call(caller, callee) is None
    assert caller.orders == [JOINS[0], TALKS[0], Expect(1500), Leave()]
    assert callee.orders == [JOINS[1], TALKS[1], Expect(1500), Leave()]


def test_whoever_waits_for_the_voice_is_told_when_both_play() -> None:
    at: list[float] = []
    late = client({Talk: [Playing(1.75), Played(1500)]})
    clients = End("caller", client()), End("callee", late)
    assert talk(*clients, JOINS, TALKS, SOON, at.append).reason is None
    assert at == [1.75]


def test_what_the_clients_told_is_kept() -> None:
    caller = End("caller", client())
    callee = End("callee", client({Leave: []}))
    outcome = talk(caller, callee, JOINS, TALKS, SOON)
    assert outcome.reason == "callee: no 'left' within 0.12 s (last came 'received')"
    assert (outcome.caller.joined, outcome.caller.left) == (JOINED, LEFT)
    assert (outcome.callee.received, outcome.callee.left) == (RECEIVED, None)


def test_what_a_client_reports_is_the_reason() -> None:
    full = client({Join: [Failed("join failed: Server is full")]})
    assert call(full, client()) == "caller: join failed: Server is full"


def test_a_client_that_ends_or_hangs_is_the_reason() -> None:
    assert call(client(), client({Talk: []}, dies=True)) == (
        "callee: the program ended: exit status 1"
    )
    silent = call(client({Expect: []}), client())
    assert silent == "caller: no 'received' within 0.1 s (last came 'played')"


def test_mumble_points_carry_opus_whatever_the_phones_were_to_carry() -> None:
    assert Point("m-tor", codec="GSM").normalised() == Point("m-tor", codec="PCMU").normalised()
    assert Point("m-tor").normalised()[CODEC] == "OPUS"
    assert Point("v-tor", codec="GSM").normalised()[CODEC] == "GSM"
    assert METHODS.named("m-tor").codec().name == "OPUS"


def test_encoder_and_playout_are_told_in_words() -> None:
    assert str(OpusSettings()) == "Opus 40 kbit/s constant, 20 ms packets"
    assert str(FIXED) == "fixed 200 ms, at most 2000 ms"


def test_a_single_packet_past_tor_is_seen(tmp_path: Path) -> None:
    guard, murmur = "10.0.3.1", "10.0.9.1"
    through = [ethernet(ipv4(tcp(b"x"), CALLER, guard, protocol=6))] * 5
    past = ethernet(ipv4(tcp(b"x"), murmur, CALLER, protocol=6))
    other = ethernet(ipv4(tcp(b"x"), CALLEE, murmur, protocol=6))
    counts = []
    for name, packets in (("clean", [*through, other]), ("leaky", [*through, other, past])):
        frames = [Frame(START_NS + n, octets) for n, octets in enumerate(packets)]
        capture = read_capture(write(tmp_path / name, frames))
        counts.append(packets_between(capture, IPv4Address(CALLER), [IPv4Address(murmur)]))
    assert counts == [0, 1]
