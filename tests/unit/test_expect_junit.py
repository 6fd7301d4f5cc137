"""JUnit XML of a run: what failed, what did not, and a file that readers take."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import pytest
from designed_runs import plan_of, run_of
from report_runs import call

from lab.expectations.junit import junit_xml
from lab.expectations.notation import parse_expectation
from lab.expectations.outcome import outcomes
from lab.measure.record import CallRecord
from lab.sweep.point import Point

POINTS = [Point("sip"), Point("vpn"), Point("v-tor")]
RUN = run_of(plan_of(POINTS, "full"))
GOLDEN = Path(__file__).parent / "golden" / "junit" / "run.xml"


def made() -> list[CallRecord]:
    """SIP holds, of two VPN calls one is invalid and one failed, and by V-Tor nobody called."""
    calls = [call(Point("sip"), n, 4.4, duration_s=12.5) for n in (1, 2)]
    calls += [call(Point("vpn"), n, 1.0, duration_s=12.5) for n in (1, 2)]
    calls[2].valid, calls[2].invalid_reasons = False, ["the host had no time: <steal> & such"]
    calls[3].status, calls[3].reason = "failed", "no answer\x00\x1b[31m"
    return calls


def written(*expected: str) -> str:
    calls = made()
    return junit_xml(RUN, POINTS, calls, outcomes(map(parse_expectation, expected), POINTS, calls))


def cases(text: str) -> dict[str, Element]:
    root = fromstring(text.encode())
    return {case.attrib["name"]: case for case in root.iter("testcase")}


def failed(text: str) -> set[str]:
    return {name for name, case in cases(text).items() if case.find("failure") is not None}


def test_the_file_is_as_it_was_when_both_schemas_took_it() -> None:
    """`golden/junit/run.xml` was validated by Ant's JUnit.xsd and Jenkins's junit-10.xsd."""
    assert written("pesq>=4.2 at method=sip", "pesq>=4.2") == GOLDEN.read_text(encoding="utf-8")


def test_a_case_for_each_expectation_and_one_for_each_point() -> None:
    text = written("pesq>=4.2 at method=sip", "pesq>=4.2")
    assert [*cases(text)] == [
        "pesq>=4.2 at method=sip",
        "pesq>=4.2",
        *(point.point_id for point in POINTS),
    ]
    assert failed(text) == {"pesq>=4.2", "vpn.PCMU.to-callee", "v-tor.PCMU.to-callee"}
    suite = fromstring(text.encode())[0]
    told = {name: suite.attrib[name] for name in ("name", "tests", "failures", "errors", "time")}
    assert told == {
        "name": "test", "tests": "5", "failures": "3", "errors": "0", "time": "50.000",
    }  # fmt: skip
    assert not [*suite.iter("skipped")]


def test_a_failure_says_what_was_measured_and_why_there_was_no_valid_call() -> None:
    found = cases(written("pesq>=4.5 at method=sip"))
    expectation = found["pesq>=4.5 at method=sip"].find("failure")
    assert expectation is not None
    assert expectation.attrib["message"] == "not met at its one point"
    assert expectation.text == (
        "sip.PCMU.to-callee: 4.40 (4.40-4.40), n = 2, 2 valid, 0 invalid, 0 failed"
    )
    vpn = found["vpn.PCMU.to-callee"].find("failure")
    assert vpn is not None
    assert vpn.attrib["message"] == "no valid call: 1 invalid, 1 failed"
    assert vpn.text is not None
    assert set(vpn.text.splitlines()) == {
        "the host had no time: <steal> & such (1 times)",
        "no answer\ufffd\ufffd[31m (1 times)",
    }
    tor = found["v-tor.PCMU.to-callee"].find("failure")
    assert tor is not None
    assert tor.attrib["message"] == "no call was made"


def test_without_expectations_the_points_alone_are_cases() -> None:
    assert [*cases(written())] == [point.point_id for point in POINTS]


@pytest.mark.parametrize("ended_at", [None, "2026-01-02T01:00:00+00:00"])
def test_a_run_that_has_not_ended_is_said_not_to_be_complete(ended_at: str | None) -> None:
    root = fromstring(junit_xml(replace(RUN, ended_at=ended_at), POINTS, [], ()).encode())
    told = {item.attrib["name"]: item.attrib["value"] for item in root.iter("property")}
    assert told["complete"] == ("false" if ended_at is None else "true")
    assert told["run_id"] == "test-1"
    assert told["version.tor"] == "0.4.8.10"
