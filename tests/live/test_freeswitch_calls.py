"""FreeSWITCH as the PBX: skipped where this host has no image of it.

FREESWITCH_IMAGE names the image; without it the default of `lab up` is looked for.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from docker import DockerClient
from docker.errors import ImageNotFound
from exchange import (
    EXTENSIONS,
    Exchange,
    freeswitch_beside,
    one_network,
    running_exchange,
    write_pbx_files,
)
from lab_command import LabCommand, things_of, wait_for
from live_lab import LiveLab
from valid_calls import call

from lab.lifecycle.pbx_choice import choose_pbx
from lab.measure.capture import read_capture
from lab.measure.rtp import streams
from lab.measure.score import score
from lab.roles.pbx import USERS_FREESWITCH, freeswitch_codecs, modules_not_loaded
from lab.topology.load import find_topology
from lab.topology.model import PbxKind

pytestmark = pytest.mark.live

CODECS_LET_THROUGH = ("PCMU", "PCMA", "GSM", "SPEEX", "SPEEX-WB", "ILBC", "OPUS", "L16-16")
"""G.722 is left out, so that there is a codec that is not let through."""

MAX_OWN_DELAY_MS = 3.0
"""Median; it was 9.5 ms with the stock profile's timers, 0.2 without (docs/measured.md)."""


@pytest.fixture(scope="module")
def image(able_host: DockerClient) -> str:
    name = USERS_FREESWITCH.tag
    try:
        able_host.images.get(name)
    except ImageNotFound:
        pytest.skip(f"FreeSWITCH image absent: {name}; FREESWITCH_IMAGE names another")
    return name


@pytest.fixture(scope="module")
def exchange(
    docker_client: DockerClient, image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Exchange]:
    directory = tmp_path_factory.mktemp("exchange")
    for parent in (directory, directory.parent):
        parent.chmod(0o755)
    with running_exchange(docker_client, directory, image, CODECS_LET_THROUGH) as started:
        yield started


@pytest.fixture(scope="module")
def freeswitch_lab(
    docker_client: DockerClient,
    image: str,
    lab: LabCommand,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[LiveLab]:
    """The default topology with `pbx: freeswitch`, whatever else this host has."""
    topology = tmp_path_factory.mktemp("topology") / "paper.yaml"
    topology.write_text(f"{find_topology('paper').read_text()}\npbx: freeswitch\n")
    name = f"test-{secrets.token_hex(3)}"
    said = lab.json("up", str(topology), "--name", name)
    yield LiveLab(name, lab, said)
    lab.run("down", name)
    assert things_of(docker_client, name) == {}


def log_of(exchange: Exchange) -> str:
    log = exchange.containers["pbx"].logs()
    assert isinstance(log, bytes)
    return log.decode()


def test_auto_takes_freeswitch_where_its_image_is(docker_client: DockerClient, image: str) -> None:
    assert choose_pbx(docker_client, "auto").kind is PbxKind.FREESWITCH


def test_both_ends_hear_the_whole_clip_unharmed(exchange: Exchange, tmp_path: Path) -> None:
    outcome = exchange.call(duration_s=30.0)
    assert outcome.reason is None
    reference = tmp_path / "clip.wav"
    container = exchange.containers["caller"]
    reference.write_bytes(
        container.exec_run(["cat", "/usr/share/voice-tor-lab/speech/clip-8k.wav"]).output
    )
    for name, report in (("caller", outcome.caller), ("callee", outcome.callee)):
        assert report.ended
        assert report.received
        assert report.received.complete
        assert report.ended.counts.playout_frames_discarded == 0
        result = score(reference, exchange.recordings / f"{name}.wav")
        assert result.pesq_mos is not None
        assert result.pesq_mos >= 4.3


@pytest.mark.parametrize("codec", CODECS_LET_THROUGH)
def test_the_codec_asked_for_is_negotiated_and_never_paused(exchange: Exchange, codec: str) -> None:
    missing = {name for module in modules_not_loaded(log_of(exchange))
               for name in freeswitch_codecs(module)}  # fmt: skip
    if codec in missing:
        pytest.skip(f"FreeSWITCH in this image has no module for {codec}")
    outcome = exchange.call(codecs=(codec, codec))
    assert outcome.reason is None
    for report in (outcome.caller, outcome.callee):
        assert report.media
        assert report.ended
        assert not report.media.vad
        assert report.media.ptime_ms == 20
        assert report.media.remote_rtp.split(":")[0] == str(exchange.address("server"))
        assert report.ended.counts.rx_packets >= 100


@pytest.mark.parametrize(
    ("codecs", "reason"),
    [
        (("G722", "G722"), "caller: call failed: 488 Not Acceptable Here"),
        (("PCMU", "GSM"), "caller: call failed: 488 Not Acceptable Here"),
    ],
    ids=["the PBX has none", "the callee has none"],
)
def test_no_common_codec(exchange: Exchange, codecs: tuple[str, str], reason: str) -> None:
    assert exchange.call(codecs=codecs).reason == reason


@pytest.mark.parametrize(
    ("number", "reason"),
    [("1234", "404 Not Found"), (EXTENSIONS["absent"], "480 Temporarily Unavailable")],
)
def test_a_number_that_cannot_be_reached(exchange: Exchange, number: str, reason: str) -> None:
    assert exchange.call(number=number).reason == f"caller: call failed: {reason}"


def test_its_log_tells_of_calls_and_of_no_trouble(exchange: Exchange) -> None:
    exchange.call(duration_s=1.0)
    log = log_of(exchange)
    assert "New Channel sofia/lab/1001@" in log
    assert "[NORMAL_CLEARING]" in log
    assert "[ERR]" not in log


def test_a_module_that_the_image_lacks_is_named_in_its_log(
    docker_client: DockerClient, image: str, tmp_path: Path
) -> None:
    for path in (tmp_path, *list(tmp_path.parents)[:2]):
        path.chmod(0o755)
    topology = one_network(IPv4Address("127.0.0.1"), ("PCMU",))
    write_pbx_files(topology, tmp_path)
    file = tmp_path / "freeswitch" / "freeswitch.xml"
    file.write_text(file.read_text().replace("mod_commands", "mod_not_there"))
    container = freeswitch_beside(docker_client, image, tmp_path, "none")
    try:
        wait_for("module that is missing", lambda: modules_not_loaded(container.logs().decode()))
        assert modules_not_loaded(container.logs().decode()) == ("mod_not_there",)
    finally:
        container.remove(force=True, v=True)


@pytest.mark.parametrize("method", ["sip", "vpn", "v-tor"])
def test_a_call_by_each_method_is_valid(freeswitch_lab: LiveLab, method: str) -> None:
    record = call(freeswitch_lab, method)
    assert record["pbx"] == "freeswitch"
    assert record["versions"]["freeswitch"].startswith("1.")
    for end in ("caller", "callee"):
        assert record[f"{end}_pesq_mos"] >= 4.0
        assert record[f"{end}_loss_pct"] == 0
    if method != "v-tor":
        assert record["caller_owd_ms_p50"] < MAX_OWN_DELAY_MS
        assert record["callee_owd_ms_p50"] < MAX_OWN_DELAY_MS
    assert numbered_anew(Path(record["artefacts"]), "access" if method == "sip" else "tunnel")


@pytest.mark.slow
def test_the_stock_profile_holds_voice_back_by_a_timer(
    docker_client: DockerClient, image: str, lab: LabCommand, tmp_path: Path
) -> None:
    topology = tmp_path / "stock.yaml"
    topology.write_text(f"{find_topology('small').read_text()}\npbx_profile: stock\n")
    name = f"test-{secrets.token_hex(3)}"
    said = lab.json("up", str(topology), "--name", name)
    record = call(LiveLab(name, lab, said), "sip", "--duration", "12s")
    lab.run("down", name)
    assert things_of(docker_client, name) == {}
    assert (record["pbx"], record["pbx_profile"]) == ("freeswitch", "stock")
    held_ms = record["pbx_to_callee_delay_ms_p50"] + record["pbx_to_caller_delay_ms_p50"]
    assert held_ms > 2 * MAX_OWN_DELAY_MS


def numbered_anew(artefacts: Path, near: str) -> bool:
    """Whether the voice that leaves the PBX is another RTP stream than the one that enters it.

    Then delay and loss come from matching payloads.
    """
    found = {
        point: {stream.ssrc for stream in streams(read_capture(artefacts / f"{point}.pcap"))}
        for point in (near, "callee")
    }
    assert all(len(ssrcs) == 2 for ssrcs in found.values())
    return found[near].isdisjoint(found["callee"])


def test_status_and_doctor_say_which_pbx(freeswitch_lab: LiveLab, image: str) -> None:
    assert freeswitch_lab.status()["pbx"] == "freeswitch"
    findings = {f["name"]: f for f in freeswitch_lab.lab.json("doctor")["findings"]}
    assert image in findings["freeswitch"]["detail"]
    assert re.search(r"1\.\d+\.\d+.*MPL", findings["freeswitch"]["detail"])


def test_it_starts_without_making_a_certificate(freeswitch_lab: LiveLab) -> None:
    kept = (freeswitch_lab.lab.home / "freeswitch-certificate.pem").read_bytes()
    own = freeswitch_lab.project / "nodes/pbx/freeswitch/dtls-srtp.pem"
    assert own.read_bytes() == kept
    log = freeswitch_lab.lab.run("logs", "pbx", "--name", freeswitch_lab.name)
    assert "regenerated" not in log.stdout + log.stderr
