"""What happens in a lab, in lines for a person to read."""

from __future__ import annotations

from datetime import datetime

from lab.ends import CALLER, EACH_END
from lab.events import (
    Began,
    Building,
    CallBegan,
    CallEnded,
    CallInterrupted,
    CallStage,
    CaughtUp,
    CircuitOpened,
    Ended,
    FaultBegan,
    FaultEnded,
    Happening,
    LabFound,
    LabGone,
    LabUp,
    LinkCounters,
    LinkFound,
    LinkShaped,
    NodeState,
    Noted,
    RunAdvanced,
    RunBegan,
    RunEnded,
)
from lab.events.told import Told
from lab.verdict import FAILED
from lab.wire.faults import place_of


def line_of(told: Told) -> str | None:
    """The local time, who told, and what; None for a link that nothing has passed."""
    if isinstance(told.what, LinkCounters) and not (told.what.sent_kbps or told.what.received_kbps):
        return None
    time = datetime.fromtimestamp(told.at).astimezone()
    return f"{time:%H:%M:%S}.{time.microsecond // 1000:03} {told.teller:<10} {words(told.what)}"


def words(happening: Happening) -> str:  # noqa: PLR0911, PLR0912 - one line for each kind
    """One happening in words."""
    match happening:
        case LabFound(topology):
            return f"lab of topology {topology}"
        case CaughtUp():
            return "that is so; from here on, what happens"
        case LabUp(seconds):
            return f"the lab is up, after {seconds:.1f} s"
        case LabGone():
            return "the lab has gone"
        case NodeState(node, role, state, exit_code):
            status = "" if exit_code is None else f", exit status {exit_code}"
            return f"{node} ({role}): {state}{status}"
        case LinkFound(node, network, address, _, configured, in_force):
            wanted = "" if configured == in_force else f" ({_rate(configured)} wanted)"
            return f"{node}/{network}: {address}, {_rate(in_force)}{wanted}"
        case LinkShaped(node, network, direction, _, shape):
            return f"{node}/{network}/{direction}: {shape}"
        case FaultBegan():
            return f"fault: {broken(happening)}"
        case FaultEnded():
            return f"fault over: {mended(happening)}"
        case LinkCounters():
            return _counters(happening)
        case Began(stage):
            return f"{stage} ..."
        case Ended(stage, seconds, succeeded):
            return f"{stage}: {'done' if succeeded else 'given up'} after {seconds:.1f} s"
        case Noted(text):
            return text
        case Building(role, step, steps, text):
            return f"image {role}: step {step} of {steps}: {text}"
        case CallBegan(call_id, method, codec, run_id):
            return f"call {call_id}: {method}, {codec}" + (f", of run {run_id}" if run_id else "")
        case CircuitOpened(relays, end):
            whose = "" if end == CALLER else f" of the {end}"
            return f"circuit{whose} {' → '.join(relays)}"
        case CallStage(point_id, number, stage):
            return f"{point_id} ({number}): {stage} ..."
        case CallEnded():
            return f"call {happening.call_id}: {outcome(happening)}"
        case CallInterrupted(call_id):
            return f"call {call_id}: interrupted"
        case RunBegan(run_id, made, still_wanted):
            return f"run {run_id}: {made} calls made, {still_wanted} still wanted"
        case RunAdvanced():
            return (
                f"run {happening.run_id}: {happening.made} calls made, "
                f"{happening.still_wanted} still wanted"
            )
        case RunEnded(run_id, valid, invalid, failed):
            return f"run {run_id}: complete, {valid} valid, {invalid} invalid, {failed} failed"
    return str(happening)


def outcome(call: CallEnded) -> str:
    """How a call ended, and what both ends heard."""
    verdict = f"{call.verdict}, {call.why}" if call.why else call.verdict
    if call.verdict == FAILED:
        return verdict
    heard = [
        f"{end} hears PESQ {call.figures[f'{end}_pesq_mos']:.2f}"
        for end in EACH_END
        if f"{end}_pesq_mos" in call.figures
    ]
    return "; ".join([verdict, *heard])


def broken(fault: FaultBegan) -> str:
    """What is, and for how long it is to be."""
    share = "" if fault.loss_pct is None else f" {fault.loss_pct:g} %"
    lasts = "" if fault.for_s is None else f", for {fault.for_s:g} s"
    return f"{fault.kind} {place_of(fault.node, fault.network)}{share}{lasts}"


def mended(fault: FaultEnded) -> str:
    """What is, and what it did meanwhile."""
    after = "" if fault.seconds is None else f" after {fault.seconds:.2f} s"
    lost = "" if fault.lost is None else f", {fault.lost} packets lost"
    return f"{fault.kind} {place_of(fault.node, fault.network)}{after}{lost}"


def _counters(link: LinkCounters) -> str:
    return (
        f"{link.node}/{link.network}: {link.sent_kbps or 0:.1f} kbit/s out, "
        f"{link.received_kbps or 0:.1f} in; {link.dropped_packets} packets dropped in all"
    )


def _rate(rate_kbps: int | None) -> str:
    return "uncapped" if rate_kbps is None else f"{rate_kbps / 1000:g} Mbit/s"
