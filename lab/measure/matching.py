"""Which packet of one capture is which packet of another.

A packet that only travelled is known by its sequence number and timestamp. A telephone
exchange that terminates both legs rewrites those, and the SSRC: then the voice itself tells.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

import numpy as np

from lab.measure.pcap import Ints
from lab.measure.rtp import Stream

MAX_OCCURRENCES = 8
"""A payload that occurs more often (silence, comfort tone) cannot say which packet it is."""
MIN_VOTES = 5
"""Packets that must agree on a renumbering before it is believed."""


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """Pairs of packets, as positions in the two streams, in the order they were sent."""

    sent: Ints
    received: Ints
    by: str
    """`number` (sequence number and timestamp) or `payload`."""

    def __len__(self) -> int:
        return len(self.sent)


def match(sent: Stream, received: Stream) -> Match:
    """Match packets by number where both streams have one SSRC, otherwise by payload."""
    if sent.ssrc == received.ssrc:
        by_number = match_by_number(sent, received)
        if len(by_number):
            return by_number
    return match_by_payload(sent, received)


def match_by_number(sent: Stream, received: Stream) -> Match:
    """Packets with the same sequence number and timestamp (RFC 3550, 5.1)."""
    keys = [
        (stream.timestamp & 0xFFFFFFFF) << 16 | (stream.sequence & 0xFFFF)
        for stream in (sent, received)
    ]
    _, at_sent, at_received = np.intersect1d(keys[0], keys[1], return_indices=True)
    order = np.argsort(at_sent)
    return Match(at_sent[order], at_received[order], "number")


def match_by_payload(sent: Stream, received: Stream) -> Match:
    """Packets with the same payload, told apart by a constant renumbering.

    Between two legs of an exchange the difference of sequence numbers stays the same for as
    long as the exchange neither drops nor inserts packets. Every pair of equal and rare
    payloads votes for a difference. Packets whose payload is common (silence) are matched
    only between two rare ones that agree on the difference, so that a loss in a pause leaves
    its surroundings unmatched rather than wrongly matched; so do the pauses at either end.
    """
    length = _comparable_bytes(sent, received)
    sent_keys, received_keys = _payload_keys(sent, length), _payload_keys(received, length)
    shift = _shift_of_rare(sent, received, sent_keys, received_keys)
    if not shift:
        return Match(np.zeros(0, np.int64), np.zeros(0, np.int64), "payload")
    position = {int(number): index for index, number in enumerate(received.sequence)}
    pairs = []
    for index, number, difference in _between_agreeing(sent, shift):
        partner = position.get(number + difference)
        if partner is not None and sent_keys[index] == received_keys[partner]:
            pairs.append((index, partner))
    table = np.array(sorted(pairs), np.int64).reshape(-1, 2)
    return Match(table[:, 0], table[:, 1], "payload")


def _comparable_bytes(sent: Stream, received: Stream) -> int:
    """How much of a payload both captures can show, whatever their snap lengths."""
    return int(min(sent.payload_captured_bytes.max(), received.payload_captured_bytes.max()))


def _payload_keys(stream: Stream, length: int) -> list[tuple[int, bytes]]:
    return [
        (int(size), stream.payload(packet)[:length])
        for packet, size in enumerate(stream.payload_bytes)
    ]


def _shift_of_rare(
    sent: Stream,
    received: Stream,
    sent_keys: list[tuple[int, bytes]],
    received_keys: list[tuple[int, bytes]],
) -> dict[int, int]:
    """The renumbering of each sent packet with a rare payload, by its position.

    The difference with the most votes takes its packets first, and no received packet is
    given twice. So a clip that is played in a loop matches in its own round: the true
    difference has one vote per packet, one round more or less has a round fewer, and finds
    only packets taken.
    """
    places: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    for index, key in enumerate(received_keys):
        places[key].append(index)
    own_count = Counter(sent_keys)
    voters: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for index, key in enumerate(sent_keys):
        partners = places.get(key, ())
        if max(own_count[key], len(partners)) > MAX_OCCURRENCES:
            continue
        for partner in partners:
            difference = int(received.sequence[partner]) - int(sent.sequence[index])
            voters[difference].append((index, partner))
    shift: dict[int, int] = {}
    taken: set[int] = set()
    for difference, pairs in sorted(voters.items(), key=lambda item: -len(item[1])):
        free = [pair for pair in pairs if pair[0] not in shift and pair[1] not in taken]
        if len(free) >= MIN_VOTES:
            shift.update((index, difference) for index, _ in free)
            taken.update(partner for _, partner in free)
    return shift


def _between_agreeing(sent: Stream, shift: dict[int, int]) -> list[tuple[int, int, int]]:
    """(position, number, difference) of every sent packet whose renumbering is known."""
    order = np.argsort(sent.sequence)
    known = np.array([shift.get(int(index), 0) for index in order], np.int64)
    rare = np.array([int(index) in shift for index in order])
    places = np.arange(len(order))
    before = np.maximum.accumulate(np.where(rare, places, -1))
    after = np.minimum.accumulate(np.where(rare, places, len(order))[::-1])[::-1]
    # Ahead of the first rare packet and behind the last nothing tells what was dropped there.
    inside = (before >= 0) & (after < len(order))
    left, right = np.where(inside, before, 0), np.where(inside, after, 0)
    agreed = inside & (known[left] == known[right])
    return [
        (int(order[place]), int(sent.sequence[order[place]]), int(known[left[place]]))
        for place in np.flatnonzero(agreed)
    ]
