"""The record of a call: one flat row, the same names in JSON, SQLite, CSV and Parquet."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from lab.measure.opinions import opinion_columns
from lab.verdict import Judged


@dataclass(slots=True)
class CallRecord(Judged):
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
    host: str | None = None
    """The host that made it; None of a call that is older than this column."""
    calibrates: str | None = None
    """The run before whose calls it was made on that host of a cluster, to show what the host does
    to a call without any load. It is no call of the run."""
    pbx_profile: str | None = None
    """How FreeSWITCH passes voice on, `steady` or `stock`; None of an exchange that has no such
    choice: rtpengine sends every packet on as it comes."""
    phone: str | None = None
    """The engine of the phones and its version."""
    phone_settings: str | None = None
    """Whose settings the phones had, `lab` or `studies`, and what they come to."""
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
    """Mumble and WebRTC: rate and kind of the Opus encoder."""
    playout: str | None = None
    """The jitter buffer of the phones: kind and depth."""
    vad: bool | None = None
    """Whether the ends were to leave pauses out (voice activity detection)."""
    fec: bool | None = None
    """Whether packets of Opus were to repeat the one before them (in-band FEC)."""
    comfort_noise: bool | None = None
    """Whether the phones agreed on comfort noise (RFC 3389) in their SDP; None where that was
    not seen."""
    caller_pauses: int | None = None
    """Times the other end left media time out of what it sent to the caller."""
    caller_pause_pct: float | None = None
    """Share of the time spoken that was so left out, or sent as empty packets of Opus."""
    caller_comfort_noise_packets: int | None = None
    callee_pauses: int | None = None
    callee_pause_pct: float | None = None
    callee_comfort_noise_packets: int | None = None

    anonymous: str | None = None
    """Whom Tor hid: the `caller`, or `both` ends; None for a call without Tor."""
    circuit: str | None = None
    """The names of the relays in use, guard first, read back after the call."""
    caller_circuit: str | None = None
    """The fingerprints of the circuit of the caller's Tor client, guard first."""
    guard: str | None = None
    middle: str | None = None
    exit: str | None = None
    bridge: str | None = None
    """The bridge by which the caller's client entered, the circuit's guard; None without one."""
    bridge_transport: str | None = None
    """How it was spoken to: `vanilla` or `obfs4`."""
    bridge_place: str | None = None
    circuit_seen: str | None = None
    """The relays that passed the caller's circuit's cells on, each by its own account, guard first;
    None where they were not asked."""
    callee_circuit_seen: str | None = None
    """The same of the callee's circuit, where both ends are anonymous."""
    circuit_cells: int | None = None
    """Cells that the guard sent on for the caller, away from it."""
    circuit_cells_back: int | None = None
    """Cells that the guard sent to the caller."""
    legs_ms: dict[str, float] = field(default_factory=dict)
    """One-way delay of each leg of the caller's circuit, from client to server, as its links were
    set."""
    nodelay: str | None = None
    """Which Tor processes on the way were found to set TCP_NODELAY: `none`, `client`, `exit`,
    `relays` or `all`, as in a topology; `mixed` where relays differ."""
    vpn_nodelay: bool | None = None
    """Whether both ends of the tunnel said that they set it; None where they differ."""
    circuit_build_ms: float | None = None
    conflux: str | None = None
    """What the caller's call was split over two circuits for, `latency` or `throughput`; `off`
    where it was not. None of a Tor that knows no Conflux."""
    circuit_legs: dict[str, str] = field(default_factory=dict)
    """Conflux: by circuit of the set, relays from guard to exit, what it carried of the call."""
    circuit_leg_bytes: dict[str, float] = field(default_factory=dict)
    """The same in bytes, of whole cells, sent and received."""
    policy: str | None = None
    """Which packet of the call went over which of its circuits; `single`: all over one. None of a
    call without a circuit of the lab's choice."""
    paths: int | None = None
    """Circuits side by side that were to carry it."""
    disjoint: bool | None = None
    """Whether no two of them were to cross the same relay; None where there is but one."""
    path_circuits: dict[str, str] = field(default_factory=dict)
    """By path, from 1: its relays, guard first. `circuit` is the first."""
    paths_open_ms: float | None = None
    """Until every path was open, after the circuits were built."""
    path_ended: dict[str, str] = field(default_factory=dict)
    """By path that ended while the call went on: why, and when."""
    path_frames: dict[str, float] = field(default_factory=dict)
    """By end and path, `caller 1`: frames sent on the way to that end, from one forwarder to the
    other; and so on."""
    path_lost: dict[str, float] = field(default_factory=dict)
    """Of these, those that did not come."""
    path_refused: dict[str, float] = field(default_factory=dict)
    """Frames that were not sent, because the path had not taken earlier ones yet."""
    path_first_pct: dict[str, float] = field(default_factory=dict)
    """Of the packets that came, those whose first copy came by this path."""
    path_delay_ms_p50: dict[str, float] = field(default_factory=dict)
    """Delay of the frames, from one forwarder to the other."""
    path_delay_ms_p95: dict[str, float] = field(default_factory=dict)
    path_delay_ms_p99: dict[str, float] = field(default_factory=dict)
    path_delay_ms_max: dict[str, float] = field(default_factory=dict)
    caller_duplicate_packets: int | None = None
    """Copies that came on the way to the caller after the first had; of those that frames repeat,
    too."""
    callee_duplicate_packets: int | None = None
    caller_repaired_packets: int | None = None
    """Packets that came first as a repetition in a later frame."""
    callee_repaired_packets: int | None = None
    forwarder_cpu_s: dict[str, float] = field(default_factory=dict)
    """Processor time of the forwarder at the `caller` and at the `server`."""
    forwarder_memory_mb: dict[str, float] = field(default_factory=dict)
    """The most that each used."""
    tors: dict[str, str] = field(default_factory=dict)
    """By node: the version of every Tor on the call's way, read from the running process."""
    tor_client: str | None = None
    """Of these the caller's, and so on."""
    tor_guard: str | None = None
    tor_middle: str | None = None
    tor_exit: str | None = None
    tor_authority: str | None = None
    tor_options: dict[str, str] = field(default_factory=dict)
    """By node and option: what the topology asked of these Tors, as it was read back."""
    consensus: dict[str, float] = field(default_factory=dict)
    """The parameters of the consensus that the caller's Tor had."""
    onion_address: str | None = None
    """Of the onion service that the caller went to."""
    rendezvous_asked: str | None = None
    """What of its circuits was asked: tor takes no relay from outside for them."""
    rendezvous: str | None = None
    """The relay at which the caller's circuit and the service's met, the last of either."""
    service_circuit: str | None = None
    """The names of the relays of the service's circuit, from its own first one to that relay."""
    hops: int | None = None
    """Relays of the caller's circuit; to an onion service those between the caller and it, the one
    where their circuits met counted once."""
    relays_used: int | None = None
    """Of those hops, different ones: in a small network both sides may have taken the same."""
    tunnel_setup_ms: float | None = None
    callee_circuit: str | None = None
    """Both ends anonymous: the fingerprints of the circuit of the callee's Tor client, guard
    first; and so on, each as the caller's."""
    callee_relays: str | None = None
    """Their names, as `circuit` has the caller's."""
    callee_guard: str | None = None
    callee_middle: str | None = None
    callee_exit: str | None = None
    callee_circuit_build_ms: float | None = None
    callee_tunnel_setup_ms: float | None = None
    relays_in_both: int | None = None
    """How many relays both circuits cross; 0 where they are disjoint."""

    caller_place: str | None = None
    """The city in which the caller stands; None where the topology names none."""
    callee_place: str | None = None
    server_place: str | None = None
    """Of the server at which the caller's voice meets the callee's."""

    link_rate_kbps: int | None = None
    """The cap of the shared link, as the kernel reported it during the call."""
    faults_asked: str | None = None
    """What was to break during the call, and when, as `lab call --fault` takes it."""
    faults: list[str] = field(default_factory=list)
    """What broke during the call, asked for or not, a sentence each: what, from when to when since
    the voice began, and what a link lost of it."""
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
    load_retried: int | None = None
    """Fetches of users in the background that failed during the call and were made again."""
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
    available_kbps_down: float | None = None
    """What one TCP connection got through the call's own way after the call, from the server to
    the caller (iperf3, payload at the receiver); None where it was not measured."""
    available_kbps_up: float | None = None
    """The same from the caller to the server."""
    available_reason: str | None = None
    """Why a direction was not measured although it was asked."""
    cipher: str | None = None
    """Of the tunnel's data channel, as the topology has it, ..."""
    digest: str | None = None
    tunnel_cipher: str | None = None
    """... and as OpenVPN said it negotiated it; None for a call without a tunnel."""
    tunnel_digest: str | None = None
    """None where the cipher authenticates by itself."""

    caller_pesq_raw: float | None = None
    caller_pesq_mos: float | None = None
    callee_pesq_raw: float | None = None
    callee_pesq_mos: float | None = None
    caller_pesq_mos_choppy: float | None = None
    """As the second study's program would have scored the same recording: the whole of it, header
    bytes of the reference taken for audio."""
    callee_pesq_mos_choppy: float | None = None
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
    caller_owd_ms_p99: float | None = None
    caller_owd_ms_max: float | None = None
    callee_owd_ms_p50: float | None = None
    callee_owd_ms_p95: float | None = None
    callee_owd_ms_p99: float | None = None
    callee_owd_ms_max: float | None = None
    caller_in_time_pct: float | None = None
    """Of the packets sent to the caller those that came in less than 360 ms: what DONAR asks of
    99 % of them. None behind an exchange that numbers packets anew."""
    callee_in_time_pct: float | None = None
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
    caller_arrival: str | None = None
    """What the arrivals are the marks of: `steady bursts`, `late at random`, `floods`, or the
    last with one of the others; None where they are even or the evidence is thin."""
    callee_arrival: str | None = None
    caller_diagnosis: str | None = None
    """The same in words, with figures."""
    callee_diagnosis: str | None = None
    pbx_matched_by: str | None = None
    """How packets that left the PBX were known to be those that came to it, `number` or
    `payload`; where they are neither, why not. None where the PBX was not captured."""
    pbx_to_caller_packets_in: int | None = None
    """Of the callee's voice: what came to the PBX; `pbx_to_callee_…` is the caller's."""
    pbx_to_caller_packets_out: int | None = None
    pbx_to_caller_delay_ms_p50: float | None = None
    """How long it was inside."""
    pbx_to_caller_delay_ms_p95: float | None = None
    pbx_to_caller_dropped: int | None = None
    """Packets that came, and did not leave: between two that did."""
    pbx_to_caller_made_up: int | None = None
    """Packets that left, and had not come: between two that had."""
    pbx_to_caller_burst_in: float | None = None
    """Packets per burst as they came ..."""
    pbx_to_caller_burst_out: float | None = None
    """... and as they left: fewer where the PBX spreads what comes together."""
    pbx_to_callee_packets_in: int | None = None
    pbx_to_callee_packets_out: int | None = None
    pbx_to_callee_delay_ms_p50: float | None = None
    pbx_to_callee_delay_ms_p95: float | None = None
    pbx_to_callee_dropped: int | None = None
    pbx_to_callee_made_up: int | None = None
    pbx_to_callee_burst_in: float | None = None
    pbx_to_callee_burst_out: float | None = None
    caller_stalls: int | None = None
    """Gaps in what was heard: playout ran dry, or left voice out. `stalls.json` lists them."""
    caller_stall_ms_total: float | None = None
    caller_stall_ms_max: float | None = None
    caller_late_pct: float | None = None
    """Of the voice that came: what had not when its turn to be played was."""
    callee_stalls: int | None = None
    callee_stall_ms_total: float | None = None
    callee_stall_ms_max: float | None = None
    callee_late_pct: float | None = None
    stalls: int | None = None
    """Of both ends together."""
    stall_ms_total: float | None = None
    stall_ms_max: float | None = None
    late_pct: float | None = None
    """Of the worse end."""
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
    spans: str | None = None
    """The hosts that the lab spanned, `here` first; None where it was on one."""
    owd_error_ms: float | None = None
    """By how much one-way delays may be wrong, whose ends were on two hosts: half a round trip
    between them. None where one clock stamped all packets, and delays are exact."""
    host_rtt_ms: dict[str, float] = field(default_factory=dict)
    """By other host: the quickest round trip to it, before or after the call, whichever is more."""
    host_ahead_ms: dict[str, float] = field(default_factory=dict)
    """How far its clock was ahead of this host's before the call."""
    host_moved_ms: dict[str, float] = field(default_factory=dict)
    """How much further ahead it was after the call."""
    rtt_ms: float | None = None
    """Median round trip by ping during the call; half of it is the paper's one-way delay. Both
    ends anonymous: from the caller to the server and from the callee to it, added up."""
    callee_rtt_ms: float | None = None
    """The callee's part of it."""
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
    kbps_callee_exit_ip: float | None = None
    """Both ends anonymous: the same at the callee's end, also in the direction caller → callee.
    None at both exits where the circuits leave from one relay."""
    kbps_callee_exit_ip_back: float | None = None
    kbps_callee_exit_eth: float | None = None
    kbps_callee_exit_eth_back: float | None = None
    kbps_callee_access_ip: float | None = None
    kbps_callee_access_ip_back: float | None = None
    kbps_callee_access_eth: float | None = None
    kbps_callee_access_eth_back: float | None = None
    kbps_callee_tunnel_ip: float | None = None
    kbps_callee_tunnel_ip_back: float | None = None
    kbps_service_ip: float | None = None
    kbps_service_ip_back: float | None = None
    kbps_service_eth: float | None = None
    kbps_service_eth_back: float | None = None

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
    opinions: dict[str, float] = field(default_factory=dict)
    """What was said where somebody asked (`lab.measure.opinions`), by the name of its column."""
    opinions_disagree: list[str] = field(default_factory=list)
    """Where two of them contradict one another on what an end received, a sentence each."""

    def to_dict(self) -> dict[str, Any]:
        """The record as plain values, in the order of the columns."""
        measured = asdict(self)
        for name in SPREAD:
            del measured[name]
        said = {name: self.opinions.get(name) for name in opinion_columns()}
        return measured | said | self.asked


SPREAD = ("asked", "opinions")
"""The fields whose items are columns of their own."""
COLUMNS: tuple[str, ...] = (
    *(item.name for item in fields(CallRecord) if item.name not in SPREAD),
    *opinion_columns(),
)
"""Those that every record has."""
