"""PESQ: the studies' measure, with every call (`lab.measure.pesq_score`)."""

from __future__ import annotations

from lab.measure.opinion import Opinion

OPINION = Opinion(
    name="pesq",
    title="PESQ",
    description="ITU-T P.862 with P.862.1, narrow-band MOS-LQO; comes with every call",
    position=10,
    tolerance=0.1,
    value_column="{end}_pesq_mos",
    ceiling_column="pesq_ceiling_mos",
)
