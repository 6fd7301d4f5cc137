"""When a call is called invalid, and what it then says."""

from __future__ import annotations

import pytest

from lab.calls.end import Outcome
from lab.calls.sip.exchange import explained
from lab.measure.call.fidelity import (
    MAX_CPU_PCT,
    MAX_NODE_CPU_PCT,
    MAX_PACING_MS,
    MAX_SCHEDULING_P99_MS,
    judge,
)
from lab.measure.record import CallRecord
from lab.verdict import FAILED, INVALID, VALID, verdict_of
from lab.wire.phone import PhoneReport, Rejected


def quiet_call(**changes: object) -> CallRecord:
    record = CallRecord(
        call_id="x", started_at="", method="sip", codec="PCMU", lab="l", topology="t",
        pbx="kamailio", seed=0, status="ok", codec_negotiated="PCMU", pacing_ms_p99=1.0,
        pacing_ms_max=9.0, steal_pct=0.0, cpu_pct=40.0, scheduling_ms_p99=0.3,
        scheduling_ms_max=5.0, clock_shift_ms=0.01, busiest_node="relay1",
        busiest_node_cpu_pct=4.0, capture_drops=0,
    )  # fmt: skip
    for name, value in changes.items():
        setattr(record, name, value)
    judge(record)
    return record


def test_a_call_on_a_quiet_host_is_valid() -> None:
    assert quiet_call().valid


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("pacing_ms_max", MAX_PACING_MS + 1, "senders' pace, maximum 121 ms > 120 ms"),
        ("cpu_pct", MAX_CPU_PCT + 1, "the host's CPU 96 % > 95 %"),
        ("busiest_node_cpu_pct", MAX_NODE_CPU_PCT + 1, "the CPU of node relay1 91 % > 90 %"),
        ("scheduling_ms_p99", MAX_SCHEDULING_P99_MS + 1, "scheduling delay, 99th percentile"),
        ("clock_shift_ms", 40.0, "shift of the clock 40 ms > 1 ms"),
        ("capture_drops", 1, "packets dropped by captures 1 > 0"),
        ("pacing_ms_p99", None, "senders' pace, 99th percentile was not measured"),
    ],
)
def test_each_limit_makes_a_call_invalid_with_its_own_reason(
    column: str, value: object, said: str
) -> None:
    record = quiet_call(**{column: value})
    assert not record.valid
    assert len(record.invalid_reasons) == 1
    assert said in record.invalid_reasons[0]


def test_a_failed_call_is_never_valid() -> None:
    assert not quiet_call(status="failed", reason="no answer").valid
    assert verdict_of("failed", True) == FAILED


def test_the_verdict_has_every_reason_and_says_why_in_short() -> None:
    valid = quiet_call()
    assert (valid.verdict, valid.reasons, valid.why) == (VALID, (), "")
    assert valid.in_words == "valid"
    against = ["the host was busy", "a node ended"]
    doubtful = quiet_call(invalid_reasons=list(against))
    assert (doubtful.verdict, doubtful.reasons) == (INVALID, tuple(against))
    assert doubtful.why == "the host was busy; a node ended"
    failed = quiet_call(status="failed", reason="no answer", invalid_reasons=list(against))
    assert (failed.verdict, failed.reasons) == (FAILED, ("no answer", *against))
    assert failed.why == "no answer"
    assert failed.in_words == "failed: no answer"
    assert quiet_call(status="failed").why == "no reason was told"


def test_a_refused_codec_is_explained_by_the_topology_and_other_failures_are_not() -> None:
    taken = ("PCMU", "GSM")

    def told(answer: Rejected, codec: str) -> str | None:
        reason = f"caller: call failed: {answer}"
        outcome = Outcome(reason, PhoneReport(rejected=answer), PhoneReport())
        return explained(outcome, codec, "paper", taken)

    assert told(Rejected(488, "No Common Codec", "call"), "ILBC") == (
        "caller: call failed: 488 No Common Codec; the phones offer ILBC, the PBX of topology "
        "paper takes PCMU, GSM (its `codecs`)"
    )
    assert told(Rejected(480, "No answer", "call"), "ILBC") == "caller: call failed: 480 No answer"
    assert told(Rejected(488, "Broken", "call"), "GSM") == "caller: call failed: 488 Broken"
