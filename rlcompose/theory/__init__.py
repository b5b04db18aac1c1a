"""Pitches, metres, keys, chords and progressions: tables with their sources and pure functions on ints."""
