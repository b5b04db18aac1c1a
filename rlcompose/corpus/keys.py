"""The key of a melody that does not name one, by how long each pitch class sounds."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from rlcompose.theory.key import Key

# Probe-tone ratings of the twelve pitch classes above the tonic: Krumhansl & Kessler 1982, "Tracing the dynamic changes
# in perceived tonal organization in a spatial representation of musical keys", Psychological Review 89(4), 334-368.
PROFILES = {
    "major": (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    "minor": (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
}


def estimate_key(notes: Iterable[tuple[int, float]]) -> Key:
    """The major or minor key whose profile correlates best with these notes, given as (MIDI pitch, length).

    The method is Krumhansl's and Schmuckler's. Where every key fits alike, as with no notes, it is C major.

    >>> estimate_key([(62, 4), (65, 2), (69, 2), (73, 1), (62, 4)]).name
    'D minor'
    """
    lengths = np.zeros(12)
    for pitch, length in notes:
        lengths[pitch % 12] += float(length)
    if lengths.std() == 0:
        return Key(0, "major")
    fits = {
        (tonic, mode): float(np.corrcoef(np.roll(profile, tonic), lengths)[0, 1])
        for mode, profile in PROFILES.items()
        for tonic in range(12)
    }
    return Key(*max(fits, key=lambda key: fits[key]))
