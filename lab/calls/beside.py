"""What is fetched while a call is being set up: versions of all that takes part, and the clip."""

from __future__ import annotations

import tempfile
import wave
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Self

from lab.calls.image_contents import image_file
from lab.calls.measuring import Measurer, PrepareClip
from lab.calls.site import OTHER_SPEECH, CallSite
from lab.calls.versions import component_versions
from lab.measure.call.files import REFERENCE
from lab.measure.call.notes import write_notes


class Beside:
    """Threads that fetch, from the beginning of a `with` block; it ends when they have."""

    def __init__(self, site: CallSite, measurer: Measurer) -> None:
        self._site = site
        self._measurer = measurer
        self._threads = ThreadPoolExecutor(2)
        self._scratch = tempfile.TemporaryDirectory(prefix="voice-tor-lab-")

    def __enter__(self) -> Self:
        self._clip: Future[float] = self._threads.submit(self._fetch_clip)
        self._versions: Future[dict[str, str]] = self._threads.submit(
            component_versions, self._site.lab
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._threads.shutdown(cancel_futures=True)
        self._scratch.cleanup()

    def clip_s(self) -> float:
        """The clip's length; LabError where it cannot be had."""
        return self._clip.result()

    def check_clip(self) -> None:
        """Return when the clip is ready to be scored with; LabError where none can be."""
        self._clip.result()
        self._measurer.await_clip()

    def begin_measuring(self) -> None:
        """Have the recordings scored already, while the rest of the call is brought to its end."""
        write_notes(self._site.workspace.host, self._site.notes)
        self._measurer.begin(self._site.workspace.host)

    def versions(self) -> Mapping[str, str]:
        """Of everything that takes part, by its name; LabError where a node cannot be asked."""
        return self._versions.result()

    def _fetch_clip(self) -> float:
        """Copy the clip that both ends play out of the image, beside the recordings."""
        coding = self._site.coding
        directory = self._site.workspace.host
        other = Path(self._scratch.name) / OTHER_SPEECH.name
        for place, file in ((self._site.clip, directory / REFERENCE), (OTHER_SPEECH, other)):
            file.write_bytes(self._speech(place))
        self._measurer.prepare_clip(
            PrepareClip(
                directory,
                coding.codec.name,
                coding.bitrate_kbps,
                self._site.notes.plan.duration_s,
                other,
            )
        )
        with wave.open(str(directory / REFERENCE)) as clip:
            return float(clip.getnframes() / clip.getframerate())

    def _speech(self, place: PurePosixPath) -> bytes:
        """A file that the caller's image holds."""
        lab = self._site.lab
        return image_file(lab.running, lab.caller.name, place)
