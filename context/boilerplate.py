"""What an issue form or a tool wrote into a report, and not the person: of no use in a search.

On the development set, leaving this out is worth about a point; lists of installed versions had put
the file that prints them at the top.
"""

from __future__ import annotations

import re

from context.text import split_lines

MAX_LINE = 300  # a longer line is no heading and no version

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
# Both match a line whose runs of spaces are one space: several patterns of spaces beside each other
# would try every way to share a long run out.
_VERSION = re.compile(
    r"^(?:[-*] ?)?\**[\w./ ()-]{1,40}\** ?(?:[:=]+| ) ?\(?v?\d+(?:\.\d+)+"
    r"|^[\w.-]{1,30}: ?(?:None|unknown|installed|N/A)$"
)
_HEADING = re.compile(
    r"^(?:#{1,6} ?|\*\* ?)?(?:steps? ?(?:/ ?code)? ?to ?reproduce.*|to ?reproduce.*"
    r"|how to reproduce.*"
    r"|(?:describe the|current|actual|expected|observed) (?:bug|behaviou?r|results?|output).*"
    r"|what (?:did|do|version|happened|operating|is the|actually|you expected).*|versions?"
    r"|environment(?: info)?.*|system (?:info|details).*|additional (?:context|information).*"
    r"|description|screenshots?.*|reproduc(?:tion|ible).*|problem description|your project"
    r"|error logs?|link to minimal.*|please (?:describe|provide).*|bug report|anything else.*"
    r"|possible solution|context|checklist.*|issue (?:type|description).*) ?[:*#?]* ?$",
    re.IGNORECASE,
)


def without_boilerplate(text: str) -> str:
    """`text` without comments of forms, their headings, and lines that state a version.

    The first line with words in it is a title and always stays.
    """
    kept: list[str] = []
    has_title = False
    for line in split_lines(_COMMENT.sub(" ", text)):
        if has_title and len(line) <= MAX_LINE:
            spaced = " ".join(line.split())
            if _VERSION.match(spaced) or _HEADING.match(spaced):
                continue
        has_title = has_title or bool(line.strip())
        kept.append(line)
    return "\n".join(kept)
