"""FreeSWITCH comes in an image of the user's: how it is started, and what the image may lack."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from lab.engine.discovery import RunningLab, RunningNode
from lab.errors import LabError
from lab.lifecycle.certificate import kept_certificate, with_certificate
from lab.lifecycle.pbx_choice import PbxChoice
from lab.lifecycle.plan import Plan, plan_lab, render_plan
from lab.lifecycle.verify import refuse_complaints
from lab.render.project import Project
from lab.roles.pbx import modules_not_loaded
from lab.topology.load import find_topology, read_topology
from lab.topology.model import PbxKind

BLOCK = IPv4Network("10.128.0.0/20")
IMAGE = "somebody/freeswitch:latest"
LOG = """\
2026-11-22 06:33:00.032312 0.00% [CRIT] switch_loadable_module.c:1754 Error Loading module \
/usr/lib/freeswitch/mod/{module}.so
**/usr/lib/freeswitch/mod/{module}.so: cannot open shared object file: No such file or directory**
2026-11-22 06:33:00.077650 0.00% [NOTICE] sofia.c:6350 Started Profile lab [sofia_reg_lab]
"""


def plan(kind: PbxKind, codecs: str | None = None, directory: Path | None = None) -> Plan:
    name = "small"
    if codecs and directory:
        text = find_topology("small").read_text()
        file = directory / "own.yaml"
        file.write_text(f"{text}\ncodecs: {codecs}\n")
        name = str(file)
    return plan_lab(read_topology(find_topology(name)), None, BLOCK, PbxChoice(kind, "asked for"))


@pytest.fixture(scope="module", autouse=True)
def users_image() -> Iterator[None]:
    """FREESWITCH_IMAGE names the image of a stranger."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FREESWITCH_IMAGE", IMAGE)
        yield


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    text = render_plan(plan(PbxKind.FREESWITCH)).files["compose.yaml"]
    services: dict[str, Any] = yaml.safe_load(text)["services"]
    return services


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("home") / "new" / "freeswitch-certificate.pem"
    kept_certificate(path)
    yield path


def test_the_image_needs_nothing_but_the_program(compose: dict[str, Any]) -> None:
    pbx = compose["pbx"]
    assert pbx["image"] == IMAGE
    assert pbx["entrypoint"] == ["freeswitch"]
    assert "python3" not in pbx["command"]
    assert pbx["healthcheck"] == {"disable": True}


def test_it_starts_once_its_machine_has_its_routes(compose: dict[str, Any]) -> None:
    assert compose["pbx"]["network_mode"] == "service:server"
    (helper,) = compose["pbx"]["depends_on"]
    assert compose["pbx"]["depends_on"][helper]["condition"] == "service_completed_successfully"
    assert compose[helper]["network_mode"] == "service:server"
    assert "lab.agents.net.network" in compose[helper]["command"]


def test_it_has_no_more_rights_than_any_node(compose: dict[str, Any]) -> None:
    for name in ("cap_drop", "security_opt", "read_only", "user"):
        assert compose["pbx"][name] == compose["server"][name]


def test_it_writes_only_where_there_is_memory(compose: dict[str, Any]) -> None:
    options = compose["pbx"]["command"]
    directories = {name: options[options.index(name) + 1] for name in ("-log", "-db", "-run")}
    memory = {mount.split(":")[0] for mount in compose["pbx"]["tmpfs"]}
    assert {Path(path).parents[-2].as_posix() for path in directories.values()} <= memory
    assert len(set(directories.values())) == 3


def test_its_configuration_is_ours_whatever_the_image_brings(compose: dict[str, Any]) -> None:
    options = compose["pbx"]["command"]
    files = render_plan(plan(PbxKind.FREESWITCH)).files
    assert options[options.index("-conf") + 1] == "/run/lab/freeswitch"
    assert "./nodes/pbx:/run/lab:ro" in compose["pbx"]["volumes"]
    assert "nodes/pbx/freeswitch/freeswitch.xml" in files


def test_kamailio_keeps_the_lab_s_own_entry_point() -> None:
    text = render_plan(plan(PbxKind.KAMAILIO)).files["compose.yaml"]
    pbx = yaml.safe_load(text)["services"]["pbx"]
    assert "entrypoint" not in pbx
    assert "depends_on" not in pbx
    assert pbx["command"][:3] == ["python3", "-m", "lab.agents.net.routes_ready"]


def test_the_certificate_is_one_that_freeswitch_does_not_make_anew(kept: Path) -> None:
    pem = kept.read_bytes()
    key = load_pem_private_key(pem, password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.key_size >= 4096
    assert x509.load_pem_x509_certificate(pem).public_key() == key.public_key()


def test_the_certificate_is_made_once_and_kept_from_others(kept: Path) -> None:
    assert kept_certificate(kept) == kept.read_bytes()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]


def test_the_certificate_goes_to_the_pbx_of_a_lab_with_freeswitch_only(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_HOME", str(kept.parent))
    empty = Project({}, (), "")
    there = with_certificate(empty, plan(PbxKind.FREESWITCH).topology).files
    assert set(there) == {
        "nodes/pbx/freeswitch/dtls-srtp.pem",
        "nodes/pbx/freeswitch/wss.pem",
    }
    assert set(there.values()) == {kept.read_bytes()}
    assert with_certificate(empty, plan(PbxKind.KAMAILIO).topology) == empty


def test_a_home_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LabError, match=r"cannot keep .*certificate"):
        kept_certificate(tmp_path / "file" / "certificate.pem")


def test_modules_that_were_not_loaded_are_found_in_the_log() -> None:
    log = LOG.format(module="mod_ilbc") + LOG.format(module="mod_opus")
    assert modules_not_loaded(log + log) == ("mod_ilbc", "mod_opus")
    assert modules_not_loaded("[NOTICE] sofia.c:6350 Started Profile lab") == ()


def running(log: str) -> tuple[Any, RunningLab]:
    client = SimpleNamespace(api=SimpleNamespace(logs=lambda _id: log.encode()))
    node = RunningNode("pbx", "pbx", "id", "running", None)
    return cast(Any, client), RunningLab("small", "small", "", BLOCK, (node,))


@pytest.mark.parametrize(
    ("module", "message", "hint"),
    [
        ("mod_ilbc", r"FreeSWITCH in somebody/freeswitch.*mod_ilbc \(for ILBC\)\n", "`codecs`"),
        ("mod_spandsp", r"mod_spandsp \(for GSM\)\n", "`codecs`"),
        ("mod_sofia", r"could not load mod_sofia\n", "pbx: kamailio"),
    ],
)
def test_an_image_without_a_module_is_refused_by_name(
    tmp_path: Path, module: str, message: str, hint: str
) -> None:
    wanted = plan(PbxKind.FREESWITCH, json.dumps(["PCMU", "GSM", "ILBC"]), tmp_path)
    with pytest.raises(LabError, match=message) as error:
        refuse_complaints(*running(LOG.format(module=module)), wanted)
    assert hint in error.value.hint


def test_a_log_without_such_a_line_is_well() -> None:
    refuse_complaints(*running("[WARNING] sofia.c:2290 MSG Thread"), plan(PbxKind.FREESWITCH))
