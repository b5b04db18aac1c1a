"""A piece that can be read, and the account of those that could not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from rlcompose.corpus.written import WrittenTune
from rlcompose.score import Composition


@dataclass(frozen=True, slots=True)
class Entry:
    """A piece of a corpus that has not been read yet.

    name      where it stands: file, and the number in it
    group     what a split into training and test must keep together: the performer, the tune's title, the work
    licence   a line on the terms of the source
    read      gives the piece as it is written, or as a composition where the source is one already; raises
              `RlcomposeError` with the reason when it cannot
    year      of the recording; 0 where the source does not tell
    """

    name: str
    group: str
    licence: str
    read: Callable[[], WrittenTune | Composition]
    year: int = 0


@dataclass(frozen=True, slots=True)
class SourcePiece:
    """A piece of a corpus as a composition of a style; the other fields are those of its entry.

    lost   how many notes of the source fell on the tick of another one, or could not be told from it
    """

    composition: Composition
    name: str
    group: str
    licence: str
    lost: int = 0
    year: int = 0


@dataclass(frozen=True, slots=True)
class Skipped:
    """A piece that was left out, and why."""

    name: str
    reason: str


@dataclass(slots=True)
class Report:
    """What became of a corpus so far: how many pieces were read, and those that were skipped, with the reason."""

    read: int = 0
    skipped: list[Skipped] = field(default_factory=list)

    def skip(self, name: str, reason: str) -> None:
        """Note a piece that is left out."""
        self.skipped.append(Skipped(name, reason))

    @property
    def reasons(self) -> Counter[str]:
        """How often each reason occurred; numbers and what follows a colon are left out, so that like goes to like."""
        return Counter(skipped.reason.partition(":")[0] for skipped in self.skipped)
