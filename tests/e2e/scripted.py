"""A workspace and the words of a scripted model, for the editors that have no plugin of ours."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

CALLER = """\
from rates import old_rate


def pay():
    # postil: say rate instead of old_rate everywhere
    smile = "😀"; return old_rate()
"""
RATES = "def old_rate():\n    return 3\n"
REPORT = """\
Traceback (most recent call last):
  File "/srv/shop/caller.py", line 6, in pay
    smile = "😀"; return old_rate()
AssertionError: pay() gives 3, not 4
"""
CAUSE = "The rate in rates.py gives 3."
_THINKING = """\
The report says that `pay` gives 3 where 4 was expected.
`pay` adds nothing of its own: it returns what `old_rate` gives, and before that it only sets
a variable that nobody reads. So the number must come from `old_rate` in rates.py. It has no
argument and no condition; it returns 3 always. `new_rate` is not to be seen.
</think>"""
SIMPLER = """\
def pay():
    # postil: say rate instead of old_rate everywhere
    return old_rate()
```
REASON: Nobody reads the variable.
"""
FIXED = """\
    smile = "😀"; return old_rate() + 1
```
REASON: One more is 4.
"""
BUG = json.dumps(
    {
        "bug": True,
        "file": "F1",
        "first_line": 6,
        "last_line": 6,
        "cause": "It returns the old rate.",
    }
)
EXPLANATION = "It returns what `old_rate` gives, which is 3."
CHANGE = """\
REASON: The function is called rate now, here and where it is called.
FILE: F1
<<<<<<< SEARCH
    smile = "😀"; return old_rate()
=======
    smile = "😀"; return rate()
>>>>>>> REPLACE
FILE: F2
<<<<<<< SEARCH
def old_rate():
=======
def rate():
>>>>>>> REPLACE
"""


def write_workspace(
    folder: Path, *, piece_delay_s: float = 0.0, then: Sequence[str] = (CHANGE,)
) -> str:
    """Files, a report and the model's words in `folder`; the setting `model` for them.

    The words: a finding for the report, `then` (a change of both files, unless told otherwise),
    and explanations.
    """
    folder.mkdir()
    (folder / "caller.py").write_text(CALLER, encoding="utf-8")
    (folder / "rates.py").write_text(RATES, encoding="utf-8")
    (folder / "report.txt").write_text(REPORT, encoding="utf-8")
    finding = {"file": "F1", "first_line": 6, "last_line": 6, "cause": CAUSE}
    said = [json.dumps(finding), *then, *[EXPLANATION] * 5]
    replies = folder.parent / "replies.json"
    words = [part for answer in said for part in (_THINKING, answer)]
    replies.write_text(json.dumps({"replies": words, "piece_delay_s": piece_delay_s}))
    return f"scripted:{replies}"


def postil_on_path(folder: Path) -> str:
    """A PATH whose `postil` is this checkout, as its console script is one."""
    script = folder / "bin" / "postil"
    script.parent.mkdir(exist_ok=True)
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m lsp "$@"\n')
    script.chmod(0o755)
    return os.pathsep.join([str(script.parent), os.environ["PATH"]])


def documented(heading: str, language: str) -> str:
    """The first block in this language under a heading of editors/README.md: what users copy."""
    text = (ROOT / "editors" / "README.md").read_text(encoding="utf-8")
    chapter = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    (block, *_) = re.findall(rf"```{language}\n(.*?)```", chapter, re.DOTALL)
    return str(block)
