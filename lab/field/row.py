"""One call's row: the study's 20 columns under its names, then ours."""

from __future__ import annotations

from dataclasses import dataclass, fields

from lab.ends import EACH_END


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """One call. What was not measured is None. `caller_…` is what the caller received.

    Field names are column names, in their order; times are ms. The first 20 are the study's,
    with its definitions (`lab.field.study_jitter`).
    """

    iteration_no: int
    tor_status: str | None
    location: str
    codec: str | None
    caller_pesq_raw: float | None = None
    caller_pesq_mos: float | None = None
    callee_pesq_raw: float | None = None
    callee_pesq_mos: float | None = None
    caller_jitter_mean: float | None = None
    caller_jitter_median: float | None = None
    caller_jitter_max: float | None = None
    caller_jitter_range: float | None = None
    caller_jitter_iqr: float | None = None
    caller_jitter_std_dev: float | None = None
    callee_jitter_mean: float | None = None
    callee_jitter_median: float | None = None
    callee_jitter_max: float | None = None
    callee_jitter_range: float | None = None
    callee_jitter_iqr: float | None = None
    callee_jitter_std_dev: float | None = None

    status: str
    """`ok`, or `failed` where an end received nothing."""
    reason: str = ""
    """Why it failed."""
    valid: bool
    """Whether the row may be averaged in; `invalid_reasons` says why not."""
    invalid_reasons: str = ""
    remarks: str = ""
    """What was noticed and does not make the row invalid."""
    series: str
    segment: int | None = None
    """Which stretch of the series the call lies in; more than one where its level breaks."""
    ssrc_matched: bool | None = None
    """The same RTP streams stand in both ends' captures; None where one cannot be read."""
    caller_ssrc: str | None = None
    callee_ssrc: str | None = None
    """SSRC of the stream that end received."""
    caller_sent_ssrc: str | None = None
    caller_codec: str | None = None
    callee_codec: str | None = None
    """By the payload type of the stream that end received."""
    codec_matched: bool | None = None
    """Both are the codec of the directory."""
    caller_vad: bool | None = None
    callee_vad: bool | None = None
    """The other end suppressed silence, which lowers PESQ by itself."""
    caller_packets: int | None = None
    callee_packets: int | None = None
    caller_loss_pct: float | None = None
    callee_loss_pct: float | None = None
    """Of the packets sent, where both captures show them; else of the numbers seen."""
    caller_owd_ms_p50: float | None = None
    caller_owd_ms_p95: float | None = None
    caller_owd_ms_max: float | None = None
    callee_owd_ms_p50: float | None = None
    callee_owd_ms_p95: float | None = None
    callee_owd_ms_max: float | None = None
    caller_emodel_r: float | None = None
    callee_emodel_r: float | None = None
    """The E-model's rating (G.107) of codec, loss, median delay and one packet's time: what PESQ
    is blind to. Playout, which no capture shows, is not in it."""
    caller_delay_spikes: int | None = None
    callee_delay_spikes: int | None = None
    rtt_ms_min: float | None = None
    """Fastest packet there plus fastest back: free of any clock, and twice the possible error
    of the delays above."""
    clock_offset_ms: float | None = None
    """The callee's clock against the caller's, estimated."""
    clock_skew_ppm: float | None = None
    caller_jitter_exact_mean: float | None = None
    callee_jitter_exact_mean: float | None = None
    """Mean of the running estimate without the study's rounding."""
    caller_jitter_final: float | None = None
    callee_jitter_final: float | None = None
    """The running estimate at the end of the call."""
    caller_pdv_ms_p95: float | None = None
    callee_pdv_ms_p95: float | None = None
    """Packet delay variation (RFC 5481, 4.2): delay above the fastest packet's, 95 %."""
    caller_gap_ms_max: float | None = None
    callee_gap_ms_max: float | None = None
    """Longest time without a packet beyond the media time."""
    caller_burst_mean: float | None = None
    caller_burst_p95: float | None = None
    caller_burst_gap_ms_p50: float | None = None
    caller_burst_share: float | None = None
    callee_burst_mean: float | None = None
    callee_burst_p95: float | None = None
    callee_burst_gap_ms_p50: float | None = None
    callee_burst_share: float | None = None
    """Bursts, as in `lab.measure.record.CallRecord`."""
    caller_arrival: str | None = None
    callee_arrival: str | None = None
    caller_diagnosis: str | None = None
    callee_diagnosis: str | None = None
    """What the arrivals are the marks of, as there."""
    caller_late_pct_60: float | None = None
    caller_late_pct_200: float | None = None
    callee_late_pct_60: float | None = None
    callee_late_pct_200: float | None = None
    """Share of the packets that came more than 60 or 200 ms after the fastest one would have: what
    a fixed playout buffer of that depth throws away. The studies' own buffers no capture shows."""
    caller_codec_ceiling_mos: float | None = None
    callee_codec_ceiling_mos: float | None = None
    """What the reference reaches through that stream's codec alone (`lab.field.ceilings`)."""
    caller_ceiling_mos: float | None = None
    callee_ceiling_mos: float | None = None
    """The same less what the sender left out: codec and silence suppression, and no network."""
    caller_header_pesq_raw: float | None = None
    callee_header_pesq_raw: float | None = None
    """As the study's own program has it, which takes bytes of the header for audio."""
    caller_authors_pesq_raw: float | None = None
    callee_authors_pesq_raw: float | None = None
    """What the study's own table says of this call."""
    caller_sent_pacing_ms_p99: float | None = None
    callee_sent_pacing_ms_p99: float | None = None
    """How far that end's own packets left off its grid."""
    caller_score_valid: bool | None = None
    callee_score_valid: bool | None = None
    caller_found_share: float | None = None
    callee_found_share: float | None = None
    """Share of the reference's speech found in that end's recording."""
    caller_audio_delay_ms: float | None = None
    callee_audio_delay_ms: float | None = None
    """Where in the recording the reference begins."""
    caller_missing_share: float | None = None
    callee_missing_share: float | None = None
    """Share of the reference's spoken frames that are silent in that end's recording."""
    caller_longest_gap_ms: float | None = None
    callee_longest_gap_ms: float | None = None


COLUMNS = tuple(field.name for field in fields(CallRow))
STUDY_COLUMNS = COLUMNS[:20]
LATER_COLUMNS = frozenset(
    f"{end}_{name}"
    for end in EACH_END
    for name in (
        "burst_mean",
        "burst_p95",
        "burst_gap_ms_p50",
        "burst_share",
        "arrival",
        "diagnosis",
        "late_pct_60",
        "late_pct_200",
        "codec_ceiling_mos",
        "ceiling_mos",
        "header_pesq_raw",
        "authors_pesq_raw",
    )
)
"""Those that tables of earlier versions do not have."""
