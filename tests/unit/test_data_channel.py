"""How a call's tunnel was protected, from what OpenVPN said itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.measure.call.notes import LabNotes
from lab.measure.call.tunnel import DataChannel, channel_faults, data_channels


def lab(cipher: str, digest: str) -> LabNotes:
    return LabNotes("paper", "paper", "cubic", None, cipher, digest)


@pytest.mark.parametrize(
    ("said", "cipher", "digest"),
    [
        ("'AES-256-GCM', peer-id: 0", "AES-256-GCM", None),
        ("'AES-256-CBC', auth 'SHA512', peer-id: 0", "AES-256-CBC", "SHA512"),
        ("'[null-cipher]', auth '[null-digest]', peer-id: 0", "none", "none"),
    ],
)
def test_openvpn_says_how_the_data_channel_is_protected(
    said: str, cipher: str, digest: str | None, tmp_path: Path
) -> None:
    log = f"Initialization Sequence Completed\n2026-11-27 20:39:02 Data Channel: cipher {said}\n"
    (tmp_path / "openvpn-client.log").write_text(log)
    assert list(data_channels(tmp_path)) == [DataChannel(cipher, digest)]


def test_a_call_without_a_tunnel_has_none(tmp_path: Path) -> None:
    assert list(data_channels(tmp_path)) == []


def test_a_tunnel_that_is_not_the_topologys_is_named() -> None:
    assert channel_faults(lab("AES-256-GCM", "SHA1"), DataChannel("AES-256-GCM", None)) == []
    assert channel_faults(lab("none", "none"), DataChannel("none", "none")) == []
    assert channel_faults(lab("none", "none"), DataChannel("AES-256-GCM", None)) == [
        "the tunnel used AES-256-GCM, none with none was asked for"
    ]
    assert channel_faults(lab("AES-256-CBC", "SHA512"), DataChannel("AES-256-CBC", "SHA1")) != []
