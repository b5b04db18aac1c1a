"""The one split of real music into what learns, what referees and what tests; every model of this package keeps to it.

What must stay together is a family: a jazz performer, a mass or madrigal, a tune with all its versions. Versions are
found by the intervals that tunes share (`experiments/split`); `split.json` lists the families of more than one member
by hash, nothing of the music. The part is a function of the family's hash, so that a performer or a tune that is not in
the list has its part too.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib import resources

JUDGE, REFEREE, TEST = "judge", "referee", "test"
PARTS = {JUDGE: 0.7, REFEREE: 0.15, TEST: 0.15}  # judge and prior learn from the first
SPLIT_FILE = "split.json"
DIGITS = 10  # of a hash
# Whose members are the performer or the work; of the other styles each piece is one.
WHOLE_GROUPS = ("jazz", "renaissance")
SALT = "rlcompose 36"  # chosen so that every part of every style has its share within .03 (`experiments/split`)


def hash_of(text: str) -> str:
    """A hash of ten hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def member_of(style: str, name: str, group: str) -> str:
    """The hash of what is never cut apart: a performer or work, or a piece; `style` is the family of a style."""
    return hash_of(f"{style}/{group if style in WHOLE_GROUPS else name}")


def family_of(style: str, name: str, group: str) -> str:
    """The hash of a piece's family, which is that of its first member."""
    member = member_of(style, name, group)
    return _families().get(member, member)


def part_of(family: str, salt: str = SALT) -> str:
    """The part of the split that a family belongs to: "judge", "referee" or "test"."""
    place = int(hash_of(salt + family), 16) / 16**DIGITS
    for part, share in PARTS.items():
        place -= share
        if place < 0:
            return part
    return TEST


@cache
def _families() -> dict[str, str]:
    text = resources.files("rlcompose.corpus").joinpath(SPLIT_FILE).read_text(encoding="utf-8")
    return {member: family[0] for family in json.loads(text)["families"] for member in family}
