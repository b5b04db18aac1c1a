"""The last steps to a finished sound: silence cut off, -16 LUFS, and no peak above the ceiling, between samples too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rlcompose.errors import missing_extra

Stereo = npt.NDArray[np.float32]  # shape (frames, 2), left and right, full scale at 1.0

SAMPLE_RATE = 44_100
TARGET_LUFS = -16.0
LOUDNESS_TOLERANCE = 0.1  # LU, of the mastering loop
MASTERING_ROUNDS = 6
CEILING_DBTP = -1.1  # the true peak is allowed -1.0
LOSSY_CEILING_DBTP = -1.8  # what a coder leaves out lifts peaks by up to a decibel
DEEPEST_LIMITING_DB = 15.0
LIMITER_SECONDS = 0.02  # look-ahead and release; shorter ones distort bass notes
OVERSAMPLING = 4  # ITU-R BS.1770-4, annex 2: the true peak is read between the samples
TAPS = 12  # of each of the filter's phases, as there
SHORTEST_SECONDS = 0.5  # the loudness of less than 0.4 s is not defined
TAIL_END_DB = -70.0  # re peak
LEAD_END_DB = -50.0  # re peak; where the first sound is taken to begin
LEAD_SECONDS = 0.05  # kept before it
FADE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Cut:
    """Which frames of a raw sound are kept: from `first` up to `end`, with silence after it up to `frames`."""

    first: int
    end: int
    frames: int

    @property
    def lead_seconds(self) -> float:
        """How much was cut off before the first sound."""
        return self.first / SAMPLE_RATE


def find_cut(sound: Stereo) -> Cut:
    """Without the silence around a sound that is not silent."""
    level = np.abs(sound).max(axis=1)
    peak = level.max()
    first = max(0, int(np.argmax(level > peak * 10 ** (LEAD_END_DB / 20))) - round(LEAD_SECONDS * SAMPLE_RATE))
    last = int(np.flatnonzero(level > peak * 10 ** (TAIL_END_DB / 20))[-1])
    end = min(len(sound), last + 1 + round(FADE_SECONDS * SAMPLE_RATE))
    return Cut(first, end, max(end - first, round(SHORTEST_SECONDS * SAMPLE_RATE)))


def apply_cut(sound: Stereo, cut: Cut) -> Stereo:
    """The frames of a cut, faded out at the end."""
    kept = sound[cut.first : cut.end]
    result: Stereo = np.zeros((cut.frames, 2), np.float32)
    result[: len(kept)] = kept
    fade = round(FADE_SECONDS * SAMPLE_RATE)
    result[-fade:] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)[:, None]
    return result


def mastered(sound: Stereo, ceiling_dbtp: float = CEILING_DBTP) -> tuple[Stereo, float]:
    """The sound at the target loudness under a true-peak ceiling, and the gain in decibels that it got before limiting.

    The limiter costs loudness, hence a few rounds. A few bare clicks stay softer: made as loud as music, they would be
    all limiter.
    """
    levels = true_levels(sound)
    top = float(levels.max())
    most = ceiling_dbtp + DEEPEST_LIMITING_DB - 20 * np.log10(top)
    gain_db = 0.0
    # Measured at full scale: of a very soft sound, much would be under the meter's gate of -70 LUFS.
    missing = TARGET_LUFS - loudness(sound * np.float32(1 / top)) - 20 * np.log10(top)
    result = sound
    for _ in range(MASTERING_ROUNDS):
        gain_db = min(gain_db + missing, most)
        result = _limited(sound, levels, 10 ** (gain_db / 20), 10 ** (ceiling_dbtp / 20))
        if top * 10 ** (gain_db / 20) <= 10 ** (ceiling_dbtp / 20):
            break  # nothing was limited, so the loudness is what was asked for
        missing = TARGET_LUFS - loudness(result)
        if abs(missing) <= LOUDNESS_TOLERANCE:
            break
    return result, gain_db


def true_levels(sound: Stereo) -> npt.NDArray[np.float32]:
    """The largest absolute value of both channels at each frame and between it and its neighbours, (frames,)."""
    from scipy.signal import firwin, upfirdn

    length = OVERSAMPLING * TAPS
    kernel = (firwin(length + 1, 1.0 / OVERSAMPLING, window=("kaiser", 6.0)) * OVERSAMPLING).astype(np.float32)
    levels: npt.NDArray[np.float32] = np.abs(sound).max(axis=1)
    half = length // 2 // OVERSAMPLING  # the filter's delay in frames
    for channel in range(2):
        # Copied because upfirdn reads one channel many times.
        raised = np.abs(upfirdn(kernel, np.ascontiguousarray(sound[:, channel]), up=OVERSAMPLING))
        usable = raised[half * OVERSAMPLING :][: len(sound) * OVERSAMPLING]
        usable = np.pad(usable, (0, len(sound) * OVERSAMPLING - len(usable))).reshape(-1, OVERSAMPLING)
        between = usable.max(axis=1)
        np.maximum(levels, between, out=levels)
        np.maximum(levels[1:], between[:-1], out=levels[1:])
    return levels


def true_peak(sound: Stereo) -> float:
    """The largest true level of a sound, 0 for silence."""
    return float(true_levels(sound).max(initial=0.0))


def _limited(sound: Stereo, levels: npt.NDArray[np.float32], gain: float, ceiling: float) -> Stereo:
    """The sound times a gain; where its level would pass the ceiling, the smallest gain needed nearby, smoothed."""
    from scipy.ndimage import minimum_filter1d, uniform_filter1d

    louder: Stereo = sound * np.float32(gain)
    if levels.max() * gain <= ceiling:
        return louder
    needed = ceiling / np.maximum(levels * np.float32(gain), np.float32(ceiling))
    frames = round(LIMITER_SECONDS * SAMPLE_RATE)
    smooth = uniform_filter1d(minimum_filter1d(needed.astype(np.float64), frames), frames).astype(np.float32)
    louder *= smooth[:, None]
    return louder


def loudness(sound: Stereo) -> float:
    """Integrated loudness in LUFS after ITU-R BS.1770-4; -inf for silence."""
    return float(pyloudnorm_module().Meter(SAMPLE_RATE).integrated_loudness(sound))


def pyloudnorm_module() -> Any:
    """The package pyloudnorm, imported late."""
    try:
        import pyloudnorm
    except ImportError as error:
        raise missing_extra("pyloudnorm", "audio") from error
    return pyloudnorm
