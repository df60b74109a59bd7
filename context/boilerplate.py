"""What an issue form or a tool wrote into a report, and not the person: of no use in a search.

On the development set, leaving this out is worth about a point; lists of installed versions had put
the file that prints them at the top.
"""

from __future__ import annotations

import re

from context.text import split_lines

MAX_LINE = 300  # a longer line is no heading and no version

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_VERSION = re.compile(
    r"^\s*[-*]?\s*\**[\w./ ()-]{1,40}\**\s*(?:[:=]+|\s)\s*\(?v?\d+(?:\.\d+)+\S*.*$"
    r"|^\s*[\w.-]{1,30}:\s*(?:None|unknown|installed|N/A)\s*$"
)
_HEADING = re.compile(
    r"^\s*(?:#{1,6}\s*|\*\*\s*)?(?:steps?\s*(?:/\s*code)?\s*to\s*reproduce.*|to\s*reproduce.*"
    r"|how to reproduce.*"
    r"|(?:describe the|current|actual|expected|observed)\s+(?:bug|behaviou?r|results?|output).*"
    r"|what (?:did|do|version|happened|operating|is the|actually|you expected).*|versions?"
    r"|environment(?: info)?.*|system (?:info|details).*|additional (?:context|information).*"
    r"|description|screenshots?.*|reproduc(?:tion|ible).*|problem description|your project"
    r"|error logs?|link to minimal.*|please (?:describe|provide).*|bug report|anything else.*"
    r"|possible solution|context|checklist.*|issue (?:type|description).*)\s*[:*#?]*\s*$",
    re.IGNORECASE,
)


def without_boilerplate(text: str) -> str:
    """`text` without comments of forms, their headings, and lines that state a version.

    The first line with words in it is a title and always stays.
    """
    kept: list[str] = []
    has_title = False
    for line in split_lines(_COMMENT.sub(" ", text)):
        is_short = len(line) <= MAX_LINE
        if has_title and is_short and (_VERSION.match(line) or _HEADING.match(line)):
            continue
        has_title = has_title or bool(line.strip())
        kept.append(line)
    return "\n".join(kept)
