"""The reward terms of what is learned: how much the last bars are like a style's music, and how little like a model's.

Both are asked once a bar and for all pieces together, outside compiled code. `rlcompose/learned/judge.py` and
`naturalness.py` beside it say what they are, and what they do not hear (chords, sound). They can be fooled; training
watches for that, and rules and an anchor belong beside them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rlcompose.engine.moments import Moments
from rlcompose.reward import BAR_END, reward_term


@reward_term(at=BAR_END, low=0, high=1, batched=True)
def in_style(
    ms: Moments,
    jazz: float = 0.0,
    chorale: float = 0.0,
    fiddle: float = 0.0,
    german_folk: float = 0.0,
    chinese_folk: float = 0.0,
    renaissance: float = 0.0,
) -> NDArray[np.float64]:
    """1 over the piece's bars, at a bar's end, where the judge takes the last bars for music of the style; 0 where not.

    The logarithm of the judge's probability at each bar's end, 0 at .02 and 1 at the mean of real music, beyond which
    it pays no more; divided by the bars of the piece, so that a whole piece earns 0 to 1. Paid densely because a
    potential would leave all but the last window unjudged. Without parameters it is the environment's own style; with
    shares, `in_style(jazz=0.7, fiddle=0.3)`, a blend, paid best where the probabilities are the shares.

    A piece of 32 bars that is taken for real music at every bar's end gets 1/32 at each; random notes get 0.
    """
    from rlcompose.learned.paying import pay_rows

    blend = {
        "jazz": jazz,
        "chorale": chorale,
        "fiddle": fiddle,
        "german_folk": german_folk,
        "chinese_folk": chinese_folk,
        "renaissance": renaissance,
    }
    return pay_rows(ms, blend)


@reward_term(at=BAR_END, low=-1, high=1, batched=True)
def natural(ms: Moments) -> NDArray[np.float64]:
    """How probable it is that the last 8 bars are real music and not a model's, -1 to 1, over the piece's windows.

    A quarter of the logarithm of the odds, by a naturalness head of the style (`rlcompose/learned/naturalness.py`) that
    knows what the prior plays, and what rewards have made of it; at each bar's end from the eighth bar on, divided by
    how many there are. What gives a prior away is memory and register; the head hears no chords. It can be fooled, as
    every judge, and needs an anchor beside it.

    A piece that cannot be told from real music gets 0 in all; one whose windows are real at odds of 7 to 1, 0.5.
    """
    from rlcompose.learned.paying import natural_rows

    return natural_rows(ms)
