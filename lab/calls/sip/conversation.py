"""A conversation between two phones over SIP: voice is RTP, seen in captures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address

from lab.calls.conversation import CallSite
from lab.calls.end import Outcome, both_ends
from lab.calls.paths.base import VoicePath
from lab.calls.sip.exchange import exchange_doubts, explained
from lab.calls.sip.media_check import media_doubts
from lab.calls.sip.phone import Phone, talk
from lab.calls.voice_streams import VoiceStreams
from lab.errors import LabError
from lab.measure.capture import read_capture
from lab.measure.emodel import rate
from lab.measure.rtp import Stream, streams
from lab.wire.phone import PHONE, PhoneReport, Register, Registered, SipAccount, Voice

REGISTER_DEADLINE_S = 20.0


class SipConversation:
    """See `Conversation`."""

    def __init__(self, site: CallSite) -> None:
        self._site = site
        self._phones: tuple[Phone, Phone] | None = None
        self._outcome: Outcome[PhoneReport] | None = None

    @contextmanager
    def at_the_ready(self) -> Iterator[None]:
        """Start the caller's phone and the callee's."""
        site = self._site
        with both_ends(site.lab, site.workspace, PHONE, Phone) as self._phones:
            yield

    def talk(self, path: VoicePath, duration_s: float) -> None:
        """Register both phones, and let them talk."""
        site, lab = self._site, self._site.lab
        callee_extension = lab.callee.extension
        if callee_extension is None or lab.caller.extension is None:
            raise LabError("caller and callee need an extension each", "See topologies/paper.yaml.")
        assert self._phones
        caller, callee = self._phones
        for phone, extension, address in (
            (caller, lab.caller.extension, path.caller_address),
            (callee, callee_extension, lab.callee.links[0].address),
        ):
            account = SipAccount(
                extension,
                lab.sip_passwords[extension],
                lab.pbx_address,
                address,
                tunnelled=path.tunnelled and phone is caller,
            )
            phone.order(Register(account, site.coding, site.playout))
        registered, _ = [phone.wait(Registered, REGISTER_DEADLINE_S) for phone in self._phones]
        site.record.phone = registered.engine
        here = site.workspace.node
        voices = (
            Voice(site.clip, here / "caller.wav", duration_s),
            Voice(site.clip, here / "callee.wav", duration_s),
        )
        self._outcome = talk(caller, callee, callee_extension, voices)

    def note_outcome(self) -> bool:
        """What the phones told: how it ended, and what they negotiated."""
        assert self._outcome
        record, outcome = self._site.record, self._outcome
        topology = self._site.lab.topology
        record.status = "failed" if outcome.reason else "ok"
        record.reason = explained(outcome, record.codec, topology.name, topology.codecs)
        if outcome.caller.confirmed:
            record.setup_ms = outcome.caller.confirmed.setup_ms
        if outcome.caller.media:
            record.playout = str(outcome.caller.media.playout)
        return outcome.reason is None

    def find_streams(self, path: VoicePath) -> VoiceStreams:
        """The call's RTP in the captures at both ends; LabError where one is not there."""
        directory = self._site.workspace.host
        caller = read_capture(directory / ("tunnel.pcap" if path.tunnelled else "access.pcap"))
        at_caller, at_callee = streams(caller), streams(read_capture(directory / "callee.pcap"))
        home, office = path.caller_address, self._site.lab.callee.links[0].address
        found = VoiceStreams(
            from_caller=_only(at_caller, "the caller sent", source=home),
            at_callee=_only(at_callee, "the callee received", destination=office),
            from_callee=_only(at_callee, "the callee sent", source=office),
            at_caller=_only(at_caller, "the caller received", destination=home),
        )
        self._note_coding(found)
        return found

    def _note_coding(self, found: VoiceStreams) -> None:
        """How the voice was coded on the wire; what was not asked for makes the call invalid."""
        record = self._site.record
        record.payload_type = found.from_caller.payload_type
        record.ptime_ms = found.from_caller.ptime_ms
        for sender, sent in (("the caller", found.from_caller), ("the callee", found.from_callee)):
            record.invalid_reasons += media_doubts(sender, self._site.coding, sent)
        pbx = self._site.lab.topology.pbx
        record.invalid_reasons += exchange_doubts(pbx, self._site.coding)

    def note_ratings(self) -> None:
        """The E-model's view of both directions, mouth to ear: network, packet and playout."""
        assert self._outcome
        record = self._site.record
        for end, report in (("caller", self._outcome.caller), ("callee", self._outcome.callee)):
            owd_ms = getattr(record, f"{end}_owd_ms_p50")
            if report.ended is None or report.media is None or owd_ms is None:
                continue
            counts, playout = report.ended.counts, report.media.playout
            frames, lost = counts.rx_packets + counts.rx_lost, counts.playout_frames_lost
            if lost is None:
                continue
            concealed_pct = 100 * min(1.0, lost / frames) if frames else 0.0
            setattr(record, f"{end}_concealed_pct", concealed_pct)
            depth_ms = playout.depth_ms
            if playout.adaptive:
                depth_ms = counts.playout_delay_ms_mean or depth_ms
            delay_ms = owd_ms + report.media.ptime_ms + depth_ms
            rating = rate(record.codec, delay_ms, concealed_pct)
            setattr(record, f"{end}_emodel_r", rating.r if rating else None)


def _only(
    found: tuple[Stream, ...],
    what: str,
    source: IPv4Address | None = None,
    destination: IPv4Address | None = None,
) -> Stream:
    matching = [
        stream
        for stream in found
        if source in (None, stream.source) and destination in (None, stream.destination)
    ]
    if not matching:
        raise LabError(f"the capture holds no voice that {what}")
    return max(matching, key=len)
