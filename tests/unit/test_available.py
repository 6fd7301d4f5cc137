"""How what bandwidth a call's own way has left is measured: where, after what, on which circuit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from call_directory import call_notes, make_directory, measured
from stem import StreamStatus
from stem.control import Controller
from stem.response.events import StreamEvent
from test_available_record import LEFT, RELAYS, STATE
from test_call_paths import lab_of

from lab.agents.tor.streams import StreamsOnCircuits
from lab.calls.methods import METHODS
from lab.calls.observe import available
from lab.calls.observe.available import measurement, note_available
from lab.calls.paths.base import LOOPBACK
from lab.calls.paths.circuit import PinnedCircuit, targets_of
from lab.ends import BOTH, CALLEE, CALLER
from lab.engine.agent import AgentError
from lab.errors import LabError
from lab.measure.call.path import VoicePath
from lab.measure.call.tor_notes import CircuitNotes, TorWitness
from lab.wire.bandwidth import BandwidthMeasured, BandwidthServed, MeasureBandwidth, ServeBandwidth
from lab.wire.circuits import CircuitState
from lab.wire.ports import BANDWIDTH_PORT
from lab.wire.proxy import SocksProxy


class Tor:
    """A controller that keeps what was done with streams."""

    def __init__(self) -> None:
        self.done: list[tuple[str, ...]] = []

    def attach_stream(self, stream: str, circuit: str) -> None:
        self.done.append(("attach", stream, circuit))

    def close_stream(self, stream: str) -> None:
        self.done.append(("close", stream))


def test_streams_to_each_target_take_the_circuit_and_others_none() -> None:
    tor = Tor()
    streams = StreamsOnCircuits(cast(Controller, tor), ["10.0.0.9:64738", "10.0.0.9:5201"])
    streams.attach_to(["7"])
    for number, target in enumerate(("10.0.0.9:64738", "10.0.0.9:5201", "10.0.0.9:22")):
        new = SimpleNamespace(
            id=str(number), target=target, status=StreamStatus.NEW, purpose="USER", circ_id=None
        )
        streams.on_stream(cast(StreamEvent, new))
    assert tor.done == [("attach", "0", "7"), ("attach", "1", "7"), ("close", "2")]
    assert [stream.ended for stream in streams.seen()] == [
        None, None, "refused: not a target of this call",
    ]  # fmt: skip


def path_of(name: str, anonymous: str = CALLER) -> VoicePath:
    return METHODS.named(name).hiding(anonymous).way.load().plan(lab_of("paper"), 7)


@pytest.mark.parametrize("anonymous", [CALLER, BOTH])
def test_only_what_has_no_tunnel_takes_streams_of_its_own(anonymous: str) -> None:
    through, inside = path_of("m-tor", anonymous), path_of("v-tor", anonymous)
    murmur, vpn = through.server.address, inside.server.address
    assert targets_of(through, CALLER, True) == (f"{murmur}:64738", f"{murmur}:{BANDWIDTH_PORT}")
    assert targets_of(through, CALLER, False) == (f"{murmur}:64738",)
    assert targets_of(through, CALLEE, True) == (f"{murmur}:64738",)
    assert targets_of(inside, CALLER, True) == (f"{vpn}:1194",)


def test_it_goes_the_calls_own_way() -> None:
    lab = lab_of("paper")
    ways = {name: measurement(lab, path_of(name), "call-1", down=True) for name in (
        "sip", "vpn", "v-tor", "mumble", "m-tor",
    )}  # fmt: skip
    home, tunnel = lab.caller.links[0].address, lab.caller.tunnel
    assert (ways["v-tor"].address, ways["v-tor"].source) == (lab.topology.vpn.server, tunnel)
    assert (ways["vpn"].address, ways["vpn"].source) == (lab.topology.vpn.server, tunnel)
    assert (ways["sip"].address, ways["sip"].source) == (lab.pbx_address, home)
    assert (ways["mumble"].source, ways["mumble"].proxy) == (home, None)
    assert ways["m-tor"].address == ways["mumble"].address
    assert ways["m-tor"].source is None
    assert ways["m-tor"].proxy == SocksProxy(LOOPBACK, 9050, "call-1", "call-1")


class Circuit:
    """A pinned circuit that tells when it is asked."""

    def __init__(self, told: list[str]) -> None:
        self._told = told

    def read_back(self) -> None:
        self._told.append("read back")

    def state(self) -> CircuitState:
        self._told.append("read again")
        return STATE


def helpers(
    told: list[str], failure: str | None = None, *, down_fails: bool = True
) -> Callable[..., Any]:
    """In the place of programs beside machines; where there is a `failure`, upwards it fails."""

    @contextmanager
    def started(_lab: object, machine: str, *_: object) -> Iterator[SimpleNamespace]:
        def ask(order: object, kind: type, _timeout_s: float) -> object:
            if isinstance(order, ServeBandwidth):
                told.append(f"{machine} serves at {order.address}")
                return BandwidthServed()
            assert isinstance(order, MeasureBandwidth)
            assert kind is BandwidthMeasured
            if failure and (down_fails or not order.down):
                raise AgentError(failure)
            told.append(f"{machine} measures {'down' if order.down else 'up'}")
            return BandwidthMeasured(5123.4 if order.down else 2345.6, "iperf 3.12")

        yield SimpleNamespace(ask=ask, end=lambda: None)

    return started


def test_it_is_measured_after_the_circuit_was_read_and_the_circuit_is_read_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []
    monkeypatch.setattr(available, "start_unprivileged_helper", helpers(told))
    lab = replace(lab_of("paper"), images={"net": "net"})
    notes, circuits = call_notes(), cast(Sequence[PinnedCircuit], [Circuit(told)])
    note_available(lab, path_of("v-tor"), circuits, notes)
    assert notes.available == LEFT
    serves = f"server serves at {lab.topology.vpn.server}"
    assert told == [
        "read back", serves, "caller measures down", serves, "caller measures up", "read again",
    ]  # fmt: skip


def test_a_measurement_that_fails_is_a_reason_and_no_failure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    why = "probe.bandwidth beside caller: iperf3: unable to receive control message"
    monkeypatch.setattr(available, "start_unprivileged_helper", helpers([], why))
    lab = replace(lab_of("paper"), images={"net": "net"})
    notes = call_notes()
    note_available(lab, path_of("sip"), (), notes)
    record = measured(make_directory(tmp_path, notes))
    assert (record.status, record.valid, record.invalid_reasons) == ("ok", True, [])
    assert (record.available_kbps_down, record.available_kbps_up) == (None, None)
    assert record.available_reason == why
    assert "iperf3" not in record.versions


def test_what_was_found_one_way_stays_though_the_other_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told: list[str] = []
    why = "probe.bandwidth beside caller: iperf3 had not ended after 52 s"
    one_way = helpers(told, why, down_fails=False)
    monkeypatch.setattr(available, "start_unprivileged_helper", one_way)
    lab = replace(lab_of("paper"), images={"net": "net"})
    pinned = cast(Sequence[PinnedCircuit], [Circuit(told)])
    notes = call_notes(circuits=[CircuitNotes(CALLER, RELAYS, {}, STATE, STATE)])
    note_available(lab, path_of("v-tor"), pinned, notes)
    assert notes.available == replace(LEFT, up_kbps=None, reason=why)
    assert told[-1] == "read again", "what was found went over the circuit"
    record = measured(make_directory(tmp_path, notes))
    assert (record.status, record.valid, record.invalid_reasons) == ("ok", True, [])
    assert (record.available_kbps_down, record.available_kbps_up) == (5123.4, None)
    assert record.available_reason == why
    assert record.versions["iperf3"] == "3.12"


def test_a_reading_that_fails_is_the_calls_own_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> None:
        raise LabError("tor.circuits in caller has ended")

    monkeypatch.setattr(available, "start_unprivileged_helper", helpers([]))
    circuits = cast(Sequence[PinnedCircuit], [SimpleNamespace(read_back=gone)])
    notes = call_notes()
    with pytest.raises(LabError, match="has ended"):
        note_available(lab_of("paper"), path_of("v-tor"), circuits, notes)
    assert notes.available is None


def test_a_circuit_is_read_back_once() -> None:
    noted = CircuitNotes(CALLER, RELAYS, {}, STATE)
    answers = iter([STATE, replace(STATE, others=(("relay1",),))])
    saw = {"relay1": TorWitness(None, None)}
    seen = iter([saw])
    entries: list[str] = []
    pinned = PinnedCircuit(
        cast(Any, SimpleNamespace(read=lambda: next(answers))),
        cast(Any, SimpleNamespace(told=lambda: next(seen))),
        noted,
        lambda: entries.append("read"),
    )
    pinned.read_back()
    assert pinned.state().others == (("relay1",),)
    pinned.read_back()
    pinned.read_back_failed()
    assert (noted.after, noted.witnesses, entries) == (STATE, saw, ["read"])
