"""Text in, text out: one `check` for every refactoring and every language.

The place is marked with `<>` right before a name, lines to extract stand between `<[` and `]>`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from context.languages import language_of
from context.refactoring import Carried, Kind, Refactoring, Refused, SignatureChange
from context.refactoring.carry import carry_out
from context.refactoring.sources import Sources, by_path, edited
from models.tasks.parameters import read_signature

NOWHERE = Path("/nonexistent")
Files = dict[str, str]


def ask(kind: Kind, files: Files, name: str = "", change: str = "") -> tuple[Sources, Refactoring]:
    """The sources without marks, and what the marks ask for."""
    (path,) = [p for p, text in files.items() if "<>" in text or "<[" in text]
    text = files[path]
    if "<[" in text:
        start = text.index("<[")
        end = text.index("]>") - 2
        text = text.replace("<[", "").replace("]>", "")
    else:
        start = end = text.index("<>")
        text = text.replace("<>", "")
    plain = {**files, path: text}
    languages = {p: language.name for p in plain if (language := language_of(p))}
    signature: SignatureChange | None = read_signature(change) if change else None
    return Sources(NOWHERE, languages, plain), Refactoring(kind, path, start, end, name, signature)


def carried(kind: Kind, files: Files, name: str = "", change: str = "") -> tuple[Carried, Files]:
    """What came of it, and every text afterwards."""
    sources, asked = ask(kind, files, name, change)
    done = carry_out(sources, asked)
    after = {path: sources.text(path) for path in files}
    for path, edits in by_path(done.edits):
        after[path] = edited(after.get(path, ""), edits)
    return done, after


def check(kind: Kind, files: Files, expect: Files, name: str = "", change: str = "") -> Carried:
    """The texts of `expect` afterwards; all others as they were."""
    done, after = carried(kind, files, name, change)
    unmarked = {
        p: t.replace("<>", "").replace("<[", "").replace("]>", "") for p, t in files.items()
    }
    assert after == {**unmarked, **expect}
    return done


def check_refused(kind: Kind, files: Files, reason: str, name: str = "", change: str = "") -> None:
    """Refused with a sentence that holds `reason`."""
    sources, asked = ask(kind, files, name, change)
    with pytest.raises(Refused) as caught:
        carry_out(sources, asked)
    assert reason in str(caught.value), caught.value
