"""What can go wrong between a workspace and its index, a class per way of reacting.

ContextError            its text is one sentence for the user
├── NoWorkspace         the folder is not there or is no folder: name another
├── NoSuchPlace         the file or the lines are not there: name others
├── Refused             a refactoring that cannot be done exactly (context/refactoring)
├── NothingToMeasure    no past fix to measure with
├── HistoryUnreadable   git is missing or failed: what is known of the past is kept
├── IndexUnavailable    the index cannot be written: say where and why
└── ParserUnavailable   the parsing process cannot be started or keeps dying
"""

from __future__ import annotations


class ContextError(Exception):
    """Base; the text says what failed and what to do."""


class NoWorkspace(ContextError):
    pass


class NoSuchPlace(ContextError):
    pass


class IndexUnavailable(ContextError):
    pass


class ParserUnavailable(ContextError):
    pass


class HistoryUnreadable(ContextError):
    pass


class NothingToMeasure(ContextError):
    pass
