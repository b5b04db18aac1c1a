"""The last steps to a finished sound: silence cut off, -16 LUFS, and no peak above the ceiling, between samples too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
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
LEVEL_BLOCK = 2048  # frames that are looked at between the samples, or not, together
NEAR_PEAK_DB = 2.0  # the same below the loudest sample of a sound that comes nowhere near the ceiling
NEAR_CEILING_DB = 9.0  # how far below the ceiling samples may lie whose neighbourhood is looked at
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


@dataclass(frozen=True, slots=True)
class Mastered:
    """A finished sound: the gain in decibels that it got before limiting, its loudness and its true peak."""

    sound: Stereo
    gain_db: float
    lufs: float
    peak_dbtp: float


def mastered(sound: Stereo, ceiling_dbtp: float = CEILING_DBTP) -> Mastered:
    """The sound at the target loudness under a true-peak ceiling.

    The limiter costs loudness, hence a few rounds. A few bare clicks stay softer: made as loud as music, they would be
    all limiter.
    """
    peak_db = 20 * float(np.log10(np.abs(sound).max()))
    # Measured at full scale: of a very soft sound, much would be under the meter's gate of -70 LUFS.
    lufs = loudness(sound * np.float32(10 ** (-peak_db / 20))) + peak_db
    near_ceiling = ceiling_dbtp - (TARGET_LUFS - lufs) - NEAR_CEILING_DB
    levels = true_levels(sound, 10 ** (min(near_ceiling, peak_db - NEAR_PEAK_DB) / 20))
    top_db = 20 * float(np.log10(levels.max()))
    most = ceiling_dbtp + DEEPEST_LIMITING_DB - top_db
    gain_db = 0.0
    for _ in range(MASTERING_ROUNDS):
        before, gain_db = gain_db, min(gain_db + TARGET_LUFS - lufs, most)
        if top_db + gain_db <= ceiling_dbtp:  # nothing is limited, so the loudness follows the gain
            return Mastered(
                sound * np.float32(10 ** (gain_db / 20)), gain_db, lufs + gain_db - before, top_db + gain_db
            )
        result, peak = _limited(sound, levels, 10 ** (gain_db / 20), 10 ** (ceiling_dbtp / 20))
        lufs = loudness(result)
        if abs(TARGET_LUFS - lufs) <= LOUDNESS_TOLERANCE or gain_db == most:
            break
    return Mastered(result, gain_db, lufs, 20 * float(np.log10(peak)))


def true_levels(sound: Stereo, above: float = 0.0) -> npt.NDArray[np.float32]:
    """The largest absolute value of both channels at each frame and between it and its neighbours, (frames,).

    Between the samples it is only looked where some of them nearby are as loud as `above`.
    """
    levels: npt.NDArray[np.float32] = np.abs(sound).max(axis=1)
    blocks = -(-len(levels) // LEVEL_BLOCK)
    padded = np.pad(levels, (0, blocks * LEVEL_BLOCK - len(levels))).reshape(blocks, LEVEL_BLOCK)
    loud = np.flatnonzero(padded.max(axis=1) >= above)
    for first, last in _runs(loud):
        start, end = max(0, first * LEVEL_BLOCK - TAPS), min(len(sound), (last + 1) * LEVEL_BLOCK + TAPS)
        np.maximum(levels[start:end], _between(sound[start:end]), out=levels[start:end])
    return levels


def _runs(numbers: npt.NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """First and last of the numbers that follow one another."""
    if len(numbers):
        for run in np.split(numbers, np.flatnonzero(np.diff(numbers) > 1) + 1):
            yield int(run[0]), int(run[-1])


def _between(sound: Stereo) -> npt.NDArray[np.float32]:
    """The levels between each frame and its neighbours, by a polyphase filter."""
    from scipy.signal import upfirdn

    levels: npt.NDArray[np.float32] = np.zeros(len(sound), np.float32)
    delay = TAPS // 2 * OVERSAMPLING  # the filter's, in oversampled frames
    for channel in range(2):
        # Copied because upfirdn reads one channel many times.
        raised = np.abs(upfirdn(_kernel(), np.ascontiguousarray(sound[:, channel]), up=OVERSAMPLING))[delay:]
        between = raised[: len(sound) * OVERSAMPLING].reshape(-1, OVERSAMPLING).max(axis=1)
        np.maximum(levels, between, out=levels)
        np.maximum(levels[1:], between[:-1], out=levels[1:])
    return levels


@cache
def _kernel() -> npt.NDArray[np.float32]:
    """The interpolating filter: a windowed sinc."""
    from scipy.signal import firwin

    taps = firwin(OVERSAMPLING * TAPS + 1, 1.0 / OVERSAMPLING, window=("kaiser", 6.0)) * OVERSAMPLING
    return np.asarray(taps, np.float32)


def _limited(sound: Stereo, levels: npt.NDArray[np.float32], gain: float, ceiling: float) -> tuple[Stereo, float]:
    """The sound times a gain, with the smallest one needed where it would pass the ceiling, and its true peak."""
    from scipy.ndimage import minimum_filter1d, uniform_filter1d

    louder = levels * np.float32(gain)
    needed = np.float32(ceiling) / np.maximum(louder, np.float32(ceiling))
    frames = round(LIMITER_SECONDS * SAMPLE_RATE)
    smooth = uniform_filter1d(minimum_filter1d(needed, frames).astype(np.float64), frames).astype(np.float32)
    return sound * (smooth * np.float32(gain))[:, None], float((louder * smooth).max())


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
