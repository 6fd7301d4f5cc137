"""Numbers at many places of a file at once."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from lab.measure.pcap import Bytes, Ints

Flags = npt.NDArray[np.bool_]


class Octets:
    """Big-endian numbers at offsets into the file, zero where a packet was cut before them.

    `end` is where each packet's captured part ends; offsets are one per packet.
    """

    def __init__(self, data: Bytes, end: Ints) -> None:
        self.data = data
        self.end = end

    def of(self, packets: Ints | Flags) -> Octets:
        """The same for some of the packets."""
        return Octets(self.data, self.end[packets])

    def u8(self, at: Ints) -> Ints:
        """The octet at `at`."""
        value: Ints = self.data.take(at, mode="clip").astype(np.int64)
        inside = at < self.end
        return value if inside.all() else value * inside

    def u16(self, at: Ints) -> Ints:
        """The two octets from `at` on."""
        return self.u8(at) << 8 | self.u8(at + 1)

    def u32(self, at: Ints) -> Ints:
        """The four octets from `at` on."""
        return self.u16(at) << 16 | self.u16(at + 2)


def among(numbers: Ints, wanted: Iterable[int], below: int) -> Flags:
    """Which numbers are wanted ones; all of them are from 0 to below `below`.

    A table is ten times as fast as `numpy.isin`.
    """
    table = np.zeros(below, bool)
    table[list(wanted)] = True
    flags: Flags = table[numbers]
    return flags
