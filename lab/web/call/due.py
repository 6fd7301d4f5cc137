"""When each packet of a call was due to be played: the deadline that its buffer set it.

Turns are those of the ledger of stalls (`lab.measure.playout.stalls`): while a dry buffer puts
all off, they go on in the order of before, and what comes after its turn is late.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from lab.agents.voice.playout import Arrival, play_out
from lab.measure.call.ends import ENDS
from lab.measure.call.notes import CallNotes
from lab.measure.capture import Floats
from lab.measure.octets import Flags
from lab.measure.pcap import Ints
from lab.measure.playout.coded import coded_voice
from lab.measure.playout.pjmedia_buffer import BufferSettings
from lab.measure.playout.playing import Heard, play, turns_ns
from lab.measure.rtp import Stream


def spare_ms(notes: CallNotes, received: Stream, sent: Stream) -> Floats:
    """How long before its turn to be played each packet of `received` came, by its first frame.

    Below zero it was late; NaN of one that had no turn. One entry per packet in order of arrival;
    `sent` is what the same end sent. LabError where the voice cannot be taken apart into frames.
    """
    assert notes.reports is not None
    if ENDS.named(notes.reports.kind).plays_afterwards:
        numbers = received.sequence - int(received.sequence.min())
        due = _own_turns(notes, numbers, received.time_ns)
    else:
        numbers, due = _phone_turns(notes, received, sent)
    pairs = zip(numbers.tolist(), received.time_ns.tolist(), strict=True)
    return np.array([(due[number] - at) / 1e6 if number in due else np.nan for number, at in pairs])


def _phone_turns(notes: CallNotes, received: Stream, sent: Stream) -> tuple[Ints, dict[int, int]]:
    """Each packet's first frame, and the turns of frames."""
    voice = coded_voice(received, notes.coding.codec, payload=False)
    settings = BufferSettings.of(notes.plan.playout, voice.frame_ms, voice.ptime_ms)
    played = play(voice, settings, turns_ns(voice, sent))
    heard = np.array([each is Heard.FRAME for each in played.heard])
    came = dict(zip(voice.index.tolist(), voice.arrival_ns.tolist(), strict=True))
    first = np.rint(received.media_ms / voice.frame_ms).astype(np.int64)
    return first, turns(played.index, played.at_ns, heard, came)


def _own_turns(notes: CallNotes, numbers: Ints, arrival_ns: Ints) -> dict[int, int]:
    came = dict(zip(numbers.tolist(), arrival_ns.tolist(), strict=True))
    ptime_ms = notes.coding.ptime_ms
    arrivals = [Arrival(time_ns / 1e6, number) for number, time_ns in came.items()]
    heard = play_out(arrivals, notes.plan.playout, ptime_ms).heard
    index = np.array([-1 if number is None else number for number in heard], np.int64)
    at_ns = int(arrival_ns[0]) + ptime_ms * 1_000_000 * np.arange(len(index))
    return turns(index, at_ns, index >= 0, came)


def turns(index: Ints, at_ns: Ints, heard: Flags, came: Mapping[int, int]) -> dict[int, int]:
    """Frame → its turn, ns; of every frame that was heard, and of those that were too late.

    `index` and `at_ns` have an entry for each frame's time of playing, `heard` tells whether
    that frame was played then; `came` is when frames arrived.
    """
    rows = np.flatnonzero(heard).tolist()
    due = {int(index[row]): int(at_ns[row]) for row in rows}
    for row, then in pairwise(rows):
        before = int(index[row])
        for number, at in enumerate(at_ns[row + 1 : then].tolist()):
            frame = before + 1 + number
            if frame in came and (frame not in due or came[frame] > at):
                due[frame] = at
    return due
