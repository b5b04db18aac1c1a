"""Who is in the band, and what each has on the page."""

from __future__ import annotations

from collections.abc import Iterable

from rlcompose.arrange.arrangement import DRUM_CHANNEL, Cue, Line, Role
from rlcompose.arrange.groove import Groove, choose_groove, load_groove
from rlcompose.arrange.players import find_player
from rlcompose.arrange.players.kit import sticks
from rlcompose.arrange.playing import Playing
from rlcompose.arrange.sheet import Sheet
from rlcompose.errors import RlcomposeError
from rlcompose.score import Band, Composition
from rlcompose.style import load_style, style_names, variant_names

MELODY_VELOCITY = 96
HIGHEST_PITCH = 127
COUNT_IN = "count-in"  # the part that counts in
# General MIDI programs, counted from 0.
PIANO, STEEL_GUITAR, ACOUSTIC_BASS = 0, 25, 32


def arrange(sheet: Sheet, playing: Playing) -> tuple[Line, ...]:
    """The line of each player, the melody's first; a player who has nothing to play has an empty line."""
    melody = tuple(Cue(note.onset, note.pitch, note.ticks, MELODY_VELOCITY) for note in sheet.music.notes)
    lines = [Line("melody", Role.MELODY, sheet.music.instrument, 0, melody)]
    band = band_of(sheet.music)
    plans = () if playing.melody_only else _groove(sheet.music, band, playing).parts
    programs = {"chords": band.chords, "bass": band.bass}
    channels = (channel for channel in range(1, 16) if channel != DRUM_CHANNEL)
    for plan in plans:
        player = find_player(plan.player)
        cues = _in_order(player.play(sheet, sheet.dice(plan.name), **plan.settings))
        for cue in cues:
            if not 0 <= cue.pitch <= HIGHEST_PITCH:
                raise RlcomposeError(
                    f"the part {plan.name!r} comes to pitch {cue.pitch}: MIDI has 0 to {HIGHEST_PITCH}"
                )
        channel = DRUM_CHANNEL if player.role is Role.DRUMS else next(channels)
        program = programs[plan.program] if isinstance(plan.program, str) else plan.program
        lines.append(Line(plan.name, player.role, program, channel, cues))
    if sheet.clicks:
        kit = next((line.program for line in lines if line.role is Role.DRUMS), 0)
        lines.append(Line(COUNT_IN, Role.DRUMS, kit, DRUM_CHANNEL, tuple(sticks(sheet))))
    return tuple(lines)


def _in_order(cues: Iterable[Cue]) -> tuple[Cue, ...]:
    """By onset; of a pitch that is struck again while it sounds, the first note ends there."""
    ordered = sorted(cues)
    following: dict[int, int] = {}
    cut: list[Cue] = []
    for cue in reversed(ordered):
        end = min(cue.end, following.get(cue.pitch, cue.end))
        if end > cue.onset:  # of two at one place, the longer stays
            cut.append(Cue(cue.onset, cue.pitch, end - cue.onset, cue.velocity))
            following[cue.pitch] = cue.onset
    return tuple(reversed(cut))


def _groove(music: Composition, band: Band, playing: Playing) -> Groove:
    """The groove that was asked for, or the one for the piece."""
    return choose_groove(music, band.family) if playing.groove is None else load_groove(playing.groove)


def band_of(composition: Composition) -> Band:
    """The composition's band; without one that of the shipped style of its name, else a piano or guitar, and a bass."""
    if composition.band is not None:
        return composition.band
    if composition.style in (*style_names(), *variant_names()):
        style = load_style(composition.style)
        return Band(style.family, style.instruments["chords"], style.instruments["bass"])
    return Band("jazz", PIANO, ACOUSTIC_BASS) if composition.swing else Band("fiddle", STEEL_GUITAR, ACOUSTIC_BASS)
