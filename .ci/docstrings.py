"""How docstrings become pages: lines such as `bars      length of the piece`, a name and its meaning, become a list."""

from __future__ import annotations

import re
from typing import Any

import griffe

# A name (or several), two spaces or more, a meaning; the lines that go on with it are indented as far as the meaning.
_ROW = re.compile(r"(?P<name>[\w`*][\w`*, ]*?)(?P<gap> {2,})(?P<meaning>\S.*)")


class NamesAndMeanings(griffe.Extension):
    """Rewrites the docstring of everything that is documented."""

    def on_instance(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Called for every module, class, function and attribute."""
        if obj.docstring is not None:
            obj.docstring.value = listed(obj.docstring.value)


def listed(text: str) -> str:
    """The text with every run of such lines as a Markdown list."""
    lines: list[str] = []
    column = -1  # where the present row's meaning begins; -1 outside of a run
    for line in text.splitlines():
        found = _ROW.fullmatch(line)
        if found and not line.startswith("|"):
            if column < 0:
                lines.append("")
            lines.append(f"- `{found['name'].strip('`')}`: {found['meaning']}")
            column = found.start("meaning")
        elif column > 0 and line.strip() and len(line) - len(line.lstrip()) == column:
            lines[-1] += " " + line.strip()
        else:
            if column >= 0 and line.strip():
                lines.append("")
            column = -1
            lines.append(line)
    return "\n".join(lines)
