"""The record of a call: one flat row, the same names in JSON, SQLite, CSV and Parquet."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any


@dataclass(slots=True)
class CallRecord:
    """What is known of one call. What was not measured is None, never zero.

    `caller_…` is what the caller received, `callee_…` what the callee received. Bandwidth is
    in kbit/s at a named point, in the direction caller → callee; `…_back` is the other one.
    """

    call_id: str
    started_at: str
    """UTC, ISO 8601."""
    method: str
    codec: str
    lab: str
    topology: str
    pbx: str
    seed: int
    run_id: str | None = None
    point_id: str | None = None
    """The point of the run's experiment at which it was made."""
    point_call: int | None = None
    """Counts the calls at that point, from 1; with `run_id` and `point_id` it is unique."""
    phone: str | None = None
    """The engine of the phones and its version."""
    status: str = "failed"
    """`ok` or `failed`."""
    reason: str | None = None
    """Why it failed; None where it did not."""
    valid: bool = False
    invalid_reasons: list[str] = field(default_factory=list)

    duration_s: float | None = None
    """How long both ends played: the clip once, or, where asked for, repeated or cut."""
    codec_negotiated: str | None = None
    payload_type: int | None = None
    ptime_ms: float | None = None
    """Packetisation: as asked for, and as captured where there was a call."""
    bitrate_kbps: int | None = None
    """What the encoder was set to; None for a codec that has only one rate."""
    encoder: str | None = None
    """Mumble: rate and kind of the Opus encoder."""
    playout: str | None = None
    """The jitter buffer of the phones: kind and depth."""

    circuit: str | None = None
    """The names of the relays in use, guard first, read back after the call."""
    caller_circuit: str | None = None
    """The fingerprints of the circuit of the caller's Tor client, guard first."""
    guard: str | None = None
    middle: str | None = None
    exit: str | None = None
    circuit_build_ms: float | None = None
    tunnel_setup_ms: float | None = None

    caller_place: str | None = None
    """The city in which the caller stands; None where the topology names none."""
    callee_place: str | None = None
    server_place: str | None = None
    """Of the server at which the caller's voice meets the callee's."""

    link_rate_kbps: int | None = None
    """The cap of the shared link, as the kernel reported it during the call."""
    load_kind: str | None = None
    load_count: int = 0
    load_through: str | None = None
    """Whether the load went through `tor` or `direct`."""
    direction: str | None = None
    """Runs only: `to-callee` or `to-caller`, the way the scored voice and the load flowed."""
    placement: str | None = None
    """Where the run's cap sat."""
    link_point: str | None = None
    """The shared link: node/network/direction."""
    queue_kind: str | None = None
    """What shapes the shared link, and what its queue counts: `htb pfifo`."""
    queue_packets: int | None = None
    """Length of the queue at the cap, where it counts packets."""
    queue_bytes: int | None = None
    """Length of the queue at the cap, where it counts bytes."""
    rate_achieved_kbps: float | None = None
    """What the shared link carried during the call, mean, at Ethernet level."""
    link_busy_pct: float | None = None
    """Share of the call's time during which packets waited at the cap."""
    link_drops: int | None = None
    """Packets that found the queue full during the call."""
    link_overlimits: int | None = None
    """How often the cap held a packet back."""
    link_backlog_p50_packets: float | None = None
    link_backlog_p95_packets: float | None = None
    link_backlog_max_packets: int | None = None
    """The queue's length, sampled every half second."""
    delays: dict[str, str] = field(default_factory=dict)
    """By link on the way that takes time, node/network/direction: what was asked, and done."""
    delay_late_ms_p50: float | None = None
    """How much later than asked packets were sent on, at the worst of these links."""
    delay_late_ms_p99: float | None = None
    delay_late_ms_max: float | None = None
    delay_refused: int | None = None
    """Packets that these links could not carry, which no network lost."""
    load_established_min: int | None = None
    """The least number of competing streams that were connected at any moment."""
    load_died: int | None = None
    """Competing streams that ended by themselves."""
    load_goodput_kbps_mean: float | None = None
    """Payload per competing stream during the call, mean over streams."""
    load_goodput_kbps_min: float | None = None
    load_goodput_kbps_max: float | None = None
    load_jain: float | None = None
    """Jain's fairness index of the competing streams' goodput."""
    load_delivered_pct: float | None = None
    """Competing Mumble calls: what came during the call, of what was sent meanwhile."""
    load_pacing_ms_p99: float | None = None
    """How late the competing Mumble clients sent, 99th percentile, the worse end."""
    load_pacing_ms_max: float | None = None
    cipher: str | None = None
    digest: str | None = None

    caller_pesq_raw: float | None = None
    caller_pesq_mos: float | None = None
    callee_pesq_raw: float | None = None
    callee_pesq_mos: float | None = None
    pesq_ceiling_mos: float | None = None
    """What the clip, as far as it is played, reaches through the codec without any network."""
    caller_windows: int | None = None
    """Calls longer than PESQ takes: windows of 8 to 12 s in which it was applied. They are a
    series, kept in `scores.json`; no mean of them is the PESQ of the call."""
    callee_windows: int | None = None
    caller_windows_lost: int | None = None
    """Of them, those in which nothing was heard that PESQ could compare."""
    callee_windows_lost: int | None = None
    caller_window_mos_min: float | None = None
    """Of the windows that were not lost: the worst."""
    caller_window_mos_p50: float | None = None
    caller_window_mos_max: float | None = None
    callee_window_mos_min: float | None = None
    callee_window_mos_p50: float | None = None
    callee_window_mos_max: float | None = None
    caller_missing_share: float | None = None
    """Share of the clip's spoken frames that are silent in the recording."""
    callee_missing_share: float | None = None
    caller_longest_gap_ms: float | None = None
    callee_longest_gap_ms: float | None = None
    caller_emodel_r: float | None = None
    """The E-model's rating (G.107) of delay, playout, loss and codec: what PESQ is blind to."""
    callee_emodel_r: float | None = None
    caller_concealed_pct: float | None = None
    """Share of the codec's frames for which the phone had nothing to play in time."""
    callee_concealed_pct: float | None = None

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
    caller_owd_ms_p50: float | None = None
    caller_owd_ms_p95: float | None = None
    caller_owd_ms_max: float | None = None
    callee_owd_ms_p50: float | None = None
    callee_owd_ms_p95: float | None = None
    callee_owd_ms_max: float | None = None
    caller_loss_pct: float | None = None
    callee_loss_pct: float | None = None
    caller_burst_mean: float | None = None
    """Packets per burst: a run in order of arrival, each within 4 ms of the one before."""
    caller_burst_p95: float | None = None
    caller_burst_gap_ms_p50: float | None = None
    """Median time from the first packet of a burst to that of the next."""
    caller_burst_share: float | None = None
    """Share of the packets that came in bursts of two or more."""
    callee_burst_mean: float | None = None
    callee_burst_p95: float | None = None
    callee_burst_gap_ms_p50: float | None = None
    callee_burst_share: float | None = None
    profile: str | None = None
    """The field's call whose delays and losses voice met, by its file's name."""
    profile_used: str | None = None
    """How much of it: `whole`, `cut: 24.0 of 30.1 s` or `repeated 1.2 times`."""
    replay_error_ms_p50: float | None = None
    """Delay of each packet against what the profile wants of it, the worse direction."""
    replay_error_ms_p99: float | None = None
    replay_loss_errors: int | None = None
    """Packets that were lost against the profile, or came against it, both ways; None behind an
    exchange that numbers packets anew."""
    caller_profile_owd_ms_p50: float | None = None
    """What the profile itself has, whole, of what the caller received; `callee_…` likewise."""
    caller_profile_owd_ms_p95: float | None = None
    caller_profile_jitter_mean: float | None = None
    caller_profile_loss_pct: float | None = None
    caller_profile_burst_mean: float | None = None
    caller_profile_burst_gap_ms_p50: float | None = None
    caller_profile_pesq_mos: float | None = None
    """Of the field's own recording; None where the profile does not have it."""
    callee_profile_owd_ms_p50: float | None = None
    callee_profile_owd_ms_p95: float | None = None
    callee_profile_jitter_mean: float | None = None
    callee_profile_loss_pct: float | None = None
    callee_profile_burst_mean: float | None = None
    callee_profile_burst_gap_ms_p50: float | None = None
    callee_profile_pesq_mos: float | None = None
    rtt_ms: float | None = None
    """Median round trip by ping during the call; half of it is the paper's one-way delay."""
    rtt_lost_pct: float | None = None
    setup_ms: float | None = None

    kbps_tunnel_ip: float | None = None
    kbps_tunnel_ip_back: float | None = None
    kbps_access_ip: float | None = None
    kbps_access_ip_back: float | None = None
    kbps_access_eth: float | None = None
    kbps_access_eth_back: float | None = None
    kbps_exit_ip: float | None = None
    kbps_exit_ip_back: float | None = None
    kbps_exit_eth: float | None = None
    kbps_exit_eth_back: float | None = None

    pacing_ms_p99: float | None = None
    """How late the worse of the two senders was, 99th percentile against its 20 ms grid."""
    pacing_ms_max: float | None = None
    steal_pct: float | None = None
    """Share of the host's CPU time the hypervisor took during the call."""
    cpu_pct: float | None = None
    """Share of the host's CPU time in use during the call."""
    scheduling_ms_p99: float | None = None
    """How late the host woke a process beside the caller, 99th percentile."""
    scheduling_ms_max: float | None = None
    clock_shift_ms: float | None = None
    """By how much the host's clock, which stamps all packets, was set during the call."""
    busiest_node: str | None = None
    """The node that used most of one processor during the call."""
    busiest_node_cpu_pct: float | None = None
    """100 is one processor; most of the lab's programs have one thread that counts."""
    capture_drops: int | None = None

    congestion_control: str | None = None
    versions: dict[str, str] = field(default_factory=dict)
    artefacts: str | None = None
    """The directory with captures, recordings and logs."""
    asked: dict[str, str | int | float] = field(default_factory=dict)
    """Runs only: what was varied and has no column above, by the name that its column has."""

    def to_dict(self) -> dict[str, Any]:
        """The record as plain values, in the order of the columns."""
        measured = asdict(self)
        del measured[ASKED]
        return measured | self.asked


ASKED = "asked"
"""The field whose items are columns of their own."""
COLUMNS: tuple[str, ...] = tuple(item.name for item in fields(CallRecord) if item.name != ASKED)
"""Those that every record has."""
