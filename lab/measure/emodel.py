"""The E-model (ITU-T G.107): what delay, loss and codec alone would make of a call.

A second opinion beside PESQ, which is blind to constant delay. Every parameter but those three
keeps its default; with all defaults the rating is R = 93.2.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import exp, log10, sqrt
from typing import Any

from lab.errors import LabError

SLR_DB, RLR_DB, STMR_DB = 8.0, 2.0, 15.0
DS_FACTOR, DR_FACTOR = 3.0, 3.0
TELR_DB, WEPL_DB = 65.0, 110.0
QDU = 1.0
NC_DBM0P, NFOR_DBMP = -70.0, -64.0
PS_DB, PR_DB = 35.0, 35.0
"""Defaults of G.107 (06/2015), table 1; LSTR, the listener's sidetone, is STMR + Dr."""
SENSITIVITY = 1.0
LEAST_PERCEIVED_DELAY_MS = 100.0
"""Default delay sensitivity class, G.107 table 1: sT = 1, mT = 100 ms."""


@dataclass(frozen=True, slots=True)
class Impairment:
    """Equipment impairment of a codec on the narrow-band scale.

    `ie` without loss; `bpl` is its robustness against random loss, None where unpublished.
    """

    ie: float
    bpl: float | None


CODECS = {
    "PCMU": Impairment(0.0, 25.1),
    "PCMA": Impairment(0.0, 25.1),
    "GSM": Impairment(20.0, None),
    "G729": Impairment(11.0, 19.0),
    "G723": Impairment(15.0, 16.1),
}
"""ITU-T G.113 Appendix I, tables I.1 and I.3: G.711 with loss concealment (Appendix I of G.711;
all the lab's phones conceal), GSM full rate 13 kbit/s, G.729A with VAD, G.723.1 6.3 kbit/s with
VAD. G.113 has no narrow-band values for Speex, iLBC, Opus or G.722: no rating is made for them.
"""


@dataclass(frozen=True, slots=True)
class Rating:
    """The E-model's rating of one direction of a call."""

    codec: str
    one_way_delay_ms: float
    """From mouth to ear: network, packetisation and playout."""
    loss_pct: float
    burst_ratio: float
    r: float
    """The transmission rating R, 0 to 100."""
    mos: float
    """MOS-CQE, G.107 annex B."""
    delay_impairment: float
    """Id."""
    equipment_impairment: float
    """Ie,eff."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def rate(
    codec: str, one_way_delay_ms: float, loss_pct: float, burst_ratio: float = 1.0
) -> Rating | None:
    """Rate a call; None where nothing is published for the codec (or for its losses).

    `codec` is a name as in SDP. `loss_pct` counts what the listener misses: lost packets and
    those too late for playout. `burst_ratio` is 1 for random loss (G.107, 7.5). Raises
    LabError for values that no call can have.
    """
    if one_way_delay_ms < 0 or not 0 <= loss_pct <= 100 or burst_ratio < 1:
        raise LabError(
            f"The E-model cannot rate a delay of {one_way_delay_ms} ms, a loss of {loss_pct} % "
            f"and a burst ratio of {burst_ratio}."
        )
    known = CODECS.get(codec.upper())
    if known is None or (known.bpl is None and loss_pct > 0):
        return None
    ie_eff = known.ie
    if known.bpl is not None and loss_pct > 0:
        ie_eff = effective_impairment(known.ie, known.bpl, loss_pct, burst_ratio)
    i_d = delay_impairment(one_way_delay_ms)
    i_s = simultaneous_impairment(one_way_delay_ms)
    r = min(100.0, max(0.0, basic_ratio() - i_s - i_d - ie_eff))
    return Rating(codec, one_way_delay_ms, loss_pct, burst_ratio, r, mos_from_r(r), i_d, ie_eff)


def mos_from_r(r: float) -> float:
    """Estimated conversational MOS of a rating (G.107 annex B)."""
    if r <= 0:
        return 1.0
    if r >= 100:
        return 4.5
    # The cubic dips below 1 for R < 6.5.
    return max(1.0, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)


def effective_impairment(ie: float, bpl: float, loss_pct: float, burst_ratio: float) -> float:
    """Ie,eff (G.107 eq. 7-29)."""
    return ie + (95 - ie) * loss_pct / (loss_pct / burst_ratio + bpl)


def basic_ratio() -> float:
    """Ro, the signal-to-noise ratio of a default connection (G.107, 7.2)."""
    return 15 - 1.5 * (SLR_DB + _noise_dbm0p())


def simultaneous_impairment(one_way_delay_ms: float) -> float:
    """Is: loudness, sidetone and quantisation of a default connection (G.107, 7.3)."""
    ro = basic_ratio()
    xolr = SLR_DB + RLR_DB + 0.2 * (64 + _noise_dbm0p() - RLR_DB)
    iolr = 20 * ((1 + (xolr / 8) ** 8) ** (1 / 8) - xolr / 8)
    echo = exp(-one_way_delay_ms / 4) * 10 ** (-TELR_DB / 10)
    stmro = -10 * log10(10 ** (-STMR_DB / 10) + echo)
    ist = (
        12 * (1 + ((stmro - 13) / 6) ** 8) ** (1 / 8)
        - 28 * (1 + ((stmro + 1) / 19.4) ** 35) ** (1 / 35)
        - 13 * (1 + ((stmro - 3) / 33) ** 13) ** (1 / 13)
        + 29
    )
    q = 37 - 15 * log10(QDU)
    g = 1.07 + 0.258 * q + 0.0602 * q * q
    noise = 10 ** ((ro - 100) / 15) * 10 ** (46 / 8.4 - g / 9)
    iq = 15 * log10(1 + noise + 10 ** (46 / 30 - g / 40))
    return float(iolr + ist + iq)


def delay_impairment(one_way_delay_ms: float) -> float:
    """Id = Idte + Idle + Idd for the default echo losses (G.107, 7.4).

    Both echoes travel the one-way delay: T = Ta, Tr = 2 T.
    """
    t = one_way_delay_ms
    ro = basic_ratio()
    roe = -1.5 * (_noise_dbm0p() - RLR_DB)
    terv = TELR_DB - 40 * log10((1 + t / 10) / (1 + t / 150)) + 6 * exp(-0.3 * t * t)
    re = 80 + 2.5 * (terv - 14)
    idte = ((roe - re) / 2 + sqrt((roe - re) ** 2 / 4 + 100) - 1) * (1 - exp(-t))
    rle = 10.5 * (WEPL_DB + 7) * (2 * t + 1) ** -0.25
    idle = (ro - rle) / 2 + sqrt((ro - rle) ** 2 / 4 + 169)
    idd = 0.0
    if t > LEAST_PERCEIVED_DELAY_MS:
        x = log10(t / LEAST_PERCEIVED_DELAY_MS) / log10(2)
        power = 6 * SENSITIVITY
        idd = 25 * ((1 + x**power) ** (1 / power) - 3 * (1 + (x / 3) ** power) ** (1 / power) + 2)
    return float(idte + idle + idd)


def _noise_dbm0p() -> float:
    """No, all noise of a default connection (G.107 eq. 7-3 to 7-7)."""
    olr = SLR_DB + RLR_DB
    nos = PS_DB - SLR_DB - DS_FACTOR - 100 + 0.004 * (PS_DB - olr - DS_FACTOR - 14) ** 2
    lstr = STMR_DB + DR_FACTOR
    pre = PR_DB + 10 * log10(1 + 10 ** ((10 - lstr) / 10))
    nor = RLR_DB - 121 + pre + 0.008 * (pre - 35) ** 2
    nfo = NFOR_DBMP + RLR_DB
    return 10 * log10(sum(10 ** (n / 10) for n in (NC_DBM0P, nos, nor, nfo)))
