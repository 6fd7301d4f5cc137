"""PLCMOS v2: a network trained on how people rated concealed losses. It hears no reference.

Diener et al., "PLCMOS - a data-driven non-intrusive metric for the evaluation of packet loss
concealment algorithms", Interspeech 2023; PyPI `speechmos`, weights in the wheel. Each figure is
the mean over 15 random raters, who are drawn anew by the package and from one seed here.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from lab.lazy import Lazy
from lab.measure.opinion import Opinion, Pair

SEED = 2305
"""One for every recording: the same raters listen to all of them."""


def rate(pair: Pair) -> float:
    """PLCMOS of the stretch that was heard, 1 to 5: as the package's `get_mos`, but for chance."""
    import numpy as np  # noqa: PLC0415 - help and lists need none

    model, raters = _model(), np.random.RandomState(SEED)
    features = model.stft_transform(np.clip(pair.heard, -1.0, 1.0)).astype(np.float32)[None, None]
    said = [
        model.session.run(
            None,
            {
                "degraded_audio": features,
                "rater_embed": raters.normal(size=(1, 64)).astype(np.float32),
            },
        )[0].item()
        for _ in range(model.embed_rounds)
    ]
    return float(np.mean(said))


@cache
def _model() -> Any:
    from speechmos.plcmos import PLCMOS  # noqa: PLC0415 - loads onnxruntime

    return PLCMOS()


OPINION = Opinion(
    name="plcmos",
    title="PLCMOS",
    description="PLCMOS v2, without a reference, trained on concealed losses; 3 s of CPU per 30 s",
    position=30,
    tolerance=0.15,
    packages=("speechmos", "onnxruntime"),
    modules=("speechmos", "onnxruntime"),
    rate=Lazy(__name__, "rate"),
)
