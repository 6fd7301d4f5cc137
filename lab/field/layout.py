"""Which files of the tree belong to which call.

The artifact's layout is `…/{Tor,Non-Tor}/CODEC/…/LOCATION/{caller,callee}/data/…`, with one
capture (`pcap_…_N.pcap`) and one recording (`…_recording_N.wav`) per call N and end. Only the
`caller`/`callee` directory and the number at the end of each name are required.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lab.ends import EACH_END
from lab.errors import LabError

CODECS = {
    "g711": "g711",
    "g.711": "g711",
    "pcmu": "g711",
    "pcma": "g711",
    "g722": "g722",
    "g.722": "g722",
    "gsm": "gsm",
    "opus": "opus",
    "speex": "speex",
}
"""Words in directory names, and the codec as the study writes it."""
TOR = {"tor": "Tor", "non-tor": "Non-tor", "nontor": "Non-tor", "non_tor": "Non-tor"}
"""Directory names, and what the study's column `tor_status` says for them."""
CAPTURES = (".pcap", ".pcapng", ".cap")
RECORDINGS = (".wav",)
DROPPINGS = {
    "__macosx",
    "$recycle.bin",
    "recycler",
    "system volume information",
    "@eadir",
    "#recycle",
    "lost+found",
}
"""Directories that systems and archivers leave in trees that they handle, in small letters.
Whatever begins with a dot (`._name`, `.AppleDouble`, `.Trashes`) or a tilde (`~$name`) is theirs
as well."""
_NUMBER = re.compile(r"(\d+)$")


@dataclass(frozen=True, slots=True)
class EndFiles:
    """What one end of a call left; None for what is missing."""

    capture: Path | None
    recording: Path | None


@dataclass(frozen=True, slots=True)
class CallFiles:
    """One call: the files with one number below one location."""

    series: str
    """The location's directory relative to the root: calls that were made in a row."""
    iteration_no: int
    tor_status: str | None
    location: str
    codec: str | None
    """By the directory's name, as the study writes it."""
    caller: EndFiles
    callee: EndFiles

    @property
    def name(self) -> str:
        """Series and number: how messages call it."""
        return f"{self.series}#{self.iteration_no}"

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that exist."""
        ends = (self.caller, self.callee)
        return tuple(
            path for end in ends for path in (end.capture, end.recording) if path is not None
        )


def find_calls(root: Path) -> tuple[CallFiles, ...]:
    """Every call below `root`, by series and number.

    Raises LabError where there is none.
    """
    found: dict[tuple[Path, int], dict[str, dict[str, Path]]] = defaultdict(
        lambda: {end: {} for end in EACH_END}
    )
    for path in _files(root):
        location = _location(root, path)
        number = _NUMBER.search(path.stem)
        if location is None or number is None:
            continue
        directory, end = location
        kind = "capture" if path.suffix.lower() in CAPTURES else "recording"
        slot = found[directory, int(number[1])][end]
        if kind not in slot or _preferred(path) > _preferred(slot[kind]):
            slot[kind] = path
    if not found:
        raise LabError(
            f"There is no call below {root}.",
            "Captures and recordings are looked for in directories called caller and callee.",
        )
    calls = [_call(root, directory, number, ends) for (directory, number), ends in found.items()]
    return tuple(sorted(calls, key=lambda call: (call.series, call.iteration_no)))


def _files(root: Path) -> Iterable[Path]:
    for path in sorted(root.rglob("*")):
        if path.suffix.lower() not in CAPTURES + RECORDINGS or not path.is_file():
            continue
        if not any(_is_dropping(name) for name in path.relative_to(root).parts):
            yield path


def _is_dropping(name: str) -> bool:
    """Whether another program than the recorder put a file or directory of that name there."""
    return name.startswith((".", "~")) or name.lower() in DROPPINGS


def _location(root: Path, path: Path) -> tuple[Path, str] | None:
    """The location's directory and the end, from the innermost caller/callee directory."""
    for parent in path.parents:
        if parent.name.lower() in EACH_END:
            return parent.parent, parent.name.lower()
        if parent == root:
            break
    return None


def _preferred(path: Path) -> bool:
    """Of two captures the one inside the tunnel shows RTP; of two WAV files one was recorded."""
    name = path.name.lower()
    return "inside" in name or "record" in name


def _call(root: Path, directory: Path, number: int, ends: dict[str, dict[str, Path]]) -> CallFiles:
    # Outside the tree too: a user may point at one codec's directory.
    names = [name.lower() for name in reversed(directory.resolve().parts)]
    files = {
        end: EndFiles(slot.get("capture"), slot.get("recording")) for end, slot in ends.items()
    }
    return CallFiles(
        series=directory.relative_to(root).as_posix(),
        iteration_no=number,
        tor_status=next((TOR[name] for name in names if name in TOR), None),
        location=directory.resolve().name,
        codec=next((CODECS[word] for word in _words(names) if word in CODECS), None),
        caller=files["caller"],
        callee=files["callee"],
    )


def _words(names: list[str]) -> Iterable[str]:
    for name in names:
        yield from re.split(r"[^a-z0-9.]+", name)
