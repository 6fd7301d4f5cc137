"""One pinned circuit per call, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.errors import LabError
from lab.tor.channel import Channel

PIN_TIMEOUT_S = 20.0
ANSWER_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class CircuitStream:
    """A TCP connection that a program in the node made through Tor during the call."""

    target: str
    """`address:port`."""
    on_circuit: bool
    """Whether the pinned circuit carried it."""
    succeeded: bool
    ended: str | None
    """Why it ended; None while it lives."""


@dataclass(frozen=True, slots=True)
class CircuitState:
    """The pinned circuit as tor reported it at one moment."""

    path: tuple[str, ...]
    """Node names from guard to exit; empty once the circuit has ended."""
    built: bool
    ended: str | None
    """tor's reason for its end; None while it lives."""
    build_ms: float
    streams: tuple[CircuitStream, ...]
    others: tuple[tuple[str, ...], ...]
    """The paths of all other circuits of this client; tor's one-hop directory tunnels apart."""

    def faults(self, wanted: Sequence[str]) -> tuple[str, ...]:
        """What contradicts "this call went over exactly the circuit `wanted`"; best empty."""
        found = []
        if self.ended is not None or not self.built:
            found.append(f"the circuit ended: {self.ended or 'not built'}")
        elif self.path != tuple(wanted):
            found.append(f"the circuit was {'-'.join(self.path)}, not {'-'.join(wanted)}")
        if self.others:
            found.append(f"{len(self.others)} other circuits were open")
        if not any(stream.on_circuit and stream.succeeded for stream in self.streams):
            found.append("no stream was carried by the circuit")
        if strays := [s.target for s in self.streams if s.succeeded and not s.on_circuit]:
            found.append(f"streams went another way: {', '.join(strays)}")
        return tuple(found)


class CallCircuit:
    """The one circuit of the client at the other end of `channel`."""

    def __init__(self, channel: Channel, relays: Mapping[str, str]) -> None:
        """`relays` maps node names to fingerprints."""
        self._channel = channel
        self._fingerprints = relays
        self._names = {fingerprint: name for name, fingerprint in relays.items()}

    def pin(self, path: Sequence[str], targets: Sequence[str] | None = None) -> CircuitState:
        """End all circuits, build one over `path` and let it carry every stream from now on.

        `targets` are the `address:port` that streams may go to; others are refused, and None
        refuses nothing. LabError where the circuit cannot be built, with tor's reason.
        """
        order: dict[str, Any] = {
            "op": "pin",
            "path": [self._fingerprints[name] for name in path],
            "targets": None if targets is None else list(targets),
        }
        try:
            answer = self._channel.ask(order, PIN_TIMEOUT_S)
        except LabError as error:
            raise LabError(f"circuit {'-'.join(path)}: {error.message}", error.hint) from error
        return self._state(answer)

    def read(self) -> CircuitState:
        """The circuit as it is now; LabError where none was pinned."""
        return self._state(self._channel.ask({"op": "read"}, ANSWER_TIMEOUT_S))

    def close(self) -> None:
        """End the circuit; the client then builds circuits by itself again."""
        self._channel.ask({"op": "close"}, ANSWER_TIMEOUT_S)

    def _state(self, answer: Mapping[str, Any]) -> CircuitState:
        own = answer["circuit"]
        return CircuitState(
            path=self._named(answer["path"]),
            built=answer["built"],
            ended=answer["ended"],
            build_ms=answer["build_ms"],
            streams=tuple(
                CircuitStream(
                    target=stream["target"],
                    on_circuit=stream["circuit"] == own,
                    succeeded=stream["succeeded"],
                    ended=stream["ended"],
                )
                for stream in answer["streams"]
            ),
            others=tuple(self._named(other["path"]) for other in answer["others"]),
        )

    def _named(self, path: Sequence[str]) -> tuple[str, ...]:
        return tuple(self._names.get(fingerprint, fingerprint) for fingerprint in path)
